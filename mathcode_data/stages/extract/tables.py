"""Tables: data tables become Markdown, tables used for layout are read as text, code listings stay code.

A table is data if it says so (heads, a caption, borders) or if its cells are short. What stands in a cell (a list, code, a
small table) is written on the one line that the cell has. A table of long texts, long listings or large tables is layout,
whatever it says, and its cells are read one after another: on one line, code and sentences are hard to read. Long lists of short
items are not: a table of data keeps them, however many items stand in a cell.
"""

from __future__ import annotations

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

MAX_COLUMNS = 60  # that spans may make; cells that are there are all written
MAX_CELLS = 100_000  # of the grid, empty ones too
_HEAVY = words("ul ol dl pre blockquote h1 h2 h3 h4 h5 h6 table section article")
_TABLES = words("table")
_PARTS = _HEAVY | words("p div table")
_BLOCKS = words("pre blockquote table h1 h2 h3 h4 h5 h6")
_HEADINGS = words("h1 h2 h3 h4 h5 h6")
_EQUATIONS = ("ltx_eqn", "ltx_equation", "disp-formula", "eqno")
_LAYOUT = words(
    "highlighttable codehilitetable rouge-table lntable layout layouttable layout-table field-list footnote citation option-list forumline"
)
_LONG_ROW = 300
_LONG_COLUMN = 120
_LONG_CELL = 1_500
_LONG_LISTING = 1_200
_MAX_LINES = 25
_MAX_HEAVY = 400  # characters of a cell with lists or code, on average, where many cells hold some
_MAX_UNMARKED = 500
_MAX_LABEL = 120  # characters of the first cell of a row, and of the words beside a list
_MAX_ITEM = 200
_MAX_INNER = 24


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
    if classes and (any(name in classes for name in _EQUATIONS) or not _LAYOUT.isdisjoint(classes.lower().split())):
        return True
    num_columns = max(map(len, rows))
    if len(rows) * num_columns > MAX_CELLS:
        return True
    longest = max(cell.text_chars for row in rows for cell in row)
    if not any(sum(map(_is_filled, row)) > 1 for row in rows):
        has_head = len(rows) > 2 and all(cell.tag == "th" for cell in rows[0]) and all(cell.tag == "td" for row in rows[1:] for cell in row)
        return not (has_head and num_columns == 1 and longest <= _LONG_COLUMN and not any(_holds(row[0], _PARTS) for row in rows))
    has_head = any(cell.tag == "th" for row in rows for cell in row)
    if len(rows) < 2 and (not (has_head or _has_border(table) or _is_captioned(table)) or longest > _LONG_ROW):
        return True
    heavy = [cell for row in rows for cell in row if _is_heavy(cell)]
    if not heavy:
        return longest > _LONG_CELL and not has_head
    if any(_holds_much(cell) for cell in heavy):
        return True
    num_cells = sum(len(row) for row in rows if any(cell.tag == "td" for cell in row))  # heads are never heavy
    if _is_data_with_lists(table, rows, heavy, has_head=has_head):
        return False
    if has_head or _has_border(table) or _is_captioned(table):
        return len(heavy) * 3 > num_cells and sum(cell.text_chars for cell in heavy) > _MAX_HEAVY * len(heavy)
    if len({len(row) for row in rows}) > 1 or longest > _MAX_UNMARKED or any(_holds(cell, words("table h1 h2 h3")) for cell in heavy):
        return True
    is_small = len(heavy) * 2 > num_cells and len(rows) * num_columns < 6
    return is_small or 2 * table.link_chars > table.text_chars


def _is_data_with_lists(table: Element, rows: list[list[Element]], heavy: list[Element], *, has_head: bool) -> bool:
    """True for rows of one width, each with a short first cell, in which some cells are lists of short items.

    Without a head, lines or a caption three rows are asked for, and few links: columns of menus look alike.
    """
    width = len(rows[0])
    if width < 2 or any(len(row) != width or _is_heavy(row[0]) or row[0].text_chars > _MAX_LABEL for row in rows):
        return False
    is_marked = has_head or _has_border(table) or _is_captioned(table)
    if not is_marked and (len(rows) < 3 or not all(_is_filled(row[0]) for row in rows) or 3 * table.link_chars > table.text_chars):
        return False
    return all(map(_is_listed, heavy))


def _is_listed(cell: Element) -> bool:
    """True for a cell that holds lists of short items and little else."""
    num_items = num_chars = 0
    for child in cell.children:
        if isinstance(child, Element) and child.tag in ("ul", "ol"):
            items = [item for item in child.children if isinstance(item, Element)]
            if any(item.text_chars > _MAX_ITEM or _holds(item, _BLOCKS) for item in items):
                return False
            num_items += len(items)
            num_chars += child.text_chars
        elif isinstance(child, Element) and (child.raw is not None or child.tag in _HEAVY or _holds(child, _HEAVY)):
            return False
    return num_items > 0 and cell.text_chars - num_chars <= _MAX_LABEL


def _is_filled(cell: Element) -> bool:
    return cell.text_chars > 0 or cell.num_formulas > 0


def _has_border(table: Element) -> bool:
    """True for a table drawn with lines."""
    border = table.get("border").removesuffix("px")
    return (border.isdigit() and int(border) > 0) or "wikitable" in table.get("class")


def _is_captioned(table: Element) -> bool:
    return any(isinstance(child, Element) and child.tag in ("caption", "thead") and _is_filled(child) for child in table.children)


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


def _holds_much(cell: Element) -> bool:
    """True for a cell with a long listing or a table of its own that is too large to be written on one line."""
    for child in cell.children:
        if not isinstance(child, Element):
            continue
        if child.raw is not None:
            if child.tag == "pre" and (child.text_chars > _LONG_LISTING or child.raw.text(deep=True).strip().count("\n") >= _MAX_LINES):
                return True
        elif (child.tag == "table" and _is_large(child)) or _holds_much(child):
            return True
    return False


def _is_large(table: Element) -> bool:
    """True for a table in a cell with many cells, or with a text that it only places: a post of a forum.

    One that holds others is judged by its size alone, so that tables nested to any depth cost no more than their number.
    """
    rows = rows_of(table)
    if sum(map(len, rows)) > _MAX_INNER or table.text_chars > _MAX_UNMARKED:
        return True
    return table.text_chars > _LONG_COLUMN and bool(rows) and not _holds(table, _TABLES) and is_layout(table, rows)


def _holds(cell: Element, tags: frozenset[str]) -> bool:
    return any(isinstance(child, Element) and (child.tag in tags or _holds(child, tags)) for child in cell.children)


def listing(rows: list[list[Element]]) -> list[str] | None:
    """The lines of a listing with a row for each, where the first cell counts them and the second holds code; None for other tables."""
    if len(rows) < 3 or len(rows[0]) != 2 or not (first := text_of(rows[0][0]).strip()).isdigit() or len(first) > 6:
        return None
    lines: list[str] = []
    for number, row in enumerate(rows, int(first)):
        if len(row) != 2 or text_of(row[0]).strip() != str(number):
            return None
        parts = [child for child in row[1].children if not (isinstance(child, str) and child.isspace())]
        if len(parts) > 1 or any(not isinstance(part, Element) or part.tag not in ("pre", "code") for part in parts):
            return None
        lines += [text_of(part).strip("\r\n") for part in parts if isinstance(part, Element)] or [""]
    return lines


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
            _cover(line, pending)
            column = len(line)
            width = max(1, min(span_of(cell, "colspan"), MAX_COLUMNS - column))
            height = span_of(cell, "rowspan")
            line.append(value)
            line.extend([""] * (width - 1))
            if height > 1:
                for offset in range(width):
                    pending[column + offset] = height - 1
        _cover(line, pending)
        grid.append(line)
    grid = [line for line in grid if any(line)]
    if not grid:
        return ""
    width = max(map(len, grid))
    lines = ["| " + " | ".join(line + [""] * (width - len(line))) + " |" for line in grid]
    lines.insert(1, "| " + " | ".join(["---"] * width) + " |")
    return "\n".join(lines)


def _cover(line: list[str], pending: dict[int, int]) -> None:
    """Add the empty cells that stand below a cell from above."""
    while pending.get(len(line), 0) > 0:
        pending[len(line)] -= 1
        line.append("")


def escape_bars(text: str, formulas: list[Formula]) -> str:
    """The text of a cell with its bars escaped, but for those inside its formulas, which are given in their order."""
    if "|" not in text:
        return text
    pieces: list[str] = []
    position = 0
    for formula in formulas:
        written = f"\\[{formula.latex}\\]" if formula.display else f"\\({formula.latex}\\)"
        start = text.find(written, position)
        if start < 0:
            continue
        pieces += [text[position:start].replace("|", "\\|"), written]
        position = start + len(written)
    return "".join(pieces) + text[position:].replace("|", "\\|")


def on_a_line(items: list[str]) -> str:
    """Items of a list in a cell, one after another.

    >>> on_a_line(["one", "two,", "three"])
    'one; two, three'
    """
    return " ".join(item if item[-1] in ",;." or item is items[-1] else f"{item};" for item in items)


def has_formula(element: Element) -> bool:
    """True if a formula stands anywhere below."""
    return any(isinstance(child, Formula) or (isinstance(child, Element) and has_formula(child)) for child in element.children)
