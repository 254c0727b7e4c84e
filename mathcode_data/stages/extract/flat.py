"""What is nested too deep for recursion, and too much to be levelled: texts and formulas in their order, without structure."""

from __future__ import annotations

from collections.abc import Callable

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.marks import formula_kind
from mathcode_data.stages.extract.noise import INLINE_TAGS
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tag_names import KINDS, OTHER, SKIP, SPECIAL_TAGS
from mathcode_data.stages.extract.tree import Element

Build = Callable[[str, LexborNode], Element | Formula | None]


def fill_flat(top: LexborNode, element: Element, build: Build) -> None:
    """Read all that is below `top` into one element, in a loop; `build` reads what is a formula or code. Blocks begin with an `<hr>`."""
    out = element.children
    node: LexborNode | None = top.first_child
    while node is not None:
        tag = node.tag or "-other"
        below: LexborNode | None = None
        if tag == "-text":
            text = node.text_content or ""
            out.append(text)
            element.text_chars += len(text)
        elif KINDS.get(tag, OTHER) != SKIP:
            if tag in SPECIAL_TAGS or formula_kind(node.attributes.get("class") or ""):
                built = build(tag, node)
                if isinstance(built, Element):
                    element.num_formulas += built.num_formulas
                    element.text_chars += built.text_chars
                    out.append(built)
                elif built is not None:
                    element.num_formulas += 1
                    element.text_chars += len(built.latex)
                    out.append(built)
            else:
                if tag not in INLINE_TAGS:
                    out.append(Element("hr", {}))
                below = node.first_child
        node = below if below is not None else _following(node, top)
    element.prose_chars = element.text_chars


def _following(node: LexborNode, top: LexborNode) -> LexborNode | None:
    """The node after a subtree in the order of the document, None where `top` ends."""
    while node.next is None:
        parent = node.parent
        if parent is None or parent.mem_id == top.mem_id:
            return None
        node = parent
    return node.next
