"""Block hashes on read: a flipped bit in a token file stops who reads it, and the error names the block.

`sampled` is for training. A file is divided into stretches of 1 MiB; one byte of each, chosen by the number of the stretch, is
watched. The read that takes in a watched byte first checks all blocks of its stretch. So one window in 1 MiB / window bytes is
dearer (1 in 128 at 4,096 tokens of two bytes), every stretch is checked once in every epoch, whatever the order, the number of
processes or where a run goes on, and as many bytes are hashed as are trained on. `full` checks each block at its first touch.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xxhash

from mathcode_data.core.blocks import BLOCKS_NAME, FileBlocks
from mathcode_data.core.errors import VerificationError
from mathcode_data.core.manifest import MANIFEST_NAME, load_block_hashes, parse_manifest
from mathcode_data.shards.remote import Place
from mathcode_data.shards.token_bytes import TokenBytes

BlockCheck = Literal["sampled", "full", "off"]
STRETCH_BITS = 20
STRETCH_BYTES = 1 << STRETCH_BITS
MIXER = 0x9E3779B97F4A7C15
"""2**64 / golden ratio: products of neighbouring numbers with it lie far apart (Knuth)."""

_buffers = threading.local()


@dataclass
class CheckCounts:
    """What was checked so far in this process."""

    blocks: int = 0
    bytes: int = 0


class BlockChecks:
    """The checks of one file; threads may share it."""

    def __init__(self, path: Place, blocks: FileBlocks, *, full: bool, counts: CheckCounts | None = None) -> None:
        """Nothing is read yet.

        Args:
            path: of the file, for errors.
            blocks: its hashes.
            full: check every block at first touch; else as `sampled` says.
            counts: added to; shared by the files of a mixture.
        """
        self.path = path
        self.blocks = blocks
        self.counts = CheckCounts() if counts is None else counts
        self._seen = bytearray(blocks.hashes.size) if full else None

    def before_read(self, data: TokenBytes, start: int, stop: int) -> None:
        """Check what a read of the bytes start..stop-1 of `data` makes due.

        Raises:
            VerificationError: a block is not what it was when its result was finished.
            DataError: the file cannot be read.
        """
        if start >= stop:
            return
        if self._seen is None:
            for stretch in range(start >> STRETCH_BITS, ((stop - 1) >> STRETCH_BITS) + 1):
                if start <= self.watched(stretch) < stop:
                    self._check(data, stretch << STRETCH_BITS, min((stretch + 1) << STRETCH_BITS, self.blocks.num_bytes))
            return
        size = self.blocks.block_bytes
        for block in range(start // size, (stop - 1) // size + 1):
            if not self._seen[block]:
                self._check(data, *self.blocks.span(block))
                self._seen[block] = 1

    def watched(self, stretch: int) -> int:
        """The byte of a stretch whose reading makes its check due."""
        begin = stretch << STRETCH_BITS
        mixed = (stretch + 1) * MIXER & 0xFFFFFFFFFFFFFFFF
        return begin + (mixed >> 32) % min(STRETCH_BYTES, self.blocks.num_bytes - begin)

    def _check(self, data: TokenBytes, start: int, stop: int) -> None:
        """Compare whole blocks from `start` to `stop`."""
        content = _buffer(stop - start)
        data.read_into(content, start)
        size = self.blocks.block_bytes
        first = start // size
        found = [xxhash.xxh3_64_intdigest(content[low : low + size]) for low in range(0, stop - start, size)]
        expected = self.blocks.hashes[first : first + len(found)].tolist()
        if found != expected:
            at = next(number for number, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1])
            begin, end = self.blocks.span(first + at)
            raise VerificationError(
                f"{self.path}: bytes {begin:,} to {end - 1:,}: the xxh3 of this block is {found[at]:016x}, {BLOCKS_NAME} says "
                f"{expected[at]:016x}: changed after the result was finished, or the disk gives back other bytes. Run "
                f"`mathcode-data verify --full {self.path.parent}`; put the file back, or remove that folder and run its pipeline again"
            )
        self.counts.blocks += len(found)
        self.counts.bytes += stop - start


def _buffer(num_bytes: int) -> memoryview:
    """Room for a stretch, kept by each thread."""
    kept: np.ndarray[Any, np.dtype[np.uint8]] | None = getattr(_buffers, "room", None)
    if kept is None:
        kept = _buffers.room = np.empty(STRETCH_BYTES, dtype=np.uint8)
    return kept.data[:num_bytes]


def block_hashes_of(folder: Place) -> dict[str, FileBlocks]:
    """Block hashes of the files of a result; empty for foreign shards, and for results made before there were any.

    Raises:
        DataError: manifest or table cannot be read.
        VerificationError: the manifest does not hash to itself, or the table is not the manifest's.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return {}
    data = parse_manifest(path.read_bytes(), path)
    record = data.get("block_hashes")
    return {} if record is None else load_block_hashes(folder / BLOCKS_NAME, record)
