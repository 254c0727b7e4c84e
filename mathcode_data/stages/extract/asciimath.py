r"""AsciiMath to LaTeX: a recursive-descent reader of the language's small grammar.

E ::= I E | I / I        I ::= S | S _ S | S ^ S | S _ S ^ S        S ::= symbol | ( E ) | unary S | binary S S | "text"
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.mathml_symbols import GREEK, WIDE
from mathcode_data.stages.extract.words import words

_SYMBOLS = {
    "*": "\\cdot", "**": "\\ast", "***": "\\star", "//": "/", "\\\\": "\\backslash", "xx": "\\times", "-:": "\\div",
    "@": "\\circ", "o+": "\\oplus", "ox": "\\otimes", "o.": "\\odot", "^^": "\\wedge", "vv": "\\vee", "nn": "\\cap",
    "uu": "\\cup", "^^^": "\\bigwedge", "vvv": "\\bigvee", "nnn": "\\bigcap", "uuu": "\\bigcup", "!=": "\\neq",
    "<=": "\\leq", ">=": "\\geq", "-<": "\\prec", ">-": "\\succ", "in": "\\in", "!in": "\\notin", "sub": "\\subset",
    "sup": "\\supset", "sube": "\\subseteq", "supe": "\\supseteq", "-=": "\\equiv", "~=": "\\cong", "~~": "\\approx",
    "prop": "\\propto", "and": "\\text{ and }", "or": "\\text{ or }", "not": "\\neg", "=>": "\\Rightarrow",
    "if": "\\text{if }", "<=>": "\\Leftrightarrow", "iff": "\\Leftrightarrow", "AA": "\\forall", "EE": "\\exists",
    "_|_": "\\bot", "TT": "\\top", "|--": "\\vdash", "|==": "\\models", "int": "\\int", "oint": "\\oint",
    "del": "\\partial", "grad": "\\nabla", "+-": "\\pm", "-+": "\\mp", "O/": "\\emptyset", "oo": "\\infty",
    "aleph": "\\aleph", "...": "\\ldots", "cdots": "\\cdots", "vdots": "\\vdots", "ddots": "\\ddots", "quad": "\\quad",
    "qquad": "\\qquad", "diamond": "\\diamond", "square": "\\square", "CC": "\\mathbb{C}", "NN": "\\mathbb{N}",
    "QQ": "\\mathbb{Q}", "RR": "\\mathbb{R}", "ZZ": "\\mathbb{Z}", "/_": "\\angle", ":.": "\\therefore",
    "->": "\\to", "rarr": "\\rightarrow", "larr": "\\leftarrow", "harr": "\\leftrightarrow", "rArr": "\\Rightarrow",
    "lArr": "\\Leftarrow", "hArr": "\\Leftrightarrow", "uarr": "\\uparrow", "darr": "\\downarrow", "|->": "\\mapsto",
    "sum": "\\sum", "prod": "\\prod", "lim": "\\lim", "Lim": "\\lim", "lim sup": "\\limsup", "limsup": "\\limsup",
    "lim inf": "\\liminf", "liminf": "\\liminf", "times": "\\times", "cdot": "\\cdot",
    "infty": "\\infty", "le": "\\leq", "ge": "\\geq", "ne": "\\neq", "pm": "\\pm", "to": "\\to", "propto": "\\propto",
    "partial": "\\partial", "nabla": "\\nabla", "forall": "\\forall", "exists": "\\exists", "setminus": "\\setminus",
    "cap": "\\cap", "cup": "\\cup", "subset": "\\subset", "equiv": "\\equiv", "approx": "\\approx", "neg": "\\neg",
    "div": "\\div", "circ": "\\circ", "lt": "<", "gt": ">", "mod": "\\bmod", "dx": "dx", "dy": "dy", "dz": "dz", "dt": "dt",
    "epsi": "\\epsilon", "->>": "\\twoheadrightarrow", ">->": "\\rightarrowtail", "|><": "\\ltimes", "><|": "\\rtimes",
    "|><|": "\\bowtie", "-<=": "\\preceq", ">-=": "\\succeq", ":'": "\\because", "frown": "\\frown", "/_\\": "\\triangle",
}  # fmt: skip
# Names of LaTeX that AsciiMath knows too.
_SYMBOLS |= {
    name: f"\\{name}"
    for name in words(
        "ast star ltimes rtimes bowtie oplus otimes odot wedge bigwedge vee bigvee bigcap bigcup leq geq prec preceq succ succeq"
        " notin supset subseteq supseteq cong implies bot top vdash models langle rangle emptyset therefore because ldots angle"
        " triangle uparrow downarrow rightarrow rightarrowtail twoheadrightarrow mapsto leftarrow leftrightarrow Rightarrow"
        " Leftarrow Leftrightarrow hbar"
    )
}
_FUNCTIONS = words(
    "sin cos tan cot sec csc sech csch arcsin arccos arctan sinh cosh tanh coth exp log ln det dim gcd lcm lub glb min max inf"
    " Sin Cos Tan Log Ln f g"
)
_NAMES = {
    "f": "f",
    "g": "g",
    "lcm": "\\operatorname{lcm}",
    "lub": "\\operatorname{lub}",
    "sech": "\\operatorname{sech}",
    "csch": "\\operatorname{csch}",
    "glb": "\\operatorname{glb}",
}
_GREEK = frozenset(command[1:] for command in GREEK.values())
_UNARY = {
    "sqrt": "\\sqrt", "hat": "\\hat", "bar": "\\overline", "overline": "\\overline", "vec": "\\vec", "dot": "\\dot",
    "ddot": "\\ddot", "tilde": "\\tilde", "ul": "\\underline", "underline": "\\underline", "ubrace": "\\underbrace",
    "obrace": "\\overbrace", "underbrace": "\\underbrace", "overbrace": "\\overbrace", "overarc": "\\overparen",
    "overparen": "\\overparen", "bb": "\\mathbf", "mathbf": "\\mathbf", "bbb": "\\mathbb", "mathbb": "\\mathbb",
    "cc": "\\mathcal", "mathcal": "\\mathcal", "tt": "\\mathtt", "fr": "\\mathfrak", "sf": "\\mathsf",
    "cancel": "\\cancel", "text": "\\text", "mbox": "\\mbox",
}  # fmt: skip
_ALPHABETS = words(r"\mathbf \mathbb \mathcal \mathtt \mathfrak \mathsf")
_BINARY = {"frac": "\\frac{%s}{%s}", "root": "\\sqrt[%s]{%s}", "stackrel": "\\stackrel{%s}{%s}",
           "overset": "\\overset{%s}{%s}", "underset": "\\underset{%s}{%s}", "color": "\\color{%s}{%s}"}  # fmt: skip
_AROUND = {"abs": ("|", "|"), "norm": ("\\|", "\\|"), "floor": ("\\lfloor", "\\rfloor"), "ceil": ("\\lceil", "\\rceil")}
_LEFT = {"(": "(", "[": "[", "{": "\\{", "(:": "\\langle", "<<": "\\langle", "{:": ".", "|__": "\\lfloor", "|~": "\\lceil"}
_RIGHT = {")": ")", "]": "]", "}": "\\}", ":)": "\\rangle", ">>": "\\rangle", ":}": ".", "__|": "\\rfloor", "~|": "\\rceil"}
_WORDS = sorted({*_SYMBOLS, *_FUNCTIONS, *_GREEK, *_UNARY, *_BINARY, *_AROUND, *_LEFT, *_RIGHT}, key=lambda word: -len(word))
_TOKEN = re.compile(r'\s*(?:("[^"]*")|((?:text|mbox)\s?\([^()]*\))|(\d+(?:\.\d+)?)|(' + "|".join(map(re.escape, _WORDS)) + r")|(\S))")
_MAX_DEPTH = 60
_MAX_BETWEEN_BARS = 200


def to_latex(source: str) -> str:
    r"""Convert AsciiMath.

    >>> to_latex("sum_(i=1)^n i^3=((n(n+1))/2)^2")
    '\\sum_{i=1}^{n}i^{3}=\\left(\\frac{n(n+1)}{2}\\right)^{2}'
    """
    return _Reader([next(group for group in match if group) for match in _TOKEN.findall(source)]).read()


class _Reader:
    """The tokens of one expression and the position in them."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    def read(self) -> str:
        pieces = []
        while self.position < len(self.tokens):
            pieces.append(self._expression(0))
            if self.position < len(self.tokens):  # a closing bracket without an opening one
                pieces.append(self._next())
        return " ".join(piece for piece in pieces if piece)

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.position += 1
        return token

    def _expression(self, depth: int) -> str:
        pieces: list[str] = []
        while self._peek() and self._peek() not in _RIGHT:
            term = self._intermediate(depth)
            if self._peek() == "/":
                self.position += 1
                term = f"\\frac{{{_bare(term)}}}{{{_bare(self._intermediate(depth))}}}"
            pieces.append(term)
        return _join(pieces)

    def _intermediate(self, depth: int) -> str:
        token = self._peek()
        if token == "sup" and self.tokens[self.position + 1 : self.position + 2] == ["_"]:
            self.position += 1
            return "\\sup" + self._scripts(depth)
        if token not in _FUNCTIONS:
            return self._simple(depth) + self._scripts(depth)
        name = self._simple(depth) + self._scripts(depth)
        following = self._peek()
        takes_argument = following in _LEFT if token in ("f", "g") else following not in _NO_ARGUMENT and following not in _RIGHT
        return _join([name, self._simple(depth) + self._scripts(depth)]) if takes_argument else name

    def _scripts(self, depth: int) -> str:
        lower = upper = ""
        if self._peek() == "_":
            self.position += 1
            lower = f"_{{{self._script(depth)}}}"
        if self._peek() == "^":
            self.position += 1
            upper = f"^{{{self._script(depth)}}}"
        return lower + upper

    def _script(self, depth: int) -> str:
        sign = self._next() if self._peek() in ("-", "+") else ""
        return sign + _bare(self._simple(depth))

    def _simple(self, depth: int) -> str:
        token = self._next()
        if not token or depth > _MAX_DEPTH:
            return token
        if token[0] == '"':
            return f"\\text{{{token[1:-1]}}}"
        if token.startswith(("text", "mbox")) and token.endswith(")"):
            return f"\\text{{{token[token.index('(') + 1 : -1]}}}"
        if token in _UNARY:
            argument = _bare(self._simple(depth + 1))
            if token in WIDE and len(argument) > 1 and argument.isalnum():
                return f"\\{WIDE[token]}{{{argument}}}"
            if argument.startswith("\\text{") and _UNARY[token] in _ALPHABETS:
                argument = argument[len("\\text{") : -1]
            return f"{_UNARY[token]}{{{argument}}}"
        if token in _AROUND:
            left, right = _AROUND[token]
            return _enclosed(left, _bare(self._simple(depth + 1)), right)
        if token == "|":
            return self._bars(depth)
        if token in _BINARY:
            first = _bare(self._simple(depth + 1))
            return _BINARY[token] % (first, _bare(self._simple(depth + 1)))
        if token in _LEFT:
            return self._bracket(token, depth)
        if token in _SYMBOLS:
            return _SYMBOLS[token]
        if token in _FUNCTIONS:
            return _NAMES.get(token) or f"\\{token.lower()}"
        return f"\\{token}" if token in _GREEK else token

    def _bars(self, depth: int) -> str:
        """What stands between two bars on the same level of brackets; a lone bar is a sign."""
        start, level = self.position, 0
        for end in range(start, min(len(self.tokens), start + _MAX_BETWEEN_BARS)):
            token = self.tokens[end]
            level += (token in _LEFT) - (token in _RIGHT)
            if level < 0:
                break
            if token == "|" and level == 0:
                if end == start or depth > _MAX_DEPTH:
                    break
                self.position = end + 1
                inner = _Reader(self.tokens[start:end])
                return self._matrix(start, "|", "|") or _enclosed("|", inner._expression(depth + 1), "|")
        return "|"

    def _bracket(self, opening: str, depth: int) -> str:
        start = self.position
        inner = self._expression(depth + 1)
        closing = self._next() if self._peek() else ""
        rows = self._matrix(start, opening, closing)
        if rows:
            return rows
        left, right = _LEFT[opening], _RIGHT.get(closing, ".")
        if left in "([" and right in ")]":
            return _enclosed(left, inner, right)
        return _join([f"\\left{left}", inner, f"\\right{right}"])

    def _matrix(self, start: int, opening: str, closing: str) -> str:
        """`[[a,b],[c,d]]` is a matrix: rows of equal length in equal brackets."""
        tokens = self.tokens[start : self.position - 1]
        if not tokens or tokens[0] not in ("[", "(") or (opening, closing) not in _MATRICES:
            return ""
        rows: list[list[list[str]]] = []
        level = 0
        for token in tokens:
            if token in _LEFT:
                level += 1
                if level == 1:
                    rows.append([[]])
                    continue
            elif token in _RIGHT:
                level -= 1
                if level == 0:
                    continue
            if level == 0:
                if token != ",":
                    return ""
            elif level == 1 and token == ",":
                rows[-1].append([])
            else:
                rows[-1][-1].append(token)
        if len(rows) < 2 or len({len(cells) for cells in rows}) != 1:
            return ""
        body = " \\\\ ".join(" & ".join(_Reader(cell).read() for cell in cells) for cells in rows)
        name = _MATRICES[opening, closing]
        return f"\\begin{{{name}}} {body} \\end{{{name}}}"


_MATRICES = {
    ("[", "]"): "bmatrix",
    ("(", ")"): "pmatrix",
    ("{", ":}"): "cases",
    ("{:", ":}"): "matrix",
    ("|", "|"): "vmatrix",
    ("{", "}"): "Bmatrix",
}


_NO_ARGUMENT = words("/ | , ^ _ = + -") | {""}


def _enclosed(left: str, inner: str, right: str) -> str:
    """Brackets around something, which grow where it is tall."""
    if "\\frac" in inner or "\\sum" in inner:
        left, right = f"\\left{left}", f"\\right{right}"
    return _join([left, inner, right])


def _bare(latex: str) -> str:
    """An argument loses its round brackets."""
    for left, right in (("\\left(", "\\right)"), ("(", ")"), ("\\left\\{", "\\right\\}"), ("[", "]")):
        if latex.startswith(left) and latex.endswith(right):
            inner = latex[len(left) : -len(right)]
            if left[-1] not in inner and right[-1] not in inner:
                return inner
            depth = 0
            for character in inner:
                depth += (character in "([") - (character in ")]")
                if depth < 0:
                    return latex
            return inner
    return latex


def _join(pieces: list[str]) -> str:
    """Join terms so that no command swallows the letter after it."""
    text = ""
    for piece in pieces:
        ends_in_command = _COMMAND_END.search(text[-30:]) is not None
        if (piece[:1].isalpha() and ends_in_command) or (piece[:1] == "\\" and text[-1:].isalpha() and not ends_in_command):
            text += " "
        text += piece
    return text


_COMMAND_END = re.compile(r"\\[a-zA-Z]+$")
