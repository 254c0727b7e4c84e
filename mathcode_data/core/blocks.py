"""Block hashes: which part of a file was changed, told by eight bytes per block and checked without reading the rest.

A folder of ours (a result, a written mixture) has one file `blocks.xxh3` with the xxh3-64 of every block of every other file.
Its size and sha256 stand in `manifest.json` (`block_hashes`) or `mixture.json` (`files`), so the hash of those covers it too.

    offset  size  meaning
    0       8     magic "mcblock1"
    8       8     u64, bytes of the list of files
    16      n     JSON: [[name, bytes, block_bytes], ...] sorted by name, filled with spaces to a multiple of 8
    16 + n  8 k   u64 xxh3-64 of each block, files in the order of the list, blocks in the order of their file

All little-endian. A block has 4 KiB, and twice as much until the file has at most 4,096 of them, but 1 MiB at most: so a small
file is told to the page, a shard of 1 GB to 256 KiB, and 30 TB of tokens have 240 MB of hashes. The same files give the same
bytes. Folders made before there were block hashes have no such file; they open as ever, and are only not told by block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import xxhash
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import HASH_BLOCK_BYTES, naming_file

BLOCKS_NAME = "blocks.xxh3"
MAGIC = b"mcblock1"
LIST_OFFSET = 16
HASH_BYTES = 8
MIN_BLOCK_BYTES = 1 << 12
MAX_BLOCK_BYTES = 1 << 20
MAX_SMALL_BLOCKS = 1 << 12
"""So many blocks a file has at most before they reach MAX_BLOCK_BYTES."""


def block_bytes_for(num_bytes: int) -> int:
    """Size of the blocks of a file: a power of two.

    >>> block_bytes_for(0), block_bytes_for(1 << 24), block_bytes_for((1 << 24) + 1), block_bytes_for(10**12)
    (4096, 4096, 8192, 1048576)
    """
    size = MIN_BLOCK_BYTES
    while size < MAX_BLOCK_BYTES and num_bytes > MAX_SMALL_BLOCKS * size:
        size *= 2
    return size


@dataclass(frozen=True)
class FileBlocks:
    """The block hashes of one file."""

    num_bytes: int
    block_bytes: int
    hashes: NDArray[np.uint64]

    def span(self, block: int) -> tuple[int, int]:
        """First byte of a block, and the byte after its last."""
        return block * self.block_bytes, min((block + 1) * self.block_bytes, self.num_bytes)

    def differing(self, other: FileBlocks) -> list[tuple[int, int]]:
        """Spans [start, stop) of bytes whose blocks are others in `other`, neighbours joined; where sizes differ, to the longer's end."""
        common = min(self.hashes.size, other.hashes.size)
        blocks = np.flatnonzero(self.hashes[:common] != other.hashes[:common]).tolist()
        end = max(self.num_bytes, other.num_bytes)
        spans = [self.span(block) for block in blocks]
        if self.num_bytes != other.num_bytes:
            spans.append((min(self.num_bytes, other.num_bytes), end))
        joined: list[tuple[int, int]] = []
        for start, stop in spans:
            if joined and start <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(stop, joined[-1][1])
            else:
                joined.append((start, stop))
        return joined


class BlockHasher:
    """Hashes the blocks of a file of known size while it is written or read."""

    def __init__(self, num_bytes: int, block_bytes: int | None = None) -> None:
        """Begin; `block_bytes` is that of an older table, if the file is compared with one."""
        self.num_bytes = num_bytes
        self.block_bytes = block_bytes or block_bytes_for(num_bytes)
        self._hashes: list[int] = []
        self._state = xxhash.xxh3_64()
        self._room = self.block_bytes

    def update(self, content: bytes | memoryview) -> None:
        """Take the next bytes, as many as there are."""
        view = memoryview(content)
        while len(view):
            part = view[: self._room]
            if len(part) == self.block_bytes:
                self._hashes.append(xxhash.xxh3_64_intdigest(part))
            else:
                self._state.update(part)
                self._room -= len(part)
                if not self._room:
                    self._close()
            view = view[len(part) :]

    def _close(self) -> None:
        self._hashes.append(self._state.intdigest())
        self._state.reset()
        self._room = self.block_bytes

    def finish(self) -> FileBlocks:
        """The hashes of all that came."""
        if self._room < self.block_bytes:
            self._close()
        assert len(self._hashes) == -(-self.num_bytes // self.block_bytes), f"{len(self._hashes)} blocks of {self.num_bytes} bytes came"
        return FileBlocks(self.num_bytes, self.block_bytes, np.array(self._hashes, dtype="<u8"))


def hash_file(path: Path, block_bytes: int | None = None) -> tuple[str, FileBlocks]:
    """sha256 and block hashes of a whole file, in one read."""
    digest = hashlib.sha256()
    hasher = BlockHasher(path.stat().st_size, block_bytes)
    with naming_file(path), path.open("rb") as file:
        while content := file.read(HASH_BLOCK_BYTES):
            digest.update(content)
            hasher.update(content)
    return digest.hexdigest(), hasher.finish()


def pack_blocks(files: Mapping[str, FileBlocks]) -> bytes:
    """The content of a `blocks.xxh3`."""
    names = sorted(files)
    listed = orjson.dumps([[name, files[name].num_bytes, files[name].block_bytes] for name in names])
    listed += b" " * (-len(listed) % HASH_BYTES)
    return b"".join([MAGIC, len(listed).to_bytes(8, "little"), listed, *(files[name].hashes.astype("<u8").tobytes() for name in names)])


def unpack_blocks(content: bytes, where: object) -> dict[str, FileBlocks]:
    """What a `blocks.xxh3` says of each file.

    Args:
        content: all of it; the caller has compared its sha256.
        where: its path, for the error.

    Raises:
        DataError: not such a file.
    """
    size = int.from_bytes(content[8:LIST_OFFSET], "little")
    try:
        if content[:8] != MAGIC:
            raise ValueError(f"begins with {content[:8]!r}, not {MAGIC!r}")
        if size > len(content):
            raise ValueError(f"{len(content):,} bytes, its list of files alone takes {size:,}")
        listed = orjson.loads(content[LIST_OFFSET : LIST_OFFSET + size])
        entries = [(str(name), int(num_bytes), int(block)) for name, num_bytes, block in listed]
        found: dict[str, FileBlocks] = {}
        offset = LIST_OFFSET + size
        for name, num_bytes, block_bytes in entries:
            count = -(-num_bytes // block_bytes)
            if not 0 <= HASH_BYTES * count <= len(content) - offset:
                raise ValueError(f"{count:,} hashes of {name!r} do not fit into {len(content):,} bytes")
            found[name] = FileBlocks(num_bytes, block_bytes, np.frombuffer(content, "<u8", count, offset))
            offset += HASH_BYTES * count
        if offset != len(content):
            raise ValueError(f"{len(content):,} bytes, its list of files takes {offset:,}")
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise DataError(f"{where}: no table of block hashes ({error}); it is damaged or from a later version: run `verify`") from error
    return found


def say_spans(spans: Iterable[tuple[int, int]], most: int = 8) -> str:
    """Spans of bytes in words, first and last byte of each.

    >>> say_spans([(4096, 8192), (12288, 12290)])
    'bytes 4,096 to 8,191, bytes 12,288 to 12,289'
    """
    listed = list(spans)
    more = f" and {len(listed) - most:,} more places" if len(listed) > most else ""
    return ", ".join(f"bytes {start:,} to {stop - 1:,}" for start, stop in listed[:most]) + more


def first_difference(found: bytes, expected: bytes) -> str:
    """The first byte that differs, in words.

    >>> first_difference(b"abc", b"abd")
    'byte 2: 0x63, should be 0x64'
    """
    common = min(len(found), len(expected))
    bad = np.flatnonzero(np.frombuffer(found[:common], np.uint8) != np.frombuffer(expected[:common], np.uint8))
    if not bad.size:
        return f"byte {common:,}: the file ends" if len(found) < len(expected) else f"byte {common:,}: the file goes on"
    at = int(bad[0])
    return f"byte {at:,}: {found[at]:#04x}, should be {expected[at]:#04x}"


def whole_record(path: Path) -> str:
    """What a check adds for a record that is damaged: it has one hash of its own, so the place is all of it."""
    try:
        return f"; somewhere in bytes 0 to {path.stat().st_size - 1:,}, all of the file"
    except OSError:
        return ""
