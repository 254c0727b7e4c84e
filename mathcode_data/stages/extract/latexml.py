r"""Groups of equations as LaTeXML sets them (arXiv, ar5iv): a table with a formula in each cell becomes one aligned block.

The number of a row stands in its last cell and becomes `\tag{...}`. Words between the rows close a block.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element, text_of

_STYLE = re.compile(r"^\\displaystyle(?![a-zA-Z])\s{0,9}")
_NO_CELL = ("ltx_eqn_center_pad", "ltx_eqn_left_pad", "ltx_eqn_right_pad")


def is_equation_group(table: Element) -> bool:
    """True for a table of several equations that are aligned with one another."""
    return "ltx_equationgroup" in table.get("class").split()


def equation_group(table: Element, rows: list[list[Element]]) -> list[Child]:
    """The blocks of a group: formulas, and between them the cells that hold words."""
    blocks: list[Child] = []
    lines: list[tuple[list[str], str]] = []
    parts: list[Formula] = []
    for row in rows:
        mark = ""
        texts: list[str] = []
        words: list[Child] = []
        for cell in row:
            classes = cell.get("class")
            if "ltx_eqn_eqno" in classes:
                mark = "".join(text_of(cell).split()).strip("()") or mark
            elif not any(name in classes for name in _NO_CELL):
                found: list[Formula] = []
                texts.append(_cell(cell, found))
                parts += found
                if not found and text_of(cell).strip():
                    words.append(cell)
        if words:
            blocks += [*_block(table, lines, parts), *words]
            lines, parts = [], []
        elif any(texts):
            lines.append((texts, mark))
    return [*blocks, *_block(table, lines, parts)]


def without_style(latex: str) -> str:
    r"""A displayed formula needs no `\displaystyle` at its start.

    >>> without_style("\\displaystyle x=1")
    'x=1'
    """
    return _STYLE.sub("", latex) if latex.startswith("\\displaystyle") else latex


def _cell(element: Element, found: list[Formula]) -> str:
    """LaTeX of a cell; its formulas are added to `found`."""
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, Formula):
            found.append(child)
            pieces.append(without_style(child.latex))
        elif isinstance(child, Element):
            pieces.append(_cell(child, found))
        elif child.strip():
            pieces.append(f"\\text{{ {child.strip()} }}" if any(map(str.isalpha, child)) else child.strip())
    return " ".join(filter(None, pieces))


def _block(table: Element, lines: list[tuple[list[str], str]], parts: list[Formula]) -> list[Formula]:
    """One formula of some rows; a row alone needs no environment."""
    if not parts:
        return []
    is_column = all(len(texts) == 1 for texts, _ in lines)
    between = [(_join(texts, in_columns=len(lines) > 1, is_array="ltx_eqn_eqnarray" in table.get("class")), mark) for texts, mark in lines]
    body = " \\\\ ".join(text + (f" \\tag{{{mark}}}" if mark else "") for text, mark in between)
    if len(lines) > 1:
        has_marks = any(mark for _, mark in lines)
        name = ("gather*" if has_marks else "gathered") if is_column else "align*" if has_marks else "aligned"
        body = f"\\begin{{{name}}} {body} \\end{{{name}}}"
    return [Formula(body, True, parts[0].source, min(part.confidence for part in parts))]


def _join(texts: list[str], *, in_columns: bool, is_array: bool) -> str:
    """The cells of a row; `eqnarray` has its relation in a column of its own, which `aligned` has not."""
    while texts and not texts[-1]:
        texts = texts[:-1]
    if not in_columns:
        return " ".join(filter(None, texts))
    if is_array and len(texts) == 3:
        texts = [texts[0], f"{texts[1]} {texts[2]}".strip()]
    return " & ".join(texts).lstrip(" ") if texts and texts[0] else "& " + " & ".join(texts[1:])
