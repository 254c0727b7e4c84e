"""Tables: data tables become Markdown, tables used for layout are read as text, code listings stay code."""

from __future__ import annotations

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element
from mathcode_data.stages.extract.words import words

MAX_COLUMNS = 60
MAX_CELLS = 20_000
_HEAVY = words("ul ol dl pre blockquote h1 h2 h3 h4 h5 h6 table section article")
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_LAYOUT_CLASSES = ("ltx_eqn", "ltx_equation", "disp-formula", "eqno", "highlighttable", "rouge-table", "lntable", "layout")


def rows_of(table: Element) -> list[list[Element]]:
    """The cells of a table, row by row, without those of tables inside it."""
    rows: list[list[Element]] = []
    _find_rows(table, rows)
    return rows


def _find_rows(element: Element, rows: list[list[Element]]) -> None:
    for child in element.children:
        if isinstance(child, Element):
            if child.tag == "tr":
                cells = [cell for cell in child.children if isinstance(cell, Element) and cell.tag in ("td", "th")]
                if cells:
                    rows.append(cells)
            elif child.tag in ("tbody", "thead", "tfoot"):
                _find_rows(child, rows)


def is_layout(table: Element, rows: list[list[Element]]) -> bool:
    """True if a table only places things on the page."""
    if table.get("role") in ("presentation", "none"):
        return True
    classes = table.get("class")
    if classes and any(name in classes for name in _LAYOUT_CLASSES):
        return True
    num_cells = sum(map(len, rows))
    if len(rows) < 2 or max(map(len, rows)) < 2 or num_cells > MAX_CELLS:
        return True
    if any(cell.tag == "th" for row in rows for cell in row) and not any(_holds(cell, "table") for row in rows for cell in row):
        heavy = sum(_is_heavy(cell) for row in rows for cell in row)
        return heavy * 3 > num_cells or any(_holds_listing(cell) for row in rows for cell in row)
    if any(_is_heavy(cell) for row in rows for cell in row):
        return True
    longest = max(cell.text_chars for row in rows for cell in row)
    return longest > 1_500


def _is_heavy(cell: Element) -> bool:
    """A cell with lists, headings, code or several paragraphs."""
    num_blocks = 0
    stack = [cell]
    while stack:
        element = stack.pop()
        for child in element.children:
            if isinstance(child, Element):
                if child.tag in _HEAVY and not (cell.tag == "th" and child.tag in _HEADINGS):
                    return True
                num_blocks += child.tag in ("p", "div") and child.text_chars > 200
                stack.append(child)
    return num_blocks > 2


def _holds_listing(cell: Element) -> bool:
    """True for code of several lines, which one line of a Markdown table would break."""
    return any(
        isinstance(child, Element)
        and (_holds_listing(child) if child.raw is None else child.tag == "pre" and "\n" in child.raw.text(deep=True).strip())
        for child in cell.children
    )


def _holds(cell: Element, tag: str) -> bool:
    return any(isinstance(child, Element) and (child.tag == tag or _holds(child, tag)) for child in cell.children)


def span_of(cell: Element, name: str) -> int:
    """A colspan or rowspan as a small number; nonsense is 1."""
    value = cell.get(name).strip()
    if not value.isdigit() or len(value) > 3:
        return 1
    return max(1, min(int(value), MAX_COLUMNS))


def markdown_table(rows: list[list[Element]], texts: list[list[str]]) -> str:
    """Rows of cell texts as a Markdown table; spans leave empty cells, the first row is the head."""
    grid: list[list[str]] = []
    pending: dict[int, int] = {}  # column -> rows still covered by a cell from above
    for cells, values in zip(rows, texts, strict=True):
        line: list[str] = []
        for cell, value in zip(cells, values, strict=True):
            while pending.get(len(line), 0) > 0 and len(line) < MAX_COLUMNS:
                pending[len(line)] -= 1
                line.append("")
            column = len(line)
            width = span_of(cell, "colspan")
            height = span_of(cell, "rowspan")
            line.append(value)
            line.extend([""] * (width - 1))
            if height > 1:
                for offset in range(width):
                    pending[column + offset] = height - 1
        while pending.get(len(line), 0) > 0 and len(line) < MAX_COLUMNS:
            pending[len(line)] -= 1
            line.append("")
        grid.append(line[:MAX_COLUMNS])
    grid = [line for line in grid if any(line)]
    if not grid:
        return ""
    width = max(map(len, grid))
    lines = ["| " + " | ".join(line + [""] * (width - len(line))) + " |" for line in grid]
    lines.insert(1, "| " + " | ".join(["---"] * width) + " |")
    return "\n".join(lines)


def has_formula(element: Element) -> bool:
    """True if a formula stands anywhere below."""
    return any(isinstance(child, Formula) or (isinstance(child, Element) and has_formula(child)) for child in element.children)
