"""Frames between the guard and its child: lengths, then bytes. Nothing is pickled.

Request:  `<I` number of pages, then per page `<4I` lengths of content, url, content type, encoding, then these bytes.
Reply:    per page `<I` length, then a JSON object.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import orjson

from mathcode_data.stages.extract.records import Formula, Page, PageInput

_COUNT = struct.Struct("<I")
_LENGTHS = struct.Struct("<4I")

ReadExactly = Callable[[int], bytes]


def pack_request(pages: Sequence[PageInput]) -> bytes:
    """All pages of one round trip as bytes."""
    pieces = [_COUNT.pack(len(pages))]
    for page in pages:
        fields = (page.content, *(text.encode("utf-8", "replace") for text in (page.url, page.content_type, page.encoding)))
        pieces.append(_LENGTHS.pack(*map(len, fields)))
        pieces.extend(fields)
    return b"".join(pieces)


def read_request(read: ReadExactly) -> list[PageInput]:
    """The pages of one round trip; EOFError where the other side is gone."""
    (count,) = _COUNT.unpack(read(_COUNT.size))
    pages = []
    for _ in range(count):
        sizes = _LENGTHS.unpack(read(_LENGTHS.size))
        content, url, content_type, encoding = (read(size) for size in sizes)
        pages.append(PageInput(content, url.decode(), content_type.decode(), encoding.decode()))
    return pages


def pack_reply(page: Page) -> bytes:
    """One page as a frame."""
    body = orjson.dumps(
        [
            page.title,
            page.language,
            page.text,
            [[formula.latex, formula.display, formula.source, formula.confidence] for formula in page.formulas],
            page.encoding,
            page.encoding_source,
            page.error,
            page.damage,
        ]
    )
    return _COUNT.pack(len(body)) + body


def read_reply(read: ReadExactly) -> Page:
    """The next page of the reply."""
    (size,) = _COUNT.unpack(read(_COUNT.size))
    title, language, text, formulas, encoding, encoding_source, error, damage = orjson.loads(read(size))
    return Page(
        title,
        language,
        text,
        tuple(Formula(*formula) for formula in formulas),
        encoding,
        encoding_source,
        error,
        damage,
    )
