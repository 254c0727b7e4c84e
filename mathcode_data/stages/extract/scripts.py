r"""`<sub>` and `<sup>`: `_{}` and `^{}` inside mathematical expressions, plain text in ordinals, notes and marks."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

_ORDINAL = words("st nd rd th er re e ème eme ère nde o a os as ª º tm sm ® ™ © (r) (tm) *")
_MATHEMATICAL = re.compile(r"[A-Za-z0-9α-ωΑ-Ω∞+\-−–*/=<>≤≥.,()\[\]′'’∗⋅· ∈|⊥⊤†\\^_{}]{1,24}")
_BASE = re.compile(
    r"(?:(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ∑∏∫∂∇](?:′|')?|[0-9)\]}|∞]"
    r"|(?<![A-Za-z])(?:sin|cos|tan|log|lim|max|min|exp|ln|km|cm|mm|dm|nm|μm|kg|ft|sec|mol|Hz|kN))$"
)
_CHEMICAL = re.compile(r"(?:[A-Z][a-z]?(?:_\{\d{1,3}\})?){1,8}$")
_WORD = re.compile(r"[A-Za-z]{4,}")


def script_text(element: Element, before: str) -> str:
    """What a `<sub>` or `<sup>` becomes after the text `before` (its last characters are enough).

    >>> sup = Element("sup", {}); sup.children.append("2")
    >>> script_text(sup, "x"), script_text(sup, "theorem")
    ('^{2}', '2')
    """
    text = " ".join(text_of(element).split())
    if not text:
        return ""
    if not _is_script(element, text, before):
        return text
    return f"{'_' if element.tag == 'sub' else '^'}{{{text}}}"


def _is_script(element: Element, text: str, before: str) -> bool:
    if text.lower() in _ORDINAL and (element.tag == "sup") and (before[-1:].isdigit() or not before[-1:].isalnum()):
        return False
    if _MATHEMATICAL.fullmatch(text) is None or _WORD.search(text):
        return False
    if any(isinstance(child, Element) and child.tag == "a" for child in element.children):
        return False  # a note
    tail = before[-40:]
    if tail.endswith("}") and ("_{" in tail or "^{" in tail):
        return True
    if _BASE.search(tail):
        return not (tail[-1:] in ")]" and text.isdigit() and element.tag == "sup" and _ends_prose(tail))
    return element.tag == "sub" and (_CHEMICAL.search(tail) is not None or (tail[-1:].isalpha() and len(text) <= 3))


def _ends_prose(tail: str) -> bool:
    """True for a bracket that closes words, after which a raised number is a note."""
    return re.search(r"[A-Za-z]{3,}[)\]]$", tail) is not None
