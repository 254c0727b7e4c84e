"""Walk over a WARC file so that every byte is accounted for: in a record, in a bad record, or in a gap that is lost.

Where bytes do not decode, the walk goes on at the next compressed member that begins with `WARC/`. The pieces that have a
length tile the file: they follow one another without holes from its first byte to its last.

Sound members of gzip are inflated by FastWARC (`sound_members`), which is faster; whatever is not proven sound there is
read here by our own framing, which gives the same pieces for sound members, only slower.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.errors import DataError
from mathcode_data.stages.read.members import GZIP_MAGIC, RECORD_PREFIX, GzipStream, Stream, Tear
from mathcode_data.stages.read.records import NOT_A_RECORD, BadRecord, Record, parse_records
from mathcode_data.stages.read.sound_members import SoundMembers
from mathcode_data.stages.read.zstd_frames import ZstdStream, is_zstd

BOMB = "compression_bomb"
MAX_PATIENCE = 1024
"""Pieces that are read the slow way before the fast way is tried again, in a file where it has never led on."""
SCAN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that could not be read. `lost_bytes` is less than `length` where records before the tear were kept."""

    offset: int
    length: int
    why: str
    lost_bytes: int


@dataclass(frozen=True, slots=True)
class Span:
    """Members that hold no record of their own: empty, line ends only, a dictionary, or shared by the records before."""

    offset: int
    length: int


Piece = Record | BadRecord | Gap | Span


def walk_archive(path: Path, max_block_bytes: int) -> Iterator[Piece]:
    """Yield the pieces of a `.warc`, `.warc.gz` or `.warc.zst` file in order; the kind is told by its first bytes.

    Raises:
        DataError: the file is gone or may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(f"{path}: {error.strerror}; it was there when the run was planned: put it back or plan anew") from error
    try:
        yield from _walk(descriptor, os.fstat(descriptor).st_size, stream_kind(os.pread(descriptor, 5, 0), path.name), max_block_bytes)
    finally:
        os.close(descriptor)


def walk_bytes(content: bytes, max_block_bytes: int) -> Iterator[Piece]:
    """Yield the pieces of a part of an archive that was fetched alone; offsets count from its first byte."""
    with tempfile.TemporaryFile() as file:  # the streams read by offset
        file.write(content)
        file.flush()
        yield from _walk(file.fileno(), len(content), stream_kind(content[:5], ""), max_block_bytes)


def stream_kind(head: bytes, name: str) -> type[Stream]:
    """Tell the compression by the first bytes of the file, or by its name if they are damaged."""
    if head.startswith(b"WARC/"):
        return Stream
    if head.startswith(GZIP_MAGIC) or name.lower().endswith(".gz"):
        return GzipStream
    return ZstdStream if is_zstd(head) or name.lower().endswith(".zst") else Stream


def _walk(descriptor: int, size: int, kind: type[Stream], max_block_bytes: int) -> Iterator[Piece]:
    sound = SoundMembers(descriptor, size, max_block_bytes) if kind is GzipStream else None
    covered = 0
    patience = 1
    while covered < size:
        begin = covered
        for record in sound.records(covered) if sound is not None else ():
            assert record.length is not None, "a member that holds one record has its length"
            covered = record.offset + record.length
            yield record
        patience = 1 if covered > begin else min(2 * patience, MAX_PATIENCE)
        slowly = _walk_slowly(descriptor, covered, size, kind, max_block_bytes) if covered < size else ()
        for num_pieces, (piece, end) in enumerate(slowly, start=1):
            yield piece
            if end is not None:
                covered = end
                if sound is not None and num_pieces >= patience:
                    break


def _walk_slowly(descriptor: int, covered: int, size: int, kind: type[Stream], max_block_bytes: int) -> Iterator[tuple[Piece, int | None]]:
    """Pieces of one stream, up to its end or beyond its tear, each with the offset up to which all is accounted for.

    That offset is None where a member is not done with; elsewhere, another stream from there on gives the same.
    """
    stream = kind(descriptor, covered, size)
    num_shared = 0
    for piece in parse_records(stream, max_block_bytes):
        if piece.length is None:
            num_shared += 1
            yield piece, None
            continue
        if piece.offset > covered:
            yield Span(covered, piece.offset - covered), None
        num_shared = 0
        covered = piece.offset + piece.length
        if isinstance(piece, BadRecord) and piece.reason == NOT_A_RECORD and not stream.is_compressed:
            yield Gap(piece.offset, piece.length, "bytes that are no WARC record", piece.length), covered
        else:
            yield piece, covered
    if stream.tear is None:
        if covered < size:
            yield Span(covered, size - covered), size
        return
    following = find_member(descriptor, kind, stream.tear.member + 1, size) if stream.is_compressed else None
    end = size if following is None else following
    yield _lost(stream.tear, covered, end, has_kept=num_shared > 0), end


def _lost(tear: Tear, covered: int, end: int, *, has_kept: bool) -> Gap | BadRecord:
    """What the tear cost: all since the last whole record, or only what follows the tear if records before it were kept."""
    lost = end - (min(max(covered, tear.offset), end) if has_kept else covered)
    if tear.is_bomb:
        return BadRecord(covered, end - covered, BOMB, lost)
    return Gap(covered, end - covered, tear.why, lost)


def find_member(descriptor: int, kind: type[Stream], offset: int, size: int) -> int | None:
    """Offset of the next member from `offset` on which decodes to the beginning of a WARC record; None if there is none."""
    magic = kind.magic
    while offset < size:
        window = os.pread(descriptor, SCAN_BYTES, offset)
        at = window.find(magic)
        while at >= 0:
            if _begins_record(descriptor, kind, offset + at, size):
                return offset + at
            at = window.find(magic, at + 1)
        if len(window) < SCAN_BYTES:
            return None
        offset += len(window) - len(magic) + 1
    return None


def _begins_record(descriptor: int, kind: type[Stream], offset: int, size: int) -> bool:
    if kind is GzipStream:
        try:
            return zlib.decompressobj(31).decompress(os.pread(descriptor, 4096, offset), 16).startswith(RECORD_PREFIX)
        except zlib.error:
            return False
    stream = kind(descriptor, offset, size)
    stream.fill(5)
    return stream.buffer.startswith(RECORD_PREFIX)
