"""Which formula does a rendered frame show, and is it the second copy of one that stands in the page already?"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract import marked, marks
from mathcode_data.stages.extract.images import image_formula
from mathcode_data.stages.extract.katex import katex_formula
from mathcode_data.stages.extract.latex import clean_latex, is_balanced, unwrap
from mathcode_data.stages.extract.mathjax import frame_formula, script_formula
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.sphinx import pictured_equation
from mathcode_data.stages.extract.tree import Child, Element, copy_tree

_CDATA = re.compile(r"</?tex-math[^>]{0,500}>|<!--\[CDATA\[|\]\](?:>|&gt;)")
_CDATA_END = re.compile(r"(\]\])?-->")
_CENTRED = re.compile(r"text-align\s{0,3}:\s{0,3}center", re.I)
_WAITING = re.compile(
    r"[\[(]?\s{0,4}(?:math(?:\s{1,4}(?:preview|processing error))?|loading|processing)\s{0,4}(?:\.{3}|…)?\s{0,4}[\])]?", re.I
)
_FRAME_ID = re.compile(r"MathJax-Element-\d{1,6}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A frame that was recognised; `formula` is None for a copy to drop."""

    formula: Formula | None


def rendered(kind: str, element: Element, node: LexborNode, script_ids: frozenset[str]) -> Rendered | None:
    """The formula of an element whose class says that a renderer made it; None if it is an ordinary element."""
    if kind == "math":
        return _found(pictured_equation(node))
    if kind == "katex":
        if "katex-html" in element.get("class") and "katex-mathml" in _class_before(node):
            return Rendered(None)
        return _found(katex_formula(copy_tree(node), display=False))
    if kind == "mathquill":
        return Rendered(None) if "mq-selectable" in _class_before(node) else None
    if kind == "mwe":
        return _found(marked.wikipedia_formula(copy_tree(node)))
    if kind == "mjpage":
        return _found(_titled(node, display=marks.is_display(element.get("class"))))
    if kind == "preview":
        if _next_is_math(node, frames=True):
            return Rendered(None)
        text = node.text(deep=True).strip()
        return Rendered(script_formula("math/tex", text) if text and not _WAITING.fullmatch(text) else None)
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


def mathml_formula(node: LexborNode) -> Formula | None:
    """The formula of a `<math>`; None for one whose source stands beside it."""
    around = node.parent
    if around is not None and around.tag == "alternatives":
        source = around.css_first("tex-math")
        if source is not None and tex_math_formula(source) is not None:
            return None
    if around is not None and "hidden-readable" in (around.attributes.get("class") or "") and _is_after_picture(around):
        return None
    formula = convert_math(copy_tree(node), display=True if around is not None and around.tag == "disp-formula" else None)
    return None if formula is not None and _is_repeated(node, formula) else formula


def tex_math_formula(node: LexborNode) -> Formula | None:
    """`<tex-math>` of the journals' JATS: a formula, or a whole LaTeX document around it."""
    text = node.text(deep=True)
    markup = node.html or ""
    if "[CDATA[" in markup:  # to a parser of HTML a comment, up to the first ">"
        text = html.unescape(_CDATA.sub("", _CDATA_END.sub(lambda match: "" if match[1] else ">", markup)))
    if "\\begin{document}" in text:
        text = text.partition("\\begin{document}")[2].partition("\\end{document}")[0]
    latex, wrapped = unwrap(text)
    latex = clean_latex(latex)
    names = []
    around = node.parent
    for _ in range(2):
        if around is not None:
            names.append(f"{around.tag} {around.attributes.get('class') or ''}")
            around = around.parent
    is_display = any("disp" in name for name in names) or (wrapped is True and not any("inline" in name for name in names))
    return Formula(latex, is_display, "element", 0.95 if is_balanced(latex) else 0.4) if latex else None


def picture(node: LexborNode, attrs: dict[str, str | None]) -> Formula | None:
    """The formula of an `<img>`: displayed where it stands alone in a centred paragraph, or says so itself."""
    element = Element("img", attrs)
    formula = (marked.attribute_formula(element, "") if attrs.get("data-mathml") else None) or image_formula(element)
    if formula is None or _is_repeated(node, formula):
        return None
    is_styled = formula.latex.startswith("\\displaystyle")
    around = node.parent
    if formula.display or around is None or around.tag not in ("p", "div", "center"):
        return formula
    attributes = around.attributes
    is_centred = around.tag == "center" or (attributes.get("align") or "").lower() == "center"
    is_centred = is_centred or _CENTRED.search(attributes.get("style") or "") is not None
    if not (is_styled or is_centred) or not _is_alone(node):
        return formula
    latex = formula.latex.removeprefix("\\displaystyle").lstrip() if is_styled else formula.latex
    return Formula(latex, True, formula.source, formula.confidence) if latex else formula


def _is_after_picture(node: LexborNode) -> bool:
    """True for what Canvas hides after the picture of a formula: the same once more, to be read aloud."""
    before = node.prev
    while before is not None and before.tag == "-text" and (before.text_content or "").isspace():
        before = before.prev
    return before is not None and before.tag == "img" and image_formula(Element("img", before.attributes)) is not None


def _is_alone(node: LexborNode) -> bool:
    """True if nothing but white space stands beside an element."""
    before, after = node.prev, node.next
    for _ in range(4):
        if any(beside is not None and not _is_blank(beside) for beside in (before, after)):
            return False
        before, after = before.prev if before is not None else None, after.next if after is not None else None
    return before is None and after is None


def _is_blank(node: LexborNode) -> bool:
    return (node.tag or "")[:1] == "-" and not (node.text_content or "").strip()


def _is_repeated(node: LexborNode, formula: Formula) -> bool:
    """True if the script after an element holds the same formula."""
    following = node.next
    while following is not None and following.tag == "-text" and (following.text_content or "").isspace():
        following = following.next
    if following is None or following.tag != "script":
        return False
    kind = following.attributes.get("type") or ""
    if not kind.lower().startswith("math/"):
        return False
    source = script_formula(kind, following.text(deep=True))
    return source is not None and _squeezed(source) == _squeezed(formula)


def drop_copies(element: Element) -> None:
    """Of the formulas inside an element marked as one, leave out pictures of those whose source stands there too."""
    formulas = _formulas(element)
    sources = {_squeezed(formula) for formula in formulas if not formula.source.startswith("image")}
    pictures = {_squeezed(formula) for formula in formulas if formula.source.startswith("image")}
    if len(formulas) == 2 and any(formula.source == "mathjax-script" for formula in formulas):
        sources |= pictures  # one of each: the same formula, however it is spelt
    if pictures & sources:
        _drop(element, sources)


def _formulas(element: Element) -> list[Formula]:
    found: list[Formula] = []
    for child in element.children:
        if isinstance(child, Formula):
            found.append(child)
        elif isinstance(child, Element) and child.num_formulas:
            found += _formulas(child)
    return found


def _drop(element: Element, sources: set[str]) -> None:
    kept: list[Child] = []
    for child in element.children:
        if isinstance(child, Formula) and child.source.startswith("image") and _squeezed(child) in sources:
            continue
        if isinstance(child, Element) and child.num_formulas:
            _drop(child, sources)
        kept.append(child)
    element.children = kept
    element.num_formulas = len(_formulas(element))


def _squeezed(formula: Formula) -> str:
    return "".join(formula.latex.replace("{", "").replace("}", "").split())


def _class_before(node: LexborNode) -> str:
    """The class attribute of the element before, "" where there is none."""
    before = node.prev
    while before is not None and before.tag == "-text" and (before.text_content or "").isspace():
        before = before.prev
    return (before.attributes.get("class") or "") if before is not None and (before.tag or "-")[0] != "-" else ""


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
    around = node.parent
    for _ in range(4):
        if following is None and frames and around is not None and around.tag == "p":
            following, around = around.next, None  # the block of the frame has closed the paragraph
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
