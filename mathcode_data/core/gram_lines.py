"""Marks at the beginning of lines as machine code: quotes, lists, comments, drawn lines (core/markup.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_tags import FILLED, GREATER, LINE_END, RETURN, SLASH, SPACE, SPACE_TEXT, TAB, skip_blanks
from mathcode_data.core.machine_code import compiled

DASH, STAR, PLUS, EXCLAMATION, PERCENT = 0x2D, 0x2A, 0x2B, 0x21, 0x25
COMMENT = 0x100
"""Added to the sign of a comment's mark, which is no mark of a list."""
QUOTED, MARK, HAS_LINE = range(3)
"""What is known of the lines before: whether the last has a quote mark, the mark of its list, and whether its paragraph goes on."""


@compiled
def _quote_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the quote marks end that begin at `at`; `at` if none do."""
    end = at
    while end < stop and data[end] == GREATER:
        if end + 2 < stop and data[end + 1] == GREATER and data[end + 2] == GREATER:
            return at
        while end < stop and data[end] == GREATER:
            end += 1
        behind = skip_blanks(data, end, stop)
        if behind >= stop or data[behind] != GREATER:
            break
        end = behind
    return end if end == stop or data[end] != 0x3D else at


@compiled
def _ends_sentence(data: NDArray[np.uint8], line: int, first: int) -> bool:
    """Whether the line before the one that begins at `line` ends with a full stop, a colon, a semicolon or the like."""
    at = line - 2
    while at > first and (data[at] == SPACE or data[at] == TAB or data[at] == RETURN):
        at -= 1
    if at < first:
        return False
    if data[at] < 0x80:
        return bool(data[at] in (0x2E, 0x3A, 0x3B, 0x3F, EXCLAMATION))
    is_three = at - 2 >= first
    is_stop = is_three and data[at - 2] == 0xE3 and data[at - 1] == 0x80 and data[at] == 0x82
    return bool(is_stop or (is_three and data[at - 2] == 0xEF and data[at - 1] == 0xBC and data[at] in (0x9A, 0x9B, 0x9F, 0x81)))


@compiled
def _drawn_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the line ends at `at` if it only draws a line; else `at`."""
    end, run, is_drawn = at, 0, False
    while end < stop and data[end] != LINE_END:
        sign = data[end]
        if sign not in (DASH, STAR, PLUS, 0x3D, 0x7C, 0x3A, SPACE, TAB, RETURN):
            return at
        run = run + 1 if end > at and sign == data[end - 1] and sign in (DASH, STAR, 0x3D) else 1
        is_drawn = is_drawn or run == 3
        end += 1
    return end if is_drawn else at


@compiled
def _comment_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the mark of a comment ends that begins at `at` and stands alone: `//`, `%`, `--`; `at` if none does."""
    sign, end = data[at], at
    while end < stop and data[end] == sign:
        end += 1
    is_mark = sign == PERCENT or (end - at >= 2 and sign == SLASH) or end - at == 2
    return end if is_mark and (end == stop or data[end] in (SPACE, TAB, RETURN, LINE_END)) else at


@compiled
def _take_out(edits: NDArray[np.int64], spelled: NDArray[np.uint64], number: int, first: int, behind: int) -> None:
    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = first, behind, FILLED, SPACE_TEXT


@compiled
def read_line(
    data: NDArray[np.uint8], line: int, first: int, stop: int, state: NDArray[np.int64], edits: NDArray[np.int64],
    spelled: NDArray[np.uint64], number: int,
) -> Any:  # fmt: skip
    """Read the marks at the beginning of a line; where to go on, and the number of edits."""
    at, margin = skip_blanks(data, line, stop), line
    is_quoted = False
    if at < stop and data[at] == GREATER:
        end = _quote_end(data, at, stop)
        is_quoted = end > at
        if is_quoted and state[QUOTED]:
            _take_out(edits, spelled, number, at, end)
            number += 1
        if is_quoted:
            at, margin = skip_blanks(data, end, stop), end + 1
    state[QUOTED] = is_quoted
    if at >= stop or data[at] == LINE_END:
        state[HAS_LINE] = state[MARK] = 0
        return at, number
    is_first = not state[HAS_LINE]
    state[HAS_LINE] = 1
    sign = np.int64(data[at])
    if not is_first and sign in (DASH, STAR, PLUS, 0x3D, 0x7C, 0x3A):
        end = _drawn_end(data, at, stop)
        if end > at:
            _take_out(edits, spelled, number, at, end)
            return end, number + 1
    if sign in (SLASH, PERCENT, DASH):
        end = _comment_end(data, at, stop)
        if end > at:
            if state[MARK] == COMMENT + sign:
                _take_out(edits, spelled, number, at, end)
                number += 1
            state[MARK] = COMMENT + sign
            return end, number
    following = data[at + 1] if at + 1 < stop else LINE_END
    if sign == SLASH and following == STAR:
        state[MARK] = STAR
    elif sign == STAR and state[MARK] == STAR and following in (SLASH, RETURN, LINE_END):
        end = at + 2 if following == SLASH else at + 1
        _take_out(edits, spelled, number, at, end)
        return end, number + 1
    elif sign in (DASH, STAR, PLUS) and at + 1 < stop and (data[at + 1] == SPACE or data[at + 1] == TAB):
        if is_first or state[MARK] == sign or _ends_sentence(data, line, first):
            state[MARK] = sign
            if not is_first:
                _take_out(edits, spelled, number, at, at + 1)
                number += 1
        else:
            state[MARK] = 0
    elif at <= margin:  # further in, it goes on
        state[MARK] = 0
    return at, number
