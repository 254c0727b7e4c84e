"""Zstandard frames (RFC 8878) as members of an archive: their extent without decoding them, and the stream of them."""

from __future__ import annotations

import os
import struct

import zstandard

from mathcode_data.stages.read.members import OUTPUT_BYTES, MemberStream, one_line

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = range(0x184D2A50, 0x184D2A60)
DICTIONARY_FRAME = 0x184D2A5D
MAX_WINDOW_BYTES = 1 << 27
MAX_DICTIONARY_BYTES = 16 << 20


class ZstdStream(MemberStream):
    """Frames of Zstandard, RFC 8878, with the leading dictionary frame that WARC files may have."""

    magic = ZSTD_MAGIC

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        super().__init__(descriptor, offset, size)
        self._decompressor = make_decompressor(descriptor)
        self._reader: zstandard.ZstdDecompressionReader | None = None
        self._is_cut = False

    def _pull(self) -> None:
        if self._reader is None:
            self._open_frame()
            return
        try:
            decoded = self._reader.read(OUTPUT_BYTES)
        except zstandard.ZstdError as error:
            self._stop(f"bytes that do not inflate ({one_line(error)})", self._marks[-1][1])
            return
        if decoded:
            self._grow(decoded, self._offset - self._marks[-1][1])
        elif self._is_cut:
            self._stop("the file ends inside a Zstandard frame", self._size)
        else:
            self._reader = None

    def _open_frame(self) -> None:
        """Find the extent of the next frame from its block headers and open it; skippable frames are passed over."""
        start = self._offset
        if start >= self._size:
            self._end()
            return
        self._begin_member(start)
        skippable = skippable_length(self._descriptor, start)
        try:
            length = skippable or frame_length(self._descriptor, start)
        except (ValueError, zstandard.ZstdError) as error:
            self._stop(f"bytes that are no Zstandard frame ({one_line(error)})", start)
            return
        self._is_cut = start + length > self._size
        self._offset = min(start + length, self._size)
        if not skippable:
            self._reader = self._decompressor.stream_reader(_Window(self._descriptor, start, self._offset))  # type: ignore[arg-type]
        elif self._is_cut:
            self._stop("the file ends inside a skippable frame", self._size)


class _Window:
    """A part of a file, for readers that take a file object."""

    def __init__(self, descriptor: int, offset: int, end: int) -> None:
        self._descriptor, self._offset, self._end = descriptor, offset, end

    def read(self, num_bytes: int = -1) -> bytes:
        """Read on, at most to the end of the part."""
        left = self._end - self._offset
        chunk = os.pread(self._descriptor, left if num_bytes < 0 else min(num_bytes, left), self._offset)
        self._offset += len(chunk)
        return chunk


def is_zstd(head: bytes) -> bool:
    """Tell a Zstandard file by its first four bytes: a frame, or a skippable frame before one."""
    return head.startswith(ZSTD_MAGIC) or int.from_bytes(head[:4], "little") in SKIPPABLE


def make_decompressor(descriptor: int) -> zstandard.ZstdDecompressor:
    """A decompressor with a bounded window, and with the dictionary that stands first in the file, if one does."""
    length = skippable_length(descriptor, 0)
    dictionary = None
    if length and struct.unpack("<I", os.pread(descriptor, 4, 0))[0] == DICTIONARY_FRAME and length < MAX_DICTIONARY_BYTES:
        content = os.pread(descriptor, length - 8, 8)
        if content.startswith(ZSTD_MAGIC):
            plain = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(content)
            content = plain.read(MAX_DICTIONARY_BYTES)
        dictionary = zstandard.ZstdCompressionDict(content)
    return zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW_BYTES)


def skippable_length(descriptor: int, offset: int) -> int:
    """Length of the skippable frame at an offset, 0 if there is none."""
    head = os.pread(descriptor, 8, offset)
    if len(head) < 8:
        return 0
    magic, length = struct.unpack("<II", head)
    return length + 8 if magic in SKIPPABLE else 0


def frame_length(descriptor: int, offset: int) -> int:
    """Length of a Zstandard frame from its block headers (RFC 8878, 3.1.1), nothing decoded.

    The answer may lie beyond the end of the file, if the file was cut.

    Raises:
        ValueError: no frame begins at this offset.
    """
    head = os.pread(descriptor, 18, offset)
    if not head.startswith(ZSTD_MAGIC):
        raise ValueError(f"{head[:4].hex(' ')} is no magic number of a frame")
    parameters = zstandard.get_frame_parameters(head)
    if parameters.window_size > MAX_WINDOW_BYTES:
        raise ValueError(f"window of {parameters.window_size:,} bytes, at most {MAX_WINDOW_BYTES:,}")
    position = offset + zstandard.frame_header_size(head)
    while True:
        header = os.pread(descriptor, 3, position)
        if len(header) < 3:
            return position + 3 - offset
        value = int.from_bytes(header, "little")
        kind, size = value >> 1 & 3, value >> 3
        if kind == 3:
            raise ValueError("reserved block type")
        position += 3 + (1 if kind == 1 else size)
        if value & 1:
            return position + 4 * parameters.has_checksum - offset
