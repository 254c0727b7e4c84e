"""Formulas drawn as pictures in `<noscript>`, `<object>` and `<embed>`, of which nothing else is text of the page."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.images import address_formula, image_formula
from mathcode_data.stages.extract.latex import clean_latex, is_balanced, unwrap
from mathcode_data.stages.extract.recognise import picture
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element

FALLBACKS = frozenset(["noscript", "object", "embed"])


def fallback(tag: str, node: LexborNode, attrs: dict[str, str | None]) -> Element | Formula | None:
    """The formulas of pictures where there are no scripts, in `<noscript>`, and of `<object>` and `<embed>` or what stands in for them.

    None of a `<noscript>` beside the picture that a script loads later: that one shows the same.
    """
    source = attrs.get("data" if tag == "object" else "src") or ""
    latex = address_formula(source) if source and tag != "noscript" else ""
    if latex:
        latex, wrapped = unwrap(latex)
        latex = clean_latex(latex)
        return Formula(latex, wrapped is True, "image-url", 0.9 if is_balanced(latex) else 0.45) if latex else None
    if node.first_child is None or "<img" not in (node.html or ""):
        return None
    formulas = [formula for image in node.css("img") if (formula := picture(image, image.attributes)) is not None]
    if formulas and tag == "noscript" and (_shows_formula(node, "prev") or _shows_formula(node, "next")):
        return None
    if len(formulas) < 2:
        return formulas[0] if formulas else None
    found = Element("span", {})
    found.children = [child for formula in formulas for child in (formula, " ")]
    found.num_formulas = len(formulas)
    found.text_chars = found.prose_chars = sum(len(formula.latex) for formula in formulas)
    return found


def _shows_formula(node: LexborNode, step: str) -> bool:
    """True if the neighbour before or after an element is, or holds, the picture of a formula."""
    beside = getattr(node, step)
    while beside is not None and beside.tag == "-text" and (beside.text_content or "").isspace():
        beside = getattr(beside, step)
    if beside is None or (beside.tag or "-")[0] == "-" or beside.tag == "noscript":
        return False
    image = beside if beside.tag == "img" else beside.css_first("img")
    return image is not None and image_formula(Element("img", image.attributes)) is not None
