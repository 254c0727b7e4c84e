"""The packed samples of a source on disk: which spans of which shard lie in each sample (`packing: best_fit`).

Samples never cross a shard, as windows do not, so each shard is packed for itself and memory is that of one shard's
documents. Two files per source in the mixture's folder:

    packing-00000.offsets.npy  int64 (samples + 1,)  sample b has the pieces offsets[b]..offsets[b + 1] - 1
    packing-00000.pieces.npy   (pieces,) of token_start i8, num_tokens i4, document i4; positions and numbers in the shard
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import atomic_writer
from mathcode_data.mixture.packing import pack_documents
from mathcode_data.shards.index import Index
from mathcode_data.shards.reader import TokenShard

PIECES = np.dtype([("token_start", "<i8"), ("num_tokens", "<i4"), ("document", "<i4")])
OFFSETS = np.dtype("<i8")
HEADER_BYTES = 128
"""Of both files: room for the largest counts, so that the header can be written again when they are known."""


@dataclass(frozen=True)
class PackingTotals:
    """What packing does to a source."""

    num_samples: int = 0
    documents: int = 0
    """Documents with at least one token."""
    documents_cut: int = 0
    """Documents longer than a sample."""
    tokens: int = 0
    """Tokens of the documents."""
    trained: int = 0
    """Tokens that some sample predicts: all but the first of each document."""
    padded: int = 0
    """Places of samples that hold no token."""

    def __add__(self, other: PackingTotals) -> PackingTotals:
        return PackingTotals(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


@dataclass(frozen=True)
class PackedShard:
    """The samples of one shard."""

    offsets: NDArray[np.int64]
    pieces: NDArray[Any]
    totals: PackingTotals


def pack_shard(index: Index, sequence_length: int) -> PackedShard:
    """Pack the documents of one shard; the same `.idx` gives the same samples."""
    with TokenShard(index.prefix, index=index) as shard:
        edges = _document_edges(shard)
    lengths = np.diff(edges)
    capacity = sequence_length + 1
    packed = pack_documents(lengths, capacity)
    pieces = np.empty(packed.documents.size, dtype=PIECES)
    pieces["token_start"] = edges[packed.documents] + packed.starts
    pieces["num_tokens"] = packed.lengths
    pieces["document"] = packed.documents
    totals = PackingTotals(
        num_samples=packed.num_samples, documents=int((lengths > 0).sum()), documents_cut=int((lengths > capacity).sum()),
        tokens=int(lengths.sum()), trained=int(packed.lengths.sum()) - packed.lengths.size,
        padded=packed.num_samples * capacity - int(packed.lengths.sum()),
    )  # fmt: skip
    return PackedShard(packed.offsets, pieces, totals)


def _document_edges(shard: TokenShard) -> NDArray[np.int64]:
    """Position of each document's first token, and of the end."""
    starts = np.append(np.array(shard.pointers, dtype=np.int64) // shard.dtype.itemsize, np.int64(shard.num_tokens))
    edges: NDArray[np.int64] = starts[shard.document_index]
    return edges


def packing_names(number: int) -> tuple[str, str]:
    """File names of source `number`: offsets and pieces."""
    return f"packing-{number:05d}.offsets.npy", f"packing-{number:05d}.pieces.npy"


def write_packing(folder: Path, number: int, shards: Sequence[PackedShard] | Iterator[PackedShard]) -> dict[str, Any]:
    """Write the two files of a source, shard by shard, so that memory is that of one.

    Returns:
        `{file name: {"bytes", "sha256"}}`, for `mixture.json`.
    """
    names = packing_names(number)
    counts = [0, 0]
    with atomic_writer(folder / names[0]) as offsets_file, atomic_writer(folder / names[1]) as pieces_file:
        for file in (offsets_file, pieces_file):
            file.write(bytes(HEADER_BYTES))
        for shard in shards:
            first = shard.offsets[:-1] + counts[1]
            offsets_file.write(np.ascontiguousarray(first, dtype=OFFSETS).data)
            pieces_file.write(np.ascontiguousarray(shard.pieces).data)
            counts[0] += first.size
            counts[1] += shard.pieces.size
        offsets_file.write(np.array([counts[1]], dtype=OFFSETS).data)
        for file, dtype, count in ((offsets_file, OFFSETS, counts[0] + 1), (pieces_file, PIECES, counts[1])):
            file.seek(0)
            file.write(_header(dtype, count))
            file.flush()
    return {name: _record(folder / name) for name in names}


def _header(dtype: np.dtype[Any], count: int) -> bytes:
    """A version 1.0 header of exactly HEADER_BYTES, which numpy reads as any other."""
    text = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)})
    body = text.ljust(HEADER_BYTES - 11) + "\n"
    assert len(body) == HEADER_BYTES - 10, f"the header {text!r} is longer than its room"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body.encode("ascii")


def _record(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


class Packing:
    """The packed samples of one source, by memory map."""

    def __init__(self, folder: Path, number: int, num_samples: int) -> None:
        """Open the files of source `number`.

        Raises:
            DataError: a file is absent, cut off, or of another mixture.
        """
        offsets, pieces = (folder / name for name in packing_names(number))
        self.path = pieces
        self._offsets = _open(offsets, OFFSETS, num_samples + 1)
        self._pieces = _open(pieces, PIECES, int(self._offsets[-1]))

    def pieces(self, sample: int) -> NDArray[Any]:
        """Spans of a sample, in the order in which they lie there.

        Raises:
            DataError: the offsets are damaged.
        """
        first, stop = int(self._offsets[sample]), int(self._offsets[sample + 1])
        if not 0 <= first < stop <= self._pieces.size:
            raise DataError(f"{self.path}: sample {sample:,} has pieces {first:,}..{stop:,} of {self._pieces.size:,}; damaged, run verify")
        return self._pieces[first:stop]


def _open(path: Path, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    header = _header(dtype, count)
    size = HEADER_BYTES + count * dtype.itemsize
    try:
        found = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(HEADER_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); build the mixture again") from error
    if found != size or start != header:
        raise DataError(f"{path}: {found:,} bytes, {count:,} rows take {size:,} with their header; damaged, build the mixture again")
    mapped: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=HEADER_BYTES, shape=(count,))
    return mapped.view(np.ndarray)
