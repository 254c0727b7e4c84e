"""Lines, lists and cards in the middle of a page that only lead to another one: "Read also: ...", a linked title, a card.

Each is judged by itself: nearly all of it is links, and the few words beside them announce them or say nothing.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.telling import announces_other_pages
from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

MIN_TITLE = 30  # characters of a linked title; shorter ones may be terms
LINES = words("p h2 h3 h4 h5 h6 blockquote")
_MAX_PROMO = 300
_IN_CARDS = LINES | words("div section main article aside ul ol li dl dd table tbody tr td th center header form details figure body")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ADDRESS = re.compile(r"://|www\.")  # it says itself where it leads


def is_promo(element: Element) -> bool:
    """True for a line of its own that is one link, or a link after words that announce it."""
    if (
        element.tag not in LINES
        or element.text_chars > _MAX_PROMO
        or element.raw is not None
        or 2 * element.link_chars < element.text_chars
    ):
        return False
    own: list[str] = []
    if not _own_words(element, own):
        return False
    before = " ".join("".join(own).split())
    if announces_other_pages(before):
        return True
    if element.tag not in ("p", "blockquote") or _ADDRESS.search(text_of(element)):
        return False
    return not _WORD.search(before) or (before[-1:] == ":" and before.count(" ") < 4)


def is_pointer(element: Element) -> bool:
    """True for a list of nothing but linked titles, and for a link around a whole card."""
    if element.link_chars < MIN_TITLE:
        return False
    if element.tag in ("ul", "ol"):
        items = [item for item in element.children if isinstance(item, Element) and item.text_chars]
        long_enough = element.link_chars >= MIN_TITLE * len(items)
        return long_enough and all(10 * item.link_chars >= 9 * item.text_chars for item in items)
    return element.tag == "a" and any(
        isinstance(child, Element) and child.text_chars and child.tag in _IN_CARDS for child in element.children
    )


def _own_words(element: Element, own: list[str]) -> int:
    """Collect the text outside links; returns the number of links."""
    num_links = 0
    for child in element.children:
        if isinstance(child, str):
            own.append(child)
        elif isinstance(child, Element):
            if child.tag == "a" and child.get("href"):
                num_links += 1
            else:
                num_links += _own_words(child, own)
    return num_links
