"""An archive file as one stream of decoded bytes which knows the file offset of every compressed member.

`.warc.gz` and `.warc.zst` hold one compressed member per record, so a record can be fetched again by offset and length.
This reader decodes member after member (checksums verified), keeps a bounded buffer, and stops at the first bytes that
do not decode, and says where and why.

Not FastWARC's own archive reader: it ends without a word at an empty member, takes a last member without its checksum for
whole, and lets a wrong Content-Length run into the next member (tests/read/test_fastwarc.py shows each). Its inflater is
used for members that are proven sound (`sound_members`), and its counts are the oracle of the tests.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any

RECORD_PREFIX = b"WARC/"
GZIP_MAGIC = b"\x1f\x8b\x08"
INPUT_BYTES = 32 << 10
OUTPUT_BYTES = 256 << 10
BOMB_BYTES = 64 << 20
BOMB_RATIO = 200
AHEAD_BYTES = 64
"""What is looked at behind a block to see whether its length was true."""


@dataclass(frozen=True)
class Tear:
    """Where a stream stopped: `member` is where the bad member begins, `offset` how far the file was consumed."""

    member: int
    offset: int
    why: str
    is_bomb: bool = False


@dataclass(frozen=True)
class Mark:
    """The current place of a stream: its decoded position and the file offset of the member that holds it."""

    position: int
    offset: int
    is_member_start: bool


class Stream:
    """Decoded bytes from a file offset on; the base of the compressed kinds, itself the kind for plain files."""

    magic = RECORD_PREFIX
    is_compressed = False

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        self._descriptor = descriptor
        self._start = offset
        self._offset = offset
        self._size = size
        self._ended = False
        self.buffer = bytearray()
        self.position = 0
        """Decoded position of the first byte of the buffer."""
        self.tear: Tear | None = None

    def fill(self, num_bytes: int) -> bool:
        """Decode until the buffer holds `num_bytes`; False if the stream ends before."""
        while len(self.buffer) < num_bytes and not self._ended:
            self._pull()
        return len(self.buffer) >= num_bytes

    def more(self) -> bool:
        """Decode one more piece; False at the end of the stream."""
        return self.fill(len(self.buffer) + 1)

    def drop(self, num_bytes: int) -> None:
        """Forget the first bytes of the buffer."""
        del self.buffer[:num_bytes]
        self.position += num_bytes

    def take(self, num_bytes: int) -> bytes:
        """Remove the first bytes of the buffer and return them."""
        with memoryview(self.buffer) as view:
            taken = bytes(view[:num_bytes])
        self.drop(num_bytes)
        return taken

    def skip_block(self, num_bytes: int) -> bool:
        """Pass over a block that is not wanted in memory; False, and no move, unless a record's end follows it."""
        target = self._start + self.position + num_bytes
        if target > self._size or not ends_record(os.pread(self._descriptor, AHEAD_BYTES, target)):
            return False
        self.buffer.clear()
        self.position += num_bytes
        self._offset = target
        self._ended = False
        return True

    def here(self) -> Mark:
        """The current place, as the beginning of something."""
        return Mark(self.position, self._start + self.position, True)

    def length_since(self, mark: Mark) -> int | None:
        """Bytes of the file from a mark to here, if whole members (or plain bytes) lie between; else None."""
        return self.position - mark.position

    def next_member(self) -> int:
        """Index in the buffer of the next member (beyond the first byte) that begins like a record; -1 if there is none."""
        return -1

    def cut(self, mark: Mark) -> bool:
        """Tell whether the file's end or damage cut the record at the mark; a short one in whole members cannot blame the file."""
        if not self.is_compressed:
            self.tear = Tear(mark.offset, self._size, "the file ends inside a record")
        return self.tear is not None

    def _pull(self) -> None:
        chunk = os.pread(self._descriptor, OUTPUT_BYTES, self._offset)
        self._offset += len(chunk)
        self.buffer += chunk
        self._ended = not chunk


def ends_record(tail: bytes | bytearray) -> bool:
    """Tell whether the bytes after a block are what may follow one: two line ends, the next record, or the end."""
    rest = tail.lstrip(b"\r\n")
    return tail.startswith(b"\r\n\r\n") or not rest or rest.startswith(RECORD_PREFIX)


class MemberStream(Stream):
    """A stream of compressed members; a subclass decodes them."""

    is_compressed = True

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        super().__init__(descriptor, offset, size)
        # decoded position and file offset of member starts, from the member that holds the current position on
        self._marks: deque[tuple[int, int]] = deque()
        self._member_decoded = 0

    def drop(self, num_bytes: int) -> None:
        """Forget the first bytes of the buffer, and the members that lie behind."""
        super().drop(num_bytes)
        self._forget_members()

    def _forget_members(self) -> None:
        """Let the first mark be that of the member which holds the current position."""
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= self.position and marks[0][0] < self.position:
            marks.popleft()

    def skip_block(self, num_bytes: int) -> bool:
        """Pass over a block within one member, decoding as it goes: memory stays bounded, what was passed is gone."""
        begin, target = self.position, self.position + num_bytes
        while self.position < target:
            if not self.buffer:
                if self._ended:
                    return False
                self._pull()
                continue
            stop = next((decoded for decoded, _ in self._marks if decoded > begin), target)
            if self.position >= stop:
                return False
            self.drop(min(len(self.buffer), min(stop, target) - self.position))
        self.fill(AHEAD_BYTES)
        return ends_record(self.buffer[:AHEAD_BYTES])

    def here(self) -> Mark:
        """The current place, as the beginning of something; members that hold nothing lie before it."""
        self._forget_members()
        offset, is_member_start = self._marks[0][1], False
        for decoded, start in self._marks:
            if decoded > self.position:
                break
            offset, is_member_start = start, decoded == self.position
        return Mark(self.position, offset, is_member_start)

    def length_since(self, mark: Mark) -> int | None:
        """Bytes of the file from a mark to here, if both are where members begin or end; else None."""
        self._forget_members()
        decoded, offset = self._marks[0]
        return offset - mark.offset if mark.is_member_start and decoded == self.position and offset > mark.offset else None

    def next_member(self) -> int:
        """Index in the buffer of the next member (beyond the first byte) that begins like a record; -1 if there is none."""
        for decoded, _ in self._marks:
            index = decoded - self.position
            if index > 0 and self.buffer.startswith(RECORD_PREFIX, index):
                return index
        return -1

    def _begin_member(self, offset: int) -> None:
        self._marks.append((self.position + len(self.buffer), offset))
        self._member_decoded = 0

    def _end(self) -> None:
        """The file ends where a member ends."""
        self._marks.append((self.position + len(self.buffer), self._size))
        self._ended = True

    def _grow(self, decoded: bytes, consumed: int) -> bool:
        """Add decoded bytes; False if the member turns out to be a bomb."""
        self.buffer += decoded
        self._member_decoded += len(decoded)
        if self._member_decoded > BOMB_BYTES and self._member_decoded > BOMB_RATIO * consumed:
            why = f"a member inflates from {consumed:,} to more than {self._member_decoded:,} bytes"
            self._stop(why, self._marks[-1][1] + consumed, is_bomb=True)
            return False
        return True

    def _stop(self, why: str, offset: int, *, is_bomb: bool = False) -> None:
        self.tear = Tear(self._marks[-1][1], min(offset, self._size), why, is_bomb)
        self._ended = True


class GzipStream(MemberStream):
    """Members of gzip, RFC 1952."""

    magic = GZIP_MAGIC

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        super().__init__(descriptor, offset, size)
        self._inflater: Any = None
        self._pending = b""

    def _pull(self) -> None:
        if not self._pending:
            self._pending = os.pread(self._descriptor, INPUT_BYTES, self._offset)
            self._offset += len(self._pending)
        before = self._offset - len(self._pending)
        if self._inflater is None:
            if not self._pending:
                self._end()
                return
            self._begin_member(before)
            self._inflater = zlib.decompressobj(31)
        if not self._pending:
            # what zlib still holds back comes out before the verdict that the file was cut
            self.buffer += self._inflater.flush()
            self._stop("the file ends inside a gzip member", self._size)
            return
        try:
            decoded = self._inflater.decompress(self._pending, OUTPUT_BYTES)
        except zlib.error as error:
            self._stop(f"bytes that do not inflate ({one_line(error)})", before)
            return
        is_done = self._inflater.eof
        self._pending = self._inflater.unused_data if is_done else self._inflater.unconsumed_tail
        if self._grow(decoded, self._offset - len(self._pending) - self._marks[-1][1]) and is_done:
            self._inflater = None


def one_line(error: Exception) -> str:
    """What a decompressor says, on one line."""
    return " ".join(str(error).split()).removeprefix("Error -3 while decompressing data: ")
