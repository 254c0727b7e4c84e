"""The formulas of a page, read from its markup by the standard library alone: an oracle for the extractor.

Only markup that leaves no doubt is read, one rule per generator:

- `marked`: Sphinx, MkDocs and Pandoc put every formula into an element of class `math` or `arithmatex`;
- `delimited`: PreTeXt writes `\\( \\)` into the text, and displays into elements of class `displaymath`;
- `titled`: MathJax's SVG has the source in the `<title>` of each drawing.

A formula must mean the same outside its page, so the macros that a page defines in its text are expanded here too, by a
small reader of its own: `\\newcommand`, `\\renewcommand`, `\\providecommand`, `\\def` and `\\DeclareMathOperator`.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

RULES = {
    "sagemath_doc": "marked",
    "scipy_doc": "marked",
    "cp_algorithms": "marked",
    "discrete_math_pretext": "delimited",
    "oi_wiki_zh": "titled",
}
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "path", "use"]
)
_UNREAD = frozenset(["script", "style", "code", "pre", "textarea", "noscript"])
_INLINE = re.compile(r"\\\((.*?)\\\)", re.S)
_ENVIRONMENT = re.compile(r"\\begin\{((?:equation|align|gather|multline)\*?)\}.*?\\end\{\1\}", re.S)
_DEFINITION = re.compile(r"\\(?:re)?newcommand|\\def\\|\\DeclareMathOperator|\\let\\")
_MACRO = re.compile(
    r"\\(?:(?:(?:re)?new|provide)command\*?\s*\{?\s*\\([a-zA-Z]+)\s*\}?\s*(?:\[(\d)\])?|def\s*\\([a-zA-Z]+)((?:#\d)*)"
    r"|DeclareMathOperator(\*?)\s*\{?\s*\\([a-zA-Z]+)\s*\}?)\s*(?=\{)"
)
_MAX_ROUNDS = 8  # of macros in macros
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")


def _is_navigation(tag: str, attrs: dict[str, str | None]) -> bool:
    """True for menus: they repeat the headings of this page and of its neighbours, formulas included."""
    classes = (attrs.get("class") or "").split()
    return tag == "nav" or attrs.get("role") == "navigation" or "related" in classes or "sphinxsidebar" in classes


class _Reader(HTMLParser):
    """Collects the text of the elements that hold formulas, or all text outside code."""

    def __init__(self, rule: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rule = rule
        self.open: list[tuple[str, bool, bool]] = []  # tag, begins a formula, is not read
        self.in_formula = self.in_unread = 0
        self.pieces: list[str] = []
        self.found: list[str] = []
        self.text: list[str] = []

    def _begins(self, tag: str, attrs: dict[str, str | None]) -> bool:
        classes = (attrs.get("class") or "").split()
        if self.rule == "titled":
            return tag == "title" and (attrs.get("id") or "").startswith("MathJax-SVG")
        if self.rule == "delimited":
            return "displaymath" in classes
        return "arithmatex" in classes or "math" in classes

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        begins = not self.in_formula and not self.in_unread and self._begins(tag, dict(attrs))
        is_unread = (
            tag in _UNREAD
            or _is_navigation(tag, dict(attrs))
            or (self.rule == "delimited" and dict(attrs).get("class") == "code-inline tex2jax_ignore")
        )
        self.open.append((tag, begins, is_unread))
        self.in_formula += begins
        self.in_unread += is_unread
        if tag in ("p", "li", "div", "td"):
            self.text.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if not any(name == tag for name, _, _ in self.open):
            return
        while self.open:
            name, begins, is_unread = self.open.pop()
            self.in_unread -= is_unread
            if begins:
                self.in_formula -= 1
                self.found.append("".join(self.pieces))
                self.pieces = []
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.in_formula:
            self.pieces.append(data)
        elif not self.in_unread:
            self.text.append(data)


def normal(latex: str) -> str:
    """A formula without delimiters, white space and comments, for comparison."""
    latex = latex.strip()
    for left, right in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if latex.startswith(left) and latex.endswith(right) and len(latex) >= len(left) + len(right):
            latex = latex[len(left) : -len(right)]
            break
    return re.sub(r"\s+", "", _COMMENT.sub("", latex))


def _group_end(text: str, start: int) -> int:
    """Where the group that opens at `start` closes; -1 if it does not."""
    depth = position = 0
    for position, sign in enumerate(text[start:], start):
        if text[position - 1] == "\\" and sign in "{}":
            continue
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return position
    return -1


def page_macros(text: str) -> dict[str, tuple[int, str]]:
    """The macros that a text defines: name to number of arguments and body; the last definition counts."""
    macros: dict[str, tuple[int, str]] = {}
    for match in _MACRO.finditer(text):
        end = _group_end(text, match.end())
        if end > 0:
            name, count, defined, parameters, star, operator = match.groups()
            body = text[match.end() + 1 : end]
            number = int(count or 0) or len(parameters or "") // 2
            macros[name or defined or operator] = (number, f"\\operatorname{star}{{{body}}}" if operator else body)
    return macros


def expanded(latex: str, macros: dict[str, tuple[int, str]]) -> str:
    """A formula with the macros of its page replaced, from the outside in."""
    for _ in range(_MAX_ROUNDS):
        pieces, position = [], 0
        for match in re.finditer(r"\\([a-zA-Z]+)", latex):
            if match[1] not in macros or match.start() < position:
                continue
            number, body = macros[match[1]]
            end = match.end()
            for argument in range(1, number + 1):
                given = re.compile(r"\s*(\{|\\[a-zA-Z]+|\\.|\S)").match(latex, end)
                if given is None:
                    break
                end = _group_end(latex, given.start(1)) + 1 if given[1] == "{" else given.end()
                value = latex[given.start(1) + 1 : end - 1] if given[1] == "{" else given[1]
                body = body.replace(f"#{argument}", value)
            pieces += [latex[position : match.start()], body, " "]
            position = end
        if not pieces:
            break
        latex = "".join(pieces) + latex[position:]
    return latex


def true_formulas(html: str, rule: str) -> Counter[str]:
    """The formulas of a page, macros expanded, with the number of times each stands there; definitions of macros are none."""
    reader = _Reader(rule)
    reader.feed(html)
    reader.close()
    found = [formula for formula in reader.found if not _DEFINITION.search(formula)]
    if rule == "delimited":
        found += [formula for formula in _INLINE.findall("".join(reader.text)) if not _DEFINITION.search(formula)]
    elif rule == "marked":
        found = [part for formula in found for part in _parts(formula)]
    macros = page_macros("".join(reader.text + reader.found))
    return Counter(filter(None, (normal(expanded(_COMMENT.sub("", formula), macros)) for formula in found)))


def _parts(text: str) -> list[str]:
    r"""An element may hold several displays, each in its own `\[ \]`."""
    parts = re.findall(r"\\\[(.*?)\\\]|\\\((.*?)\\\)", text, re.S)
    return ["".join(part) for part in parts] or [text]
