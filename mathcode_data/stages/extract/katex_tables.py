"""Tables that KaTeX draws column by column, with the rules between their columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mathcode_data.stages.extract.katex_parts import baseline_of, classes_of, element_of, holds
from mathcode_data.stages.extract.tree import Element, find_class

_ALIGNMENTS = {"col-align-l": "left", "col-align-c": "center", "col-align-r": "right"}
_Rows = list[tuple[Element, list[Element]]]


def rules_of(box: Element) -> list[Element]:
    """The rules across a table, which stand beside it in a vertical list."""
    vlist = find_class(box, "vlist")
    rows = [child for child in vlist.children if isinstance(child, Element)] if vlist is not None else []
    return [row for row in rows if holds(row, "hline") or holds(row, "hdashline")]


def matrix(box: Element, rows_of: Callable[[Element], _Rows], rules: Sequence[Element] = ()) -> list[Element]:
    """The MathML of a table; `rows_of` gives the rows of a vertical list, top first, with the MathML of each."""
    columns = [(align, rows_of(column)) for align, column in _columns(box)]
    if not columns:
        return []
    if len(columns) == 1 and len(columns[0][1]) == 1:
        return columns[0][1][0][1]  # an equation environment
    num_rows = max(len(rows) for _, rows in columns)
    upright, level = _separators(box), _levels(rules, max((rows for _, rows in columns), key=len))
    table = Element("mtable", {"columnalign": " ".join(align for align, _ in columns)})
    if "solid" in upright[1:-1]:
        table.attrs["columnlines"] = " ".join(upright[1:-1])
    if "solid" in level[1:-1]:
        table.attrs["rowlines"] = " ".join(level[1:-1])
    for index in range(num_rows):
        cells = [element_of("mtd", rows[index][1] if index < len(rows) else []) for _, rows in columns]
        table.children.append(element_of("mtr", cells))
    lines = {"left": upright[0], "right": upright[-1], "top": level[0], "bottom": level[-1]}
    sides = " ".join(side for side, line in lines.items() if line == "solid")
    return [element_of("menclose", [table], {"notation": sides})] if sides else [table]


def _separators(box: Element) -> list[str]:
    """Before, between and after the columns of a table: `solid` where a rule is drawn, else `none`."""
    found = ["none"]
    for child in box.children:
        if isinstance(child, Element):
            classes = classes_of(child)
            if "vertical-separator" in classes:
                found[-1] = "solid"
            elif classes & _ALIGNMENTS.keys():
                found.append("none")
            elif len(inner := _separators(child)) > 1:
                return inner
    return found


def _levels(rules: Sequence[Element], rows: _Rows) -> list[str]:
    """Above, between and below the rows of a table: `solid` where a rule is drawn, else `none`."""
    found = ["none"] * (len(rows) + 1)
    for rule in rules:
        found[sum(baseline_of(row) < baseline_of(rule) for row, _ in rows)] = "solid"
    return found


def _columns(box: Element) -> list[tuple[str, Element]]:
    found: list[tuple[str, Element]] = []
    for child in box.children:
        if isinstance(child, Element):
            align = next((_ALIGNMENTS[name] for name in classes_of(child) if name in _ALIGNMENTS), "")
            found.extend([(align, child)] if align else _columns(child))
    return found
