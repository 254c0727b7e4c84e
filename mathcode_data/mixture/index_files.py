"""The two index files of a mixture, under Megatron's names and types, written and read in flat memory."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError

MIXTURE_NAME = "mixture.json"
DTYPES: dict[str, np.dtype[Any]] = {"dataset_index.npy": np.dtype("<i2"), "dataset_sample_index.npy": np.dtype("<i8")}
SOURCES_NAME, WINDOWS_NAME = DTYPES


class NpyWriter:
    """Appends to a `.npy` file whose length is known beforehand, and hashes what it writes."""

    def __init__(self, file: IO[bytes], name: str, num_rows: int) -> None:
        """Write the header; `file` is at its beginning."""
        self._file = file
        self._dtype = DTYPES[name]
        self._digest = hashlib.sha256()
        self.num_bytes = 0
        self._put(npy_header(name, num_rows))

    def append(self, rows: NDArray[Any]) -> None:
        """Write the next rows."""
        self._put(np.ascontiguousarray(rows, dtype=self._dtype).data.cast("B"))

    def _put(self, content: bytes | memoryview) -> None:
        self._file.write(content)
        self._digest.update(content)
        self.num_bytes += len(content)

    def record(self) -> dict[str, Any]:
        """Size and hash for `mixture.json`."""
        return {"bytes": self.num_bytes, "sha256": self._digest.hexdigest()}


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
    header = npy_header(name, num_rows)
    size = len(header) + num_rows * DTYPES[name].itemsize
    try:
        found = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(header))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); build the mixture again") from error
    if found != size:
        raise DataError(f"{path}: {found:,} bytes, {num_rows:,} samples take {size:,}; cut off or of another mixture, build again")
    if start != header:
        raise DataError(f"{path}: byte 0: not the header of {num_rows:,} {DTYPES[name]} values; damaged, build the mixture again")
    mapped: NDArray[Any] = np.memmap(path, dtype=DTYPES[name], mode="r", offset=len(header), shape=(num_rows,))
    return mapped.view(np.ndarray)  # a plain array: each slice of a memmap object costs a microsecond more
