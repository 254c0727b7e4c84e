"""The body of an archived HTTP response: headers parsed, transfer and content codings undone within fixed bounds.

Archives are not exact about codings: many writers store the decoded body and keep the header that says it is coded. So a
body that plainly is not coded is taken as it is, and a coded body that is cut gives what comes out of it; both are noted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import brotli  # type: ignore[import-untyped]
import zstandard

from mathcode_data.stages.read.records import parse_headers
from mathcode_data.stages.read.zstd_frames import MAX_WINDOW_BYTES

MAX_HEAD_BYTES = 64 << 10
MAX_RATIO = 200
RATIO_FLOOR_BYTES = 1 << 20
"""Below this size a high ratio harms nobody, and short repetitive pages do reach it."""
MAX_CODINGS = 3
STATUS_LINE = re.compile(rb"HTTP/[0-9.]{1,5}[ \t]+([0-9]{3})(?![0-9])")
CHUNK_LINE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\n]{0,1024})?\r?\n")
NO_CODING = frozenset({"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "binary", "7bit", "8bit", "text"})
HASHES = {"sha1": 20, "md5": 16, "sha256": 32, "sha512": 64}


class PayloadError(Exception):
    """A body that cannot be used; the message is the reason under which it is counted."""


@dataclass(frozen=True)
class Response:
    """Status, headers (lower-case names) and the body as it stands in the archive."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Body:
    """A decoded body, and what was unusual about it (names of facts to count)."""

    content: bytes
    notes: tuple[str, ...]


def parse_response(block: bytes) -> Response:
    """Split the block of a response record.

    Raises:
        PayloadError: `bad_http`: no status line, or no end of the headers within 64 KB.
    """
    match = STATUS_LINE.match(block)
    if match is None:
        raise PayloadError("bad_http")
    end = block.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    bare = block.find(b"\n\n", 0, end if end >= 0 else MAX_HEAD_BYTES)
    size = bare + 2 if bare >= 0 else end + 4
    if size < 4:
        raise PayloadError("bad_http")
    return Response(int(match[1]), parse_headers(block[:size]), block[size:])


def decode_body(body: bytes, headers: dict[str, str], max_bytes: int) -> Body:
    """Undo Transfer-Encoding and Content-Encoding; never holds more than `max_bytes` of decoded content.

    Raises:
        PayloadError: `too_large`, `compression_bomb`, `bad_chunks`, `bad_content_encoding`, `unknown_content_encoding`.
    """
    notes: list[str] = []
    content = body
    if "chunked" in headers.get("transfer-encoding", "").lower():
        content = _join_chunks(body, notes)
    codings = [token.strip().lower() for token in headers.get("content-encoding", "").split(",")]
    codings = [token for token in codings if token not in NO_CODING]
    if len(codings) > MAX_CODINGS:
        raise PayloadError("bad_content_encoding")
    wire_bytes = len(content)
    for coding in reversed(codings):
        content = _undo(coding, content, max_bytes, wire_bytes, notes)
    if len(content) > max_bytes:
        raise PayloadError("too_large")
    return Body(content, tuple(notes))


def dechunk(body: bytes) -> bytes | None:
    """The body without its chunk lines; None if it is not in whole chunks."""
    notes: list[str] = []
    try:
        joined = _join_chunks(body, notes)
    except PayloadError:
        return None
    return None if notes else joined


def _join_chunks(body: bytes, notes: list[str]) -> bytes:
    parts: list[bytes] = []
    position = 0
    while True:
        match = CHUNK_LINE.match(body, position)
        if match is None:
            if position == 0:
                notes.append("not_chunked")
                return body
            if body[position:].strip():
                raise PayloadError("bad_chunks")
            notes.append("cut_body")
            return b"".join(parts)
        size = int(match[1], 16)
        if size == 0:
            return b"".join(parts)
        part = body[match.end() : match.end() + size]
        parts.append(part)
        position = match.end() + size
        if len(part) < size:
            notes.append("cut_body")
            return b"".join(parts)
        position += 2 if body.startswith(b"\r\n", position) else 1 if body.startswith(b"\n", position) else 0


def _undo(coding: str, content: bytes, max_bytes: int, wire_bytes: int, notes: list[str]) -> bytes:
    decoder = DECODERS.get(coding)
    if decoder is None:
        raise PayloadError("unknown_content_encoding")
    parts: list[bytes] = []
    size = 0
    try:
        for part in decoder(content, max_bytes + 1):
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise PayloadError("too_large")
            if size > RATIO_FLOOR_BYTES and size > MAX_RATIO * wire_bytes:
                raise PayloadError("compression_bomb")
    except _CutError:
        notes.append("cut_body")
    except (zlib.error, zstandard.ZstdError, ValueError) as error:
        if parts or content.lstrip()[:1] != b"<":
            raise PayloadError("bad_content_encoding") from error
        notes.append("already_decoded")
        return content
    return b"".join(parts)


class _CutError(Exception):
    """The coded bytes end before their end mark; what was decoded stands."""


def _gunzip(content: bytes, max_bytes: int) -> Iterator[bytes]:
    if not content.startswith(b"\x1f\x8b"):
        raise ValueError("no gzip magic")
    while content.startswith(b"\x1f\x8b"):  # further members count; other bytes after the last are ignored, as in browsers
        inflater = zlib.decompressobj(31)
        yield from _inflate(inflater, content, max_bytes)
        if not inflater.eof:
            raise _CutError("gzip")
        content = inflater.unused_data


def _inflate(inflater: Any, content: bytes, max_bytes: int) -> Iterator[bytes]:
    part = inflater.decompress(content, max_bytes)
    while part:
        yield part
        part = inflater.decompress(inflater.unconsumed_tail, max_bytes) if inflater.unconsumed_tail else b""


def _deflate(content: bytes, max_bytes: int) -> Iterator[bytes]:
    # the standard means zlib's wrapper, many servers send the bare stream
    inflater = zlib.decompressobj(15 if _has_zlib_header(content) else -15)
    yield from _inflate(inflater, content, max_bytes)
    if not inflater.eof:
        raise _CutError("deflate")


def _has_zlib_header(content: bytes) -> bool:
    return len(content) > 1 and content[0] & 15 == 8 and int.from_bytes(content[:2], "big") % 31 == 0


def _unzstd(content: bytes, max_bytes: int) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    with decompressor.stream_reader(content, read_across_frames=True) as reader:
        while part := reader.read(min(max_bytes, 1 << 20)):
            yield part


def _unbrotli(content: bytes, max_bytes: int) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()
    given = content
    while not decompressor.is_finished():
        try:
            part = decompressor.process(given, output_buffer_limit=min(max_bytes, 1 << 20))
        except brotli.error as error:
            raise ValueError(str(error)) from error
        if part:
            yield part
        elif not given:
            raise _CutError("brotli")
        given = b""


DECODERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}


def payload_digest(body: bytes) -> str:
    """The digest as archives write it.

    >>> payload_digest(b"")
    'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'
    """
    return "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def digest_holds(digest: str, candidates: Iterator[bytes]) -> bool | None:
    """Whether a WARC digest (`sha1:BASE32`, hexadecimal too) is that of one of the candidates; None if its algorithm is unknown.

    A value that cannot be one of its algorithm is the digest of nothing: it has been damaged.
    """
    name, _, value = digest.partition(":")
    name = name.strip().lower().replace("-", "")
    expected = _digest_bytes(value.strip(), HASHES.get(name, 0))
    if expected is None:
        return False if name in HASHES and value.strip() else None
    return any(hashlib.new(name, candidate, usedforsecurity=False).digest() == expected for candidate in candidates)


def _digest_bytes(value: str, size: int) -> bytes | None:
    try:
        decoded = bytes.fromhex(value) if len(value) == 2 * size else base64.b32decode(value.upper() + "=" * (-len(value) % 8))
    except (ValueError, binascii.Error):
        return None
    return decoded if size and len(decoded) == size else None
