"""Lines of a file, plain, gzip or Zstandard, streamed with bounded memory.

The kind is told by the first bytes. A name that promises a compressed file counts where they are no text either: then the file is
damaged, and its bytes are no lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import naming_file
from mathcode_data.stages.read.members import GZIP_MAGIC, GzipStream, Stream, Tear
from mathcode_data.stages.read.zstd_frames import ZSTD_MAGIC, ZstdStream, is_zstd

HEAD_BYTES = 4096
GZIP_HEADER_BYTES = 10
MIN_ZSTD_HEADER_BYTES = 5
CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True)
class LongLine:
    """A line beyond the bound: its bytes were counted and forgotten."""

    num_bytes: int


@dataclass(frozen=True)
class ReadDamage:
    """The file does not decompress beyond this point."""

    why: str
    offset: int
    """The byte of the file as it lies on the disk, from 0."""
    lost_bytes: int
    """Bytes of the file from there on; 0 where it ends too early."""

    def __str__(self) -> str:
        loss = f"{self.lost_bytes:,} compressed bytes lost" if self.lost_bytes else "what should follow is missing"
        return f"byte {self.offset:,}: {self.why}; {loss}"


def read_lines(path: Path, max_line_bytes: int) -> Iterator[tuple[int, bytes | LongLine | ReadDamage]]:
    """Yield line numbers (from 1) and lines without their line end; a ReadDamage comes last, if at all.

    The line that the damage cuts is not yielded; a last line without a line end is.

    Raises:
        DataError: the file is gone or may not be read.
    """
    try:
        file = path.open("rb")
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(f"{path}: {error.strerror}; it was there when the run was planned: put it back or plan anew") from error
    with file, naming_file(path):
        stream = _open_stream(file.fileno(), path.name)
        splitter = _Splitter(max_line_bytes)
        while stream.more():
            yield from splitter.feed(stream.take(len(stream.buffer)))
        if stream.tear is None:
            yield from splitter.rest()
        else:
            yield splitter.number, _damage(file.fileno(), path.name, stream.tear)


def read_whole(path: Path, max_bytes: int) -> bytes:
    """All bytes of a file, decompressed as its first bytes or its name say; of a longer one `max_bytes + 1`.

    Raises:
        DataError: the file is gone, may not be read, or is damaged.
    """
    with path.open("rb") as file:
        stream = _open_stream(file.fileno(), path.name, may_be_text=False)
        content = bytearray()
        while len(content) <= max_bytes and stream.more():
            content += stream.take(len(stream.buffer))
        if len(content) <= max_bytes and stream.tear is not None:
            raise DataError(f"{path}: file cannot be read ({_damage(file.fileno(), path.name, stream.tear)}); get it again")
    return bytes(content[: max_bytes + 1])


def _damage(descriptor: int, name: str, tear: Tear) -> ReadDamage:
    """Say what is wrong with a compressed file: it is none, it is cut inside a header, or what the decoder said."""
    size = os.fstat(descriptor).st_size
    head = os.pread(descriptor, 32, tear.member)
    for kind in KINDS:
        if head.startswith(kind.magic[: len(head)]) and len(head) < kind.header_bytes(head):
            return ReadDamage(f"the file ends inside the header of a {kind.part}", size, 0)
        if tear.member == 0 and name.lower().endswith(kind.suffix) and _kind_of(head) is None:
            return ReadDamage(f"{head[:4].hex(' ')} is not how a {kind.part} begins, which the name promises", 0, size)
    return ReadDamage(tear.why, tear.offset, size - tear.offset)


class _Splitter:
    """Cuts blocks into lines and forgets the parts of lines that are too long."""

    def __init__(self, max_line_bytes: int) -> None:
        self.number = 0
        self._max_bytes = max_line_bytes
        self._parts: list[bytes] = []
        self._bytes = 0

    def feed(self, block: bytes) -> Iterator[tuple[int, bytes | LongLine]]:
        """Yield the lines that end in this block."""
        *ended, last = block.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._line()
        self._add(last)

    def rest(self) -> Iterator[tuple[int, bytes | LongLine]]:
        """Yield the last line, if the file does not end with a line end."""
        if self._bytes:
            yield self._line()

    def _add(self, part: bytes) -> None:
        self._bytes += len(part)
        self._parts.append(part)
        if self._bytes > self._max_bytes:
            self._parts.clear()

    def _line(self) -> tuple[int, bytes | LongLine]:
        self.number += 1
        line = LongLine(self._bytes) if self._bytes > self._max_bytes else b"".join(self._parts)
        self._parts, self._bytes = [], 0
        return self.number, line


@dataclass(frozen=True)
class _Kind:
    """A way to compress: how the names of its files end, how a part of one begins, and how many bytes its header takes at least."""

    suffix: str
    magic: bytes
    stream: type[Stream]
    part: str
    header_bytes: Callable[[bytes], int]


def _zstd_header_bytes(head: bytes) -> int:
    return zstandard.frame_header_size(head) if len(head) >= MIN_ZSTD_HEADER_BYTES else MIN_ZSTD_HEADER_BYTES


KINDS = (
    _Kind(".gz", GZIP_MAGIC, GzipStream, "gzip member", lambda _: GZIP_HEADER_BYTES),
    _Kind(".zst", ZSTD_MAGIC, ZstdStream, "Zstandard frame", _zstd_header_bytes),
)


def _kind_of(head: bytes) -> _Kind | None:
    gzip, zstd = KINDS
    return gzip if head.startswith(GZIP_MAGIC) else zstd if is_zstd(head) else None


def _open_stream(descriptor: int, name: str, *, may_be_text: bool = True) -> Stream:
    """A stream of the kind that the first bytes tell; else of the kind that the name promises, unless it may be a text and is one."""
    head = os.pread(descriptor, HEAD_BYTES, 0)
    kind = _kind_of(head)
    if kind is None:
        promised = next((kind for kind in KINDS if name.lower().endswith(kind.suffix)), None)
        if promised and head and not (may_be_text and _is_text(head) and not promised.magic.startswith(head)):
            kind = promised
    return (kind.stream if kind else Stream)(descriptor, 0, os.fstat(descriptor).st_size)


def _is_text(head: bytes) -> bool:
    """Whether bytes may begin a text: no control characters, and hardly a byte that is no UTF-8 (a character may be cut at the end)."""
    return not CONTROL.search(head) and head.decode("utf-8", "replace").count("\ufffd") <= (len(head) == HEAD_BYTES) + len(head) // 100
