"""Content codings undone piece by piece, so that a bomb is seen while it arrives and never held.

No decoder is ever asked for more than it can bound: zlib and brotli take a limit of their output, zstandard takes none while
streaming, so it is fed 64 bytes at a time (a block of 128 KB needs at least four).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

PIECE_BYTES = 256 << 10
ZSTD_STEP_BYTES = 64
MAX_WINDOW_BYTES = 1 << 27
MAX_CODINGS = 3
RATIO_FLOOR_BYTES = 1 << 20
PLAIN = frozenset({"", "identity", "none", "utf-8", "utf8", "iso-8859-1", "binary", "7bit", "8bit", "text"})


class InflateError(Exception):
    """The body is not coded as announced."""


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Zlib:
    def __init__(self, coding: str) -> None:
        self._is_gzip = coding in ("gzip", "x-gzip")
        self._inflater: Any = None
        self._head = b""
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        data = self._head + data
        self._head = b""
        while data and not self._is_over:
            if self._inflater is None or self._inflater.eof:
                if len(data) < 2:
                    self._head = data
                    return
                if self._inflater is not None and not (self._is_gzip and data.startswith(b"\x1f\x8b")):
                    self._is_over = True  # bytes behind the end are ignored, as in browsers
                    return
                is_wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
                self._inflater = zlib.decompressobj(31 if self._is_gzip else 15 if is_wrapped else -15)
            piece = self._inflater.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._decompressor.is_finished():
            return
        try:
            piece = self._decompressor.process(data, output_buffer_limit=PIECE_BYTES)
            while piece:
                yield piece
                if self._decompressor.is_finished():
                    return
                piece = self._decompressor.process(b"", output_buffer_limit=PIECE_BYTES)
        except brotli.error as error:
            raise InflateError(str(error)) from error


class _Zstd:
    def __init__(self) -> None:
        self._inflater: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        view = memoryview(data)
        for at in range(0, len(view), ZSTD_STEP_BYTES):
            step = bytes(view[at : at + ZSTD_STEP_BYTES])
            if self._inflater is None or self._inflater.eof:
                self._inflater = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()
            piece = self._inflater.decompress(step)
            if piece:
                yield piece


class Inflater:
    """Counts (or gives) what comes out of a body, and stops at a cap."""

    def __init__(self, content_encoding: str, max_bytes: int, max_ratio: int) -> None:
        """`content_encoding` is the header's value.

        Raises:
            InflateError: a coding that nobody knows, or more than three of them.
        """
        codings = [coding for coding in (token.strip().lower() for token in content_encoding.split(",")) if coding not in PLAIN]
        if len(codings) > MAX_CODINGS:
            raise InflateError(f"{len(codings)} codings")
        self._decoders = [_decoder(coding) for coding in reversed(codings)]
        self._max_bytes, self._max_ratio = max_bytes, max_ratio
        self.fed = self.size = 0
        self.is_stopped = False
        """The cap or the ratio was reached; nothing comes out any more."""
        self.is_plain = not codings
        """Nothing was coded, or not as announced from the first byte on: the bytes are taken as they are."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of what these bytes decode to; at most `max_bytes` in all.

        Raises:
            InflateError: the coding breaks off in the middle.
        """
        if self.is_stopped or not data:
            return
        is_first = not self.fed
        self.fed += len(data)
        pieces = iter([data]) if self.is_plain else self._through(data, 0)
        try:
            for piece in pieces:
                room = self._max_bytes - self.size
                self.size += min(len(piece), room)
                yield piece[:room]
                if len(piece) > room or (self.size > RATIO_FLOOR_BYTES and self.size > self._max_ratio * self.fed):
                    self.is_stopped = True
                    return
        except (zlib.error, zstandard.ZstdError, InflateError, ValueError) as error:
            if self.size or not is_first:
                raise InflateError(str(error)) from error
            self.is_plain = True
            self.size += len(data)
            yield data

    def _through(self, data: bytes, level: int) -> Iterator[bytes]:
        if level == len(self._decoders):
            yield data
            return
        for piece in self._decoders[level].feed(data):
            yield from self._through(piece, level + 1)


def _decoder(coding: str) -> _Decoder:
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Zlib(coding)
    if coding == "br":
        return _Brotli()
    if coding == "zstd":
        return _Zstd()
    raise InflateError(f"unknown coding {coding[:40]!r}")
