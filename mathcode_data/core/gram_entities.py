"""Entities and addresses of links as machine code (core/markup.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_hash import hash_codes
from mathcode_data.core.gram_tags import LINE_END, RETURN, SLASH, SPACE, TAB, is_digit, is_letter, skip_blanks, value_of
from mathcode_data.core.machine_code import compiled
from mathcode_data.core.markup import MAX_ENTITY_BYTES

MAX_LINK_BYTES, MAX_LINK_TEXT_BYTES = 2000, 500
HTM, PNG, JPG, JPE, GIF, SVG, WEB = (int.from_bytes(name) for name in (b"htm", b"png", b"jpg", b"jpe", b"gif", b"svg", b"web"))


@compiled
def utf_8(code: int) -> Any:
    """A character's bytes, the first lowest, and how many."""
    c = np.uint64(code)
    if code < 0x80:
        return c, 1
    low = np.uint64(0x80) | (c & np.uint64(0x3F))
    if code < 0x800:
        return np.uint64(0xC0) | (c >> np.uint64(6)) | (low << np.uint64(8)), 2
    middle = np.uint64(0x80) | ((c >> np.uint64(6)) & np.uint64(0x3F))
    if code < 0x10000:
        return np.uint64(0xE0) | (c >> np.uint64(12)) | (middle << np.uint64(8)) | (low << np.uint64(16)), 3
    third = np.uint64(0x80) | ((c >> np.uint64(12)) & np.uint64(0x3F))
    return np.uint64(0xF0) | (c >> np.uint64(18)) | (third << np.uint64(8)) | (middle << np.uint64(16)) | (low << np.uint64(24)), 4


@compiled
def read_entity(data: NDArray[np.uint8], at: int, stop: int, keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> Any:
    """The entity at `at`: its end, the bytes it stands for, and how many; the end is `at` if it is none."""
    none = np.uint64(0)
    end = at + 1
    limit = min(stop, at + MAX_ENTITY_BYTES + 2)
    if end < limit and data[end] == 0x23:
        is_hex = end + 1 < limit and data[end + 1] | 0x20 == 0x78
        end += 2 if is_hex else 1
        first, code = end, 0
        while end < limit and end - first < 7 and (is_digit(data[end]) or (is_hex and 0x61 <= data[end] | 0x20 <= 0x66)):
            digit = int(data[end]) - 0x30 if is_digit(data[end]) else int(data[end] | 0x20) - 0x57
            code = code * (16 if is_hex else 10) + digit
            end += 1
        is_space = code in (TAB, LINE_END, RETURN)
        is_character = (0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF) or is_space
        if end == first or end >= limit or data[end] != 0x3B or not is_character:
            return at, none, 0
        spelled, num = utf_8(SPACE if is_space else code)
        return end + 1, spelled, num
    while end < limit and (is_letter(data[end]) or is_digit(data[end])):
        end += 1
    if end == at + 1 or end >= limit or data[end] != 0x3B:
        return at, none, 0
    spelled = value_of(hash_codes(data, at + 1, end), keys, values)
    num = 0
    while num < 8 and spelled >> np.uint64(8 * num) != none:
        num += 1
    return (end + 1 if num else at), spelled, num


@compiled
def _is_address(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether it is the address of a link: it begins with a scheme, `www.`, `/`, `.` or `#`, or names a page of HTML or an image."""
    first = data[at]
    if first in (SLASH, 0x23, 0x2E):
        return bool(end - at == 1 or not is_digit(data[at + 1]))
    i = at
    while i < end and is_letter(data[i]):
        i += 1
    if i - at == 3 and first | 0x20 == 0x77 and data[i] == 0x2E:
        return True
    if i - at >= 2 and i + 1 < end and data[i] == 0x3A and (data[i + 1] == SLASH or i - at == 6):
        return True
    while i + 3 < end:
        if data[i] == 0x2E:
            kind = np.int64(data[i + 1] | 0x20) << 16 | np.int64(data[i + 2] | 0x20) << 8 | np.int64(data[i + 3] | 0x20)
            if kind in (HTM, PNG, JPG, JPE, GIF, SVG, WEB):
                return True
        i += 1
    return False


@compiled
def link_begin(data: NDArray[np.uint8], at: int, first: int) -> int:
    """Where the bracket stands that opens the text of a link whose other bracket is at `at`, in the same line; `at` if none does."""
    begin, depth = at - 1, 1
    limit = max(first, at - MAX_LINK_TEXT_BYTES)
    while begin >= limit and data[begin] != LINE_END:
        depth += 1 if data[begin] == 0x5D else 0
        depth -= 1 if data[begin] == 0x5B else 0
        if depth == 0:
            return begin
        begin -= 1
    return at


@compiled
def link_end(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the address of a link ends behind whose text the bracket at `at` stands; `at` if none does."""
    if at + 1 >= stop or data[at + 1] != 0x28:
        return at
    limit = min(stop, at + MAX_LINK_BYTES)
    end, depth = at + 2, 1
    while end < limit and depth and data[end] > SPACE:
        depth += 1 if data[end] == 0x28 else 0
        depth -= 1 if data[end] == 0x29 else 0
        end += 1
    if end >= limit and depth:
        return at
    if end == at + 2 or not _is_address(data, at + 2, end):
        return at
    if not depth:
        return end
    end = skip_blanks(data, end, stop)
    if end >= limit or data[end] != 0x22:
        return at
    end += 1
    while end < limit and data[end] != 0x22 and data[end] != LINE_END:
        end += 1
    return end + 2 if end + 1 < limit and data[end] == 0x22 and data[end + 1] == 0x29 else at
