r"""Characters that look or mean the same, for comparing texts: one table from each to its plain form.

Unicode's compatibility forms (full-width letters, mathematical alphabets, ligatures) are NFKC's business; this table holds
what NFKC leaves alone: invisible characters, dashes, Cyrillic and Greek letters drawn like Latin ones, and mathematical
signs, which become their LaTeX commands. Cyrillic letters are mapped everywhere: a Russian word stays equal to itself and
different from other words. Greek letters are symbols of mathematics, so only those that no formula uses are mapped always.
"""

from __future__ import annotations

import functools
import re
import unicodedata

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
)
DASHES = "\u2010-\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\uff0d"
QUOTES = "\u2018-\u201b\u2032\u2035\u2039\u203a\u00b4\u02b9\u02bb-\u02bd"
DOUBLE_QUOTES = "\u201c-\u201f\u2033\u2036\u00ab\u00bb"

CYRILLIC = dict(zip("аеорсухіјѕԁһԛԝӏАВЕКМНОРСТУХІЈЅӀ", "aeopcyxijsdhqwlABEKMHOPCTYXIJSI", strict=True))
GREEK = dict(zip("οιυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oiuABEZHIKMNOPTYX", strict=True))
LATIN = {"ı": "i", "ɑ": "a", "ɡ": "g"}

SIGNS = {
    "×": "times", "÷": "div", "±": "pm", "∓": "mp", "·⋅∙": "cdot", "≤≦⩽": "leq", "≥≧⩾": "geq", "≠": "neq", "≈": "approx",
    "≡": "equiv", "∼": "sim", "≅": "cong", "∝": "propto", "∞": "infty", "∑": "sum", "∏": "prod", "∫": "int", "√": "sqrt",
    "∂": "partial", "∇": "nabla", "∈": "in", "∉": "notin", "⊂": "subset", "⊆": "subseteq", "⊃": "supset", "⊇": "supseteq",
    "∪": "cup", "∩": "cap", "∅": "emptyset", "∀": "forall", "∃": "exists", "¬": "neg", "∧": "wedge", "∨": "vee",
    "→⟶⇒⟹": "rightarrow", "←⟵⇐": "leftarrow", "↔⇔⟺": "leftrightarrow", "↦": "mapsto", "∘": "circ", "∠": "angle",
    "△▵": "triangle", "⊥": "perp", "∥": "parallel", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil", "⟨〈": "langle",
    "⟩〉": "rangle", "⊕": "oplus", "⊗": "otimes",
}  # fmt: skip
PLAIN = {"∗": "*", "∣": "|", "∖": "\\setminus ", "\u2044\u2215": "/", "°": "^\\circ "}

NAMES = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi
    psi omega epsilon theta phi"""
GREEK_NAMES = dict(zip("αβγδεζηθικλμνξοπρσςτυφχψωϵϑϕ", NAMES.split(), strict=True))
"""LaTeX names of single Greek letters."""

GREEK_BETWEEN_LATIN = dict(zip("ανκρτχ", "avkptx", strict=True))
"""Greek letters which formulas use, but which between two Latin letters are disguise."""

DISGUISES = re.compile("[ανκρτχ]")
DISGUISED = re.compile(r"(?<=[a-z]{2})ν|ν(?=[a-z]{2})|(?<=[a-z])(?<!sin)(?<!cos)(?<!tan)(?<!cot)(?<!log)(?<!\bd)[ανκρτχ](?=[a-z])")
"""A Greek letter inside a Latin word, but not behind a function as in `sinα`."""


def _members(ranges: str) -> list[str]:
    """Spell out a character class such as "a-c_"."""
    members = []
    for match in re.finditer(r"(.)-(.)|(.)", ranges, re.DOTALL):
        first, last = (match[1], match[2]) if match[1] else (match[3], match[3])
        members += [chr(code) for code in range(ord(first), ord(last) + 1)]
    return members


@functools.cache
def letters_of_ascii() -> dict[int, str | None]:
    """What of the table, and of NFKC, is a letter, digit or sign of matrices of ASCII, in its case; and invisible characters."""
    plain: dict[int, str | None] = {ord(character): None for character in _members(INVISIBLE)}
    plain |= {ord(character): letter for letters in (CYRILLIC, GREEK, LATIN) for character, letter in letters.items()}
    for code in (*range(0x2100, 0x2150), *range(0xFF01, 0xFF5F), *range(0x1D400, 0x1D800)):
        folded = unicodedata.normalize("NFKC", chr(code))
        if len(folded) == 1 and folded.isascii() and (folded.isalnum() or folded in "\\{}&*"):
            plain[code] = folded
    return plain


def translation() -> dict[int, str | None]:
    """Build the table for `str.translate`: None removes a character."""
    table: dict[str, str | None] = dict.fromkeys(_members(INVISIBLE))
    table |= dict.fromkeys(_members(DASHES), "-") | dict.fromkeys(_members(QUOTES), "'") | dict.fromkeys(_members(DOUBLE_QUOTES), '"')
    table |= CYRILLIC | GREEK | LATIN
    table |= {sign: f"\\{name} " for signs, name in SIGNS.items() for sign in signs}
    table |= {sign: plain for signs, plain in PLAIN.items() for sign in signs}
    table |= {chr(code): str(unicodedata.decimal(chr(code))) for code in range(0x80, 0x20000) if unicodedata.category(chr(code)) == "Nd"}
    return {ord(character): plain for character, plain in table.items()}
