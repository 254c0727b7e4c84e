r"""Marks for signs that a folded text no longer shows: rows, cells and bars of matrices, bars by name, bars and marks that are none.

They are put into the text between its pieces of markup, so that its grams stay (signs.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathcode_data.core.lookalikes import letters_of_ascii

TABLE_LINE = re.compile(r"^[ \t>]*\|(?=[^\n]*\|)[^\n]*", re.MULTILINE)
CELL_BAR = re.compile(r"(?<!\S)\|(?!\S)")
NAMED_BAR = re.compile(r"\\(?:[lr]?(?:v|(V))ert|mid)(?![A-Za-z])")
COMMENT_LINES = re.compile(r"^(?:[ \t]*#+(?:[ \t][^\n]*)?(?:\n|\Z)){2,}", re.MULTILINE)
COMMENT_MARK = re.compile(r"^([ \t]*)#+", re.MULTILINE)
NO_SIGN = "\u00a6"  # a bar that is neither a sign nor a gram
ROW, CELL, BAR, NORM_BAR, NOT, PLAIN_BAR = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"
"""Stand for the end of a row and of a cell of a matrix, for its bars, for `~x`, and before a bar that a backslash keeps from ending a cell;
of private use, so they are in no page."""
NEGATION = re.compile(r"(?<![^\s(\[{=&|^+*/!<>-])~(?=[(!]|\\left\b|[A-Za-z](?![A-Za-z]))")
"""A tilde that is no space of LaTeX and strikes nothing out."""
MATRIX = re.compile(
    r"(\\begin\{([vV]?)(?:[pbB]|small)?matrix\*?\})(.{0,2000}?)(\\end\{\2(?:[pbB]|small)?matrix\*?\})", re.DOTALL | re.IGNORECASE
)
CELL_END, ROW_END, LAST_ROW_END = re.compile(r"(?<!\\)&"), re.compile(r"\\\\"), re.compile(r"\\\\(?=\s*\Z)")
DETERMINANT = {"v": BAR, "V": NORM_BAR, "": ""}
FULL_BACKSLASH = "\uff3c"


def with_marks(text: str) -> str:
    """Take the bars of tables out and put signs of the rows, cells and bars of matrices in, between markup, so that grams stay."""
    if "~" in text:
        text = NEGATION.sub(f"~{NOT}", text)
    text = TABLE_LINE.sub(lambda line: CELL_BAR.sub(NO_SIGN, line[0]).replace("\\|", f"\\{PLAIN_BAR}|"), text)
    if "#" in text:
        text = COMMENT_LINES.sub(lambda lines: COMMENT_MARK.sub(rf"\1{NO_SIGN}", lines[0]), text)
    if "\\" not in text and FULL_BACKSLASH not in text:
        return text
    return _with_signs_of_matrices(NAMED_BAR.sub(lambda name: f"{name[0]}{NORM_BAR if name[1] else BAR}{name[0]}", text))


def _with_signs_of_matrices(text: str) -> str:
    """Insert them where the text without disguises has them."""
    plain, places = _undisguised(text)
    inserted: list[tuple[int, str]] = []
    for matrix in MATRIX.finditer(plain):
        begin, kind, body, end = matrix.groups()
        bar, first = DETERMINANT[kind], matrix.start(3)
        last = LAST_ROW_END.search(body)
        inserted += [(first, bar + begin), (matrix.end(3), end + bar)]
        inserted += [(first + row.end(), f"{ROW}\\\\") for row in ROW_END.finditer(body) if not last or row.start() != last.start()]
        inserted += [(first + cell.start(), CELL) for cell in CELL_END.finditer(body)]
    parts, done = [], 0
    for place, signs in sorted(inserted, key=lambda one: one[0]):
        parts += [text[done : places[place]], signs]
        done = places[place]
    return "".join([*parts, text[done:]])


def _undisguised(text: str) -> tuple[str, Sequence[int]]:
    """The text with letters of ASCII instead of those that look like them, and where each character stands."""
    if text.isascii():
        return text, range(len(text) + 1)
    plain = [letters_of_ascii().get(ord(character), character) for character in text]
    return "".join(filter(None, plain)), [*(place for place, character in enumerate(plain) if character), len(text)]
