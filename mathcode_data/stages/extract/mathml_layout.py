r"""Composite MathML: fractions, roots, scripts, accents, matrices, enclosures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from mathcode_data.stages.extract.mathml import convert, local_name, parts, row
from mathcode_data.stages.extract.mathml_symbols import (
    LARGE,
    LIMIT_FUNCTIONS,
    OVER_ACCENTS,
    RELATIONS,
    STRETCHY_ARROWS,
    UNDER_ACCENTS,
    WIDE,
    to_command,
)
from mathcode_data.stages.extract.mathml_tokens import glue, group, prime_marks
from mathcode_data.stages.extract.tree import Element, text_of

_MATRICES = {"(": (")", "pmatrix"), "[": ("]", "bmatrix"), "|": ("|", "vmatrix"), "‖": ("‖", "Vmatrix"),
             "∥": ("∥", "Vmatrix"), "{": ("}", "Bmatrix"), "∣": ("∣", "vmatrix")}  # fmt: skip
_RELATION_SIGNS = frozenset(RELATIONS) | frozenset("=<>:") | {":="}
_RULES = ("solid", "dashed")
_SIDES = frozenset(["left", "right", "top", "bottom"])
_MAX_COLUMNS = 20
_NO_LINE = ("0", "0px", "0pt", "0em", "0ex")
_LIMIT_COMMANDS = frozenset([*LARGE.values(), *(f"\\{name}" for name in LIMIT_FUNCTIONS)])


def _nth(element: Element, count: int) -> list[str]:
    """The first `count` children as LaTeX, "" where one is missing."""
    found = [convert(child).strip(" ") for child in parts(element)[:count]]
    return found + [""] * (count - len(found))


def fraction(element: Element) -> str:
    """`<mfrac>`; a line of thickness 0 makes a binomial without brackets."""
    top, bottom = _nth(element, 2)
    if element.get("linethickness") in _NO_LINE:
        return f"{{{top} \\atop {bottom}}}"
    if element.get("bevelled") == "true":
        return f"{group(top)}/{group(bottom)}"
    return f"\\frac{{{top}}}{{{bottom}}}"


def square_root(element: Element) -> str:
    """`<msqrt>` has an implied row."""
    return f"\\sqrt{{{row(parts(element))}}}"


def root(element: Element) -> str:
    """`<mroot>` has the base first, the index second."""
    base, index = _nth(element, 2)
    return f"\\sqrt[{index}]{{{base}}}"


def _script(mark: str, latex: str) -> str:
    return f"{mark}{{{latex}}}" if latex else ""


def _superscript(latex: str, source: Element | None) -> str:
    primes = prime_marks(text_of(source)) if source is not None else ""
    return primes or _script("^", latex)


def scripts(element: Element) -> str:
    """`<msub>`, `<msup>`, `<msubsup>`."""
    tag = local_name(element.tag)
    children = parts(element)
    base, first, second = _nth(element, 3)
    base = group(base.strip()) or "{}"
    if tag == "msub":
        return base + _script("_", first)
    if tag == "msup":
        return base + _superscript(first, children[1] if len(children) > 1 else None)
    return base + _script("_", first) + _superscript(second, children[2] if len(children) > 2 else None)


def _accent(mark: str, base: str, table: dict[str, str], *, stretchy: bool) -> str | None:
    name = table.get(mark)
    if name is None:
        return None
    if stretchy and name in WIDE and len(base.replace("\\", "")) > 1 and not (base[:1] == "\\" and base[1:].isalpha()):
        name = WIDE[name]
    return f"\\{name}{{{base}}}"


def under_over(element: Element) -> str:
    """`<munder>`, `<mover>`, `<munderover>`: limits of operators, accents, braces, labelled arrows."""
    tag = local_name(element.tag)
    children = parts(element)
    base, first, second = (text.strip() for text in _nth(element, 3))
    under = "" if tag == "mover" else first
    over = first if tag == "mover" else second if tag == "munderover" else ""
    under_mark = text_of(children[1]).strip() if under and len(children) > 1 else ""
    over_mark = text_of(children[-1]).strip() if over and len(children) > 1 else ""
    if tag == "mover" and children:
        accent = _accent(over_mark, base, OVER_ACCENTS, stretchy=children[-1].get("stretchy") != "false")
        if accent and local_name(children[-1].tag) in ("mo", "mrow", "mtext", "mi", "mstyle"):
            return accent
    if tag == "munder" and children:
        accent = _accent(under_mark, base, UNDER_ACCENTS, stretchy=False)
        if accent and local_name(children[-1].tag) in ("mo", "mrow", "mstyle"):
            return accent
    arrow = STRETCHY_ARROWS.get(text_of(children[0]).strip()) if children else None
    if arrow:
        below = f"[{under}]" if under else ""
        return f" \\{arrow}{below}{{{over}}} "
    if base in _LIMIT_COMMANDS or base.startswith(("\\operatorname", "\\underbrace", "\\overbrace")):
        if base.startswith("\\operatorname{"):
            base = base.replace("\\operatorname{", "\\operatorname*{", 1)
        return base + _script("_", under) + _script("^", over)
    if over:
        base = f"\\overset{{{over}}}{{{base}}}"
    return f"\\underset{{{under}}}{{{base}}}" if under else base


def multiscripts(element: Element) -> str:
    """`<mmultiscripts>`: pairs after the base, pairs before it after `<mprescripts>`."""
    children = parts(element)
    if not children:
        return ""
    base = group(convert(children[0]))
    after: list[str] = []
    before: list[str] = []
    target = after
    for child in children[1:]:
        if local_name(child.tag) == "mprescripts":
            target = before
        else:
            target.append("" if local_name(child.tag) == "none" else convert(child))
    left = _pairs(before)
    return (f"{{}}{left}" if left else "") + base + _pairs(after)


def _pairs(values: list[str]) -> str:
    """Pairs of index and exponent; the scripts of a second pair stand further right, on an empty base."""
    pairs = [_script("_", lower) + _script("^", upper) for lower, upper in zip_longest(values[::2], values[1::2], fillvalue="")]
    return "{}".join(pair for pair in pairs if pair)


def fenced(element: Element) -> str:
    """`<mfenced>`: brackets and separators as attributes."""
    opening = element.attrs.get("open")
    closing = element.attrs.get("close")
    opening = "(" if opening is None else opening.strip()
    closing = ")" if closing is None else closing.strip()
    separators = (element.attrs.get("separators") or ",").strip() if "separators" in element.attrs else ","
    children = parts(element)
    if len(children) == 1:
        table = _only_table(children[0])
        if table is not None:
            return matrix(table, opening, closing)
    inner: list[str] = []
    for position, child in enumerate(children):
        if position and separators:
            mark = separators[min(position - 1, len(separators) - 1)]
            inner.append(f"{to_command(mark)} ")
        inner.append(convert(child))
    left = f"\\left{_delimiter(opening)}"
    right = f"\\right{_delimiter(closing)}"
    return glue([left, glue(inner), right])


def _only_table(element: Element) -> Element | None:
    """The table an element consists of, through rows that hold nothing else."""
    while local_name(element.tag) in ("mrow", "mstyle", "mpadded"):
        children = parts(element)
        if len(children) != 1:
            return None
        element = children[0]
    return element if local_name(element.tag) == "mtable" else None


def fenced_group(children: Sequence[Element], index: int) -> tuple[str, int] | None:
    """A matrix or binomial with its brackets, and how many neighbours it takes; None where there is none."""
    first = children[index]
    if local_name(first.tag) != "mo" or index + 1 >= len(children):
        return None
    opening = text_of(first).strip()
    if opening not in _MATRICES:
        return None
    inner = children[index + 1]
    last = children[index + 2] if index + 2 < len(children) else None
    closing = text_of(last).strip() if last is not None and local_name(last.tag) == "mo" else None
    table = _only_table(inner)
    if table is not None:
        if closing == _MATRICES[opening][0]:
            return matrix(table, opening, closing), 3
        if opening == "{" and (last is None or not closing):
            return matrix(table, opening, ""), 3 if closing == "" else 2
    is_round = opening == "(" and closing == ")"
    if is_round and local_name(inner.tag) == "mfrac" and inner.get("linethickness") in _NO_LINE:
        top, bottom = _nth(inner, 2)
        return f"\\binom{{{top}}}{{{bottom}}}", 3
    return None


def _delimiter(text: str) -> str:
    """What may stand after `\\left`: one character, two bars; a point for nothing and for anything else."""
    if len(text) == 1 and not text.isalnum():
        return to_command(text)
    return "\\|" if text == "||" else "."


def matrix(table: Element, opening: str, closing: str) -> str:
    """A table between brackets."""
    closing_expected, name = _MATRICES.get(opening, ("", "")) if not _is_ruled(table) else ("", "")
    if opening == "{" and not closing:
        return _environment("cases", table)
    if name and closing == closing_expected:
        return _environment(name, table)
    left = f"\\left{_delimiter(opening)}"
    right = f"\\right{_delimiter(closing)}"
    return f"{left}{_ruled(table, frozenset()) if _is_ruled(table) else _environment('matrix', table)}{right}"


def table(element: Element) -> str:
    """`<mtable>` without brackets: aligned equations, one tagged equation, or a matrix."""
    rows = _rows(element)
    if len(rows) == 1 and local_name(rows[0].tag) == "mlabeledtr":
        return _labelled_row(rows[0])
    align = element.get("columnalign").split()
    if _is_ruled(element):
        return _ruled(element, _SIDES if element.get("frame") in _RULES else frozenset())
    if align[:2] == ["right", "left"] or (set(align) <= {"center", "left"} and _holds_equations(rows)):
        return _environment("aligned", element)
    if set(align) <= {"center"}:
        return _environment("matrix", element)
    return _environment("array", element, "{" + "".join(word[0] for word in align[:20]) + "}")


def _is_ruled(element: Element) -> bool:
    """True for a table with rules between its columns or rows, or around it."""
    lines = f"{element.get('columnlines')} {element.get('rowlines')}" if element.attrs else ""
    return element.get("frame") in _RULES or any(line in _RULES for line in lines.split())


def _ruled(element: Element, sides: frozenset[str]) -> str:
    """An array with rules between its columns and rows, and on some of its sides."""
    rows = _cells(element)
    level = element.get("rowlines").split()
    inner = "".join(
        line + ("" if index == len(rows) - 1 else " \\\\ \\hline " if _nth_word(level, index, "none") in _RULES else " \\\\ ")
        for index, line in enumerate(rows)
    )
    above, below = "\\hline " if "top" in sides else "", " \\\\ \\hline" if "bottom" in sides else ""
    return f"\\begin{{array}}{_ruled_columns(element, sides)} {above}{inner}{below} \\end{{array}}"


def _ruled_columns(element: Element, sides: frozenset[str]) -> str:
    """The columns of an array with rules between some of them: `{c|c}`; the last value of a list counts for all that follow."""
    rows, align, lines = _rows(element), element.get("columnalign").split(), element.get("columnlines").split()
    num_columns = min(max(len(parts(line)) for line in rows) if rows else 1, _MAX_COLUMNS)
    letters = [{"left": "l", "right": "r"}.get(_nth_word(align, index, "center"), "c") for index in range(num_columns)]
    marks = ["|" if _nth_word(lines, index, "none") in _RULES else "" for index in range(num_columns - 1)]
    inner = "".join(letter + mark for letter, mark in zip_longest(letters, marks, fillvalue=""))
    return f"{{{'|' * ('left' in sides)}{inner}{'|' * ('right' in sides)}}}"


def _nth_word(found: list[str], index: int, default: str) -> str:
    return found[min(index, len(found) - 1)] if found else default


def _holds_equations(rows: list[Element]) -> bool:
    """True if the right-hand cells begin with a relation, as in a derivation set line by line."""
    seconds = [cells[1] for line in rows if len(cells := parts(line)) == 2]
    marks = [_first_sign(cell) for cell in seconds]
    return len(seconds) == len(rows) > 0 and marks[0] in _RELATION_SIGNS and sum(mark in _RELATION_SIGNS for mark in marks) * 2 > len(marks)


def _first_sign(element: Element) -> str:
    """The operator an element begins with, looking into rows; "" where it begins with something else."""
    for child in parts(element):
        name = local_name(child.tag)
        if name == "mo":
            return text_of(child).strip()
        if name in ("mrow", "mstyle", "mpadded", "mtd"):
            return _first_sign(child)
        if name != "mspace" and text_of(child).strip():
            return ""
    return ""


def _rows(element: Element) -> list[Element]:
    inner = parts(element)
    rows = [child for child in inner if local_name(child.tag) in ("mtr", "mlabeledtr")]
    if rows or not any(local_name(child.tag) == "mtd" for child in inner):
        return rows
    alone = Element("mtr", {})  # cells without a row around them are one
    alone.children += inner
    return [alone]


def _labelled_row(element: Element) -> str:
    cells = parts(element)
    mark = "".join(text_of(cells[0]).split()).strip("()") if cells else ""
    body = glue([row(parts(cell)) for cell in cells[1:]])
    return f"{body} \\tag{{{mark}}}" if mark else body


def _environment(name: str, element: Element, columns: str = "") -> str:
    return f"\\begin{{{name}}}{columns} " + " \\\\ ".join(_cells(element)) + f" \\end{{{name}}}"


def _cells(element: Element) -> list[str]:
    """The rows of a table, each with its cells."""
    lines = []
    for line in _rows(element):
        cells = parts(line)[1:] if local_name(line.tag) == "mlabeledtr" else parts(line)
        lines.append(" & ".join(row(parts(cell)) for cell in cells))
    return lines


def enclosed(element: Element) -> str:
    """`<menclose>`: boxes, strikes, lines."""
    notations = element.get("notation").split() or ["longdiv"]
    children = parts(element)
    only = _only_table(children[0]) if len(children) == 1 and _SIDES.issuperset(notations) else None
    if only is not None:
        return _ruled(only, frozenset(notations))
    inner = row(children)
    if {"updiagonalstrike", "downdiagonalstrike"} <= set(notations):
        return f"\\xcancel{{{inner}}}"
    for notation in notations:
        command = _ENCLOSURES.get(notation)
        if command:
            return f"\\{command}{{{inner}}}"
    return inner


_ENCLOSURES = {
    "box": "boxed",
    "roundedbox": "boxed",
    "updiagonalstrike": "cancel",
    "downdiagonalstrike": "bcancel",
    "top": "overline",
    "bottom": "underline",
    "radical": "sqrt",
    "horizontalstrike": "sout",
}


COMPOSITES: dict[str, Callable[[Element], str]] = {
    "mfrac": fraction,
    "msqrt": square_root,
    "mroot": root,
    "msub": scripts,
    "msup": scripts,
    "msubsup": scripts,
    "munder": under_over,
    "mover": under_over,
    "munderover": under_over,
    "mmultiscripts": multiscripts,
    "mfenced": fenced,
    "mtable": table,
    "menclose": enclosed,
}
