r"""When is a pair of dollar signs a formula?

Pandoc's rule first: the opening `$` has no white space on its right; the closing one has none on its left and no digit
on its right. Then the content decides: on a page that loads MathJax or KaTeX anything that does not read like prose
with a price, elsewhere only what is clearly mathematics.

>>> is_formula("x^2 + 1", page_has_math=False), is_formula("5, or 10", page_has_math=True)
(True, False)
"""

from __future__ import annotations

import re
from itertools import islice

from mathcode_data.stages.extract.latex import has_any_command, has_command
from mathcode_data.stages.extract.words import words

_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}(?![a-zA-Z])")
_GROUPED = re.compile(
    r"\\(?:text|textrm|textbf|textit|mathrm|mathit|mathbf|mathsf|mathtt|operatorname|mbox|hbox|begin|end|label|tag|ref)"
    r"\*?\s{0,4}\{[^{}]{0,400}\}"
)
_SIGNS = re.compile(r"[\^_=<>+|{}\u2200-\u22ff\u2190-\u21ff]|\\[a-zA-Z{},;!|\\]")
_SCRIPT = re.compile(r"[A-Za-z0-9)\]}'|][\^_](?:\{|\\?[A-Za-z0-9*+-])")
_PRICE = re.compile(r"\d[\d,.]*(?:\s*(?:k|K|m|M|bn|million|billion|USD|US|per\b|each\b|/|-|–|to\b|and\b|or\b)|$|\s)")
# Lists, ratios and sums of numbers: 2, 3, 5 and 9 : 4 and (3, 4); a price is followed by words or by another dollar.
_NUMBERS = re.compile(r"[-+(]?\d[\d.]*(?:\s*[,;:/+*()=!·×÷%−–-]{1,3}\s*\d[\d.]*)+[)!%]?(?:\s*,?\s*(?:\.\.\.|…))?")
# Terms of digits and single letters with signs between them: 116 - 2x.
_TERM = r"\(?(?:[0-9]+(?:[.][0-9]+)?(?:[A-Za-zα-ω]'*(?![A-Za-z]))?|[A-Za-zα-ω]'*(?![A-Za-z]))\)?"
_SUM = re.compile(rf"[-−+]?{_TERM}(?:\s*[+\-−*/,:]\s*{_TERM}){{1,20}}")
_APPLIED = re.compile(r"[A-Za-zα-ωΑ-Ω]'{0,3}\((?:[A-Za-zα-ω]|\d{1,4})(?:\s?[,;+−-]\s?(?:[A-Za-zα-ω]|\d{1,4})){0,4}\)")  # f(x, n-1)
_RELATION = re.compile(r"^[^\s.,;:!?]{1,40}\s{0,2}(?:=|<|>|\+|≤|≥|∈)\s{0,2}[^\s]")
_PAIR = re.compile(r"(?<![\\$\w])\$([^$<>\n]{1,300})\$(?![\w$])")
_INDEXED = re.compile(r"[A-Za-z][_^](?:\{[^{}\s]{1,12}\}|[A-Za-z0-9])(?:\s?[=<>+-]\s?[A-Za-z0-9_^{}]{1,12})?")
_MAX_PAIRS = 2_000
_GROUPS_OF_THREE = re.compile(r"-?\d{1,3}(?:\{,\}\d{3}){1,8}(?:\.\d{1,20})?")  # 1{,}000: braces that only TeX needs
_OPEN_BRACKETS, _CLOSED_BRACKETS = frozenset("(["), frozenset(")]")
_SMALL_WORD = re.compile(r"(?:^|\s)(?:so|is|of|or|if|in|to|by|we|as|at|an|it|no|on|be)(?:\s|$|,)")
_TWO_LETTERS = re.compile(r"[A-Za-z]{2}")
_CJK_MARKS = frozenset("，。；：、！？（）「」《》")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Functions and plain words that stand in formulas without a backslash.
_FUNCTIONS = words("sin cos tan log exp max min mod gcd lcm det dim inf sup lim and for div arg deg ker")


def is_formula(content: str, *, page_has_math: bool) -> bool:
    """Decide on what stands between two dollar signs that already satisfy pandoc's rule."""
    if not content or len(content) > 5_000:
        return False
    if page_has_math:
        return not _reads_like_prose(content)
    return is_clearly_math(content)


def is_clearly_math(content: str) -> bool:
    """True where no reader would take the content for text, whatever the page."""
    if _CJK.search(content) and not has_command(content):
        return False
    if has_command(content):
        return num_words(content) <= 8
    if num_words(content) > 0:
        return False
    if _GROUPS_OF_THREE.fullmatch(content):
        return True
    if len(content) == 1 and content.isalpha():
        return True
    if _SCRIPT.search(content):
        return not content.startswith(("{", "_", "("))  # shell and template variables: ${a_b}, $_GET, $(cmd)
    if content[0].isalpha() and (_APPLIED.fullmatch(content) or _SUM.fullmatch(content)):
        return True
    return _RELATION.search(content) is not None and not _PRICE.match(content)


def writes_dollars(html: str, *, min_pairs: int = 2) -> bool:
    """True for a page that writes TeX between dollars, whatever it loads: several pairs of them can be nothing else.

    `min_pairs` with commands or indices, or one more, all different, with terms and equations too.

    >>> writes_dollars(r"<p>Let $\\alpha$ and $x_1$ be</p>"), writes_dollars("<p>for $5 and $10, $HOME, $a_b</p>")
    (True, False)
    """
    num_sure = 0
    plain: set[str] = set()
    for match in islice(_PAIR.finditer(html), _MAX_PAIRS):
        pair = match[1]
        if _is_evidence(pair):
            num_sure += 1
        elif len(pair) > 1 and not pair[0].isspace() and not pair[-1].isspace() and is_clearly_math(pair):
            plain.add(pair)
        if num_sure == min_pairs or num_sure + len(plain) > min_pairs:
            return True
    return False


def _is_evidence(pair: str) -> bool:
    return has_command(pair) or _INDEXED.fullmatch(pair) is not None or _GROUPS_OF_THREE.fullmatch(pair) is not None


def _opens_first(content: str) -> bool:
    """True if no bracket is closed that was not opened."""
    depth = 0
    for sign in content:
        depth += (sign in _OPEN_BRACKETS) - (sign in _CLOSED_BRACKETS)
        if depth < 0:
            return False
    return True


def is_equation(content: str) -> bool:
    """True for numbers and single letters around a sign of equality."""
    return "=" in content and _TWO_LETTERS.search(content) is None and _CJK.search(content) is None


def num_words(content: str) -> int:
    """Words of three letters or more that are neither commands nor inside text groups."""
    return sum(1 for word in _WORD.findall(_GROUPED.sub(" ", content)) if word.lower() not in _FUNCTIONS)


def _reads_like_prose(content: str) -> bool:
    if has_command(content):
        return False
    words = num_words(content)
    signs = len(_SIGNS.findall(content))
    if _CJK.search(content):
        return not signs or content[0] in _CJK_MARKS or content[-1] in _CJK_MARKS
    if _NUMBERS.fullmatch(content) or _SUM.fullmatch(content):
        return False
    if not signs and _TWO_LETTERS.search(content) and not _opens_first(content):  # "3) and ("
        return True
    if not signs and not content[-1].isalnum() and content[-1] in ".,;:-–/":
        return True
    if _PRICE.match(content) and not signs:
        return words > 0 or " " in content
    if has_any_command(content):
        return False
    if not signs and (content[0] in ",.;:)" or _SMALL_WORD.search(content)):
        return True
    if words == 0 or signs >= words:
        return False
    return words >= 2 or " " in content.strip()
