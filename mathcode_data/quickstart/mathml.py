r"""LaTeX to presentation MathML, for the part of LaTeX which the quickstart's pages use.

Real sites let a program turn LaTeX into MathML; the demo does it here, so that pages with MathML, KaTeX or MathJax
output can be made offline. A command outside the table is an error: a lesson was written with a formula that no form
could show.
"""

import html
import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)

_OPERATORS = {
    r"\times": "×", r"\cdot": "⋅", r"\div": "÷", r"\pm": "±", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\equiv": "≡",
    r"\approx": "≈", r"\to": "→", r"\ldots": "…", r"\cdots": "⋯", r"\mid": "∣", r"\cap": "∩", r"\sum": "∑",
    r"\int": "∫", r"\lvert": "|", r"\rvert": "|", r"\circ": "∘", r"\{": "{", r"\}": "}", r"\in": "∈", r"\Rightarrow": "⇒",
}  # fmt: skip
_LETTERS = {
    r"\pi": "π", r"\alpha": "α", r"\lambda": "λ", r"\mu": "μ", r"\sigma": "σ", r"\varphi": "φ", r"\infty": "∞",
    r"\Omega": "Ω",
}  # fmt: skip
_NAMES = {r"\det": "det", r"\gcd": "gcd", r"\cos": "cos", r"\lim": "lim", r"\sin": "sin"}
_SPACES = {r"\,": "0.167em", r"\ ": "0.333em", r"\quad": "1em"}
_LIMITS = (r"\sum", r"\lim")
_FENCES = {"pmatrix": "()", "cases": "{"}


@dataclass(frozen=True)
class Element:
    """One MathML element: a leaf has text, all others have children."""

    tag: str
    text: str = ""
    children: tuple["Element", ...] = ()
    attributes: str = ""

    def markup(self, prefix: str = "") -> str:
        """Write the element as XML; `prefix` may be `mml:`."""
        inner = html.escape(self.text, quote=False) + "".join(child.markup(prefix) for child in self.children)
        return f"<{prefix}{self.tag}{self.attributes}>{inner}</{prefix}{self.tag}>"

    def leaves(self) -> list["Element"]:
        """All elements with text, from left to right."""
        if not self.children:
            return [self] if self.text else []
        return [leaf for child in self.children for leaf in child.leaves()]


@lru_cache(maxsize=1 << 14)
def to_mathml(latex: str) -> Element:
    """The `mrow` of a formula, without the `math` element round it."""
    parser = _Parser(latex)
    row = parser.row(())
    assert parser.position == len(parser.tokens), f"formula {latex!r}: {parser.tokens[parser.position]!r} has no partner"
    return row


class _Parser:
    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens: list[str] = [token for token in _TOKEN.findall(latex) if not token.isspace()]
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def next(self) -> str:
        assert self.position < len(self.tokens), f"formula {self.latex!r} ends too early"
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, token: str) -> None:
        found = self.next()
        assert found == token, f"formula {self.latex!r}: expected {token!r}, found {found!r}"

    def row(self, ends: tuple[str, ...]) -> Element:
        """Elements up to one of the tokens `ends`, which is left where it is."""
        children = []
        while self.peek() and self.peek() not in ends:
            children.append(self.scripted())
        return Element("mrow", children=tuple(children))

    def scripted(self) -> Element:
        """An atom with its index and its exponent."""
        head = self.peek()
        base = self.atom()
        below = above = None
        while self.peek() in ("^", "_"):
            if self.next() == "^":
                above = self.atom()
            else:
                below = self.atom()
        tags = ("munder", "mover", "munderover") if head in _LIMITS else ("msub", "msup", "msubsup")
        if below and above:
            return Element(tags[2], children=(base, below, above))
        if below:
            return Element(tags[0], children=(base, below))
        return Element(tags[1], children=(base, above)) if above else base

    def group(self) -> Element:
        """What stands in braces."""
        self.expect("{")
        row = self.row(("}",))
        self.expect("}")
        return row.children[0] if len(row.children) == 1 else row

    def raw_group(self) -> str:
        """The letters in braces, unparsed."""
        self.expect("{")
        out = ""
        while self.peek() != "}":
            out += self.next()
        self.expect("}")
        return out

    def atom(self) -> Element:
        token = self.peek()
        if token == "{":
            return self.group()
        self.next()
        if token[0].isdigit():
            return Element("mn", token)
        if token.isalpha():
            return Element("mi", token)
        if not token.startswith("\\"):
            return Element("mo", {"-": "−", "'": "′"}.get(token, token))
        if token in _OPERATORS:
            return Element("mo", _OPERATORS[token])
        if token in _LETTERS or token in _NAMES:
            return Element("mi", _LETTERS.get(token) or _NAMES[token])
        if token in _SPACES:
            return Element("mspace", attributes=f' width="{_SPACES[token]}"')
        return self.command(token)

    def command(self, token: str) -> Element:
        """A command with arguments."""
        if token in (r"\frac", r"\tfrac"):
            return Element("mfrac", children=(self.group(), self.group()))
        if token == r"\binom":
            fraction = Element("mfrac", children=(self.group(), self.group()), attributes=' linethickness="0"')
            return Element("mrow", children=(Element("mo", "("), fraction, Element("mo", ")")))
        if token == r"\sqrt":
            return Element("msqrt", children=(self.group(),))
        if token == r"\overline":
            return Element("mover", children=(self.group(), Element("mo", "¯")))
        if token == r"\operatorname":
            return Element("mi", self.raw_group())
        if token == r"\pmod":
            inner = (
                Element("mo", "("),
                Element("mi", "mod"),
                Element("mspace", attributes=' width="0.333em"'),
                self.group(),
                Element("mo", ")"),
            )
            return Element("mrow", children=inner)
        if token == r"\left":
            opening = Element("mo", self.next())
            row = self.row((r"\right",))
            self.expect(r"\right")
            return Element("mrow", children=(opening, *row.children, Element("mo", self.next())))
        assert token == r"\begin", f"formula {self.latex!r}: the command {token} is unknown to the demo's MathML writer"
        return self.environment(self.raw_group())

    def environment(self, name: str) -> Element:
        """A matrix or a derivation."""
        rows: list[Element] = []
        cells: list[Element] = []
        while True:
            cells.append(Element("mtd", children=(self.row(("&", r"\\", r"\end")),)))
            mark = self.next()
            if mark == "&":
                continue
            rows.append(Element("mtr", children=tuple(cells)))
            cells = []
            if mark == r"\end":
                break
        closing = self.raw_group()
        assert closing == name, f"formula {self.latex!r}: {name!r} is closed by {closing!r}"
        table = Element("mtable", children=tuple(rows))
        fence = _FENCES.get(name, "")
        parts = [Element("mo", fence[0])] if fence else []
        parts.append(table)
        parts.extend(Element("mo", mark) for mark in fence[1:])
        return Element("mrow", children=tuple(parts)) if fence else table
