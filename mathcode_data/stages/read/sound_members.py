"""The fast way through a sound `.warc.gz`: whole gzip members inflated by FastWARC 2, one record each, proven whole.

FastWARC's reader inflates about twice as fast as zlib and verifies checksum and length of every member but the last of its
stream, after which it ends without a word whether that member was whole or not. So each member is given to it as a stream
of its own with a tiny member of ours behind it: if that one comes out where it was put, the member before it began and
ended exactly where we say. Where a member ends is guessed (at the next bytes that may begin one) and proven thereby.

Only the plain case is taken: one member, one record, its block followed by two line ends, and another such member or the
end of the file behind it. Anything else is left to `salvage`, from the first byte of the first record that is not proven;
it gives the same pieces for what was taken here.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator

from fastwarc import GzipReader

from mathcode_data.stages.read.members import BOMB_BYTES, GZIP_MAGIC
from mathcode_data.stages.read.records import MAX_HEAD_BYTES, VERSION_LINE, Record, head_length, parse_headers, stated_length

END_OF_RECORD = b"\r\n\r\n"
MIN_MEMBER_BYTES = 18
MAX_RATIO = 1040
"""DEFLATE makes at most 1032 bytes of one; what claims more is no end of a member."""
READ_BYTES = 32 << 10
WINDOW_BYTES = 1 << 20
MAX_GUESSES = 8
"""Ends that are tried for one member: three given bytes come up by chance about once in 16 MB."""
MARKER = b"."
MARKER_MEMBER = gzip.compress(MARKER, mtime=0)


class SoundMembers:
    """Records of the sound members of a file, from any offset on."""

    def __init__(self, descriptor: int, size: int, max_block_bytes: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._max_block_bytes = max_block_bytes
        self._max_bytes = min(max_block_bytes + MAX_HEAD_BYTES, BOMB_BYTES)
        self._window = b""
        self._base = 0

    def records(self, offset: int) -> Iterator[Record]:
        """Yield records from an offset on, without a hole, up to the first that is not proven sound.

        A record is given out once what follows it is known to be a sound record or the end of the file: line ends or empty
        members between two records are for `salvage` to account for.
        """
        waiting: Record | None = None
        while offset < self._size:
            found = self._record(offset)
            if found is None:
                return
            if waiting is not None:
                yield waiting
            waiting = found[0]
            offset += found[1]
        if waiting is not None:
            yield waiting

    def _record(self, offset: int) -> tuple[Record, int] | None:
        """The record in the member at an offset, and the member's length."""
        begin = offset - self._base
        if not 0 <= begin <= len(self._window) - MIN_MEMBER_BYTES:
            begin = self._load(offset, WINDOW_BYTES)
        if not self._window.startswith(GZIP_MAGIC, begin):
            return None
        after = MIN_MEMBER_BYTES
        for _ in range(MAX_GUESSES):
            end = self._window.find(GZIP_MAGIC, begin + after)
            while end < 0 and self._base + len(self._window) < self._size:
                num_bytes = len(self._window) - begin
                if num_bytes > self._max_bytes:
                    return None
                begin = self._load(offset, max(2 * num_bytes, WINDOW_BYTES))
                if len(self._window) <= num_bytes:
                    return None  # the file became shorter meanwhile
                end = self._window.find(GZIP_MAGIC, begin + after)
            is_last = end < 0
            end = len(self._window) if is_last else end
            content = inflate_whole(self._window[begin:end], self._max_bytes)
            if content is not None:
                record = plain_record(content, offset, end - begin, self._max_block_bytes)
                return None if record is None else (record, end - begin)
            if is_last:
                return None
            after = end + 1 - begin
        return None

    def _load(self, offset: int, num_bytes: int) -> int:
        """Let the window begin at an offset; gives the index of the offset in it."""
        self._window, self._base = os.pread(self._descriptor, num_bytes, offset), offset
        return 0


def plain_record(content: bytes, offset: int, length: int, max_block_bytes: int) -> Record | None:
    """The one record that the content of a member is; None unless it is the plain case."""
    head_bytes = head_length(content)
    if head_bytes < 0 or VERSION_LINE.match(content) is None:
        return None
    headers = parse_headers(content[:head_bytes])
    block_bytes = stated_length(headers)
    if isinstance(block_bytes, str) or block_bytes > max_block_bytes:
        return None
    end = head_bytes + block_bytes
    if content[end:] != END_OF_RECORD:
        return None
    return Record(offset, length, headers, content[head_bytes:end])


def record_of_member(member: bytes, offset: int, max_block_bytes: int) -> Record | None:
    """The record in bytes that are exactly one sound gzip member; None if they are anything else."""
    content = inflate_whole(member, min(max_block_bytes + MAX_HEAD_BYTES, BOMB_BYTES))
    return None if content is None else plain_record(content, offset, len(member), max_block_bytes)


def inflate_whole(member: bytes, max_bytes: int) -> bytes | None:
    """The content of bytes that are exactly one gzip member of at most `max_bytes`; None if they are anything else.

    >>> inflate_whole(gzip.compress(b"abc"), 10), inflate_whole(gzip.compress(b"abc")[:-1], 10)
    (b'abc', None)
    """
    num_bytes = int.from_bytes(member[-4:], "little")
    if not 0 < num_bytes <= min(max_bytes, MAX_RATIO * len(member)):
        return None
    reader = GzipReader(io.BytesIO(member + MARKER_MEMBER), READ_BYTES)
    try:
        content: bytes = reader.read(num_bytes)
        if len(content) != num_bytes or reader.frame_start_position() != 0:
            return None
        if reader.read(len(MARKER) + 1) != MARKER or reader.frame_start_position() != len(member):
            return None
    except OSError:
        return None  # not a member, or a damaged one: the slow way says which
    return content
