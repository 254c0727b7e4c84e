r"""`<sub>` and `<sup>`: H₂O, m² and 10⁶ in prose, `_{}` and `^{}` in expressions, plain text in ordinals, notes and marks."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

_ORDINAL = words("st nd rd th er re e ème eme ère nde o a os as ª º tm sm ® ™ © (r) (tm) *")
_MATHEMATICAL = re.compile(r"[A-Za-z0-9α-ωΑ-Ω∞+\-−–*/=<>≤≥.,()\[\]′'’∗⋅· ∈|⊥⊤†\\^_{}]{1,24}")
_BASE = re.compile(
    r"(?:(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ∑∏∫∂∇](?:′|')?|[0-9₀-₉⁰¹²³⁴-⁹)\]}|∞]"
    r"|(?<![A-Za-z])(?:sin|cos|tan|log|lim|max|min|exp|ln|km|cm|mm|dm|nm|μm|kg|ft|sec|mol|Hz|kN))$"
)
_CHEMICAL = re.compile(r"(?:[A-Z][a-z]?[₀-₉]{0,3}){1,8}$")
_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LOWERED = str.maketrans("0123456789+-−–", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋")
_CHARGE = re.compile(r"[0-9+\-−–]{1,6}")
_VARIABLE = re.compile(r"(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ]$")
_UNIT = re.compile(r"(?:\d|per|/|·)\s{0,3}[a-zA-Z]$|(?<![A-Za-z])m$")
_NOTE = re.compile(r"[a-z][.,;:!?]\d{1,3}$")  # the number of a note, once more raised
_CARRIER = re.compile(r"(?:(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ]|(?<![\w.,])\d+(?:[.,]\d+)*)$")
_WORD = re.compile(r"[A-Za-z]{4,}")


def script_text(element: Element, before: str) -> str:
    """What a `<sub>` or `<sup>` becomes after the text `before` (its last characters are enough).

    >>> sup = Element("sup", {}); sup.children.append("2")
    >>> script_text(sup, "x"), script_text(sup, "theorem")
    ('^{2}', '2')
    >>> script_text(sup, "25 m"), script_text(sup, "10")
    ('²', '²')
    """
    text = " ".join(text_of(element).split())
    if not text:
        return ""
    if text.isdigit() and any(note_mark(child) for child in element.children if isinstance(child, Element)):
        return f"[{text}]"
    if not _is_script(element, text, before):
        return text
    if text.isdigit() and _NOTE.search(before):
        return f" {text}"
    if _CHARGE.fullmatch(text) and not _is_power(element.tag, text, before):
        return text.translate(_RAISED if element.tag == "sup" else _LOWERED)
    return f"{'_' if element.tag == 'sub' else '^'}{{{text}}}"


def note_mark(element: Element) -> str:
    """The mark of a note in brackets, where a link to a place on the page is nothing but a small number; else "".

    >>> link = Element("a", {"href": "#fn1"}); link.children.append("1")
    >>> note_mark(link)
    '[1]'
    """
    if element.tag != "a" or not element.get("href").startswith("#"):
        return ""
    text = text_of(element).strip()
    return f"[{text}]" if text.isdigit() and len(text) <= 3 else ""


def join_carrier(before: str, script: str) -> tuple[str, str]:
    """The text before a script, split at the letter or number that carries it; "" for none.

    >>> join_carrier("the power x", "^{n+1}")
    ('the power ', 'x^{n+1}')
    """
    match = _CARRIER.search(before)
    if match is not None and match[0][0].isdigit() and script[0] == "_":  # a year with a remark
        match = None
    return (before[: match.start()], match[0] + script) if match is not None else (before, "")


def raised(script: str) -> str:
    """Digits and signs of a script that nothing clear carries, as characters; letters stay a script.

    >>> raised("^{2}"), raised("_{10}"), raised("^{n}")
    ('²', '₁₀', '^{n}')
    """
    text = script[2:-1]
    if _CHARGE.fullmatch(text) is None:
        return script
    return text.translate(_RAISED if script[0] == "^" else _LOWERED)


def _is_power(tag: str, text: str, before: str) -> bool:
    """True for digits on a variable, an expression; those on a unit, a number or a sign of chemistry are prose."""
    if before.endswith(("}", "\\)")):
        return True
    match = _VARIABLE.search(before)
    if match is None or not text.isdigit() or _UNIT.search(before):
        return False
    return not match[0].isupper() or (tag == "sup" and len(text) == 1)


def _is_script(element: Element, text: str, before: str) -> bool:
    if text.lower() in _ORDINAL and (element.tag == "sup") and (before[-1:].isdigit() or not before[-1:].isalnum()):
        return False
    if text in ("st", "nd", "rd", "th") or text[0] == "[":  # [30] is a note
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
