"""Which formula does a rendered frame show, and is it the second copy of one that stands in the page already?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract import marked, marks
from mathcode_data.stages.extract.katex import katex_formula
from mathcode_data.stages.extract.mathjax import frame_formula, script_formula
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, copy_tree

_FRAME_ID = re.compile(r"MathJax-Element-\d{1,6}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A frame that was recognised; `formula` is None for a copy to drop."""

    formula: Formula | None


def rendered(kind: str, element: Element, node: LexborNode, script_ids: frozenset[str]) -> Rendered | None:
    """The formula of an element whose class says that a renderer made it; None if it is an ordinary element."""
    if kind == "katex":
        return _found(katex_formula(copy_tree(node), display=False))
    if kind == "mwe":
        return _found(marked.wikipedia_formula(copy_tree(node)))
    if kind == "mjpage":
        return _found(_titled(node, display=marks.is_display(element.get("class"))))
    if kind == "preview":
        if _next_is_math(node, frames=True):
            return Rendered(None)
        text = node.text(deep=True)
        return Rendered(script_formula("math/tex", text) if text.strip() else None)
    is_display = kind == "display-frame"
    found = _FRAME_ID.search(element.get("id")) or (_FRAME_ID.search(node.html or "") if is_display else None)
    if (found and found[0] in script_ids) or _next_is_math(node, frames=False):
        return Rendered(None)  # the script with the source follows
    return _found(frame_formula(copy_tree(node), display=is_display))


def drawing(node: LexborNode, attrs: dict[str, str | None]) -> Formula | None:
    """An `<svg>` is a formula if MathJax drew it and put the source into its title."""
    if (attrs.get("aria-labelledby") or "").startswith("MathJax-SVG"):
        return _titled(node, display=False)
    return None


def _found(formula: Formula | None) -> Rendered | None:
    return Rendered(formula) if formula is not None else None


def _titled(node: LexborNode, *, display: bool) -> Formula | None:
    title = node.css_first("title")
    if title is None:
        return None
    formula = script_formula("math/tex", title.text(deep=True))
    return Formula(formula.latex, display, "svg-title", 0.95) if formula is not None else None


def _next_is_math(node: LexborNode, *, frames: bool) -> bool:
    """True if the next element is MathJax's source of the same formula (or, for a preview, its frame)."""
    following = node.next
    for _ in range(4):
        if following is None:
            return False
        tag = following.tag or ""
        if tag == "script":
            return (following.attributes.get("type") or "").lower().startswith("math/")
        if tag[:1] != "-":
            kind = marks.formula_kind(following.attributes.get("class") or "")
            return frames and kind in ("frame", "display-frame")
        if tag == "-text" and (following.text_content or "").strip():
            return False
        following = following.next
    return False
