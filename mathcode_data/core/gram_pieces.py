r"""The short way of the scanner: pieces of ASCII, Western letters and Chinese characters, from bytes to hashes in one go.

It has the rules of `core/gram_rules.py` for what stands alone: words, numbers, operators, LaTeX commands, Chinese characters and their
punctuation. Where a rule would have to look further (`--`, `**`, `1{,}000`, `\begin{`, a word of more than 16 bytes, any other
character) it gives the piece back, from its beginning, and the long way reads it. Of English pages that is one piece in fifty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core import text as core_text
from mathcode_data.core.gram_hash import MAX_TOKEN_BYTES, hash_bytes, hash_codes
from mathcode_data.core.gram_rules import (
    BACKSLASH,
    BACKTICK,
    COLON,
    DASH,
    FIRST_IDEOGRAPH,
    LINE,
    POINT,
    SPACE,
    STAR,
    TILDE,
    begins_with_point,
    closes,
    decode,
    is_word,
    number_end,
)
from mathcode_data.core.gram_words import LATIN_LEAD, hash_ideograph, read_word
from mathcode_data.core.machine_code import as_variable, compiled

NUM_SYNONYM_SLOTS = 1 << 10
MAX_IDEOGRAPHS = 32  # a run of more is cut
MAX_BYTES = 16_000  # a piece of more with Chinese characters in it is left to the long way, which counts what it reads

NOTHING, LETTER, GAP, MARKUP, DIGIT, OPERATOR, BRACE, SLASH, WIDE, OTHER = range(10)
LETTER_A, DIGIT_0, EQUALS, COMMA = 0x61, 0x30, 0x3D, 0x2C
FULL_WIDTH = 0xEF  # first byte of the full-width forms of ASCII
UNKNOWN = -1


def _kinds() -> NDArray[np.uint8]:
    """What begins with each byte."""
    kinds = np.full(256, OTHER, np.uint8)
    kinds[0x21:0x7F] = NOTHING
    for code in range(0x80):
        sign = chr(code)
        if sign.isspace():
            kinds[code] = GAP
        elif sign.isalpha():
            kinds[code] = LETTER
        elif sign.isdigit():
            kinds[code] = DIGIT
    for signs, kind in (("$`~", MARKUP), ("+/=<>^%!-*_", OPERATOR), ("}", BRACE), ("\\", SLASH)):
        kinds[[ord(sign) for sign in signs]] = kind
    kinds[LATIN_LEAD] = LETTER
    kinds[[0xC2, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, FULL_WIDTH]] = WIDE
    return kinds


def _operators(behind: str) -> NDArray[np.uint64]:
    """Hash of the gram of each ASCII character with `behind` behind it."""
    tokens = [chr(code) + behind for code in range(0x80)]
    return np.array([xxhash.xxh3_64_intdigest(core_text.SYNONYMS.get(token, token).encode()) for token in tokens], np.uint64)


KINDS, ALONE, WITH_EQUALS = _kinds(), _operators(""), _operators("=")
ARROW = _operators(">")[DASH]


@compiled
def synonym(key: np.uint64, keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> Any:
    """The hash of the gram that a token stands for; 0 for layout."""
    slot = np.int64(key & np.uint64(NUM_SYNONYM_SLOTS - 1))
    while keys[slot] != np.uint64(0):
        if keys[slot] == key:
            return values[slot]
        slot = (slot + 1) & (NUM_SYNONYM_SLOTS - 1)
    return key


@compiled
def _following(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """The folded character at `at` once markup is gone, a space behind the end of the piece; UNKNOWN if that takes a longer look."""
    if at >= stop:
        return SPACE
    byte = int(data[at])
    kind = KINDS[byte]
    if byte >= 0x80 or kind == OTHER:
        return UNKNOWN
    if kind == LETTER:
        return LETTER_A
    if kind in (GAP, MARKUP):
        return SPACE
    if byte == BACKSLASH:
        is_command = at + 1 < stop and 0x61 <= (data[at + 1] | 0x20) <= 0x7A and (data[at + 1] | 0x20) not in (0x62, 0x65)
        return BACKSLASH if is_command else UNKNOWN
    return byte


@compiled
def _joint(data: NDArray[np.uint8], at: int, stop: int, before: int) -> int:
    """Whether the one `*` or `_` at `at` is a token: 1 or 0; UNKNOWN if that takes a longer look."""
    sign = np.int64(data[at])
    after = _following(data, at + 1, stop)
    if after in (sign, UNKNOWN) or before == BACKSLASH:
        return UNKNOWN
    opens = is_word(after) or after == 0x28 or after == 0x7B or after == BACKSLASH
    is_joined = closes(before) or is_word(before)
    if sign == LINE:
        is_index = before == SPACE and after in (SPACE, 0x7B, BACKSLASH)
        return int(is_index or (is_joined and before != LINE and opens))
    if before == SPACE and after == SPACE:
        return 1
    return int(is_joined and (opens or after == 0x5B or after == 0x2E or after == 0x2B or after == DASH))


@compiled
def _read_operator(data: NDArray[np.uint8], at: int, stop: int, before: int, num_letters: int) -> Any:
    """The operator at `at`: its end, and its hash or 0 if it is none here; the end is UNKNOWN if that takes a longer look."""
    sign = np.int64(data[at])
    next_byte = np.int64(data[at + 1]) if at + 1 < stop else SPACE
    if sign in (STAR, LINE):
        is_token = _joint(data, at, stop, before)
        return (UNKNOWN if is_token == UNKNOWN else at + 1), (ALONE[sign] if is_token == 1 else np.uint64(0))
    if sign == DASH:
        if next_byte == 0x3E:
            return at + 2, ARROW
        if next_byte == DASH or next_byte >= 0x80:
            return UNKNOWN, np.uint64(0)
        if num_letters < 2 or KINDS[next_byte] != LETTER or at + 2 >= stop:
            return at + 1, ALONE[DASH]
        if data[at + 2] >= 0x80:
            return UNKNOWN, np.uint64(0)
        return at + 1, (np.uint64(0) if KINDS[data[at + 2]] == LETTER else ALONE[DASH])
    if sign == EQUALS or sign == 0x3C or sign == 0x3E or sign == 0x21:
        if next_byte == EQUALS:
            return at + 2, WITH_EQUALS[sign]
        if next_byte == FULL_WIDTH:
            return UNKNOWN, np.uint64(0)
        if sign == 0x21:
            return at + 1, np.uint64(0)
    return at + 1, ALONE[sign]


@compiled
def _read_number(data: NDArray[np.uint8], at: int, stop: int) -> Any:
    """The number at `at`: its end and hash; the end is UNKNOWN if the number is long or may go on in full-width characters."""
    end = number_end(data, at, stop)
    if end < stop and data[end] == FULL_WIDTH:
        code, width = decode(data, end)
        behind = np.int64(data[end + width]) if end + width < stop else SPACE
        is_comma = code == 0xFF0C and behind != FULL_WIDTH and KINDS[behind] != DIGIT
        if not (is_comma or code == 0xFF08 or code == 0xFF09 or code == 0xFF1A):
            return UNKNOWN, np.uint64(0)
    key = hash_codes(data, at, end)
    return (end if key != np.uint64(0) else UNKNOWN), key


@compiled
def _read_command(data: NDArray[np.uint8], at: int, stop: int, before: int) -> Any:
    r"""What begins with the backslash at `at`: its end, its hash or 0, what stands before the next character, and letters of that."""
    none = np.uint64(0)
    if at + 1 >= stop:
        return at + 1, none, BACKSLASH, 0
    sign = np.int64(data[at + 1])
    if KINDS[sign] == LETTER:
        end, first, second = at + 1, np.uint64(BACKSLASH), none
        while end < stop and 0x61 <= (data[end] | 0x20) <= 0x7A:
            n = end - at
            if n == MAX_TOKEN_BYTES:
                return UNKNOWN, none, BACKSLASH, 0
            letter = np.uint64(data[end] | 0x20) << np.uint64(8 * (n & 7))
            first, second = (first | letter, second) if n < 8 else (first, second | letter)
            end += 1
        is_environment = end < stop and data[end] == 0x7B and ((sign | 0x20) == 0x62 or (sign | 0x20) == 0x65)
        is_fraction = end < stop and data[end - 1] | 0x20 == 0x63 and KINDS[data[end]] == DIGIT
        if is_environment or is_fraction or sign == LATIN_LEAD:
            return UNKNOWN, none, BACKSLASH, 0
        return end, hash_bytes(first, second, end - at), LETTER_A, end - at - 1
    if sign >= 0x80 or (sign == 0x21 and before == COMMA):
        return UNKNOWN, none, BACKSLASH, 0
    is_layout = sign == BACKSLASH or sign == 0x28 or sign == 0x29 or sign == 0x5B or sign == 0x5D
    if is_layout or sign == COMMA or sign == 0x3B or sign == 0x3A or sign == 0x21:
        return at + 2, none, SPACE, 0
    return at + 1, none, BACKSLASH, 0


@compiled
def _may_be_fence(data: NDArray[np.uint8], at: int, stop: int) -> bool:
    if at >= stop:
        return False
    byte = data[at]
    return byte in (SPACE, 0x9, 0x3E, BACKTICK, TILDE)


@compiled
def _read_wide(data: NDArray[np.uint8], at: int) -> Any:
    """The end of the character beyond ASCII at `at`, or UNKNOWN, and what it is folded to; 0 for white space."""
    code, width = decode(data, at)
    if code == 0xA0 or code == 0x85 or code == 0x3000:
        return at + width, 0
    folded = UNKNOWN
    if code == 0x3001 or code == 0x3002 or 0x300A <= code <= 0x3011 or 0x201C <= code <= 0x201F or code == 0x2022:
        folded = 0x22
    elif 0x2018 <= code <= 0x201B:
        folded = 0x27
    elif code == 0x2026:
        folded = 0x2E
    elif code == 0xFF0C or code == 0xFF08 or code == 0xFF09 or code == 0xFF1A or code == 0xFF1B or code == 0xFF1F:
        folded = code - 0xFEE0
    return (UNKNOWN if folded == UNKNOWN else at + width), folded


@compiled
def is_ideograph(data: NDArray[np.uint8], at: int) -> bool:
    """Whether a Chinese character, U+4E00 to U+9FFF, begins at `at`."""
    return bool(0xE4 <= data[at] <= 0xE9 and (data[at] != 0xE4 or data[at + 1] >= 0xB8))


@compiled
def _read_ideographs(
    data: NDArray[np.uint8], at: int, stop: int, base: int, start: int, first: int, out: NDArray[np.uint64], places: NDArray[np.int64],
    place: int,
) -> Any:  # fmt: skip
    """Write the grams of a run of Chinese characters; its end, where its last piece begins, and the grams before that and behind it."""
    num_ideographs = 0
    while at < stop and is_ideograph(data, at):
        num_ideographs += 1
        if num_ideographs > MAX_IDEOGRAPHS:
            start, first, num_ideographs = at - 6, place - 2, 3
            places[place - 2] = places[place - 1] = start - base
        out[place], places[place] = hash_ideograph(data, at), start - base
        place += 1
        at += 3
    return at, start, first, place


@compiled
def plain_pieces(
    data: NDArray[np.uint8], at: int, stop: int, base: int, out: NDArray[np.uint64], places: NDArray[np.int64], place: int,
    keys: NDArray[np.uint64], values: NDArray[np.uint64], slot: np.uint64,
) -> Any:  # fmt: skip
    """Write the grams of pieces from the one that begins at `at` on; where the long way must go on, and the place behind the last gram.

    It stops at the end of the text, at a line end that a code fence may follow, and at the beginning of a piece that it does not know.
    """
    start, first, before, num_letters, key = at, place, as_variable(SPACE), as_variable(0), np.uint64(0)
    while at < stop:
        kind = KINDS[data[at]]
        if kind == LETTER:
            at, key, num = read_word(data, at, stop)
            if key == np.uint64(0):
                return start, first
            before, num_letters = LETTER_A, num_letters + num
        elif kind == GAP:
            if data[at] == 0xA and _may_be_fence(data, at + 1, stop):
                return at, place
            at += 1
            start, first, before, num_letters = at, place, SPACE, 0
            continue
        elif kind == NOTHING:
            if data[at] == POINT and at + 1 < stop and begins_with_point(before, data[at + 1]):
                return start, first
            at, before, num_letters = at + 1, int(data[at]), 0
            continue
        elif kind == MARKUP:
            if before == COLON and data[at] == BACKTICK:
                return start, first
            at, before, num_letters = at + 1, SPACE, 0
            continue
        elif kind == OPERATOR:
            sign = int(data[at])
            at, key = _read_operator(data, at, stop, before, num_letters)
            before, num_letters = sign, 0
        elif kind == DIGIT:
            at, key = _read_number(data, at, stop)
            key = slot if slot != np.uint64(0) else key
            before, num_letters = DIGIT_0, 0
        elif kind == SLASH:
            at, key, before, num_letters = _read_command(data, at, stop, before)
            if key != np.uint64(0):
                key = synonym(key, keys, values)
        elif kind == WIDE and is_ideograph(data, at):
            if at - start > MAX_BYTES:
                return start, first
            end, start, first, place = _read_ideographs(data, at, stop, base, start, first, out, places, place)
            at, key, before, num_letters = end, np.uint64(0), FIRST_IDEOGRAPH, num_letters + (end - at) // 3
        elif kind == WIDE:
            at, before = _read_wide(data, at)
            num_letters, key = 0, np.uint64(0)
            if before == 0:
                start, first, before = at, place, SPACE
        elif kind == BRACE and before != COMMA:
            at, key, before, num_letters = at + 1, np.uint64(0), 0x7D, 0
        else:
            return start, first
        if at == UNKNOWN:
            return start, first
        out[place], places[place] = key, start - base
        place += key != np.uint64(0)
    return at, place
