"""What stands below the text of a page and is about the page: last change, "edit this page", contributors, licence, previous and next.

Generators of sites (MkDocs, Docusaurus, VuePress, Sphinx, GitBook, Hugo, Jekyll, Hexo) and blogs write these lines into the
main content. They are told by place, shape and words together: from the end of the page upwards line by line, each by what it says
(`end_words.py`) or by the class of its block, until the first line that is text of the page. So nothing in the middle is touched.

A list, table or quotation goes as a whole or stays as a whole. A line with a formula or code is text; so is a heading of the first
level. Lines that say nothing by themselves (a date, a name, a link) go only below one that does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mathcode_data.stages.extract.comments import is_comments
from mathcode_data.stages.extract.end_words import MAX_LINE, has_end_sign, is_end_class, is_end_line, may_be_end_line
from mathcode_data.stages.extract.headings import HEADINGS
from mathcode_data.stages.extract.noise import INLINE_TAGS
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.short_lines import MAX_LINE as MAX_SITE_LINE
from mathcode_data.stages.extract.short_lines import is_site_line
from mathcode_data.stages.extract.telling import announces_other_pages
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

_WHOLE = words("ul ol dl table blockquote")
_MAX_OWN = 400  # characters outside links in a block that is told by its class
_MAX_UNSURE, _MAX_LINES = 4, 200
_MAX_ITEMS = 40
_MAX_ABOUT = 1
_MIN_LEFT, _MIN_BESIDE = 120, 20  # characters that stay: with this many nobody counts the headings, and so many beside them


@dataclass(slots=True)
class _End:
    """The lines met so far, from the last one up: where they stand, and how many of them surely go."""

    lines: list[tuple[list[Child], int, int, int]] = field(default_factory=list)
    sure: int = 0

    def add(self, children: list[Child], start: int, stop: int, chars: int, *, is_sure: bool) -> bool:
        """Take a line; False if too many that say nothing have come together, or more than any site writes."""
        self.lines.append((children, start, stop, chars))
        if is_sure:
            self.sure = len(self.lines)
        return len(self.lines) - self.sure <= _MAX_UNSURE and len(self.lines) <= _MAX_LINES


def drop_end_matter(children: list[Child]) -> int:
    """Take the lines about the page off the end of its content, in place; how many characters went."""
    end = _End()
    if _is_all_end(children, end) or not _has_more(children, end):  # nothing else is there: the page is about them
        return 0
    for place, start, stop, _ in end.lines[: end.sure]:
        del place[start:stop]
    return sum(chars for *_, chars in end.lines[: end.sure])


def _has_more(children: list[Child], end: _End) -> bool:
    """True if other text than headings stays: a licence alone under the title of a page is what it is about."""
    if end.sure > _MAX_ABOUT:
        return True
    size = sum(child.text_chars if isinstance(child, Element) else len(child) for child in children if not isinstance(child, Formula))
    gone = sum(chars for *_, chars in end.lines[: end.sure])
    if size >= gone + _MIN_LEFT or any(isinstance(child, Formula) for child in children):
        return True
    return size - gone - _heading_chars(children) >= _MIN_BESIDE


def _heading_chars(children: list[Child]) -> int:
    return sum(
        child.text_chars if child.tag in HEADINGS else _heading_chars(child.children) for child in children if isinstance(child, Element)
    )


def _is_all_end(children: list[Child], end: _End) -> bool:
    """Go up from the end; False as soon as text of the page is met."""
    index = len(children)
    while index:
        stop = index
        index -= 1
        child = children[index]
        if isinstance(child, Element) and not _is_inline(child):
            if not _is_block_end(child, children, index, end):
                return False
            continue
        while index and not _is_break(children[index - 1]):
            index -= 1
        if not _is_line_end(children, index, stop, end, is_heading=False):
            return False
    return True


def _is_inline(element: Element) -> bool:
    return element.tag in INLINE_TAGS or element.tag in ("img", "svg")


def _is_break(child: Child) -> bool:
    """True for what ends a line: a block or a line break."""
    return isinstance(child, Element) and not _is_inline(child)


def _is_block_end(block: Element, children: list[Child], index: int, end: _End) -> bool:
    """True if all of a block may go; its lines are added."""
    if not block.text_chars and not block.num_formulas:
        return True
    if block.raw is not None or block.tag == "h1":
        return False
    names = f"{block.get('class')} {block.get('id')}".strip()
    if not block.num_formulas and names and not _is_section(block):
        if is_comments(block.get("class"), block.get("id")):
            return True  # kept where asked for: what stands above is judged all the same
        own_chars = block.text_chars - block.link_chars
        if is_end_class(names) and own_chars <= _MAX_OWN and (own_chars <= block.link_chars or has_end_sign(_spaced(block))):
            return end.add(children, index, index + 1, block.text_chars, is_sure=True)
    if block.tag in HEADINGS:
        return _is_line_end(children, index, index + 1, end, is_heading=True)
    if block.tag not in _WHOLE:
        return _is_all_end(block.children, end)
    if block.num_formulas or block.text_chars > _MAX_ITEMS * MAX_LINE:
        return False
    if 2 * block.link_chars >= block.text_chars and _announces(block):
        return end.add(children, index, index + 1, block.text_chars, is_sure=True)
    mark, sure = len(end.lines), end.sure
    if _is_all_end(block.children, end) and end.sure > mark:
        return True
    del end.lines[mark:]
    end.sure = sure
    return False


def _announces(block: Element) -> bool:
    """True for a list whose first item says that the others lead to other pages."""
    first = next((child for child in block.children if isinstance(child, Element) and child.text_chars), None)
    return first is not None and first.text_chars <= MAX_SITE_LINE and announces_other_pages(text_of(first))


def _is_section(block: Element) -> bool:
    """True for a section with its heading: generators make such ids of headings ("Pagination", "Feedback"), and text may follow."""
    return block.tag == "section" or (
        block.tag != "footer"
        and not block.get("class")
        and any(isinstance(child, Element) and child.tag in HEADINGS for child in block.children)
    )


def _is_line_end(children: list[Child], start: int, stop: int, end: _End, *, is_heading: bool) -> bool:
    """True if the line between two places may go, or is empty."""
    pieces: list[tuple[str, int]] = []
    for child in children[start:stop]:
        if isinstance(child, str):
            pieces.append((child, 0))
        elif (
            isinstance(child, Formula) or child.num_formulas or child.raw is not None or child.tag == "code" or child.text_chars > MAX_LINE
        ):
            return False
        else:
            pieces.append((_spaced(child), child.text_chars if is_heading or _leads_beside(child) else child.link_chars))
    text = " ".join("".join(piece for piece, _ in pieces).split())
    if not text:
        return True
    if len(text) > MAX_LINE:
        return False
    links = sum(size for _, size in pieces)
    is_sure = is_end_line(text, links) or (len(text) <= MAX_SITE_LINE and is_site_line(text))
    if is_sure or (is_heading and announces_other_pages(text)) or (len(pieces) > 1 and _is_sure_in_parts(pieces)):
        return end.add(children, start, stop, len(text), is_sure=True)
    return not is_heading and may_be_end_line(text, links) and end.add(children, start, stop, len(text), is_sure=False)


def _is_sure_in_parts(pieces: list[tuple[str, int]]) -> bool:
    """True for elements side by side of which each may go and one surely does: "Edit this page" beside a date."""
    parts = [(text.strip(), links) for text, links in pieces if text.strip()]
    sure = [is_end_line(text, links) for text, links in parts]
    return any(sure) and all(is_sure or may_be_end_line(*part) for is_sure, part in zip(sure, parts, strict=True))


def _leads_beside(element: Element) -> bool:
    """True for a link to the page before or after this one."""
    return element.tag == "a" and element.get("rel") in ("prev", "next")


def _spaced(element: Element) -> str:
    """The text of an inline element; blocks inside it are set off by spaces."""
    if all(isinstance(child, str) for child in element.children):
        return text_of(element)
    pieces = []
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child)
        elif isinstance(child, Element):
            inner = text_of(child) if child.raw is not None else _spaced(child)
            pieces.append(inner if _is_inline(child) else f" {inner} ")
    return "".join(pieces)
