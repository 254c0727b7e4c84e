"""What MathJax leaves in a page: scripts with the source (version 2), rendered frames, and mjx-container (3 and 4)."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from mathcode_data.stages.extract.asciimath import to_latex
from mathcode_data.stages.extract.latex import clean_latex, unwrap
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, copy_tree, find_tag, text_of
from mathcode_data.stages.extract.words import words

_DISPLAY_MODE = re.compile(r"mode\s{0,9}=\s{0,9}display", re.I)
_CODE_POINT = re.compile(r"\bmjx-c([0-9A-F]{2,6})\b")
_PREFIXED_MATH = re.compile(r"<(/?)[a-z]{1,9}:(?=m[a-z]{1,15}|semantics|annotation|none)", re.I)
_MAX_FRAGMENT_CHARACTERS = 500_000


def parse_mathml(markup: str) -> Element | None:
    """The `<math>` element of a piece of markup, or None."""
    if len(markup) > _MAX_FRAGMENT_CHARACTERS:
        return None
    if ":math" in markup:
        markup = _PREFIXED_MATH.sub(r"<\1", markup)
    node = LexborHTMLParser(markup).css_first("math")
    return copy_tree(node) if node is not None else None


def script_formula(kind: str, body: str) -> Formula | None:
    """The formula of `<script type="math/...">`; MathJax 2 and KaTeX's mathtex-script-type use the same types."""
    kind = kind.lower()
    display = _DISPLAY_MODE.search(kind) is not None
    if "mml" in kind or "mathml" in kind:
        math = parse_mathml(body)
        if math is None:
            return None
        return convert_math(math, display=True if display else None)
    if "asciimath" in kind:
        latex = clean_latex(to_latex(body))
        return Formula(latex, display, "asciimath", 0.9) if latex else None
    latex = clean_latex(body)
    return Formula(latex, display, "mathjax-script", 1.0) if latex else None


def container_formula(element: Element) -> Formula | None:
    """The formula of an `<mjx-container>`: TeX attribute, assistive MathML, title, or the rendering itself."""
    display = element.get("display") == "true" or element.get("display") == "block"
    for name in ("data-latex", "data-tex"):
        source = _attribute_below(element, name)
        if source:
            return Formula(source, display, "attribute", 1.0)
    assistive = find_tag(element, "mjx-assistive-mml")
    math = find_tag(assistive if assistive is not None else element, "math")
    if math is not None:
        formula = convert_math(math, display=display or math.get("display") == "block")
        if formula is not None:
            return formula
    drawing = find_tag(element, "svg")
    if drawing is not None:
        title = find_tag(drawing, "title")
        latex = clean_latex(text_of(title)) if title is not None else ""
        if latex:
            return Formula(latex, display, "svg-title", 0.9)
        math = _from_svg(drawing)
    else:
        rendered = find_tag(element, "mjx-math")
        if rendered is None:  # not rendered yet: the source itself
            latex, wrapped = unwrap(text_of(element))
            latex = clean_latex(latex)
            return Formula(latex, display or wrapped is True, "element", 0.8) if latex else None
        math = _from_chtml(rendered)
    if math is None:
        return None
    formula = convert_math(math, display=display)
    return Formula(formula.latex, display, "reconstructed", 0.6) if formula is not None else None


def frame_formula(element: Element, *, display: bool) -> Formula | None:
    """A MathJax 2 frame: `data-mathml`, else the assistive MathML inside."""
    markup = element.get("data-mathml")
    if not markup:
        inner = _first_with(element, "data-mathml")
        markup = inner.get("data-mathml") if inner is not None else ""
    math = parse_mathml(markup) if markup else find_tag(element, "math")
    if math is None:
        return None
    return convert_math(math, display=display or math.get("display") == "block")


def _attribute_below(element: Element, name: str) -> str:
    """MathJax 4 writes the whole source on the outermost node that has the attribute."""
    holder = element if element.get(name) else _first_with(element, name)
    return clean_latex(holder.get(name)) if holder is not None else ""


def _first_with(element: Element, name: str) -> Element | None:
    for child in element.children:
        if isinstance(child, Element):
            if child.attrs.get(name):
                return child
            found = _first_with(child, name)
            if found is not None:
                return found
    return None


_WRAPPERS = words(
    "mjx-frac mjx-num mjx-den mjx-dbox mjx-dtable mjx-row mjx-box mjx-sqrt mjx-base mjx-munder mjx-itable mjx-table"
    " mjx-texatom mjx-over mjx-under mjx-script mjx-mfenced mjx-utext"
)


def _from_chtml(rendered: Element) -> Element:
    """Rebuild MathML from MathJax's CHTML boxes."""
    return _box(rendered, "math")


def _box(source: Element, tag: str) -> Element:
    built = Element(tag, {})
    if tag in ("mi", "mn", "mo", "mtext", "ms"):
        built.children.append(_characters(source))
        return built
    slots: dict[str, Element] = {}
    _collect(source, built, slots)
    order = {
        "mfrac": ("mjx-num", "mjx-den"),
        "munder": ("mjx-base", "mjx-under"),
        "mover": ("mjx-base", "mjx-over"),
        "munderover": ("mjx-base", "mjx-under", "mjx-over"),
    }.get(tag)
    if order and slots:
        parts = [slots[name] for name in order if name in slots]
        rest = [child for child in built.children if isinstance(child, Element)]
        built.children = [*(rest[:1] if "mjx-base" in order and "mjx-base" not in slots else []), *parts]
    elif tag in ("msub", "msup", "msubsup") and "mjx-script" in slots:
        scripts = [child for child in slots["mjx-script"].children if isinstance(child, Element)]
        if tag == "msubsup":
            scripts.reverse()  # drawn top down, superscript first
        built.children = [*built.children[:1], *scripts]
    return built


def _collect(source: Element, built: Element, slots: dict[str, Element]) -> None:
    for child in source.children:
        if not isinstance(child, Element):
            continue
        tag = child.tag
        if tag in ("mjx-num", "mjx-den", "mjx-under", "mjx-over", "mjx-base", "mjx-script"):
            row = Element("mrow", {})
            _collect(child, row, slots if tag not in ("mjx-num", "mjx-den") else {})
            if tag == "mjx-script" or tag not in slots:
                slots[tag] = row
        elif tag in ("mjx-surd", "mjx-nstrut", "mjx-dstrut", "mjx-line", "mjx-assistive-mml", "mjx-strut"):
            continue
        elif tag == "mjx-c":
            text = Element("mo", {})
            text.children.append(_character(child))
            built.children.append(text)
        elif tag.startswith("mjx-m"):
            name = tag[4:]
            if name == "munder" and built.tag == "munderover":
                _collect(child, built, slots)
            else:
                built.children.append(_box(child, name))
        else:
            _collect(child, built, slots)


def _characters(source: Element) -> str:
    pieces = []
    for child in source.children:
        if isinstance(child, str):
            pieces.append(child)
        elif isinstance(child, Element):
            pieces.append(_character(child) if child.tag == "mjx-c" else _characters(child))
    return "".join(pieces)


def _character(element: Element) -> str:
    text = text_of(element).strip()
    if text:
        return text
    match = _CODE_POINT.search(element.get("class"))
    code = int(match[1], 16) if match else 0
    return chr(code) if 0x20 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""


def _from_svg(drawing: Element) -> Element | None:
    """Rebuild MathML from MathJax 3's SVG groups (`data-mml-node`) and glyphs (`data-c`)."""
    root = _first_with(drawing, "data-mml-node")
    return _group(root) if root is not None else None


def _group(source: Element) -> Element:
    name = source.get("data-mml-node")
    built = Element(name if name not in ("TeXAtom", "texatom") else "mrow", {})
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        built.children.append(_glyphs(source))
        return built
    for child in source.children:
        if isinstance(child, Element) and child.tag == "g":
            if child.get("data-mml-node"):
                built.children.append(_group(child))
            else:
                built.children.extend(_group(child).children)
    if name in ("msqrt", "mroot"):  # the sign is drawn as an operator
        built.children = [child for child in built.children if not (isinstance(child, Element) and text_of(child) == "√")]
    return built


def _glyphs(source: Element) -> str:
    pieces = []
    for child in source.children:
        if isinstance(child, Element):
            code = child.get("data-c")
            try:
                pieces.append(chr(int(code, 16)) if code else _glyphs(child))
            except (ValueError, OverflowError):
                continue
            if child.tag == "text":
                pieces.append(text_of(child))
    return "".join(character for character in pieces if not 0xD800 <= ord(character[:1] or " ") <= 0xDFFF)
