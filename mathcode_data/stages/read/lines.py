"""Lines of a file, plain, gzip or Zstandard, streamed with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import naming_file
from mathcode_data.stages.read.members import GZIP_MAGIC, GzipStream, Stream
from mathcode_data.stages.read.zstd_frames import ZstdStream, is_zstd


@dataclass(frozen=True)
class LongLine:
    """A line beyond the bound: its bytes were counted and forgotten."""

    num_bytes: int


@dataclass(frozen=True)
class ReadDamage:
    """The file does not decompress beyond this point."""

    why: str
    lost_bytes: int


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
        stream = _open_stream(file.fileno())
        splitter = _Splitter(max_line_bytes)
        while stream.more():
            yield from splitter.feed(stream.take(len(stream.buffer)))
        if stream.tear is None:
            yield from splitter.rest()
        else:
            yield splitter.number, ReadDamage(stream.tear.why, os.fstat(file.fileno()).st_size - stream.tear.offset)


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


def _open_stream(descriptor: int) -> Stream:
    """A stream of the kind that the first bytes tell; the name does not count."""
    head = os.pread(descriptor, 4, 0)
    kind = GzipStream if head.startswith(GZIP_MAGIC) else ZstdStream if is_zstd(head) else Stream
    return kind(descriptor, 0, os.fstat(descriptor).st_size)
