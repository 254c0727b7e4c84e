"""A heading that was never closed holds the rest of its section: where it ends, and what stood below it.

`<h2>Title<p>Text ...` leaves the paragraph inside the heading for any parser; browsers show it as a large paragraph.
"""

from __future__ import annotations

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element
from mathcode_data.stages.extract.words import words

HEADINGS = words("h1 h2 h3 h4 h5 h6")
_BLOCKS = words("p pre listing ul ol dl table blockquote figure hr form")
_FRAMES = words("div section article main header span font b i em strong a center")
_MAX_TITLE = 200  # characters of a title that is itself a paragraph


def split_heading(heading: Element) -> list[Child]:
    """The heading and, if it holds blocks, what follows from the first of them on; the heading is shortened in place."""
    cut = next((index for index, child in enumerate(heading.children) if _is_block(child)), -1)
    if cut < 0:
        return [heading]
    if not any(_has_text(child) for child in heading.children[:cut]):
        if heading.text_chars <= _MAX_TITLE:
            return [heading]  # a title in a paragraph or a table
        first = heading.children[cut]
        if not isinstance(first, Element) or first.tag != "p" or first.text_chars > _MAX_TITLE:
            return list(heading.children)  # no title at all
        cut += 1
    rest = heading.children[cut:]
    heading.children = heading.children[:cut]
    for child in rest:
        _subtract(heading, child)
    return [heading, *rest]


def _is_block(child: Child, depth: int = 0) -> bool:
    """True for an element that cannot stand in a title: a block, or a frame around one."""
    if not isinstance(child, Element):
        return False
    if child.tag in _BLOCKS:
        return True
    return depth < 8 and child.tag in _FRAMES and any(_is_block(inner, depth + 1) for inner in child.children)


def _has_text(child: Child) -> bool:
    return isinstance(child, Formula) or (not child.isspace() if isinstance(child, str) else child.text_chars > 0)


def _subtract(heading: Element, child: Child) -> None:
    """Take a child's counts out of those of its former parent."""
    if isinstance(child, Element):
        heading.text_chars -= child.text_chars
        heading.link_chars -= child.link_chars
        heading.prose_chars -= child.prose_chars
        heading.num_formulas -= child.num_formulas
    else:
        size = len(child) if isinstance(child, str) else len(child.latex)
        heading.text_chars = max(0, heading.text_chars - size)
        heading.num_formulas -= isinstance(child, Formula)
