"""The two index files of a mixture, under Megatron's names and types, written and read in flat memory."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.blocks import BlockHasher, FileBlocks
from mathcode_data.core.errors import DataError
from mathcode_data.shards.block_cache import BlockCache, RemoteFile
from mathcode_data.shards.remote import Place, RemotePath, file_size

MIXTURE_NAME = "mixture.json"
DTYPES: dict[str, np.dtype[Any]] = {"dataset_index.npy": np.dtype("<i2"), "dataset_sample_index.npy": np.dtype("<i8")}
SOURCES_NAME, WINDOWS_NAME = DTYPES
MAX_SPAN_ROWS = 1 << 17
"""Rows of a remote index that are read in one piece for the sake of a few of them: a megabyte."""


class WrittenFile(NamedTuple):
    """A file of a mixture that was written to its end."""

    record: dict[str, Any]
    """Bytes and sha256, for `mixture.json`."""
    blocks: FileBlocks


class NpyWriter:
    """Appends to a `.npy` file whose length is known beforehand, and hashes what it writes."""

    def __init__(self, file: IO[bytes], name: str, num_rows: int) -> None:
        """Write the header; `file` is at its beginning."""
        self._file = file
        self._dtype = DTYPES[name]
        header = npy_header(name, num_rows)
        self._digest = hashlib.sha256()
        self._blocks = BlockHasher(len(header) + num_rows * self._dtype.itemsize)
        self.num_bytes = 0
        self._put(header)

    def append(self, rows: NDArray[Any]) -> None:
        """Write the next rows."""
        self._put(np.ascontiguousarray(rows, dtype=self._dtype).data.cast("B"))

    def _put(self, content: bytes | memoryview) -> None:
        self._file.write(content)
        self._digest.update(content)
        self._blocks.update(content)
        self.num_bytes += len(content)

    def finish(self) -> WrittenFile:
        """Size and hashes of all that was written."""
        return WrittenFile({"bytes": self.num_bytes, "sha256": self._digest.hexdigest()}, self._blocks.finish())


def npy_header(name: str, num_rows: int) -> bytes:
    """Header of an index file, as `numpy.save` would write it."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": np.lib.format.dtype_to_descr(DTYPES[name]), "fortran_order": False, "shape": (num_rows,)}
    )
    return header.getvalue()


def open_index(folder: Path, name: str, num_rows: int) -> NDArray[Any]:
    """Map an index file after checking its header and size.

    Raises:
        DataError: the file is absent, or has another size, type or length than `mixture.json` says.
    """
    path = folder / name
    header = _check_file(path, name, num_rows)
    mapped: NDArray[Any] = np.memmap(path, dtype=DTYPES[name], mode="r", offset=len(header), shape=(num_rows,))
    return mapped.view(np.ndarray)  # a plain array: each slice of a memmap object costs a microsecond more


class RemoteIndex:
    """An index file behind a URL, read by ranges through a cache of blocks."""

    def __init__(self, folder: RemotePath, name: str, num_rows: int, cache: BlockCache) -> None:
        """Check header and size.

        Raises:
            DataError: the file is absent, or has another size, type or length than `mixture.json` says.
        """
        path = folder / name
        self._begin = len(_check_file(path, name, num_rows))
        self._dtype = DTYPES[name]
        self._file = RemoteFile(path, self._begin + num_rows * self._dtype.itemsize)
        self._cache = cache

    def __getitem__(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """The rows at some positions, which the caller has checked. Neighbours come in one piece."""
        if not positions.size:
            return np.zeros(0, dtype=self._dtype)
        low, high = int(positions.min()), int(positions.max())
        if high - low < MAX_SPAN_ROWS:
            return self._read(low, high + 1)[positions - low]
        item = self._dtype.itemsize
        firsts = (self._begin + positions * item).tolist()
        self._cache.prefetch((self._file, first, first + item) for first in firsts)
        return np.concatenate([self._read(position, position + 1) for position in positions.tolist()])

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        rows = np.empty(stop - start, dtype=self._dtype)
        self._cache.read_into(self._file, rows.data.cast("B"), self._begin + start * self._dtype.itemsize)
        return rows


def _check_file(path: Place, name: str, num_rows: int) -> bytes:
    """Check size and header; gives the header."""
    header = npy_header(name, num_rows)
    size = len(header) + num_rows * DTYPES[name].itemsize
    try:
        found = file_size(path)
        with path.open("rb") as file:
            start = file.read(len(header))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); build the mixture again") from error
    if found != size:
        raise DataError(f"{path}: {found:,} bytes, {num_rows:,} samples take {size:,}; cut off or of another mixture, build again")
    if start != header:
        raise DataError(f"{path}: byte 0: not the header of {num_rows:,} {DTYPES[name]} values; damaged, build the mixture again")
    return header
