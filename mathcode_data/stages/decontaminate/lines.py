r"""Whether a match is a whole line of its page: then it is evidence however little it says.

`not ( True ) and ( True ) is` in the middle of a sentence proves nothing, but nobody writes it as a line by itself. A line may begin with
marks of lists, quotes, headings and tables, and with a label (`3.`, `(b)`, `Question 7:`). A tag such as `<br>` or `<td>` ends a line.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.markup import without_page_markup

MAX_LABEL_BYTES = 60
MARKS = r"[\s>]*(?:(?:[-*+•#|]+|\d{1,4}[.)])[ \t]+)*"
LABEL = r"(?:(?:[^\W\d_]{1,10}[ .]{0,2})?\(?(?:\d{1,4}|[^\W\d_])[.):：]{1,2}[ \t]*|[^\W\d_]{1,10}[:：][ \t]*)?"
BEGINNING = re.compile(rf"{MARKS}(?:\*\*|__)?{LABEL}(?:\*\*|__)?[ \t]*(?:\\[(\[]|\$+)?\s*")
CELL_BEGINS, CELL_ENDS = re.compile(r"^[\s>]*\|(?:.*[^\\])?\|\s*$|^[\s>]*\|\s*$"), re.compile(r"^\S*\s*\|")


def is_line(page: pa.Scalar, places: NDArray[np.int64], first: int, end: int) -> bool:
    """Whether the grams `first` to `end` - 1 of a page are all that a line, some lines or a cell of a table say.

    Args:
        page: the text.
        places: the bytes at which the pieces of its grams begin.
        first: the first gram of the match.
        end: the gram behind its last.
    """
    raw = memoryview(page.as_buffer())
    start, last = int(places[first]), int(places[end - 1])
    if (first > 0 and places[first - 1] == start) or (end < places.size and places[end] == last):
        return False  # within a piece
    ahead = _text(raw[max(0, start - MAX_LABEL_BYTES) : start]).rpartition("\n")[2]
    behind = _text(raw[last : int(places[end]) if end < places.size else len(raw)])
    begins = first == 0 or "\n" in without_page_markup(_text(raw[int(places[first - 1]) : start])) or BEGINNING.fullmatch(ahead) is not None
    ends = end == places.size or "\n" in without_page_markup(behind)
    if begins and ends:
        return True
    return (begins or CELL_BEGINS.match(ahead) is not None) and CELL_ENDS.match(behind) is not None and ahead.lstrip(" \t>").startswith("|")


def _text(raw: memoryview) -> str:
    return str(raw, "utf-8", "replace")
