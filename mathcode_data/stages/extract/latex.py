r"""Clean-up of one LaTeX string: white space, wrappers that only say how to draw, NFC; and what counts as LaTeX."""

from __future__ import annotations

import re
import unicodedata

MAX_FORMULA_CHARACTERS = 50_000

# Zero-width characters, soft hyphen, bidi controls, byte-order mark, and private-use characters (icon fonts).
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]")
# The same in a text, but for joiners between letters of scripts that are written with them (Persian, Sinhala, Hindi) and between emoji.
INVISIBLE_IN_TEXT = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]|(?<![\u0600-\U0010ffff])[\u200c\u200d]"
    "|[\u200c\u200d](?![\u0600-\U0010ffff])"
)

_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n?")
_LINE_BREAK = re.compile(r"</?(?:br|p)\s{0,3}/?>", re.I)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "nbsp": " ", "quot": '"', "#39": "'"}
_ENTITY = re.compile(r"&(?:amp;)?(lt|gt|amp|nbsp|quot|#39);")
_CDATA = re.compile(r"%?\s{0,8}<!\[CDATA\[|%?\s{0,8}\]\]>")
_DRAWING = re.compile(
    r"\s{0,8}(?:\\inline(?![a-zA-Z])|\\dpi\s{0,4}\{[^{}]{0,10}\}|\\[bf]g_[a-zA-Z]{1,12}|\\fn_[a-z]{1,6}"
    r"|\\bg\{[^{}]{0,20}\}|\\newline(?![a-zA-Z])|\\(?:tiny|small|normalsize|large|Large|LARGE|huge)(?![a-zA-Z]))"
)
_STYLE = re.compile(r"\{\s{0,8}\\(?:display|text|script)style(?![a-zA-Z])")
_STRONG = re.compile(
    r"\\(?:frac|dfrac|tfrac|sqrt|sum|int|oint|prod|lim|alpha|beta|gamma|delta|epsilon|varepsilon|theta|lambda|mu|nu|pi"
    r"|rho|sigma|tau|phi|varphi|psi|omega|Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega|kappa|eta|zeta|xi|chi|partial"
    r"|nabla|infty|cdot|cdots|ldots|dots|times|div|pm|mp|leq?|geq?|neq?|approx|equiv|sim|simeq|cong|in|notin|subset"
    r"|subseteq|supset|cup|cap|forall|exists|to|rightarrow|leftarrow|Rightarrow|Leftrightarrow|iff|mapsto|left|right"
    r"|begin|mathbb|mathbf|mathcal|mathrm|mathfrak|mathit|mathsf|boldsymbol|operatorname|overline|underline|hat|bar"
    r"|tilde|vec|dot|ddot|widehat|widetilde|text|sin|cos|tan|log|ln|exp|max|min|sup|inf|det|gcd|deg|dim|ker|binom"
    r"|choose|over|displaystyle|quad|qquad|langle|rangle|lfloor|rfloor|lceil|rceil|mid|ell|hbar|circ|bullet|otimes"
    r"|oplus|wedge|vee|neg|land|lor|emptyset|varnothing|setminus|mathop|stackrel|overset|underset|bigl?|Bigl?|bigg"
    r"|perp|parallel|angle|triangle|star|ast|dagger|prime|therefore|because|pmod|bmod|mod|implies|bigcup|bigcap"
    r"|not|propto|aleph|Re|Im|wp|iint|iiint|limits|substack|cfrac|ket|bra|rm|bf|cal|it|vdots|ddots)(?![a-zA-Z])"
)
_ANY_COMMAND = re.compile(r"\\[a-zA-Z]{2,}")
_WRAPPERS = (
    ("\\[", "\\]", True),
    ("$$", "$$", True),
    ("\\(", "\\)", False),
    ("$", "$", False),
    ("\\begin{displaymath}", "\\end{displaymath}", True),
    ("\\begin{math}", "\\end{math}", False),
    ("[tex]", "[/tex]", False),
    ("[itex]", "[/itex]", False),
    ("[latex]", "[/latex]", False),
    ("[math]", "[/math]", False),
    ("[eqn]", "[/eqn]", True),
)


def clean_latex(latex: str) -> str:
    r"""The formula itself: wrappers and drawing hints gone, white space folded, NFC.

    >>> clean_latex(r"{\displaystyle  \frac{a}{b} }"), clean_latex(r"\inline \dpi{120} x^2")
    ('\\frac{a}{b}', 'x^2')
    """
    if "\\begin{document}" in latex:  # journals put the formula into a file of its own
        latex = unwrap(latex.partition("\\begin{document}")[2].partition("\\end{document}")[0])[0]
    if "CDATA" in latex:
        latex = _CDATA.sub("", latex)
    if "&" in latex:
        latex = _ENTITY.sub(lambda match: _ENTITIES[match[1]], latex)  # escaped twice on its way
    if "<" in latex:
        latex = _LINE_BREAK.sub(" ", latex)
    if "%" in latex:
        latex = _COMMENT.sub("", latex)
    if not latex.isascii():
        latex = unicodedata.normalize("NFC", INVISIBLE.sub("", latex))
    latex = " ".join(latex.split())
    while match := _DRAWING.match(latex):
        latex = latex[match.end() :].lstrip()
    latex = _strip_style(latex)
    if latex[:1] == "`" == latex[-1:] and latex.count("`") == 2:  # $`x`$ of GitHub and GitLab
        latex = latex[1:-1].strip()
    if latex.endswith("\\") and not latex.endswith("\\\\"):
        latex += " "  # a control space; without it the closing delimiter would be escaped
    return latex


def _strip_style(latex: str) -> str:
    r"""Take off `{\displaystyle ...}` when it wraps the whole formula."""
    while (match := _STYLE.match(latex)) and latex.endswith("}") and closes_at(latex, 0) == len(latex) - 1:
        latex = latex[match.end() : -1].strip()
    return latex


def closes_at(text: str, start: int) -> int:
    """The position of the brace that closes the one at `start`, or -1."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        token = match[0]
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


_BRACE = re.compile(r"\\.|[{}]", re.S)


def without_bars(latex: str) -> str:
    r"""The same formula without the sign that separates the cells of a table.

    The lines of an array are left out: its columns have no other word for them.

    >>> without_bars(r"|x| \in \|A\|"), without_bars(r"\begin{array}{c|c} a & \text{b|c} \\| \end{array}")
    ('\\vert x\\vert \\in \\Vert A\\Vert', '\\begin{array}{cc} a & \\text{b$\\vert$c} \\\\\\vert \\end{array}')
    """

    def written(match: re.Match[str]) -> str:
        token = match[0]
        if token.startswith("\\begin"):
            return token.replace("|", "")
        if token.startswith("\\text"):
            return token.replace("\\|", "|").replace("|", "$\\vert$")
        if token not in ("|", "\\|"):
            return token
        needs_space = match.end() < len(latex) and latex[match.end()].isalpha()
        return ("\\vert" if token == "|" else "\\Vert") + " " * needs_space

    return _BAR.sub(written, latex)


_BAR = re.compile(
    r"\\begin\s{0,4}\{(?:array|darray|tabular|subarray)\}\s{0,4}(?:\[[a-z]\]\s{0,4})?\{[^{}]{0,200}\}|\\text(?:rm|bf|it|normal)?\s{0,4}\{[^{}$]{0,400}\}"
    r"|\\.|\|",
    re.S,
)


def unwrap(latex: str) -> tuple[str, bool | None]:
    r"""Take delimiters off: the content, and True for display, False for inline, None where there were none.

    >>> unwrap("$$x$$"), unwrap(r"\(x\)"), unwrap("x")
    (('x', True), ('x', False), ('x', None))
    """
    latex = latex.strip()
    for left, right, display in _WRAPPERS:
        size = len(left) + len(right)
        if len(latex) > size and latex.startswith(left) and latex.endswith(right):
            inner = latex[len(left) : -len(right)]
            if right not in inner:
                return inner.strip(), display
    return latex, None


def is_balanced(latex: str) -> bool:
    """True if every brace is closed, in order."""
    depth = 0
    for match in _BRACE.finditer(latex):
        token = match[0]
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0


def has_command(text: str) -> bool:
    r"""True if a command of mathematics (`\frac`, `\alpha`, ...) stands in the text."""
    return "\\" in text and _STRONG.search(text) is not None


def has_any_command(text: str) -> bool:
    r"""True if anything like `\word` stands in the text."""
    return "\\" in text and _ANY_COMMAND.search(text) is not None
