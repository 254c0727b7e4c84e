"""The rules of `core/text.py` as machine code, one function a rule, on bytes and on the code points of a folded piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import as_variable, compiled
from mathcode_data.core.text import BEFORE_POINT

SPACE, QUOTE, BACKSLASH, BACKTICK = 0x20, 0x22, 0x5C, 0x60
STAR, DASH, LINE, DOLLAR, TILDE = 0x2A, 0x2D, 0x5F, 0x24, 0x7E
POINT, COLON = 0x2E, 0x3A
FIRST_IDEOGRAPH, LAST_IDEOGRAPH = 0x4E00, 0x9FFF


@compiled
def is_letter(code: int) -> bool:
    """A folded letter, of any kind that the scanner knows."""
    return (0x61 <= code <= 0x7A) or (0xC0 <= code <= 0xFF) or code >= FIRST_IDEOGRAPH


@compiled
def is_digit(code: int) -> bool:
    """A digit."""
    return 0x30 <= code <= 0x39


@compiled
def is_word(code: int) -> bool:
    """A letter, a digit or the low line."""
    return is_letter(code) or is_digit(code) or code == LINE


@compiled
def closes(code: int) -> bool:
    """One of ) } ]."""
    return code == 0x29 or code == 0x7D or code == 0x5D


@compiled
def decode(data: NDArray[np.uint8], at: int) -> Any:
    """Code point and number of bytes of the character at `at`; the text is valid UTF-8."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), 2
    if lead < 0xF0:
        return ((lead & 0xF) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F), 3
    return 0x10000, 4


@compiled
def is_space(code: int) -> bool:
    """What `str.split` takes for white space."""
    if code < 0x80:
        return code == 0x20 or 0x9 <= code <= 0xD or 0x1C <= code <= 0x1F
    if code < 0x1680:
        return code == 0x85 or code == 0xA0
    if code < 0x3000:
        return code == 0x1680 or 0x2000 <= code <= 0x200A or code == 0x2028 or code == 0x2029 or code == 0x202F or code == 0x205F
    return code == 0x3000


@compiled
def fold_code(code: int) -> int:
    """The folded character; -1 if `core/text.py` must look at the piece, -2 for three dots."""
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    if code < 0x80:
        if 0x41 <= code <= 0x5A:
            return code + 32
        return code if code > 0x20 and code != 0x7F else -1
    if 0xC0 <= code <= 0xFF:
        if code == 0xD7 or code == 0xF7 or code == 0xDF:
            return -1
        return code + 32 if code <= 0xDE else code
    if FIRST_IDEOGRAPH <= code <= LAST_IDEOGRAPH:
        return code
    if 0x2010 <= code <= 0x2015:
        return DASH
    if 0x2018 <= code <= 0x201B:
        return 0x27
    if 0x201C <= code <= 0x201F or code == 0x2022 or code == 0x3001 or code == 0x3002 or 0x300A <= code <= 0x3011:
        return QUOTE
    return -2 if code == 0x2026 else -1


def _plain() -> NDArray[np.uint8]:
    """The folded form of ASCII characters that no rule but that of their own token looks at, else 0."""
    table = np.zeros(256, np.uint8)
    for code in range(0x21, 0x7F):
        if chr(code) not in "!}\\$`~-":
            table[code] = ord(chr(code).lower())
    return table


PLAIN = _plain()


@compiled
def after_fence(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """End of the line if the line at `at` opens or closes a code fence, else -1."""
    while at < stop and (data[at] == SPACE or data[at] == 0x9 or data[at] == 0x3E):
        at += 1
    if at + 2 >= stop:
        return -1
    sign = data[at]
    if (sign != BACKTICK and sign != TILDE) or data[at + 1] != sign or data[at + 2] != sign:
        return -1
    while at < stop and data[at] == sign:
        at += 1
    while at < stop and data[at] != 0xA:
        if data[at] == BACKTICK:
            return -1
        at += 1
    return at


@compiled
def ends_thousands_mark(codes: NDArray[np.int64], size: int) -> bool:
    r"""Whether the last code point ends `{,}` or `,\!`, which between digits are nothing."""
    last = codes[size - 1]
    if size < 4 or (last != 0x7D and last != 0x21):
        return False
    before, first = codes[size - 2], codes[size - 3]
    return bool((last == 0x7D and before == 0x2C and first == 0x7B) or (last == 0x21 and before == BACKSLASH and first == 0x2C))


@compiled
def environment_end(codes: NDArray[np.int64], at: int, size: int) -> int:
    r"""Where `\begin{name}` or `\end{name}` ends whose backslash is at `at`, else -1."""
    at += 1
    if at + 4 < size and codes[at] == 0x62 and codes[at + 1] == 0x65 and codes[at + 2] == 0x67 and codes[at + 3] == 0x69:
        at += 5 if codes[at + 4] == 0x6E else size
    elif at + 2 < size and codes[at] == 0x65 and codes[at + 1] == 0x6E and codes[at + 2] == 0x64:
        at += 3
    else:
        return -1
    if at >= size or codes[at] != 0x7B:
        return -1
    first = at + 1
    at = first
    while at < size and 0x61 <= codes[at] <= 0x7A:
        at += 1
    if at == first or at - first > 30:
        return -1
    if at < size and codes[at] == STAR:
        at += 1
    return at + 1 if at < size and codes[at] == 0x7D else -1


@compiled
def without_markup(codes: NDArray[np.int64], size: int) -> int:
    """Replace markup by spaces, in place; returns the new size. Element 0 is the space before the piece."""
    write = read = as_variable(1)
    while read < size:
        code = codes[read]
        if code in (DOLLAR, BACKTICK, TILDE):
            while read < size and (codes[read] == DOLLAR or codes[read] == BACKTICK or codes[read] == TILDE):
                read += 1
            code = SPACE
        elif code == BACKSLASH:
            following = codes[read + 1] if read + 1 < size else SPACE
            is_sign = (
                following == BACKSLASH or following == 0x28 or following == 0x29 or following == 0x5B or following == 0x5D
                or following == 0x2C or following == 0x3B or following == 0x3A or following == 0x21
            )  # fmt: skip
            end = read + 2 if is_sign else environment_end(codes, read, size)
            if end > 0:
                code = SPACE
                read = end
            else:
                read += 1
        else:
            read += 1
        codes[write] = code
        write += 1
    return write


@compiled
def number_end(codes: NDArray[np.integer[Any]], at: int, size: int) -> int:
    """Where the number at `at` ends: with commas between groups of three digits, or plain; then perhaps decimals."""
    end = at
    while end < size and is_digit(codes[end]):
        end += 1
    if end - at <= 3:
        last = end  # behind the last good group
        while (
            last + 3 < size
            and codes[last] == 0x2C
            and is_digit(codes[last + 1])
            and is_digit(codes[last + 2])
            and is_digit(codes[last + 3])
        ):
            if last + 4 < size and is_digit(codes[last + 4]):
                break
            last += 4
        end = last
    if end + 1 < size and codes[end] == 0x2E and is_digit(codes[end + 1]):
        end += 1
        while end < size and is_digit(codes[end]):
            end += 1
    return end


def _may_stand_before_point() -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[[ord(sign) for sign in BEFORE_POINT if sign != "\\"]] = True
    return table


BEFORE_NUMBER = _may_stand_before_point()


@compiled
def begins_with_point(before: int, following: int) -> bool:
    """Whether a point between these two begins a number, `x=.5`; what may be a digit in full width counts as one."""
    return bool(0 <= before < 0x80 and BEFORE_NUMBER[before] and (is_digit(following) or following >= 0x80))


@compiled
def operator_end(codes: NDArray[np.int64], at: int, size: int) -> int:
    """Where the operator at `at` ends, or `at` if none is there. `codes` begins and ends with a space."""
    code, following, before = codes[at], codes[at + 1], codes[at - 1]
    if (code == 0x3D or code == 0x3C or code == 0x3E or code == 0x21) and following == 0x3D:
        return at + 2
    if code == DASH and following == 0x3E:
        return at + 2
    if code == 0x2B or code == 0x2F or code == 0x3D or code == 0x3C or code == 0x3E or code == 0x5E or code == 0x25:
        return at + 1
    if code != DASH and code != STAR and code != LINE:
        return at
    end = at
    while end < size and codes[end] == code:
        end += 1
    after = codes[end]
    if code == DASH:
        if before == DASH:
            return at
        is_hyphen = at >= 2 and is_letter(before) and is_letter(codes[at - 2])
        is_hyphen = is_hyphen and is_letter(after) and end + 1 < size and is_letter(codes[end + 1])
        return at if is_hyphen else end
    if code == STAR:
        if before == BACKSLASH and at >= 2:
            before = codes[at - 2]
        if before == SPACE and after == SPACE:
            return end
        is_joined = is_word(before) or closes(before)
        opens = is_word(after) or after == 0x28 or after == 0x5B or after == 0x7B or after == BACKSLASH
        return end if is_joined and (opens or after == 0x2E or after == 0x2B or after == DASH) else at
    if code == LINE:
        if before == SPACE and end == at + 1 and after in (SPACE, 0x7B, BACKSLASH):
            return end
        owner = codes[at - 2] if before == BACKSLASH and at >= 2 else before
        is_joined = closes(owner) or (is_word(owner) and owner != LINE)
        return end if is_joined and (is_word(after) or after == 0x7B or after == BACKSLASH or after == 0x28) else at
    return at
