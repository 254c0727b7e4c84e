"""Checks on the raw text of a page before it is parsed: what would choke the parser is refused with a reason.

The parser is quadratic in the number of attributes of one tag (10,000: 0.2 s, 200,000: 107 s) and in the depth of
nested blocks (10,000: 0.2 s, 100,000: 12 s). Every check here is linear.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.gzipped import MAGIC as GZIP_MAGIC
from mathcode_data.stages.extract.words import words

MAX_CHARACTERS = 16 << 20
MAX_BYTES = 4 * MAX_CHARACTERS  # no encoding of that many characters needs more; checked before a page is decoded
MAX_DEPTH = 5_000
MAX_ATTRIBUTES = 5_000
MAX_ENTITIES = 1_500_000
MAX_TAGS = 1_000_000
SECONDS_PER_MB = 1.0
"""Added to the deadline of a page; an ordinary page of 8 MB needs three seconds in all."""
_LONG_PIECE = 3 * MAX_ATTRIBUTES  # a shorter tag cannot hold that many attributes

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_TAG_START = re.compile(r"<[a-zA-Z]")
_ATTRIBUTE = re.compile(r"""[^\s=>"'/]+(?:=(?:"[^"]*"|'[^']*'|[^\s>"']*))?""")
# Their end tags are optional or missing: counting them would call every long list deep.
_FLAT = words(
    "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th option optgroup"
    " tbody thead tfoot colgroup font b i u a span script style path use rect circle line"
)
# Counting opening tags, and among them these, first saves the scan on nearly all pages: a page is deep only if more than
# MAX_DEPTH others are left.
_FREQUENT = ("<span", "<a ", "<li", "<td", "<path", "<use", "<p>", "<br", "<img", "<tr")


def check_limits(html: str) -> str:
    """The reason why a page is refused, or "".

    >>> check_limits("<p>fine</p>"), check_limits("<div>" * 6000)
    ('', 'limit: tags nested more than 5,000 deep')
    """
    if len(html) > MAX_CHARACTERS:
        return f"limit: {len(html):,} characters on one page, more than {MAX_CHARACTERS:,}"
    num_tags = html.count("<")
    if num_tags > MAX_TAGS:
        return f"limit: {num_tags:,} tags, more than {MAX_TAGS:,}"
    num_entities = html.count("&")
    if num_entities > MAX_ENTITIES:
        return f"limit: {num_entities:,} entities, more than {MAX_ENTITIES:,}"
    num_attributes = _max_attributes(html)
    if num_attributes > MAX_ATTRIBUTES:
        return f"limit: {num_attributes:,} attributes on one tag, more than {MAX_ATTRIBUTES:,}"
    if num_tags > MAX_DEPTH and _may_be_deep(html, num_tags) and _is_too_deep(html):
        return f"limit: tags nested more than {MAX_DEPTH:,} deep"
    return ""


def time_limit(content: bytes, deadline_s: float, per_mb_s: float) -> float:
    """Seconds of processor time for one page: more for a large one, never more than for one of the largest size that is read.

    >>> time_limit(b"x" * 8_000_000, 2.0, 1.0)
    10.0
    """
    size = len(content)
    if content.startswith(GZIP_MAGIC):  # its last bytes say how long it was; who lies gains little
        size = min(max(size, int.from_bytes(content[-4:], "little")), 20 * size)
    return deadline_s + per_mb_s * min(size, MAX_CHARACTERS) / 1e6


def _max_attributes(html: str) -> int:
    """The largest number of attributes on a tag, counted only where a tag is long enough to matter."""
    if not _holds_long_piece(html):
        return 0
    largest = 0
    for piece in _without_raw_text(html).split(">"):
        if len(piece) >= _LONG_PIECE and (start := _TAG_START.search(piece)):
            largest = max(largest, sum(1 for _ in _ATTRIBUTE.finditer(piece, start.start() + 1)) - 1)
    return largest


def _holds_long_piece(html: str) -> bool:
    """True if _LONG_PIECE characters follow a `>` without another one; looks at the last `>` of each window only."""
    position = 0
    while len(html) - position >= _LONG_PIECE:
        found = html.rfind(">", position, position + _LONG_PIECE)
        if found < 0:
            return True
        position = found + 1
    return False


def _may_be_deep(html: str, num_tags: int) -> bool:
    num_opening = num_tags - html.count("</")
    return num_opening > MAX_DEPTH and num_opening - sum(map(html.count, _FREQUENT)) > MAX_DEPTH


def _is_too_deep(html: str) -> bool:
    depth = 0
    for match in _TAG.finditer(_without_raw_text(html)):
        if match[2].lower() in _FLAT:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def _without_raw_text(html: str) -> str:
    """The page without comments, scripts and styles, in which a `<` starts no tag."""
    lower = html.lower() if html.isascii() else html  # lower() may change the length of other texts
    pieces, position = [], 0
    for match in re.finditer(r"<!--|<(?:script|style|textarea|title)\b", lower, re.I):
        if match.start() < position:
            continue
        end = "-->" if match[0] == "<!--" else f"</{match[0][1:].lower()}"
        stop = lower.find(end, match.end())
        pieces.append(html[position : match.start()])
        if stop < 0:
            position = len(html)
            break
        position = stop
    pieces.append(html[position:])
    return "".join(pieces)
