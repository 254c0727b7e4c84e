"""Read and check an `.idx` before anything is mapped: every count, length, pointer and size, each with a real error."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.shards.format import (
    DTYPE_NAMES,
    HEADER,
    HEADER_BYTES,
    LENGTH_BYTES,
    MAGIC,
    POINTER_BYTES,
    TOKEN_CODES,
    VERSION,
    Layout,
    bin_path,
    idx_path,
)
from mathcode_data.shards.remote import Place, file_size

CHECK_BLOCK = 1 << 18
"""Sequences checked at a time: 5 MB of buffers, whatever the file's size."""


@dataclass(frozen=True)
class Index:
    """What a sound `.idx` says about its shard."""

    prefix: Path
    dtype: np.dtype[np.signedinteger | np.unsignedinteger]
    layout: Layout
    idx_bytes: int
    bin_bytes: int
    is_contiguous: bool
    """Whether the sequences lie one after the other without gap or overlap; None of Megatron's writers does otherwise."""

    @property
    def num_tokens(self) -> int:
        """Tokens in the `.bin`."""
        return self.bin_bytes // self.dtype.itemsize


def read_index(prefix: Place, *, deep: bool = True, content: bytes | None = None) -> Index:
    """Check a shard's header and sizes and, if `deep`, every length, pointer and document edge.

    Shallow costs one read of 34 bytes and needs a shard whose identity was checked before; deep reads the whole `.idx`
    (20 bytes per document) in blocks. `content` is the whole `.idx` where the caller has it.

    Raises:
        DataError: names file and byte offset, what stands there and what should.
    """
    path = idx_path(prefix)
    try:
        bin_bytes = file_size(bin_path(prefix))
        with path.open("rb") if content is None else io.BytesIO(content) as file:
            idx_bytes = file.seek(0, 2)
            dtype, layout = _read_header(file, path, idx_bytes)
            is_contiguous = True
            if deep:
                is_contiguous = _check_sequences(file, path, layout, dtype.itemsize, bin_bytes)
                _check_documents(file, path, layout)
    except OSError as error:
        name = error.filename or path
        raise DataError(f"{name}: cannot be read ({error.strerror or error}); a shard is a pair of .bin and .idx") from error
    return Index(cast(Path, prefix), dtype, layout, idx_bytes, bin_bytes, is_contiguous)


def _read_header(file: IO[bytes], path: Place, idx_bytes: int) -> tuple[np.dtype[np.signedinteger | np.unsignedinteger], Layout]:
    file.seek(0)
    header = file.read(HEADER_BYTES)
    magic = header[: len(MAGIC)]
    if magic != MAGIC:
        raise DataError(f"{path}: byte 0: {magic!r} is not {MAGIC!r}: no Megatron index{_swap_hint(path)}; check the path")
    if len(header) < HEADER_BYTES:
        raise DataError(f"{path}: {idx_bytes} bytes; a header alone has {HEADER_BYTES}, the file is cut off: write the shard again")
    _, version, code, num_sequences, num_document_indices = HEADER.unpack(header)
    if version != VERSION:
        raise DataError(f"{path}: byte 9: version {version}, this reader knows {VERSION}; the file is damaged or from a later format")
    name = DTYPE_NAMES.get(code)
    if name not in TOKEN_CODES:
        legal = ", ".join(f"{number} {token}" for token, number in sorted(TOKEN_CODES.items(), key=lambda item: item[1]))
        raise DataError(f"{path}: byte 17: dtype code {code} ({name or 'unknown'}) is no type of tokens; legal: {legal}")
    layout = Layout(num_sequences, num_document_indices)
    if idx_bytes not in (layout.end, layout.end + num_sequences):
        raise DataError(
            f"{path}: {idx_bytes:,} bytes; byte 18 says {num_sequences:,} sequences and byte 26 {num_document_indices:,} "
            f"document indices, which take {layout.end:,}: cut off, too long or damaged; write the shard again"
        )
    if num_document_indices < 1:
        raise DataError(f"{path}: byte 26: no document indices; there is one more than documents, so at least 1")
    return np.dtype(name).newbyteorder("<"), layout


def _swap_hint(path: Place) -> str:
    try:
        with path.with_name(path.name.removesuffix(".idx") + ".bin").open("rb") as file:
            return " (the .bin begins so: the two files are swapped)" if file.read(len(MAGIC)) == MAGIC else ""
    except OSError:
        return ""


def _blocks(file: IO[bytes], layout: Layout) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """First sequence, lengths and pointers of each block, aligned copies as int64."""
    for first in range(0, layout.num_sequences, CHECK_BLOCK):
        count = min(CHECK_BLOCK, layout.num_sequences - first)
        file.seek(layout.lengths + LENGTH_BYTES * first)
        lengths = np.frombuffer(file.read(LENGTH_BYTES * count), dtype="<i4").astype(np.int64)
        file.seek(layout.pointers + POINTER_BYTES * first)
        yield first, lengths, np.frombuffer(file.read(POINTER_BYTES * count), dtype="<i8").astype(np.int64, copy=False)


def _check_sequences(file: IO[bytes], path: Place, layout: Layout, item_bytes: int, bin_bytes: int) -> bool:
    """Check lengths and pointers against each other and the size of the `.bin`; tell whether they are contiguous."""
    bin_name = path.name.removesuffix(".idx") + ".bin"
    is_contiguous = True
    end = furthest = total = 0
    for first, lengths, pointers in _blocks(file, layout):
        bad = np.flatnonzero(lengths < 0)
        if bad.size:
            at = first + int(bad[0])
            raise DataError(
                f"{path}: byte {layout.lengths + LENGTH_BYTES * at}: sequence {at} has {lengths[bad[0]]} tokens; "
                "lengths are 0 or more: the index is damaged"
            )
        sizes = lengths * item_bytes
        # compared without adding, for a damaged pointer near 2**63 would wrap
        bad = np.flatnonzero((pointers < 0) | (pointers > bin_bytes) | (sizes > bin_bytes - pointers) | (pointers % item_bytes != 0))
        if bad.size:
            at = first + int(bad[0])
            raise DataError(
                f"{path}: byte {layout.pointers + POINTER_BYTES * at}: sequence {at} of {lengths[bad[0]]:,} tokens "
                f"begins at byte {pointers[bad[0]]:,} of {bin_name}, which has {bin_bytes:,} bytes, {item_bytes} per token: "
                "the .bin is cut off or of another shard, or the index is damaged"
            )
        ends = pointers + sizes
        is_contiguous &= int(pointers[0]) == end and bool((pointers[1:] == ends[:-1]).all())
        end = int(ends[-1])
        furthest = max(furthest, int(ends.max()))
        total += int(sizes.sum())
    if furthest != bin_bytes:
        raise DataError(
            f"{path.with_name(bin_name)}: {bin_bytes:,} bytes, its index ends at {furthest:,}: "
            "the .bin is longer than its index or of another shard"
        )
    return is_contiguous and total == bin_bytes


def _check_documents(file: IO[bytes], path: Place, layout: Layout) -> None:
    """Document edges begin at 0, never fall, and end at the number of sequences."""
    last = 0
    for first in range(0, layout.num_document_indices, CHECK_BLOCK):
        count = min(CHECK_BLOCK, layout.num_document_indices - first)
        file.seek(layout.document_index + POINTER_BYTES * first)
        edges = np.frombuffer(file.read(POINTER_BYTES * count), dtype="<i8")
        steps = np.diff(edges, prepend=np.int64(last))
        bad = np.flatnonzero((steps < 0) | (edges < 0) | (edges > layout.num_sequences))
        if bad.size or (first == 0 and edges[0] != 0):
            at = int(bad[0]) if bad.size else 0
            place = f"{path}: byte {layout.document_index + POINTER_BYTES * (first + at)}"
            raise DataError(
                f"{place}: document edge {first + at} is {edges[at]:,}; "
                f"edges begin at 0, never fall and end at {layout.num_sequences:,}: the index is damaged"
            )
        last = int(edges[-1])
    if last != layout.num_sequences:
        raise DataError(
            f"{path}: byte {layout.end - POINTER_BYTES}: the last document edge is {last:,}, there are "
            f"{layout.num_sequences:,} sequences: the index is damaged"
        )
