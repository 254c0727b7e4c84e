"""The rules of `core/dashes.py` as machine code, on the bytes of a text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.dashes import DOLLAR, FORMULA, NOTHING, OTHER, WORDS
from mathcode_data.core.gram_rules import BACKSLASH, DASH, after_fence, decode, is_space
from mathcode_data.core.machine_code import compiled

DASH_LEAD = 0xE2  # first byte of every dash beyond ASCII
SECOND = 0x80
EN = (0x92, 0x93)
LONG = (0x94, 0x95)


@compiled
def _is_long(data: NDArray[np.uint8], at: int, stop: int) -> bool:
    return bool(at + 2 < stop and data[at] == DASH_LEAD and data[at + 1] == SECOND and (data[at + 2] == LONG[0] or data[at + 2] == LONG[1]))


@compiled
def dash_end(data: NDArray[np.uint8], at: int, first: int, stop: int) -> int:
    """Where the dash ends that begins at `at`, or `at` if none of those that may be punctuation does; `first` begins the text."""
    if data[at] == DASH:
        if at + 1 >= stop or data[at + 1] != DASH:
            return at
    elif data[at] != DASH_LEAD:
        return at
    elif not _is_long(data, at, stop):
        is_en = at + 2 < stop and data[at + 1] == SECOND and (data[at + 2] == EN[0] or data[at + 2] == EN[1])
        if not is_en or (at > first and not is_space(_before(data, at, first)[0])):
            return at
        return at + 3 if at + 3 == stop or is_space(decode(data, at + 3)[0]) else at
    end = at
    while end < stop and (data[end] == DASH or _is_long(data, end, stop)):
        end += 1 if data[end] == DASH else 3
    return end


@compiled
def _before(data: NDArray[np.uint8], at: int, first: int) -> Any:
    """The character that ends at `at`, and its place; the text before is not empty."""
    at -= 1
    while at > first and data[at] & 0xC0 == 0x80:
        at -= 1
    return decode(data, at)[0], at


@compiled
def _is_ideograph(code: int) -> bool:
    is_chinese = 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF
    return is_chinese or 0xAC00 <= code <= 0xD7A3


@compiled
def _is_letter(code: int) -> bool:
    if code < 0x80:
        return 0x61 <= code <= 0x7A or 0x41 <= code <= 0x5A
    is_latin = 0xC0 <= code <= 0x24F and code != 0xD7 and code != 0xF7
    return is_latin or 0x400 <= code <= 0x4FF or _is_ideograph(code)


@compiled
def _is_skipped(code: int) -> bool:
    if code in (0x27, 0x22, 0x2A, 0x5F, 0x2E, 0x2C, 0x3B, 0x3A, 0x21, 0x3F):
        return True
    return code in (0x2018, 0x2019, 0x201C, 0x201D) or is_space(code)


@compiled
def _kind_after(data: NDArray[np.uint8], at: int, stop: int) -> int:
    lines = 0
    code, width = 0, 0
    while at < stop:
        code, width = decode(data, at)
        if not _is_skipped(code):
            break
        at += width
        if code == 0xA:
            lines += 1
            if lines == 2 or after_fence(data, at, stop) >= 0:
                return NOTHING
    if at >= stop:
        return NOTHING
    if code < 0x10000 and _is_ideograph(code):
        return WORDS
    following = decode(data, at + width)[0] if at + width < stop else 0
    if _is_letter(code):
        return WORDS if _is_letter(following) else OTHER
    if code == BACKSLASH:
        return FORMULA if following == 0x28 or following == 0x5B else OTHER
    return DOLLAR if code == 0x24 else OTHER


@compiled
def _kind_before(data: NDArray[np.uint8], at: int, first: int) -> int:
    lines = 0
    code = 0
    while True:
        if at <= first:
            return NOTHING
        code, at = _before(data, at, first)
        if not _is_skipped(code):
            break
        if code == 0xA:
            lines += 1
            if lines == 2:
                return NOTHING
    if _is_ideograph(code):
        return WORDS
    before = _before(data, at, first)[0] if at > first else 0
    if _is_letter(code):
        if not _is_letter(before):
            return OTHER
        while at > first and _is_letter(before):
            before, at = _before(data, at, first)
        return OTHER if before == BACKSLASH else WORDS
    if code == 0x29 or code == 0x5D:
        return FORMULA if before == BACKSLASH else OTHER
    return DOLLAR if code == 0x24 else OTHER


@compiled
def is_minus(data: NDArray[np.uint8], start: int, end: int, first: int, stop: int) -> bool:
    """Whether the dash is a minus; `first` is where the text begins, or the last fence line before it ends."""
    after = _kind_after(data, end, stop)
    if after in (NOTHING, WORDS, FORMULA):
        return False
    before = _kind_before(data, start, first)
    if before == FORMULA or (after == DOLLAR and before in (WORDS, DOLLAR)):
        return False
    is_en = data[start] == DASH_LEAD and not _is_long(data, start, stop)
    return before != WORDS or bool(is_en)
