r"""A displayed equation of Sphinx as a picture: `<div class="math">` with an `<img>` or `<object>`, and its number beside it."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from mathcode_data.stages.extract.latex import clean_latex, is_balanced, unwrap
from mathcode_data.stages.extract.records import Formula


def pictured_equation(node: LexborNode) -> Formula | None:
    """The formula of a block of class `math` that holds one picture and nothing else but a number; None for other blocks."""
    if node.tag not in ("div", "p"):
        return None
    mark = text = ""
    parts = _elements(node)
    if parts is not None and len(parts) == 1 and parts[0].tag == "p":
        parts = _elements(parts[0])
    for part in parts or ():
        if part.tag == "span" and "eqno" in (part.attributes.get("class") or "").split():
            mark = _number(part)
        elif part.tag in ("img", "object") and not text:
            text = part.attributes.get("alt") or "" if part.tag == "img" else part.text(deep=True)
        else:
            return None
    latex = clean_latex(unwrap(text)[0])
    if not latex:
        return None
    confidence = 0.9 if is_balanced(latex) else 0.45
    return Formula(f"{latex} \\tag{{{mark}}}" if mark and "\\tag" not in latex else latex, True, "image-alt", confidence)


def _elements(node: LexborNode) -> list[LexborNode] | None:
    """The elements directly below; None where words stand between them."""
    found = []
    child = node.first_child
    while child is not None:
        if (child.tag or "-")[0] != "-":
            found.append(child)
        elif child.tag == "-text" and (child.text_content or "").strip():
            return None
        child = child.next
    return found


def _number(span: LexborNode) -> str:
    """What stands in the brackets of a number, without the sign of its link."""
    text = span.text(deep=True).strip()
    return text[1 : text.index(")")].strip() if text.startswith("(") and ")" in text else ""
