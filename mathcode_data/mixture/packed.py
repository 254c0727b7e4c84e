"""The packed samples of a mixture on disk: which spans of which shard lie in each window (`packing: best_fit`).

A packed sample takes the place of a window: samples never cross a shard, as windows do not, and are numbered through the
shards of a source. So each shard is packed for itself and memory is that of one shard's documents. Two files in the mixture's
folder, whatever its `index` is; row b counts the windows of all sources, in the order of the mixture file:

    packing_offsets.npy  int64 (windows + 1,)  window b has the pieces offsets[b]..offsets[b + 1] - 1
    packing_pieces.npy   (pieces,) of token_start i8, num_tokens i4, document i4; positions and numbers in the shard
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.blocks import BlockHasher
from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import atomic_writer
from mathcode_data.mixture.index_files import WrittenFile
from mathcode_data.mixture.packing import pack_documents
from mathcode_data.shards.index import Index, read_index
from mathcode_data.shards.reader import TokenShard

OFFSETS_NAME, PIECES_NAME = "packing_offsets.npy", "packing_pieces.npy"
PIECES = np.dtype([("token_start", "<i8"), ("num_tokens", "<i4"), ("document", "<i4")])
OFFSETS = np.dtype("<i8")
HEADER_BYTES = 192
"""Of both files."""


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
    pieces: int = 0
    """Spans of documents in all samples."""

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
        padded=packed.num_samples * capacity - int(packed.lengths.sum()), pieces=pieces.size,
    )  # fmt: skip
    return PackedShard(packed.offsets, pieces, totals)


def _document_edges(shard: TokenShard) -> NDArray[np.int64]:
    """Position of each document's first token, and of the end."""
    starts = np.append(np.array(shard.pointers, dtype=np.int64) // shard.dtype.itemsize, np.int64(shard.num_tokens))
    edges: NDArray[np.int64] = starts[shard.document_index]
    return edges


@contextmanager
def packing_files(folder: Path, shards: Iterable[PackedShard], totals: PackingTotals) -> Iterator[dict[str, WrittenFile]]:
    """Write the two files, shard by shard, so that memory is that of one; they get their names when the block ends.

    Args:
        folder: of the mixture.
        shards: of all sources, in order.
        totals: their sum.

    Yields:
        Size and hashes by file name; all bytes are on the disk then.
    """
    digests = {OFFSETS_NAME: hashlib.sha256(), PIECES_NAME: hashlib.sha256()}
    counts = {OFFSETS_NAME: (totals.num_samples + 1) * OFFSETS.itemsize, PIECES_NAME: totals.pieces * PIECES.itemsize}
    blocks = {name: BlockHasher(HEADER_BYTES + num_bytes) for name, num_bytes in counts.items()}
    with ExitStack() as stack:
        files = {name: stack.enter_context(atomic_writer(folder / name)) for name in digests}

        def put(name: str, content: bytes | memoryview) -> None:
            files[name].write(content)
            digests[name].update(content)
            blocks[name].update(content)

        put(OFFSETS_NAME, _header(OFFSETS, totals.num_samples + 1))
        put(PIECES_NAME, _header(PIECES, totals.pieces))
        num_pieces = 0
        for shard in shards:
            put(OFFSETS_NAME, np.ascontiguousarray(shard.offsets[:-1] + num_pieces, dtype=OFFSETS).data.cast("B"))
            put(PIECES_NAME, shard.pieces.tobytes())
            num_pieces += shard.pieces.size
        assert num_pieces == totals.pieces, f"{folder}: {num_pieces} pieces packed, {totals.pieces} planned: a shard changed meanwhile"
        put(OFFSETS_NAME, np.array([num_pieces], dtype=OFFSETS).tobytes())
        written = {}
        for name, file in files.items():
            file.flush()
            os.fsync(file.fileno())  # a full disk shows here at the latest
            written[name] = WrittenFile({"bytes": file.tell(), "sha256": digests[name].hexdigest()}, blocks[name].finish())
        yield written


def _header(dtype: np.dtype[Any], count: int) -> bytes:
    """A version 1.0 header of exactly HEADER_BYTES, which numpy reads as any other."""
    text = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)})
    body = text.ljust(HEADER_BYTES - 11) + "\n"
    assert len(body) == HEADER_BYTES - 10, f"the header {text!r} is longer than its room"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body.encode("ascii")


def packing_problems(folder: Path, info: dict[str, Any], prefixes: Iterable[Path]) -> list[str]:
    """Pack all shards again and say where the mixture's packing differs.

    Args:
        folder: of the mixture.
        info: content of mixture.json.
        prefixes: the shards of all sources, in order.
    """
    packing = Packing(folder, [source["windows"] for source in info["sources"]])
    row = 0
    for prefix in prefixes:
        expected = pack_shard(read_index(prefix), info["sequence_length"])
        problem = packing.difference(row, expected)
        if problem:
            return [f"{packing.path}: {problem} of shard {prefix}; build the mixture again"]
        row += expected.totals.num_samples
    return []


class Packing:
    """The packed samples of a mixture, by memory map."""

    def __init__(self, folder: Path, num_windows: Sequence[int]) -> None:
        """Open the files of a mixture whose sources have so many windows.

        Raises:
            DataError: a file is absent, cut off, or of another mixture.
        """
        self.path = folder / PIECES_NAME
        self._first: list[int] = [0, *accumulate(num_windows)]
        self._offsets = _open(folder / OFFSETS_NAME, OFFSETS, self._first[-1] + 1)
        self._pieces = _open(self.path, PIECES, int(self._offsets[-1]))

    def pieces(self, source: int, window: int) -> NDArray[Any]:
        """Spans of a packed sample, in the order in which they lie there; positions are those of the window's shard.

        Raises:
            DataError: the offsets are damaged.
        """
        row = self._first[source] + window
        first, stop = int(self._offsets[row]), int(self._offsets[row + 1])
        if not 0 <= first < stop <= self._pieces.size:
            raise DataError(f"{self.path}: window {row:,} has pieces {first:,}..{stop:,} of {self._pieces.size:,}; damaged, run verify")
        return self._pieces[first:stop]

    def windows_with(self, source: int, first_window: int, num_windows: int, document: int) -> NDArray[np.int64]:
        """Windows of a source, among those of one shard, that hold a piece of a document of that shard; ascending."""
        row = self._first[source] + first_window
        offsets = self._offsets[row : row + num_windows + 1]
        places = np.flatnonzero(self._pieces["document"][int(offsets[0]) : int(offsets[-1])] == document) + int(offsets[0])
        found: NDArray[np.int64] = np.unique(np.searchsorted(offsets, places, side="right") - 1 + first_window).astype(np.int64)
        return found

    def difference(self, row: int, expected: PackedShard) -> str:
        """Say in which window the rows from `row` on differ from a packed shard; empty if in none."""
        first, count = int(self._offsets[row]), expected.totals.num_samples
        offsets = self._offsets[row : row + count + 1] - first
        different = np.flatnonzero(offsets != expected.offsets)
        if different.size:
            return f"window {row + max(int(different[0]) - 1, 0):,} is not what best fit gives"
        different = np.flatnonzero(self._pieces[first : first + expected.pieces.size] != expected.pieces)
        if different.size:
            window = row + int(np.searchsorted(expected.offsets, different[0], side="right")) - 1
            return f"window {window:,} is not what best fit gives"
        return ""


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


def read_row(shard: TokenShard, start: int, out: NDArray[Any]) -> None:
    """Fill `out` with the tokens from `start` on; its type may be wider than the shard's."""
    if shard.dtype == out.dtype:
        shard.read_into(out, start)
        return
    narrow = np.empty(out.size, dtype=shard.dtype)
    shard.read_into(narrow, start)
    out[:] = narrow


def read_pieces(shard: TokenShard, pieces: NDArray[Any], out: NDArray[Any], is_target: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lay the pieces of a packed sample end to end, and repeat the last token to the end of `out`.

    The padding is a token of the sample, so that it is a legal id whatever the vocabulary.

    Args:
        shard: that of the sample.
        pieces: its spans.
        out: (S + 1,), filled with tokens.
        is_target: (S,), all true; set to false where label t, token t + 1, is padding or the first token of a later piece.

    Returns:
        Offsets at which a document, or a part of one behind others, begins.

    Raises:
        DataError: the pieces do not fit the sample or the shard: their file is damaged.
    """
    lengths = pieces["num_tokens"].astype(np.int64)
    ends = np.cumsum(lengths)
    if int(lengths.min()) < 1 or int(ends[-1]) > out.size:
        raise DataError(f"{shard.prefix}: packed pieces of {lengths.tolist()} tokens in a sample of {out.size}; damaged, run verify")
    begins = ends - lengths
    for start, offset, stop in zip(pieces["token_start"].tolist(), begins.tolist(), ends.tolist(), strict=True):
        read_row(shard, start, out[offset:stop])
    end = int(ends[-1])
    out[end:] = out[end - 1]
    is_target[end - 1 :] = False
    is_target[begins[1:] - 1] = False
    begins_in_its_midst = int(pieces["token_start"][0]) != shard.document_start(int(pieces["document"][0]))
    return begins[1:] if begins_in_its_midst else begins
