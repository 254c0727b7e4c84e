"""Write a token shard, byte-identical to megatron-core's IndexedDatasetBuilder with one sequence per document."""

from __future__ import annotations

from array import array
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import atomic_writer, naming_full_disk
from mathcode_data.shards.format import HEADER, MAGIC, MAX_SEQUENCE_TOKENS, TOKEN_CODES, VERSION, bin_path, idx_path

INDEX_BLOCK = 1 << 20
"""Sequences whose index entries are made at a time."""


class _AbandonedError(Exception):
    """Makes atomic_writer remove its temporary file."""


class ShardWriter:
    """Writes `PREFIX.bin` and `PREFIX.idx`; both names appear only when `close` succeeds, the `.idx` last.

    As a context manager it closes on success and leaves nothing behind on an error. A shard without a token is refused:
    an empty `.bin` cannot be memory mapped, by Megatron or by anyone. Memory: 4 bytes per document.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, ShardWriter(Path(folder, "code-00000"), np.uint16) as writer:
    ...     writer.add(np.array([5, 6, 7]))
    ...     writer.add_many(np.array([1, 2, 3]), np.array([2, 1]))
    ...     writer.num_documents, writer.num_tokens
    (3, 6)
    """

    def __init__(self, prefix: Path, dtype: DTypeLike) -> None:
        """Start a shard whose tokens are stored as `dtype` (see `token_dtype`)."""
        self.prefix = prefix
        self.dtype = np.dtype(dtype)
        if self.dtype.name not in TOKEN_CODES:
            raise ConfigError(f"{prefix}: tokens cannot be stored as {self.dtype}; the format knows {', '.join(TOKEN_CODES)}")
        limits = np.iinfo(self.dtype)
        self._max_id = int(limits.max)
        self._stored = self.dtype.newbyteorder("<")
        self._lengths = array("i")
        self._num_tokens = 0
        self._stack = ExitStack()
        self._file: IO[bytes] = self._stack.enter_context(atomic_writer(bin_path(prefix)))
        self._is_open = True

    @property
    def num_documents(self) -> int:
        """Documents added so far."""
        return len(self._lengths)

    @property
    def num_tokens(self) -> int:
        """Tokens added so far."""
        return self._num_tokens

    def add(self, ids: ArrayLike) -> None:
        """Add one document.

        Raises:
            DataError: an id is negative or does not fit the dtype, or the document has more than 2**31 - 1 tokens.
        """
        tokens = np.atleast_1d(np.asarray(ids))
        self.add_many(tokens, np.array([tokens.size], dtype=np.int64))

    def add_many(self, flat_ids: ArrayLike, lengths: ArrayLike) -> None:
        """Add documents that lie one after the other in `flat_ids`; `lengths` counts the tokens of each.

        Raises:
            DataError: as for `add`; or the lengths do not add up to the number of ids.
        """
        tokens, sizes = np.asarray(flat_ids), np.asarray(lengths)
        self._check_lengths(tokens, sizes)
        self._check_ids(tokens)
        with naming_full_disk(bin_path(self.prefix)):
            self._file.write(np.ascontiguousarray(tokens, dtype=self._stored).data)
        self._lengths.frombytes(np.ascontiguousarray(sizes, dtype=np.intc).tobytes())
        self._num_tokens += tokens.size

    def _check_lengths(self, tokens: NDArray[Any], sizes: NDArray[Any]) -> None:
        if not self._is_open:
            raise DataError(f"{self.prefix}: the shard is closed; documents can no longer be added")
        if tokens.ndim != 1 or sizes.ndim != 1 or (sizes.size and sizes.dtype.kind not in "iu"):
            raise DataError(
                f"{self.prefix}: ids of shape {tokens.shape} and lengths {sizes.dtype}{sizes.shape}; "
                "give flat ids and one whole number per document"
            )
        total = int(sizes.sum(dtype=np.int64))
        if total != tokens.size or (sizes.size and (int(sizes.min()) < 0 or int(sizes.max()) > MAX_SEQUENCE_TOKENS)):
            raise DataError(
                f"{self.prefix}: after document {self.num_documents}: {tokens.size:,} ids for lengths that sum to {total:,}; "
                f"they must agree, and each length lie in 0..{MAX_SEQUENCE_TOKENS:,}"
            )

    def _check_ids(self, tokens: NDArray[Any]) -> None:
        if not tokens.size or (tokens.dtype == self.dtype and self.dtype.kind == "u"):
            return  # nothing is cast, nothing can be negative
        if tokens.dtype.kind not in "iu":
            raise DataError(f"{self.prefix}: after document {self.num_documents}: ids are {tokens.dtype}; token ids are whole numbers")
        low, high = int(tokens.min()), int(tokens.max())
        if low < 0 or high > self._max_id:
            found = low if low < 0 else high
            at = int(np.flatnonzero(tokens == found)[0])
            raise DataError(
                f"{self.prefix}: token {at} of the documents after document {self.num_documents}: id {found} is outside "
                f"0..{self._max_id:,} of {self.dtype}; store this vocabulary as token_dtype(max_id)"
            )

    def close(self) -> None:
        """Finish both files.

        Raises:
            DataError: no token was added; nothing is left behind.
            ResourceError: the disk is full; nothing is left behind.
        """
        if not self._is_open:
            return
        if not self._num_tokens:
            self.abort()
            raise DataError(f"{self.prefix}: no token to write; an empty .bin cannot be mapped, leave the shard out")
        self._is_open = False
        # an .idx of an earlier pair must not stand beside a new .bin, even for a moment
        idx_path(self.prefix).unlink(missing_ok=True)
        self._stack.close()
        with atomic_writer(idx_path(self.prefix)) as file:
            self._write_index(file)

    def abort(self) -> None:
        """Give the shard up: no file is left behind."""
        if not self._is_open:
            return
        self._is_open = False
        with suppress(_AbandonedError), self._stack:
            raise _AbandonedError(f"{self.prefix}: the shard was given up; its temporary file goes")

    def _write_index(self, file: IO[bytes]) -> None:
        lengths = np.frombuffer(self._lengths, dtype=np.intc)
        file.write(HEADER.pack(MAGIC, VERSION, TOKEN_CODES[self.dtype.name], lengths.size, lengths.size + 1))
        for first in range(0, lengths.size, INDEX_BLOCK):
            file.write(lengths[first : first + INDEX_BLOCK].astype("<i4").data)
        end = 0
        for first in range(0, lengths.size, INDEX_BLOCK):
            sizes = lengths[first : first + INDEX_BLOCK].astype(np.int64) * self.dtype.itemsize
            ends = end + np.cumsum(sizes, dtype=np.int64)
            file.write((ends - sizes).astype("<i8").data)
            end = int(ends[-1])
        for first in range(0, lengths.size + 1, INDEX_BLOCK):
            file.write(np.arange(first, min(first + INDEX_BLOCK, lengths.size + 1), dtype="<i8").data)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
