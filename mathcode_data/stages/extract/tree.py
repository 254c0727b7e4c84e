"""The page as a light Python tree, and text of parts of it.

The parser's own nodes are read once, in document order, and never changed. Elements below MAX_DEPTH are hung on their
ancestor at that depth, so that recursion over the tree is safe and no text is lost.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.records import Formula

MAX_DEPTH = 150


class Element:
    """A tag with attributes and children: text, formulas and further elements.

    `raw` is the parser's node of a subtree that was not copied (code blocks, drawings). `text_chars` and `link_chars`
    count visible characters, all and inside links,
    `prose_chars` those of sentences outside links; `num_formulas` counts the formulas inside. `has_script` says that a
    `<sub>` or `<sup>` stands in it, perhaps inside `<i>`.
    """

    __slots__ = ("attrs", "children", "has_script", "is_noise", "link_chars", "num_formulas", "prose_chars", "raw", "tag", "text_chars")

    def __init__(self, tag: str, attrs: dict[str, str | None], raw: LexborNode | None = None) -> None:
        self.tag = tag
        self.attrs = attrs
        self.children: list[Element | Formula | str] = []
        self.raw = raw
        self.text_chars = 0
        self.link_chars = 0
        self.num_formulas = 0
        self.prose_chars = 0
        self.is_noise = False
        self.has_script = False

    def get(self, name: str) -> str:
        """The value of an attribute, "" where it is missing or empty."""
        return self.attrs.get(name) or ""


Child = Element | Formula | str


def copy_tree(node: LexborNode, depth: int = 0) -> Element:
    """Copy a subtree as it is, without looking for formulas."""
    element = Element(node.tag or "", node.attributes)
    children = element.children
    child = node.first_child
    while child is not None:
        tag = child.tag or "-other"
        if tag == "-text":
            children.append(child.text_content or "")
        elif tag[0] != "-":
            if depth < MAX_DEPTH:
                attrs = child.attributes
                if attrs.get("class") == "katex-html":  # the drawing of KaTeX, hundreds of boxes: copied on demand
                    children.append(Element(tag, attrs, child))
                else:
                    children.append(copy_tree(child, depth + 1))
            else:
                children.append(child.text(deep=True))
        child = child.next
    return element


def text_of(element: Element) -> str:
    """All text below an element, as it stands in the source; formulas are left out."""
    if element.raw is not None:
        return element.raw.text(deep=True)
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child)
        elif isinstance(child, Element):
            pieces.append(text_of(child))
    return "".join(pieces)


def find_tag(element: Element, tag: str) -> Element | None:
    """The first descendant with this tag, in document order."""
    for child in element.children:
        if isinstance(child, Element):
            if child.tag == tag:
                return child
            found = find_tag(child, tag)
            if found is not None:
                return found
    return None


def find_class(element: Element, token: str) -> Element | None:
    """The first descendant with this class, in document order."""
    for child in element.children:
        if isinstance(child, Element):
            if token in child.get("class").split():
                return child
            found = find_class(child, token)
            if found is not None:
                return found
    return None
