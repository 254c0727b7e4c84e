"""The rules of `core/markup.py` as machine code: edits of the bytes of many texts, and where their characters stood before.

Most bytes are passed eight at a time, in search of `<`, `&`, `]` and line ends; texts without markup are not copied.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_entities import link_begin, link_end, read_entity
from mathcode_data.core.gram_lines import DASH, EXCLAMATION, HAS_LINE, MARK, PERCENT, QUOTED, read_line
from mathcode_data.core.gram_tags import (
    FILLED,
    GREATER,
    LESS,
    LINE_END,
    RETURN,
    SPACE,
    SPACE_TEXT,
    is_letter,
    kind_of_name,
    read_tag,
    spell_tag,
)
from mathcode_data.core.gram_words import HIGH, ONES, bytes_before, load_8
from mathcode_data.core.machine_code import as_variable, compiled
from mathcode_data.core.markup import COMPOUND, tables

AMPERSAND, CLOSES_LINK, LETTER_A = 0x26, 0x5D, 0x61
ALL_LESS, ALL_AMPERSAND, ALL_CLOSES, ALL_ENDS = (np.uint64(sign * 0x0101010101010101) for sign in (LESS, AMPERSAND, CLOSES_LINK, LINE_END))
MAX_COMMENT_BYTES, SHORT_COMMENT_BYTES = 400, 64
BRACE_TEXT = np.uint64(0x7D)


class Clean(NamedTuple):
    """Texts without markup, and what was moved to get there."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    moves: NDArray[np.int64]
    """For each place where more or less was written than stood there: first byte and byte behind the last before that, and the same behind
    it; shape (moves, 4)."""


def cleaned(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Clean | None:
    """Take markup out of texts; None if there is none."""
    first, last = int(offsets[0]), int(offsets[-1])
    room = (last - first) // 2 + 2
    edits, spelled = np.empty((room, 4), np.int64), np.empty(room, np.uint64)
    number = _find(data, offsets, edits, spelled, *tables())
    return edited(data, offsets, edits[:number], spelled) if number else None


def edited(data: NDArray[np.uint8], offsets: NDArray[np.int64], edits: NDArray[np.int64], spelled: NDArray[np.uint64]) -> Clean:
    """Make edits in a copy of texts; an edit is the first byte, the byte behind the last, and how many bytes of `spelled` come there."""
    first, last = int(offsets[0]), int(offsets[-1])
    clean, ends = data[first:last].copy(), offsets - first
    edits[:, :2] -= first
    num_moves = _write_over(clean, edits, spelled)
    if num_moves:
        clean, ends = _move(clean, ends, edits[:num_moves], spelled)
    for array in (clean, ends):
        array.setflags(write=False)
    return Clean(clean, ends, edits[:num_moves])


@compiled
def original_places(
    places: NDArray[np.int64], ends: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64], moves: NDArray[np.int64]
) -> None:  # fmt: skip
    """Say where grams stood before the moves, in place; `before` and `after` are the offsets of the texts, from 0."""
    move = 0
    for text in range(ends.size - 1):
        while move < len(moves) and moves[move, 0] < before[text]:
            move += 1
        if move == len(moves) or moves[move, 0] >= before[text + 1]:
            continue
        moved = before[text] - after[text]
        for i in range(ends[text], ends[text + 1]):
            at = places[i] + after[text]
            while move < len(moves) and moves[move, 0] < before[text + 1] and moves[move, 3] <= at:
                moved = moves[move, 1] - moves[move, 3]
                move += 1
            is_inside = move < len(moves) and moves[move, 0] < before[text + 1] and moves[move, 2] <= at
            places[i] = (moves[move, 0] if is_inside else at + moved) - before[text]


@compiled
def _write_over(data: NDArray[np.uint8], edits: NDArray[np.int64], spelled: NDArray[np.uint64]) -> int:
    """Write what fills the place of its markup with spaces behind; gather the other edits in front and return their number."""
    num_moves = 0
    for edit in range(len(edits)):
        first, behind, num = edits[edit, 0], edits[edit, 1], edits[edit, 2]
        if num != FILLED:
            edits[num_moves], spelled[num_moves] = edits[edit], spelled[edit]
            num_moves += 1
            continue
        data[first] = spelled[edit] & np.uint64(0xFF)
        for i in range(first + 1, behind):
            data[i] = SPACE
    return num_moves


@compiled
def _copy(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    for i in range(data.size):  # from 0, so that many are copied at once
        out[i] = data[i]


@compiled
def _move(data: NDArray[np.uint8], offsets: NDArray[np.int64], moves: NDArray[np.int64], spelled: NDArray[np.uint64]) -> Any:
    size = data.size
    for i in range(len(moves)):
        size += moves[i, 2] - (moves[i, 1] - moves[i, 0])
    out, ends = np.empty(max(1, size), np.uint8), np.zeros(offsets.size, np.int64)
    move, write, read = 0, 0, np.int64(0)
    for text in range(offsets.size - 1):
        while move < len(moves) and moves[move, 0] < offsets[text + 1]:
            first, behind, num = moves[move, 0], moves[move, 1], moves[move, 2]
            _copy(data[read:first], out[write:])
            write += first - read
            moves[move, 2] = write
            for i in range(num):
                out[write + i] = (spelled[move] >> np.uint64(8 * i)) & np.uint64(0xFF)
            write, read = write + num, behind
            moves[move, 3] = write
            move += 1
        _copy(data[read : offsets[text + 1]], out[write:])
        write += offsets[text + 1] - read
        read = offsets[text + 1]
        ends[text + 1] = write
    return out[:write], ends


@compiled
def _has(word: np.uint64, signs: np.uint64) -> Any:
    other = word ^ signs
    return (other - ONES) & ~other & HIGH


@compiled
def _next(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """The next byte that markup may begin with."""
    while at + 8 <= stop:
        word = load_8(data, at)
        found = _has(word, ALL_LESS) | _has(word, ALL_AMPERSAND) | _has(word, ALL_CLOSES) | _has(word, ALL_ENDS)
        if found != np.uint64(0):
            return at + int(bytes_before(found & (np.uint64(0) - found)))
        at += 8
    while at < stop and data[at] != LESS and data[at] != AMPERSAND and data[at] != CLOSES_LINK and data[at] != LINE_END:
        at += 1
    return at


@compiled
def _may_be_commented(sign: int) -> bool:
    """Whether a `%` at the end of a line, behind this, hides the line end from TeX: behind a digit it is percent."""
    return bool(0x61 <= sign | 0x20 <= 0x7A or sign == 0x7D)


@compiled
def _broken_word(data: NDArray[np.uint8], at: int, first: int, stop: int) -> int:
    """Where the hyphen stands that breaks a word at the line end at `at`, between two small letters on either side; -1 if none does."""
    hyphen = at - 2 if at > first and data[at - 1] == RETURN else at - 1
    if hyphen < first + 2 or at + 2 >= stop or data[hyphen] != DASH:
        return -1
    is_word = _is_small(data[hyphen - 2]) and _is_small(data[hyphen - 1]) and _is_small(data[at + 1]) and _is_small(data[at + 2])
    return hyphen if is_word else -1


@compiled
def _is_small(byte: int) -> bool:
    return bool(LETTER_A <= byte <= 0x7A)


@compiled
def _is_compound(
    data: NDArray[np.uint8], hyphen: int, following: int, first: int, stop: int, names: NDArray[np.uint64], kinds: NDArray[np.uint64]
) -> bool:  # fmt: skip
    """Whether the words before a hyphen and behind the line end are two: known so, or followed by another hyphen."""
    begin = hyphen
    while begin > first and is_letter(data[begin - 1]):
        begin -= 1
    while following < stop and is_letter(data[following]):
        following += 1
    is_chain = following < stop and data[following] == DASH
    return bool(is_chain or kind_of_name(data, begin, hyphen + 1, False, names, kinds) == COMPOUND)


@compiled
def _find(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], edits: NDArray[np.int64], spelled: NDArray[np.uint64],
    names: NDArray[np.uint64], kinds: NDArray[np.uint64], entities: NDArray[np.uint64], characters: NDArray[np.uint64],
) -> int:  # fmt: skip
    """Write what is to be edited: first byte, byte behind the last, and how many bytes of `spelled` come in their place or FILLED."""
    number = as_variable(0)
    state = np.zeros(3, np.int64)
    for text in range(offsets.size - 1):
        first, stop = offsets[text], offsets[text + 1]
        state[:] = 0
        closing = as_variable(-1)  # of a subscript
        at, number = read_line(data, first, first, stop, state, edits, spelled, number)
        while True:
            at = _next(data, at, stop)
            if at >= stop:
                break
            sign = data[at]
            end, num, value = at, 0, np.uint64(0)
            if sign == LINE_END:
                following = data[at + 1] if at + 1 < stop else LINE_END
                if following != LINE_END and at - first >= 2 and data[at - 1] == PERCENT and _may_be_commented(data[at - 2]):
                    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = at - 1, at, FILLED, SPACE_TEXT
                    number += 1
                hyphen = _broken_word(data, at, first, stop) if following >= LETTER_A else -1
                if hyphen >= 0:
                    is_compound = _is_compound(data, hyphen, at + 1, first, stop, names, kinds)
                    behind, num = (hyphen + 1, FILLED) if is_compound else (at + 1, 0)
                    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = hyphen, behind, num, SPACE_TEXT
                    number += 1
                if following == LINE_END or 0x40 <= following != 0x7C:  # no mark begins so
                    state[QUOTED] = state[MARK] = 0
                    state[HAS_LINE] = following != LINE_END
                    at += 1
                    continue
                at, number = read_line(data, at + 1, first, stop, state, edits, spelled, number)
                continue
            if sign == AMPERSAND:
                end, value, num = read_entity(data, at, stop, entities, characters)
            elif sign == CLOSES_LINK:
                end, num, value = link_end(data, at, stop), FILLED, SPACE_TEXT
                bracket = link_begin(data, at, first) if end > at else at
                if bracket == at:
                    end = at
                else:
                    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = bracket, bracket + 1, FILLED, SPACE_TEXT
                    number += 1
            elif at == closing:
                end, value, num = at + 6, BRACE_TEXT, 1
            else:
                end, kind = read_tag(data, at, first, stop, names, kinds)
                if kind:
                    value, num, closing = spell_tag(data, at, end, first, stop, kind, closing)
                elif at + 3 < stop and data[at + 1] == EXCLAMATION and data[at + 2] == DASH and data[at + 3] == DASH:
                    at, number = _read_comment(data, at, stop, edits, spelled, number)
                    continue
                else:
                    end = at
            if end == at:
                at += 1
                continue
            edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = at, end, num, value
            number += 1
            at = end
    return number


@compiled
def _read_comment(
    data: NDArray[np.uint8], at: int, stop: int, edits: NDArray[np.int64], spelled: NDArray[np.uint64], number: int
) -> Any:  # fmt: skip
    """Take out the comment at `at`, or its marks; where to go on, and the number of edits."""
    close, limit = at + 4, min(stop - 2, at + MAX_COMMENT_BYTES)
    while (
        close < limit and data[close] != LINE_END and not (data[close] == DASH and data[close + 1] == DASH and data[close + 2] == GREATER)
    ):
        close += 1
    is_closed = close < limit and data[close] == DASH
    is_short = is_closed and close - at - 4 <= SHORT_COMMENT_BYTES
    end = close + 3 if is_short else at + 4
    edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = at, end, FILLED, SPACE_TEXT
    number += 1
    if is_closed and not is_short:
        edits[number, 0], edits[number, 1], edits[number, 2], spelled[number] = close, close + 3, FILLED, SPACE_TEXT
        number += 1
    return (close + 3 if is_closed else at + 4), number
