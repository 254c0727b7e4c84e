r"""`<sub>` and `<sup>`: H₂O, m² and 10⁶ in prose, `_{}` and `^{}` in expressions, plain text in ordinals, notes and marks.

What becomes `_{}` or `^{}` always stands in a formula, with the letter, number or bracket that carries it, or alone.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.mathml_symbols import COMMANDS
from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

_ORDINAL = words("st nd rd th er re e ème eme ère nde o a os as ª º tm sm ® ™ © (r) (tm) *")
_INLINE = words("i em b strong var span font")
_MATHEMATICAL = re.compile(r"[A-Za-z0-9α-ωΑ-Ω∞+\-−–*/=<>≤≥.,()\[\]′'’∗⋅· ∈|⊥⊤†\\^_{}]{1,24}")
_BASE = re.compile(
    r"(?:(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ∑∏∫∂∇][\u0300-\u036f]{0,3}['′″]{0,3}|[0-9₀-₉⁰¹²³⁴-⁹)\]}|‖⟩⌋⌉∞]"
    r"|(?<![A-Za-z])(?:sin|cos|tan|log|lim|max|min|exp|ln|km|cm|mm|dm|nm|μm|kg|ft|sec|mol|Hz|kN))$"
)
_CHEMICAL = re.compile(r"(?:[A-Z][a-z]?[₀-₉]{0,3}){1,8}$")
_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LOWERED = str.maketrans("0123456789+-−–", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋")
_CHARGE = re.compile(r"[0-9+\-−–]{1,6}")
_CHARGED = re.compile(r"(\d{1,2})\^\{(\d?[+\-−–])\}")  # in the index of an ion
_BRACKET = re.compile(  # what carries a script: signs, single letters and formulas between brackets
    r"[(\[{|‖⟨⌊⌈](?:\\\([^()]{1,60}\\\)|[A-Za-zα-ωΑ-Ω](?![A-Za-zα-ωΑ-Ω])|\d+(?!\d)|[-+−·⋅*/=<>≤≥∈,;:…. ∞'′_{}^]){1,40}[)\]}|‖⟩⌋⌉]$"
)
_MAX_BRACKET = 160
_MAX_TAIL = 400
_NAME = re.compile(r"(?<![A-Za-zÀ-ÿ\\\d])[A-Za-z]{2,8}$")
_OPENING = {")": "(", "]": "[", "}": "{", "|": "|", "‖": "‖", "⟩": "⟨", "⌋": "⌊", "⌉": "⌈"}
_LOWERED_LETTER = re.compile(r"(?<![A-Za-zÀ-ÿ])([A-Za-z])([₀-₉]{1,3})$")
_NUMERALS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_OPERATORS = words(
    "argmin argmax arg Var Cov Pr rank dim ker det tr span Hom Ext Tor Spec Gal Aut End GL SL PGL PSL Lip Ind diam dist vol ord"
)
_SHORT_INDEX = re.compile(r"[A-Za-z0-9]{1,4}")
_VARIABLE = re.compile(r"(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ]$")
_UNIT = re.compile(r"(?:\d|per|/|·)\s{0,3}[a-zA-Z]$|(?<![A-Za-z])m$")
_NOTE = re.compile(r"[a-z][.,;:!?]\d{1,3}$")  # the number of a note, once more raised
_CARRIER = re.compile(r"(?:(?<![A-Za-zÀ-ÿ])[A-Za-zα-ωΑ-Ωℝℤℕℚℂ][\u0300-\u036f]{0,3}['′″]{0,3}|[∑∏∫]|(?<![\w.,])\d+(?:[.,]\d+)*)$")
_WORD = re.compile(r"[A-Za-z]{4,}")


def script_text(element: Element, before: str) -> str:
    """What a `<sub>` or `<sup>` becomes after the text `before` (its last characters are enough).

    >>> sup = Element("sup", {}); sup.children.append("2")
    >>> script_text(sup, "x"), script_text(sup, "theorem")
    ('^{2}', '2')
    >>> script_text(sup, "25 m"), script_text(sup, "10")
    ('²', '²')
    """
    text = " ".join(_nested_text(element).split())
    if not text:
        return ""
    if (charge := _CHARGED.fullmatch(text)) is not None:
        return charge[1].translate(_LOWERED if element.tag == "sub" else _RAISED) + charge[2].translate(_RAISED)
    if text.isdigit() and any(note_mark(child) for child in element.children if isinstance(child, Element)):
        return f"[{text}]"
    if not _is_script(element, text, before):
        return " ".join(text_of(element).split())
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
    """The text before a script, split at the letter, number or bracket that carries it; "" for none.

    >>> join_carrier("the power x", "^{n+1}")
    ('the power ', 'x^{n+1}')
    >>> join_carrier("all (a, b, c)", "^{T}")
    ('all ', '(a, b, c)^{T}')
    """
    match = _CARRIER.search(before)
    if match is not None and match[0][0].isdigit() and script[0] == "_":  # a year with a remark
        match = None
    if match is not None:
        return before[: match.start()], COMMANDS.get(match[0], match[0]) + script
    lowered = _LOWERED_LETTER.search(before) if script[0] == "^" else None
    if lowered is not None:
        return before[: lowered.start()], f"{lowered[1]}_{{{lowered[2].translate(_NUMERALS)}}}{script}"
    name = _NAME.search(before)
    if name is not None and name[0] in _OPERATORS:
        return before[: name.start()], f"\\operatorname{{{name[0]}}}{script}"
    if name is not None and not script[2:-1].isalnum() and any(map(str.isalnum, script)):
        return before[: name.start()], f"\\mathrm{{{name[0]}}}{script}"
    start = _bracket_start(before)
    return (before[:start], before[start:] + script) if start >= 0 else (before, "")


def take_tail(inline: list[str]) -> str:
    """Take the last characters off the pieces of a line, some hundred of them: a paragraph may have thousands of scripts."""
    pieces: list[str] = []
    size = 0
    while inline and size < _MAX_TAIL:
        piece = inline.pop()
        if size + len(piece) > 2 * _MAX_TAIL:
            kept = len(piece) - _MAX_TAIL
            inline.append(piece[:kept])
            piece = piece[kept:]
        pieces.append(piece)
        size += len(piece)
    return "".join(reversed(pieces))


def _bracket_start(before: str) -> int:
    """Where the bracket opens that closes at the end of a text and holds nothing but mathematics; -1 where there is none."""
    opening = _OPENING.get(before[-1:], "")
    start = before.rfind(opening, max(0, len(before) - _MAX_BRACKET), len(before) - 1) if opening else -1
    while start > 0 and before[start - 1] == "\\":  # of a formula in it
        start = before.rfind(opening, 0, start)
    return start if start >= 0 and _BRACKET.fullmatch(before, start) else -1


def alone(script: str, before: str) -> tuple[str, bool]:
    """A script that nothing clear carries, and whether it is to be a formula of its own.

    Digits and signs are written as characters, short indices of a word as they are; all others as a formula, since signs of
    LaTeX mean nothing outside.

    >>> alone("^{2}", "m"), alone("_{a}", "pK"), alone("^{n}", "(of words)")
    (('²', False), ('a', False), ('{}^{n}', True))
    """
    text = script[2:-1]
    if _CHARGE.fullmatch(text) is not None:
        return text.translate(_RAISED if script[0] == "^" else _LOWERED), False
    if not any(map(str.isalnum, text)) or (script[0] == "_" and before[-1:].isalpha() and _SHORT_INDEX.fullmatch(text)):
        return text, False
    if script[0] == "_" and before[-1:].isdigit():  # a remark on a year
        return f" {text}", False
    return f"{{}}{script}", True


def _nested_text(element: Element) -> str:
    """The text below a script with the scripts in it as `_{}` and `^{}`; plain ordinals, as in x<sup>n<sup>th</sup></sup>."""
    if not any(isinstance(child, Element) and child.tag in ("sub", "sup", *_INLINE) for child in element.children):
        return text_of(element)
    pieces = []
    for child in element.children:
        if not isinstance(child, Element):
            pieces.append(child if isinstance(child, str) else "")
            continue
        inner = _nested_text(child)
        is_script = child.tag in ("sub", "sup") and inner.strip() and inner.strip().lower() not in _ORDINAL
        pieces.append(f"{'_' if child.tag == 'sub' else '^'}{{{inner.strip()}}}" if is_script else inner)
    return "".join(pieces)


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
