"""Read a token shard by memory map: documents, flat token positions, and which document a position lies in."""

from __future__ import annotations

import mmap
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.shards.block_cache import BlockCache, RemoteFile
from mathcode_data.shards.block_checks import BlockChecks
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.index import Index, read_index
from mathcode_data.shards.remote import Place, RemotePath
from mathcode_data.shards.token_bytes import LocalBytes, RemoteBytes, TokenBytes, map_file

Tokens = NDArray[np.signedinteger | np.unsignedinteger]

FEW_DOCUMENTS = 256
"""So many documents of a window are compared as Python integers, which costs less than the calls of numpy."""


class TokenShard:
    """A `.bin/.idx` pair, checked before it is mapped. Positions count tokens from the start of the `.bin`.

    Arrays that it gives out are read-only views of a map, which lives as long as they do. Those of the `.idx` are not
    aligned (the format packs them): numpy's searchsorted copies such an array whole at each call, `bisect` does not.

    `tokens` gives views and suits reading in order. For windows in random order take `prefetch` and `read_into`: page
    faults of a map make the kernel read ahead (3.5 ms for a cold window of 16 KB, against 0.1 ms), and a file that is cut
    while it is mapped kills the process, where `read_into` raises. Two or three file descriptors stay open until `close`.

    Of a shard behind a URL the `.idx` is read once, whole, and kept (20 bytes per document); tokens come by byte ranges
    through a cache of blocks.
    """

    def __init__(
        self,
        prefix: Place,
        *,
        index: Index | None = None,
        deep: bool = True,
        cache: BlockCache | None = None,
        checks: BlockChecks | None = None,
    ) -> None:
        """Open and check a shard.

        Args:
            prefix: path without `.bin` or `.idx`.
            index: what `read_index` said of this shard before; then only header and sizes are checked again.
            deep: check every length, pointer and document edge; not needed of a shard whose identity was checked.
            cache: where blocks of a remote shard are kept; one of its own if absent.
            checks: block hashes of the `.bin`, compared as tokens are read; none if absent.

        Raises:
            DataError: file and byte offset, what stands there and what should; or the shard is not the one in `index`.
        """
        self.prefix = cast(Path, prefix)
        """As it was given: a Path, or a RemotePath, which has the same words."""
        self.checks = checks
        content = idx_path(prefix).read_bytes() if isinstance(prefix, RemotePath) else None
        found = read_index(prefix, deep=deep and index is None, content=content)
        self.index = found if index is None else self._same(found, index)
        self.data: TokenBytes
        """The bytes of the `.bin`."""
        if isinstance(prefix, RemotePath):
            self.data = RemoteBytes(bin_path(prefix), self.index.bin_bytes, BlockCache() if cache is None else cache)
        else:
            self.data = LocalBytes(bin_path(prefix), self.index.bin_bytes)
        raw_index = map_file(idx_path(self.prefix), self.index.idx_bytes) if content is None else content
        layout = self.index.layout
        self.lengths: NDArray[np.int32] = np.frombuffer(raw_index, "<i4", layout.num_sequences, layout.lengths)
        """Tokens of each sequence."""
        self.pointers: NDArray[np.int64] = np.frombuffer(raw_index, "<i8", layout.num_sequences, layout.pointers)
        """First byte of each sequence in the `.bin`."""
        self.document_index: NDArray[np.int64] = np.frombuffer(raw_index, "<i8", layout.num_document_indices, layout.document_index)
        """Document d is the sequences document_index[d] to document_index[d + 1] - 1."""
        self._pointers = _integers(raw_index, layout.pointers, self.pointers)
        self._edges = _integers(raw_index, layout.document_index, self.document_index)

    @staticmethod
    def _same(found: Index, known: Index) -> Index:
        if (found.dtype, found.layout, found.idx_bytes, found.bin_bytes) != (known.dtype, known.layout, known.idx_bytes, known.bin_bytes):
            raise DataError(
                f"{found.prefix}: was {known.bin_bytes:,} + {known.idx_bytes:,} bytes when it was checked, is {found.bin_bytes:,} + "
                f"{found.idx_bytes:,} now; somebody writes here, build again when the shard is finished"
            )
        return known

    @property
    def dtype(self) -> np.dtype[np.signedinteger | np.unsignedinteger]:
        """Type of the tokens."""
        return self.index.dtype

    @property
    def num_tokens(self) -> int:
        """Tokens in the `.bin`."""
        return self.index.num_tokens

    @property
    def num_sequences(self) -> int:
        """Sequences; ours have one per document."""
        return self.index.layout.num_sequences

    @property
    def num_documents(self) -> int:
        """Documents."""
        return self.index.layout.num_document_indices - 1

    @property
    def is_contiguous(self) -> bool:
        """Whether the sequences lie one after the other in the `.bin`; windows need it."""
        return self.index.is_contiguous

    def tokens(self, start: int, stop: int) -> Tokens:
        """View of the tokens at positions start..stop-1, across document edges.

        Raises:
            DataError: the file was cut while it is open (reading on would kill the process), or the span is outside it.
        """
        self._check_span(start, stop)
        item = self.dtype.itemsize
        if self.checks is not None:
            self.checks.before_read(self.data, start * item, stop * item)
        return self.data.array(self.index.dtype, start * item, stop * item)

    def prefetch(self, start: int, stop: int) -> None:
        """Tell the system that start..stop-1 will be read soon; it fetches several spans at a time. Returns at once."""
        self._check_span(start, stop)
        item = self.dtype.itemsize
        self.data.prefetch(start * item, stop * item)

    def read_into(self, out: Tokens, start: int) -> None:
        """Fill a contiguous array of the shard's dtype with the tokens from `start` on: the one copy from the file.

        Raises:
            DataError: the file was cut while it is open, or the span is outside it.
            VerificationError: a block that was due for a check was changed.
        """
        self._check_span(start, start + out.size)
        if out.dtype != self.dtype:
            raise DataError(f"{bin_path(self.prefix)}: {self.dtype} tokens cannot be read into an array of {out.dtype}")
        content, offset = out.data.cast("B"), start * self.dtype.itemsize
        if self.checks is not None:
            self.checks.before_read(self.data, offset, offset + len(content))
        self.data.read_into(content, offset)

    def _check_span(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.num_tokens:
            raise DataError(f"{bin_path(self.prefix)}: tokens {start:,}..{stop:,} of {self.num_tokens:,}; positions lie within the shard")

    def document(self, document: int) -> Tokens:
        """View of one document's tokens (a copy if its sequences do not lie one after the other)."""
        if not 0 <= document < self.num_documents:
            raise DataError(f"{idx_path(self.prefix)}: document {document:,} of {self.num_documents:,}; numbers begin at 0")
        first, end = int(self.document_index[document]), int(self.document_index[document + 1])
        if first == end:
            return self.tokens(0, 0)
        item = self.dtype.itemsize
        starts = [int(pointer) // item for pointer in self.pointers[first:end]]
        stops = [start + int(length) for start, length in zip(starts, self.lengths[first:end], strict=True)]
        if self.is_contiguous or starts[1:] == stops[:-1]:
            return self.tokens(starts[0], stops[-1])
        return cast(Tokens, np.concatenate([self.tokens(start, stop) for start, stop in zip(starts, stops, strict=True)]))

    def document_start(self, document: int) -> int:
        """Position of a document's first token; `num_tokens` for the edge after the last one."""
        self._need_contiguous("document positions")
        sequence = int(self.document_index[document])
        return int(self.pointers[sequence]) // self.dtype.itemsize if sequence < self.num_sequences else self.num_tokens

    def document_of(self, positions: ArrayLike) -> NDArray[np.int64]:
        """Number of the document that each position lies in (the last of several that begin there: empty ones hold no token).

        Raises:
            DataError: a position is outside the shard, or its sequences are not contiguous.
        """
        self._need_contiguous("document numbers")
        wanted = np.asarray(positions, dtype=np.int64)
        if wanted.size and (int(wanted.min()) < 0 or int(wanted.max()) >= self.num_tokens):
            raise DataError(f"{self.prefix}: position {int(wanted.min()):,} or {int(wanted.max()):,} is outside 0..{self.num_tokens - 1:,}")
        sequences = _search_right(self.pointers, wanted.ravel() * self.dtype.itemsize) - 1
        return (_search_right(self.document_index, sequences) - 1).reshape(wanted.shape)

    def boundaries(self, start: int, stop: int) -> NDArray[np.int64]:
        """Offsets from `start` at which a document begins within start..stop-1, each once, ascending.

        0 is among them only if a document really begins at `start`; a document without tokens begins nowhere.
        """
        if not self.is_contiguous:
            self._need_contiguous("document boundaries")
        item = self.dtype.itemsize
        pointers, count = self._pointers, self.num_sequences
        first = bisect_left(pointers, start * item)
        near = 64  # a window holds few documents, so the second search begins near the first
        while first + near < count and pointers[first + near] < stop * item:
            near *= 4
        last = bisect_left(pointers, stop * item, first, min(first + near, count))
        if last - first <= FEW_DOCUMENTS and self._edges[first:last].tolist() == list(range(first, last)):
            few = [pointer // item - start for pointer in pointers[first:last].tolist()]  # one sequence per document up to here
            return np.array(few if all(map(int.__lt__, few, few[1:])) else sorted(set(few)), dtype=np.int64)
        begins = np.array(self.pointers[first:last], dtype=np.int64)
        begins = begins[self._open_a_document(np.arange(first, last, dtype=np.int64))]
        if begins.size > 1 and not (begins[1:] > begins[:-1]).all():
            begins = np.unique(begins)
        found: NDArray[np.int64] = begins // item - start
        return found

    def _open_a_document(self, sequences: NDArray[np.int64]) -> NDArray[np.bool_] | slice:
        """Which of some neighbouring sequences are the first of a document; several, or none, may make one."""
        if not sequences.size:
            return slice(0)
        low, high = int(sequences[0]), int(sequences[-1])
        edges = self.document_index
        if np.array_equal(edges[low : high + 1], sequences):
            return slice(None)  # one sequence per document up to here, as in all our shards
        return np.isin(sequences, np.array(edges[bisect_left(edges, low) : bisect_right(edges, high)], dtype=np.int64))

    def _need_contiguous(self, what: str) -> None:
        if not self.is_contiguous:
            raise DataError(
                f"{idx_path(self.prefix)}: the sequences leave gaps or overlap in the .bin, so {what} by position have no "
                "meaning; write the shard again, one sequence after the other"
            )

    def close(self) -> None:
        """Close the file and drop the maps; a map goes when the last view given out goes."""
        self.data.close()
        self.lengths = np.zeros(0, dtype=np.int32)
        self.pointers = self.document_index = np.zeros(0, dtype=np.int64)
        self._pointers = self._edges = self.pointers

    def __enter__(self) -> TokenShard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def prefetch_spans(spans: Iterable[tuple[TokenShard, int, int]]) -> None:
    """`TokenShard.prefetch` for many spans; blocks of remote shards that are neighbours are asked for together."""
    remote: dict[int, tuple[BlockCache, list[tuple[RemoteFile, int, int]]]] = {}
    for shard, start, stop in spans:
        data = shard.data
        if isinstance(data, RemoteBytes):
            item = shard.dtype.itemsize
            remote.setdefault(id(data.cache), (data.cache, []))[1].append((data.file, start * item, stop * item))
        else:
            shard.prefetch(start, stop)
    for cache, wanted in remote.values():
        cache.prefetch(wanted)


def _integers(raw: mmap.mmap | bytes, offset: int, values: NDArray[np.int64]) -> memoryview | NDArray[np.int64]:
    """The same values, giving Python integers to bisect: half the cost of numpy's scalars."""
    return memoryview(raw)[offset : offset + values.nbytes].cast("q") if sys.byteorder == "little" else values


def _search_right(ascending: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """`np.searchsorted(ascending, values, 'right')` without a copy of the unaligned array: one gather per halving."""
    rows = ascending.view(np.uint8).reshape(-1, 8) if ascending.size else np.zeros((0, 8), np.uint8)
    low = np.zeros(values.shape, dtype=np.int64)
    high = np.full(values.shape, ascending.size, dtype=np.int64)
    while (active := low < high).any():
        middle = (low + high) >> 1
        found = rows[np.minimum(middle, max(ascending.size - 1, 0))].view("<i8")[:, 0]
        goes_right = active & (found <= values)
        low = np.where(goes_right, middle + 1, low)
        high = np.where(active & ~goes_right, middle, high)
    return low
