"""Blocks that lead to other pages: related articles, more stories, latest posts; found without class names.

Besides single lines (`pointers.py`) and comment sections (`comments.py`) there are two signs, each with a bound on the words
that are not links:

- a short heading that says so ("Related articles", "Mehr zum Thema", "相关阅读"), and under it mostly links;
- after most of the page's text, a row of three or more alike cards, each with a heading that is a link and at most a teaser.

An element that holds a formula, code or a table of data is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mathcode_data.stages.extract.comments import is_comments
from mathcode_data.stages.extract.pointers import is_pointer, is_promo
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.telling import MAX_HEADING, announces_other_pages
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

_MAX_LEFT = 100
_MIN_LINK_CHARS = 15
_MAX_SHARE = 0.5
_MIN_BEFORE = 250
_MIN_ARTICLE = 600
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_CONTAINERS = words("div section main article aside ul ol li dl dd table tbody tr td th center header form details figure body")
_BLOCKS = words("div section ul ol aside article table dl")
_TITLES = words("h2 h3 h4 h5 h6 p div span strong b header")


@dataclass(slots=True)
class _Place:
    """How much text that is no link the page has, and how much of it stood before."""

    total: int
    is_cluster: Callable[[Element], bool]
    seen: int = 0
    comments: list[tuple[Element, Element]] = field(default_factory=list)
    undo: list[tuple[Element, list[Child], int]] = field(default_factory=list)


def drop_related(element: Element, is_cluster: Callable[[Element], bool], *, comments: bool) -> None:
    """Take the blocks that lead elsewhere out of an element, in place; clusters of links are left to the caller."""
    if element.link_chars < _MIN_LINK_CHARS:
        return
    place = _Place(element.text_chars - element.link_chars, is_cluster)
    whole = element.text_chars
    gone = _drop(element, place)
    if len(place.comments) == 1 and not comments:
        parent, block = place.comments[0]
        parent.children = [child for child in parent.children if child is not block]
    element.text_chars -= gone
    if gone > _MAX_SHARE * whole:  # a page that is a list of others
        for changed, children, text_chars in reversed(place.undo):
            changed.children, changed.text_chars = children, text_chars


def _drop(element: Element, place: _Place) -> int:
    """Drop below an element; how many characters went."""
    children = element.children
    kept: list[Child] = []
    index = dropped = 0
    while index < len(children):
        child = children[index]
        index += 1
        kept.append(child)
        if not isinstance(child, Element):
            place.seen += len(child) if isinstance(child, str) else len(child.latex)
        elif (
            place.seen >= _MIN_ARTICLE
            and child.tag in _BLOCKS
            and not child.num_formulas
            and is_comments(child.get("class"), child.get("id"))
        ):
            place.comments.append((element, child))
        elif child.link_chars and place.seen >= _MIN_BEFORE and child.num_formulas == 0 and (is_promo(child) or is_pointer(child)):
            dropped += child.text_chars
            kept.pop()
        elif place.seen >= _MIN_BEFORE and child.tag in _TITLES and _is_telling(child) and (following := _following(children, index)):
            dropped += sum(part.text_chars for part in children[index - 1 : index + following] if isinstance(part, Element))
            index += following
            kept.pop()
        elif child.link_chars == 0 or child.tag not in _CONTAINERS or child.is_noise:
            place.seen += child.text_chars
        elif child.num_formulas == 0 and child.tag in _BLOCKS and _leads_away(child, place):
            dropped += child.text_chars
            kept.pop()
        elif child.num_formulas or not place.is_cluster(child):
            gone = _drop(child, place)  # keeps the count of the child itself for the undoing
            left = child.text_chars - gone
            if gone > 2 * left and left <= _MAX_LEFT and not child.num_formulas:  # "See all" and the heading of what is gone
                gone += left
                kept.pop()
            dropped += gone
            child.text_chars = left
    if dropped:
        place.undo.append((element, children, element.text_chars))
        element.children = kept
    return dropped


def _is_telling(element: Element) -> bool:
    """True for a heading, or a short text of its own, that announces other pages."""
    if element.text_chars > 2 * MAX_HEADING or element.tag not in _TITLES or element.num_formulas or element.raw is not None:
        return False
    return announces_other_pages(text_of(element))


def _following(children: list[Child], index: int) -> int:
    """How many neighbours after a telling heading are mostly links; 0 if the first is not."""
    count = taken = 0
    for child in children[index:]:
        count += 1
        if isinstance(child, str):
            if child.strip():
                break
            continue
        if isinstance(child, Formula) or child.tag in _HEADINGS:
            break
        if child.text_chars == 0 and not child.num_formulas:
            continue
        if child.tag not in _BLOCKS | {"p", "li"} or child.num_formulas or not _is_mostly_links(child):
            break
        taken = count
    return taken


def _is_mostly_links(element: Element) -> bool:
    if element.raw is not None or element.link_chars < 15:
        return False
    share = 0.7 if element.tag == "p" else 0.4
    return element.link_chars >= share * element.text_chars and not _holds_prose(element)


def _leads_away(element: Element, place: _Place) -> bool:
    """True for a block under a telling heading of its own, and for a late row of cards."""
    own = element.text_chars - element.link_chars
    if place.total and 2 * own > place.total:
        return False
    title = _first(element)
    if title is not None and place.seen >= _MIN_BEFORE and _is_telling(title):
        rest_links, rest = element.link_chars - title.link_chars, element.text_chars - title.text_chars
        if rest and 5 * rest_links >= 2 * rest and not _holds_prose(element):
            return True
    is_late = place.seen >= MIN_SEEN and place.seen >= LATE * place.total
    return is_late and _is_row_of_cards(element)


MIN_SEEN = 800
LATE = 0.6


def _first(element: Element) -> Element | None:
    """The element that the block begins with, looked for in wrappers."""
    for _ in range(4):
        first = None
        for child in element.children:
            if isinstance(child, str):
                if child.strip():
                    return None
            elif isinstance(child, Formula):
                return None
            elif child.text_chars:
                first = child
                break
        if first is None:
            return None
        if _is_telling(first) or first.tag in _HEADINGS:
            return first
        element = first
    return None


def _is_row_of_cards(element: Element) -> bool:
    """True for three or more neighbours alike, each with a linked title and little else."""
    cards = [child for child in element.children if isinstance(child, Element) and child.text_chars]
    while len(cards) == 1 and cards[0].raw is None:
        cards = [child for child in cards[0].children if isinstance(child, Element) and child.text_chars]
    if len(cards) > 3 and cards[0].tag in _HEADINGS:
        cards = cards[1:]
    if len(cards) < 3 or len({card.tag for card in cards}) > 1 or cards[0].tag not in ("li", "div", "article", "section", "a"):
        return False
    return all(_is_card(card) for card in cards)


def _is_card(card: Element) -> bool:
    if card.raw is not None or card.text_chars > 500 or card.link_chars < 12 or 10 * card.link_chars < 3 * card.text_chars:
        return False
    return _has_linked_heading(card, card.tag == "a") and not _holds_prose(card)


def _has_linked_heading(element: Element, in_link: bool) -> bool:
    for child in element.children:
        if isinstance(child, Element) and child.raw is None:
            linked = in_link or child.tag == "a"
            if child.tag in _HEADINGS and (linked or child.link_chars):
                return True
            if child.link_chars and _has_linked_heading(child, linked):
                return True
    return False


def _holds_prose(element: Element) -> bool:
    """True if there is code, a quotation, or a paragraph with more than a teaser's words outside links."""
    for child in element.children:
        if isinstance(child, Element):
            if child.raw is not None or child.tag in ("pre", "blockquote", "code", "math", "dl"):
                return True
            if child.tag in ("p", "li", "td", "dd") and child.text_chars - child.link_chars > 300:
                return True
            if _holds_prose(child):
                return True
    return False
