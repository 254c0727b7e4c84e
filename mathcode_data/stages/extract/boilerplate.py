"""Which part of the tree is the page: the main container, link clusters left out, no formula ever lost.

A candidate (`<main>`, `<article>`, a class such as `post-content`) is the page if it holds half of the text outside
links and four fifths of the formulas; the innermost such candidate wins. A formula outside it, or inside noise, keeps
its paragraph or list item, unless the same formula stands in the page already (tables of contents repeat headings).

What is kept keeps the order of the page: a question, then its answers as the site sorted them, the accepted one where it stands.

The title comes along where it stands outside, and so do the paragraphs between it and the container: the lead of an article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mathcode_data.stages.extract.captions import is_caption
from mathcode_data.stages.extract.comments import is_comments
from mathcode_data.stages.extract.noise import INLINE_TAGS
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.related import drop_related
from mathcode_data.stages.extract.reshape import as_paragraph
from mathcode_data.stages.extract.tables import is_layout, rows_of
from mathcode_data.stages.extract.tree import Child, Element, find_tag
from mathcode_data.stages.extract.words import words

_WORD = re.compile(r"[^\W\d_]{2,}")
_MIN_SHARE = 0.5
_MIN_FORMULA_SHARE = 0.8
_MIN_PROSE = 500
_FORMULA_CHARS = 2_000  # a page with fewer formulas than one in so many characters is no page of mathematics
_PROSE_SHARE = 0.9
_MIN_TEXT_SHARE = 0.4
_MIN_LEAD = 60
_MIN_CLUSTER = 16  # characters in the links of a menu
_BARS = " \t\n\r\xa0|·•∙‧/\\»›>-–—"
_MAX_LINE = 600  # characters of a link or line that is kept whole for the formula in it
_FRAMES = words("div section article main center table tbody tr td form")
_CLUSTERS = words("ul ol div section table dl p span tr td header")
_KEEP_WHOLE = words("p li td th dd dt h1 h2 h3 h4 h5 h6 pre figcaption summary caption")


def select(root: Element, candidates: list[Element], *, has_captions: bool, comments: bool) -> list[Child]:
    """The children to render, in document order."""
    captions = has_captions and _FORMULA_CHARS * root.num_formulas < root.text_chars
    frame = _main(root, candidates)
    drop_related(frame, _is_cluster, comments=comments)
    main = _narrowed(frame)
    formulas = {formula.latex for formula in _clean_formulas(main)}
    if main is root:
        return _filter(root, formulas, captions)
    path = _path(root, main)
    heading = _first_heading(root, main) if find_tag(main, "h1") is None else None
    if heading is not None:
        formulas |= {formula.latex for formula in _all_formulas(heading)}
    children = _around(root, main, path, formulas, frame, _Around(heading, captions, comments))
    if heading is None or any(isinstance(child, Element) and find_tag(child, "h1") is heading for child in children):
        return children  # what leads up to the container holds the title already
    return [heading, *children]


def _first_heading(element: Element, main: Element) -> Element | None:
    """The title of the page where it stands outside its main container."""
    for child in element.children:
        if isinstance(child, Element) and child is not main and not child.is_noise:
            found = child if child.tag == "h1" and child.text_chars else _first_heading(child, main)
            if found is not None:
                return found
    return None


def _main(root: Element, candidates: list[Element]) -> Element:
    """The innermost candidate that holds the page."""
    best = root
    text = root.text_chars - root.link_chars
    for candidate in candidates:
        if candidate.is_noise:
            continue
        own = candidate.text_chars - candidate.link_chars
        if own < _MIN_SHARE * text or candidate.num_formulas < _MIN_FORMULA_SHARE * root.num_formulas:
            continue
        if best is root or candidate.text_chars <= best.text_chars:
            best = candidate
    return best


def _narrowed(main: Element) -> Element:
    """The part of a container that holds nearly all of its sentences: themes wrap a page and its side blocks alike."""
    best = current = main
    if main.prose_chars < max(_MIN_PROSE, _MIN_SHARE * (main.text_chars - main.link_chars)):
        return main
    while True:
        least = _PROSE_SHARE * main.prose_chars
        following = next((c for c in current.children if isinstance(c, Element) and c.prose_chars >= least and not c.is_noise), None)
        if following is None or following.tag not in _FRAMES or following.num_formulas < _MIN_FORMULA_SHARE * main.num_formulas:
            return best
        if following.text_chars < _MIN_TEXT_SHARE * main.text_chars:  # a list of cards with one long introduction
            return best
        if any(_is_alike(c, following) for c in current.children) or (following.tag == "table" and _is_one(following)):
            return best
        current = best = following


def _is_one(table: Element) -> bool:
    """True for a table that is one part of the page: data, or columns with heads."""
    rows = rows_of(table)
    return bool(rows) and (any(cell.tag == "th" for row in rows for cell in row) or not is_layout(table, rows))


def _is_alike(child: Child, other: Element) -> bool:
    """True for a neighbour with the same tag and classes and sentences of its own: posts of one thread."""
    return (
        isinstance(child, Element)
        and child is not other
        and child.tag == other.tag
        and child.prose_chars > 0
        and _first_class(child) == _first_class(other)
    )


def _first_class(element: Element) -> str:
    return element.get("class").strip().split(" ", 1)[0]


def _path(root: Element, target: Element) -> set[int]:
    """The identities of the elements from the root to the target."""
    path: set[int] = set()
    _search(root, target, path)
    path.discard(id(target))
    return path


def _search(element: Element, target: Element, path: set[int]) -> bool:
    """A function of the module: one that refers to itself as a closure is a cycle and would keep the tree in memory."""
    if element is target:
        return True
    for child in element.children:
        if isinstance(child, Element) and child.text_chars >= target.text_chars and _search(child, target, path):
            path.add(id(child))
            return True
    return False


@dataclass(slots=True)
class _Around:
    """What is wanted from around the main container; from the title on (`is_past`), the text before it leads up to the page."""

    heading: Element | None
    captions: bool
    comments: bool
    is_past: bool = False

    def passes(self, element: Element) -> bool:
        """True for an element that holds the title, and for all after it."""
        if not self.is_past and self.heading is not None:
            self.is_past = element is self.heading or find_tag(element, "h1") is self.heading
        return self.is_past


def _around(element: Element, main: Element, path: set[int], formulas: set[str], frame: Element, around: _Around) -> list[Child]:
    """The main container, what leads up to it in its frame or below the title, and around it only what holds a formula of its own."""
    kept: list[Child] = []
    around.is_past = around.is_past or element is frame
    is_before = True
    for child in element.children:
        if child is main:
            assert isinstance(child, Element), "the main container is an element"
            kept.append(_with(child, _filter(child, formulas, around.captions)))
            is_before = False
        elif isinstance(child, Element):
            if id(child) in path:
                kept.extend(_around(child, main, path, formulas, frame, around))
                is_before = False
            elif is_before and around.passes(child) and _leads_up(child):
                kept.append(_with(child, _filter(child, formulas, around.captions)))
            elif around.comments and (sections := list(_comment_sections(child))):
                kept.extend(sections)
            elif child.num_formulas:
                kept.extend(_rescued(child, formulas))
        elif isinstance(child, Formula) and child.latex not in formulas:
            kept.append(child)
    return kept


def _comment_sections(element: Element) -> Iterator[Element]:
    """The outermost sections of readers' comments in an element that is not the page."""
    if element.text_chars and is_comments(element.get("class"), element.get("id")):
        yield element
    elif element.text_chars and not element.is_noise:
        for child in element.children:
            if isinstance(child, Element):
                yield from _comment_sections(child)


def _leads_up(element: Element) -> bool:
    """True for a first paragraph that stands outside the main container."""
    return not element.is_noise and element.raw is None and element.prose_chars >= _MIN_LEAD and 3 * element.link_chars < element.text_chars


def _filter(element: Element, formulas: set[str], captions: bool, *, clusters: bool = True) -> list[Child]:
    """The children of an element without noise, link clusters and, if asked for, captions of pictures.

    A table of data that is no cluster as a whole keeps its rows and cells, those of links too.
    """
    kept: list[Child] = []
    for child in element.children:
        if not isinstance(child, Element):
            kept.append(child)
        elif child.is_noise:
            if child.num_formulas:
                kept.extend(_rescued(child, formulas))
        elif child.num_formulas == 0 and child.link_chars < _MIN_CLUSTER and not captions:
            kept.append(child)  # nothing to leave out below
        elif not (clusters and child.num_formulas == 0 and child.tag in _CLUSTERS and _is_cluster(child)) and not (
            captions and is_caption(child, element)
        ):
            if child.text_chars and child.raw is None:
                looks_below = clusters and not (child.tag == "table" and _is_one(child))
                child.children = _filter(child, formulas, captions, clusters=looks_below)
            kept.append(child)
    return kept


def _with(element: Element, children: list[Child]) -> Element:
    """The element with other children; the same object, since the tree is ours and built for one page."""
    element.children = children
    return element


def _is_cluster(element: Element) -> bool:
    """True for menus: nearly everything is links, and there are several."""
    if element.text_chars < _MIN_CLUSTER or 2 * element.link_chars < element.text_chars or _is_sentence(element):
        return False
    if element.link_chars * 10 < element.text_chars * 8 and _has_own_words(element):
        return False
    return sum(1 for _ in zip(_links(element), range(4), strict=False)) >= 4


def _is_sentence(element: Element) -> bool:
    """True if the words of an element hold its links together: see A, B and the proof of C."""
    own = " ".join(child for child in element.children if isinstance(child, str)).strip()
    num_words = len(_WORD.findall(own))
    return num_words >= 4 or (num_words >= 1 and own[-1:] in ".!?。！？")


def _has_own_words(element: Element) -> bool:
    """True if anything but bars and the like stands outside links: "Home | News | About" has nothing else, a list with commas is text."""
    if element.raw is not None:
        return True
    for child in element.children:
        if isinstance(child, str):
            if child.strip(_BARS):
                return True
        elif isinstance(child, Element) and child.text_chars and not (child.tag == "a" and child.get("href")) and _has_own_words(child):
            return True
    return False


def _links(element: Element) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, Element):
            if child.tag == "a" and child.get("href"):
                yield child
            elif child.link_chars:
                yield from _links(child)


def _clean_formulas(element: Element) -> Iterator[Formula]:
    """Formulas outside noise."""
    for child in element.children:
        if isinstance(child, Formula):
            yield child
        elif isinstance(child, Element) and child.num_formulas and not child.is_noise:
            yield from _clean_formulas(child)


def _rescued(element: Element, formulas: set[str]) -> list[Child]:
    """The smallest readable parts of a dropped element that hold a formula which is nowhere else."""
    kept: list[Child] = []
    is_line = element.text_chars <= _MAX_LINE and (element.tag in INLINE_TAGS or any(map(_is_said, element.children)))
    if element.tag in _KEEP_WHOLE or is_line or any(isinstance(child, Formula) for child in element.children):
        new = {formula.latex for formula in _all_formulas(element)} - formulas
        if new:
            formulas |= new
            kept.append(as_paragraph(element) if element.tag in INLINE_TAGS else element)
        return kept
    for child in element.children:
        if isinstance(child, Element) and child.num_formulas:
            kept.extend(_rescued(child, formulas))
    return kept


def _is_said(child: Child) -> bool:
    """True for words directly in an element: a formula beside them is part of what they say."""
    return isinstance(child, str) and _WORD.search(child) is not None


def _all_formulas(element: Element) -> Iterator[Formula]:
    for child in element.children:
        if isinstance(child, Formula):
            yield child
        elif isinstance(child, Element) and child.num_formulas:
            yield from _all_formulas(child)
