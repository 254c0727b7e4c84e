"""HTML tags as machine code: where one ends, of what kind it is, and what is read in its place (core/markup.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_hash import hash_bytes
from mathcode_data.core.machine_code import compiled
from mathcode_data.core.markup import ATTRIBUTE, BLOCK_TAG, LOWERED, RAISED

LESS, GREATER, LINE_END, SPACE, TAB, RETURN, SLASH = 0x3C, 0x3E, 0xA, 0x20, 0x9, 0xD, 0x2F
MAX_NAME_BYTES = 15
MAX_VALUE_BYTES, MAX_LINE_BYTES, MAX_SCRIPT_BYTES = 2000, 200, 40
FILLED = -1
"""For a number of bytes: one, and spaces up to the end of what stood there."""
SPACE_TEXT, END_TEXT = np.uint64(0x20), np.uint64(0xA)
LOWER_TEXT, RAISE_TEXT = np.uint64(0x7B5F), np.uint64(0x7B5E)  # _{ and ^{


@compiled
def is_letter(byte: int) -> bool:
    """A letter of ASCII."""
    return 0x61 <= (byte | 0x20) <= 0x7A


@compiled
def is_digit(byte: int) -> bool:
    """A digit."""
    return 0x30 <= byte <= 0x39


@compiled
def _is_joined(byte: int) -> bool:
    """Whether a word may stand here."""
    return is_letter(byte) or is_digit(byte) or byte >= 0x80


@compiled
def skip_blanks(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Go past blanks within a line."""
    while at < stop and (data[at] == SPACE or data[at] == TAB or data[at] == RETURN):
        at += 1
    return at


@compiled
def _skip_space(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Go past blanks and one line end."""
    at = skip_blanks(data, at, stop)
    return skip_blanks(data, at + 1, stop) if at < stop and data[at] == LINE_END else at


@compiled
def value_of(key: np.uint64, keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> Any:
    """The value of a key in an open hash table; 0 if it is not there."""
    slot = np.int64(key & np.uint64(keys.size - 1))
    while keys[slot] != np.uint64(0):
        if keys[slot] == key:
            return values[slot]
        slot = (slot + 1) & (keys.size - 1)
    return np.uint64(0)


@compiled
def kind_of_name(
    data: NDArray[np.uint8], at: int, end: int, is_attribute: bool, keys: NDArray[np.uint64], kinds: NDArray[np.uint64]
) -> int:
    """The kind of tag or attribute that has this name; 0 if none has."""
    if end - at > MAX_NAME_BYTES - 1:
        return 0
    first = second = np.uint64(0)
    n = 0
    if is_attribute:
        first, n = np.uint64(0x3D), 1
    for i in range(at, end):
        byte = np.uint64(data[i] | 0x20 if is_letter(data[i]) else data[i]) << np.uint64(8 * (n & 7))
        first, second = (first | byte, second) if n < 8 else (first, second | byte)
        n += 1
    return int(value_of(hash_bytes(first, second, n), keys, kinds))


@compiled
def _name_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the name of an attribute ends."""
    end = at
    while end < stop and (is_letter(data[end]) or is_digit(data[end]) or (data[end] in (0x2D, 0x3A, 0x5F, 0x2E, 0x40) and end > at)):
        end += 1
    return end if end > at and not is_digit(data[at]) else at


@compiled
def _attributes_end(data: NDArray[np.uint8], at: int, stop: int, keys: NDArray[np.uint64], kinds: NDArray[np.uint64]) -> int:
    """Where the tag ends whose name ends at `at`, or -1 if it is none."""
    while True:
        behind = _skip_space(data, at, stop)
        if behind < stop and data[behind] == GREATER:
            return behind + 1
        if behind + 1 < stop and data[behind] == SLASH and data[behind + 1] == GREATER:
            return behind + 2
        end = _name_end(data, behind, stop)
        if behind == at or end == behind:
            return -1
        is_known = kind_of_name(data, behind, end, True, keys, kinds) == ATTRIBUTE
        value = skip_blanks(data, end, stop)
        if value >= stop or data[value] != 0x3D:
            if not is_known:
                return -1
            at = end
            continue
        value = skip_blanks(data, value + 1, stop)
        if value >= stop:
            return -1
        quote, at = data[value], value + 1
        limit = min(stop, value + MAX_VALUE_BYTES)
        if quote == 0x22 or quote == 0x27:
            while at < limit and data[at] != quote and data[at] != LESS and data[at] != LINE_END:
                at += 1
            if at >= limit or data[at] != quote:
                return -1
            at += 1
        else:
            at = value
            while at < limit and data[at] > SPACE and data[at] not in (0x22, 0x27, LESS, 0x3D, GREATER, 0x60):
                at += 1
            if at == value or not is_known:
                return -1


@compiled
def _is_closed(data: NDArray[np.uint8], at: int, stop: int, letter: int) -> bool:
    """Whether the line has the closing tag of one letter."""
    stop = min(stop - 2, at + MAX_LINE_BYTES)
    while at < stop and data[at] != LINE_END:
        if data[at] == LESS and data[at + 1] == SLASH and data[at + 2] | 0x20 == letter:
            return True
        at += 1
    return False


@compiled
def read_tag(data: NDArray[np.uint8], at: int, first: int, stop: int, keys: NDArray[np.uint64], kinds: NDArray[np.uint64]) -> Any:
    """The tag at `at`: its end and its kind; kind 0 if it is none."""
    name = at + 2 if at + 1 < stop and data[at + 1] == SLASH else at + 1
    if name >= stop or not is_letter(data[name]):
        return at + 1, 0
    end = name
    while end < stop and (is_letter(data[end]) or is_digit(data[end])):
        end += 1
    if end >= stop:
        return at + 1, 0
    kind = kind_of_name(data, name, end, False, keys, kinds)
    if kind == 0:
        return at + 1, 0
    if name == at + 2:
        behind = _skip_space(data, end, stop)
        return (behind + 1, kind) if behind < stop and data[behind] == GREATER else (at + 1, 0)
    behind = _attributes_end(data, end, stop, keys, kinds)
    if behind < 0:
        return at + 1, 0
    if end == name + 1 and behind == end + 1 and at > first and behind < stop:
        before, after = data[at - 1], data[behind]
        is_between = (_is_joined(before) or before in (0x29, 0x5D, 0x7D)) and after > SPACE and after != LESS
        if is_between and not _is_closed(data, behind, stop, data[name] | 0x20):
            return at + 1, 0
    return behind, kind


@compiled
def _script_end(data: NDArray[np.uint8], at: int, stop: int, last: int) -> int:
    """Where the closing tag of a subscript or superscript begins, if nothing else stands between; else -1. `last` is its last letter."""
    limit = min(stop - 5, at + MAX_SCRIPT_BYTES)
    begin = at
    while at < limit and data[at] != LESS and data[at] != GREATER and data[at] != LINE_END:
        at += 1
    if at >= limit or at == begin or data[at] != LESS or data[at + 1] != SLASH or data[at + 2] | 0x20 != 0x73:
        return -1
    return at if data[at + 3] | 0x20 == 0x75 and data[at + 4] | 0x20 == last and data[at + 5] == GREATER else -1


@compiled
def _is_ordinal(data: NDArray[np.uint8], at: int, end: int) -> bool:
    if end - at != 2:
        return False
    one, other = data[at] | 0x20, data[at + 1] | 0x20
    return bool(
        (one == 0x74 and other == 0x68)
        or (one == 0x73 and other == 0x74)
        or (one == 0x6E and other == 0x64)
        or (one == 0x72 and other == 0x64)
    )


@compiled
def spell_tag(data: NDArray[np.uint8], at: int, end: int, first: int, stop: int, kind: int, closing: int) -> Any:
    """What a tag is replaced by: the bytes, how many, and where the tag stands that closes it as a subscript."""
    if kind == BLOCK_TAG:
        return END_TEXT, FILLED, closing
    is_behind = at > first and (_is_joined(data[at - 1]) or data[at - 1] in (0x29, 0x5D, 0x7D))
    if kind in (LOWERED, RAISED) and is_behind and data[at + 1] != SLASH:
        close = _script_end(data, end, stop, 0x62 if kind == LOWERED else 0x70)
        if close >= 0:
            if _is_ordinal(data, end, close):
                return np.uint64(0), 0, closing
            return (LOWER_TEXT if kind == LOWERED else RAISE_TEXT), 2, close
    is_within = at > first and end < stop and _is_joined(data[at - 1]) and _is_joined(data[end])
    return SPACE_TEXT, (0 if is_within else FILLED), closing
