r"""What KaTeX leaves in a page: an annotation in its MathML, or only the rendering, from which the source is rebuilt.

The rebuilt form is marked "reconstructed": spacing and some commands are lost (issue KaTeX/KaTeX#4110 asks for pages
without annotation). CSDN and others strip the tags of the MathML part: its last line is then the source.
"""

from __future__ import annotations

import re
from collections import Counter

from mathcode_data.stages.extract.katex_boxes import rebuild_katex
from mathcode_data.stages.extract.latex import clean_latex
from mathcode_data.stages.extract.mathml import convert_math
from mathcode_data.stages.extract.mathml_symbols import COMMANDS, FUNCTIONS, alphabet_of
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, copy_tree, find_class, find_tag, text_of

_BLANK_LINE = re.compile(r"\n[ \t\r\f\v]*\n")


def katex_formula(element: Element, *, display: bool) -> Formula | None:
    """The formula of a `.katex` or `.katex-display` element."""
    display = display or "katex-display" in element.get("class").split()
    hidden = element if "katex-mathml" in element.get("class") else find_class(element, "katex-mathml")
    math = find_tag(hidden if hidden is not None else element, "math")
    if math is not None:
        formula = convert_math(math, display=display or math.get("display") == "block")
        if formula is not None:
            source = "katex-annotation" if formula.source == "mathml-annotation" else formula.source
            return Formula(formula.latex, formula.display, source, formula.confidence)
    if hidden is not None:
        lines = [line.strip() for line in _BLANK_LINE.split(text_of(hidden)) if line.strip()]
        latex = clean_latex(lines[-1] if len(lines) != 1 else _second_half(lines[0])) if lines else ""
        if latex:
            return Formula(latex, display, "katex-annotation", 0.8)
    rendered = element if "katex-html" in element.get("class") else find_class(element, "katex-html")
    if rendered is not None:
        if rendered.raw is not None:
            rendered = copy_tree(rendered.raw)
        math, tag = rebuild_katex(rendered)
        formula = convert_math(math, display=display)
        if formula is not None:
            return Formula(f"{formula.latex} \\tag{{{tag}}}" if tag else formula.latex, display, "reconstructed", 0.4)
    return None


def _second_half(text: str) -> str:
    r"""The source after the words of the MathML, which show the same characters; the whole text if it is not twice the same.

    >>> _second_half("O ( n ) O(n)"), _second_half("x 2 + α x^2+\\alpha"), _second_half("a b c")
    ('O(n)', 'x^2+\\alpha', 'a b c')
    """
    pieces = text.split()
    if len(text) > _MAX_STRIPPED or len(pieces) < 2:
        return text
    shown: Counter[str] = Counter()
    best, found = _MIN_SHARE, text
    for index, piece in enumerate(pieces[:-1]):
        shown.update(_plain(piece))
        source = " ".join(pieces[index + 1 :])
        if shown.total() > len(source):
            break
        characters = _characters(source)
        share = 2 * (shown & characters).total() / max(1, shown.total() + characters.total())
        if share == 1:
            return _LAST_SIGNS.sub("", source)
        if share > best and any(sign in source for sign in "\\^_"):
            best, found = share, source
    return found


def _characters(latex: str) -> Counter[str]:
    """The characters that a piece of LaTeX shows, in no order: an index may stand before or after an exponent."""
    latex = _INDEXED_ROOT.sub(r"\1", latex)
    plain = _COMMAND.sub(lambda match: _SIGNS.get(match[0], match[0][1:] if match[0][1:] in FUNCTIONS else ""), latex)
    return Counter(_plain(plain))


def _plain(text: str) -> str:
    """Letters without their alphabet, one form of each sign, no accents and brackets that only one half has."""
    text = text.translate(_SAME)
    return text if text.isascii() else "".join(alphabet_of(character)[0] for character in text)


_MAX_STRIPPED = 1_500
_MIN_SHARE = 0.8  # of characters in common: a macro, a strut or an alignment stands in one half only
_COMMAND = re.compile(
    r"\\(?:operatorname\*?|begin\{[a-z*]{1,12}\}(?:\{[lcr| ]{1,20}\})?|(?:left|right)\.|end\{[a-z*]{1,12}\}|[a-zA-Z]+|[^a-zA-Z])"
)
_LAST_SIGNS = re.compile(r"^(?:[}^~ˉ‾\u20d7˙¨ˇ˘ˊˋ⏞⏟] )+")
_INDEXED_ROOT = re.compile(r"\\sqrt\[([^\]\[]{1,20})\]")
_SIGNS = {command: sign for sign, command in reversed(COMMANDS.items()) if command.startswith("\\")}
_SIGNS |= {
    "\\begin{pmatrix}": "(", "\\end{pmatrix}": ")", "\\begin{bmatrix}": "[", "\\end{bmatrix}": "]", "\\begin{vmatrix}": "|",
    "\\end{vmatrix}": "|",
}  # fmt: skip
_SIGNS |= {"\\{": "{", "\\}": "}", "\\le": "≤", "\\ge": "≥", "\\ne": "≠", "\\dots": "…", "\\rightarrow": "→", "\\|": "∥"}
_SAME = str.maketrans(
    {
        **dict.fromkeys("^_{}& \n\t~ˉ‾\u20d7˙¨ˇ˘ˊˋ⏞⏟\u2061\u2062\u2063\u200b\u2002\u2003\u2009\u200a\u205f\u00a0", None),
        "−": "-",
        "∗": "*",
        "′": "'",
        "∣": "|",
        "⋯": "…",
    }
)
