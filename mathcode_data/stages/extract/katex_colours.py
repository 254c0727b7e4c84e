r"""Colours of a rendering of KaTeX: each box says its own, and neighbours of one colour were one `\textcolor`."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.katex_parts import element_of
from mathcode_data.stages.extract.tree import Element

COLOUR = "-colour"
"""Attribute of an `<mstyle>` that is written as `\\textcolor`; colours of other MathML are the style of a page."""
_COLOUR = re.compile(r"(?:^|;)\s{0,3}color:\s{0,3}([a-z]{2,24}|#[0-9a-f]{3,8})\s{0,3}(?:;|$)", re.I)


def colour_of(box: Element) -> str:
    """The colour that a box has by its style, "" for none."""
    style = box.get("style")
    match = _COLOUR.search(style) if "color" in style else None
    return match[1] if match and match[1] not in ("transparent", "inherit") else ""


def coloured(nodes: list[Element], colour: str) -> list[Element]:
    """Some neighbours in a colour; what is inside them says it no more."""
    for node in nodes:
        _forget(node, colour)
    if not nodes or all(node.get(COLOUR) for node in nodes):
        return nodes
    return [element_of("mstyle", nodes, {COLOUR: colour})]


def _forget(node: Element, colour: str) -> None:
    for child in node.children:
        if isinstance(child, Element):
            if child.get(COLOUR) == colour:
                del child.attrs[COLOUR]
            _forget(child, colour)


def join_coloured(nodes: list[Element]) -> list[Element]:
    """Neighbours of one colour as one."""
    joined: list[Element] = []
    for node in nodes:
        colour = node.get(COLOUR)
        if colour and joined and joined[-1].get(COLOUR) == colour:
            joined[-1].children += node.children
        else:
            joined.append(node)
    return joined
