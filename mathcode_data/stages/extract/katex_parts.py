"""Boxes of KaTeX and elements of MathML: what the rules that rebuild formulas from a rendering have in common."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.tree import Element

_TOP = re.compile(r"top:\s{0,3}(-?[0-9.]{1,12})em")
_HEIGHT = re.compile(r"height:\s{0,3}([0-9.]{1,12})em")


def classes_of(element: Element) -> frozenset[str]:
    """The class names of a box, without the `katex-` that version 0.17 and later put before some."""
    return frozenset(name.removeprefix("katex-") for name in element.get("class").split())


def holds(row: Element, name: str) -> bool:
    """True if a box of this name stands in the row itself."""
    return any(isinstance(child, Element) and name in classes_of(child) for child in row.children)


def top_of(row: Element) -> float:
    """Where a row of a vertical list begins: less is higher."""
    match = _TOP.search(row.get("style"))
    return float(match[1]) if match else 0.0


def baseline_of(row: Element) -> float:
    """How far below the line of its list a row stands: its strut says how much of `top` is its own height."""
    strut = next((child for child in row.children if isinstance(child, Element) and "pstrut" in classes_of(child)), None)
    match = _HEIGHT.search(strut.get("style")) if strut is not None else None
    return top_of(row) + (float(match[1]) if match else 0.0)


def token(tag: str, text: str, **attrs: str) -> Element:
    """An element of MathML with a text."""
    element = Element(tag, {name: value for name, value in attrs.items() if value})
    element.children.append(text)
    return element


def element_of(tag: str, children: list[Element], attrs: dict[str, str | None] | None = None) -> Element:
    """An element of MathML with others in it."""
    element = Element(tag, attrs or {})
    element.children.extend(children)
    return element


def row_of(nodes: list[Element]) -> Element:
    """One element for some neighbours."""
    return nodes[0] if len(nodes) == 1 else element_of("mrow", nodes)
