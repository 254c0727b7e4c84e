"""A page that is gzip: its bytes, and what is wrong with the file, if anything.

A file cut short, or with a wrong checksum, gives what could be read and says so: the text of a torn page is still text, but
nobody should take it for whole. More than `MAX_INFLATED_BYTES`, or a file out of which nothing comes, is no page.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

MAGIC = b"\x1f\x8b"
MAX_INFLATED_BYTES = 32 << 20
_STEP_BYTES = 4096  # deflate makes at most 1,032 bytes of one, so a step is at most 4.3 MB


class Inflated(NamedTuple):
    """What a file holds."""

    content: bytes
    damage: str = ""
    """What is wrong with the file although `content` came out of it, or ""."""
    error: str = ""
    """Why there is no content, or ""."""


def inflate(packed: bytes) -> Inflated:
    """Undo one layer of gzip, all members of it; zeros behind the last one are padding.

    >>> import gzip
    >>> inflate(gzip.compress(b"one ") + gzip.compress(b"page")).content, inflate(gzip.compress(b"whole page")[:-3]).damage
    (b'one page', 'gzip: the file ends too early, 10 bytes of the page were read')
    """
    pieces: list[bytes] = []
    size, rest, why = 0, packed, ""
    while rest and not why:
        if not rest.startswith(MAGIC):
            why = "" if not rest.strip(b"\0") else f"{len(rest):,} bytes behind the end are no gzip"
            break
        inflater = zlib.decompressobj(31)
        at = 0
        while not (inflater.eof or why):
            step = rest[at : at + _STEP_BYTES]
            piece, why = _step(inflater, step) if step else (b"", "the file ends too early")
            at += len(step)
            pieces.append(piece)
            size += len(piece)
            if size > MAX_INFLATED_BYTES:
                return Inflated(b"", error=f"limit: gzip of {len(packed):,} bytes holds more than {MAX_INFLATED_BYTES:,}")
        rest = inflater.unused_data + rest[at:]
    if why and not size:
        return Inflated(b"", error=f"gzip: {why}, and nothing could be read")
    return Inflated(b"".join(pieces), f"gzip: {why}, {size:,} bytes of the page were read" if why else "")


def _step(inflater: Any, step: bytes) -> tuple[bytes, str]:
    """What a few bytes inflate to, and what is wrong; up to the byte that is wrong, all is given."""
    before = inflater.copy()
    try:
        return inflater.decompress(step), ""
    except zlib.error as error:
        why = str(error).partition("decompressing data: ")[2] or str(error)
    piece = b""
    for position in range(len(step)):
        try:
            piece += before.decompress(step[position : position + 1])
        except zlib.error:
            break
    return piece, f"the file is damaged ({why})"
