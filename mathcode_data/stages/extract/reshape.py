"""Elements that stand for something else than their tag says: an aside that quotes, a block that is one displayed formula."""

from __future__ import annotations

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element


def as_quote(element: Element) -> Element:
    """An aside with the words of another post: one quote, its author in the first line."""
    element.tag = "blockquote"
    for child in element.children:
        if isinstance(child, Element) and child.tag == "blockquote":
            child.tag = "div"
    return element


def as_paragraph(element: Element) -> Element:
    """A link or the like that was taken out of its line: a line of its own."""
    paragraph = Element("p", {})
    paragraph.children = [element]
    paragraph.text_chars, paragraph.num_formulas = element.text_chars, element.num_formulas
    return paragraph


def as_display(element: Element) -> Element:
    """A block marked as mathematics that holds one rendered formula and nothing else shows it as display."""
    only = [child for child in element.children if not (isinstance(child, str) and child.isspace())]
    if len(only) == 1 and isinstance(only[0], Formula):
        element.children = [Formula(only[0].latex, True, only[0].source, only[0].confidence)]
    return element
