"""WARC records out of a stream of decoded bytes (ISO 28500), strict about lengths and able to find its way again.

A record whose header or length cannot be true is reported as bad, and reading goes on at the next bytes or member that
begin like one. So a length that lies costs its own record and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mathcode_data.stages.read.members import AHEAD_BYTES, RECORD_PREFIX, Stream, ends_record

MAX_HEAD_BYTES = 32 << 10
MAX_LENGTH_DIGITS = 15
VERSION_LINE = re.compile(rb"WARC/[01]\.[0-9]{1,2}[ \t]*\r?\n")
RECORD_BEGIN = re.compile(rb"WARC/[01]\.[0-9]{1,2}[ \t]*\r?\n[A-Za-z][A-Za-z-]{0,40}:")
"""Not anchored to the beginning of a line: the damage may be in the line end before it."""
NOT_A_RECORD = "not_a_record"
INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record. `length` is None where several records share a compressed member, which begins at `offset`."""

    offset: int
    length: int | None
    headers: dict[str, str]
    block: bytes | None
    """None if the block is longer than was asked for."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """Bytes that decode but hold no usable record. `lost_bytes` are bytes of the file, or decoded ones if `length` is None."""

    offset: int
    length: int | None
    reason: str
    lost_bytes: int


def parse_records(stream: Stream, max_block_bytes: int) -> Iterator[Record | BadRecord]:
    """Yield what stands in a stream, in order, up to its end or its tear.

    A record that the end of the file cuts is not yielded: `stream.tear` tells of it. Records of a member that several
    share are yielded before the member's checksum is known; their own digests tell whether they are sound.
    """
    while _pass_line_ends(stream):
        mark = stream.here()
        head = _read_head(stream)
        headers = parse_headers(head) if isinstance(head, bytes) else {}
        outcome = _read_block(stream, headers, max_block_bytes) if isinstance(head, bytes) else head
        if isinstance(outcome, str):
            is_last = not _seek_record(stream, is_inside=not isinstance(head, bytes))
            if is_last and outcome == INCOMPLETE and stream.cut(mark):
                return
            reason = "bad_length" if outcome == INCOMPLETE else outcome
            length = stream.length_since(mark)
            yield BadRecord(mark.offset, length, reason, stream.position - mark.position if length is None else length)
            continue
        _pass_line_ends(stream)
        yield Record(mark.offset, stream.length_since(mark), headers, outcome[0])


def _pass_line_ends(stream: Stream) -> bool:
    """Drop line ends; False at the end of the stream."""
    while stream.fill(1):
        if stream.buffer[0] not in b"\r\n":
            return True
        window = stream.buffer[:AHEAD_BYTES]
        stream.drop(len(window) - len(window.lstrip(b"\r\n")))
    return False


def _read_head(stream: Stream) -> bytes | str:
    """Remove the version line, header lines and the empty line after them; or say what is wrong, nothing removed."""
    stream.fill(16)
    if VERSION_LINE.match(stream.buffer) is None:
        return NOT_A_RECORD
    while True:
        length = head_length(stream.buffer)
        if length >= 0:
            return stream.take(length)
        if len(stream.buffer) >= MAX_HEAD_BYTES:
            return "header_too_large"
        if not stream.more():
            return INCOMPLETE


def head_length(content: bytes | bytearray) -> int:
    """Bytes of the version line, the header lines and the empty line after them; -1 if no empty line is in sight.

    >>> head_length(b"WARC/1.0\\r\\nA: b\\r\\n\\r\\nblock")
    18
    """
    end = content.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    bare = content.find(b"\n\n", 0, end if end >= 0 else MAX_HEAD_BYTES)
    return bare + 2 if bare >= 0 else end + 4 if end >= 0 else -1


def parse_headers(head: bytes) -> dict[str, str]:
    """Header lines as lower-case names and values; the first of equal names counts, folded lines are joined.

    >>> parse_headers(b"WARC/1.0\\r\\nWARC-Type: response\\r\\nContent-Length: 3\\r\\n\\r\\n")
    {'warc-type': 'response', 'content-length': '3'}
    """
    headers: dict[str, str] = {}
    name = ""
    for line in head.decode("utf-8", "replace").split("\n")[1:]:
        if line[:1] in (" ", "\t"):
            if name:
                headers[name] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        name = key.strip().lower() if colon else ""
        if name in headers:
            name = ""
        if name:
            headers[name] = value.strip()
    return headers


def stated_length(headers: dict[str, str]) -> int | str:
    """Length of the block by the headers, or why it cannot be known."""
    text = headers.get("content-length")
    if text is None:
        return "no_length"
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_LENGTH_DIGITS:
        return "bad_length"
    return int(text)


def _read_block(stream: Stream, headers: dict[str, str], max_block_bytes: int) -> tuple[bytes | None] | str:
    """Remove the block of a record; or say what is wrong with its length, nothing removed if it was within the bound."""
    length = stated_length(headers)
    if isinstance(length, str):
        return length
    if length > max_block_bytes:
        return (None,) if stream.skip_block(length) else "bad_length"
    stream.fill(length + AHEAD_BYTES)
    if len(stream.buffer) < length:
        return INCOMPLETE
    if not ends_record(stream.buffer[length : length + AHEAD_BYTES]):
        return "bad_length"
    return (stream.take(length),)


def _seek_record(stream: Stream, *, is_inside: bool) -> bool:
    """Drop bytes up to the next ones that begin like a record; False if there are none (all is dropped then)."""
    if is_inside:
        stream.drop(1)
    elif stream.buffer.startswith(RECORD_PREFIX):
        return True
    while True:
        member = stream.next_member()
        found = RECORD_BEGIN.search(stream.buffer, 0, member + AHEAD_BYTES if member >= 0 else len(stream.buffer))
        starts = [start for start in (member, found.start() if found is not None else -1) if start >= 0]
        if starts:
            stream.drop(min(starts))
            return True
        stream.drop(max(len(stream.buffer) - AHEAD_BYTES, 0))
        if not stream.more():
            stream.drop(len(stream.buffer))
            return False
