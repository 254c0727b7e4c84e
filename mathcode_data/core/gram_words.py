"""Words of ASCII and Western letters as machine code: eight bytes at a time, from bytes to the hash without a stop between.

Most of a text is such words, and what they cost is mispredicted branches: a loop over letters ends at another one each time. Here the
end of a word is found by arithmetic on eight bytes ("SIMD within a register", Lamport 1975; Mycroft 1987), and words of 1 to 8
bytes, for which XXH3 has two rules, get both results and keep one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from mathcode_data.core.gram_hash import (
    FLIP_3,
    FLIP_8,
    LOW_32,
    MAX_TOKEN_BYTES,
    PRIME_2,
    PRIME_3,
    PRIME_MIX,
    hash_bytes,
)
from mathcode_data.core.machine_code import compiled

LATIN_LEAD = 0xC3  # first byte of U+00C0 .. U+00FF

ONES, HIGH, LOW_7 = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
LOWER = np.uint64(0x2020202020202020)
FROM_A, BEHIND_Z = np.uint64(0x1F * 0x0101010101010101), np.uint64(0x05 * 0x0101010101010101)  # added, 'a' and '{' reach the high bit
BYTE = np.uint64(0xFF)


def _load_8(_context: Any, array: Any, _at: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = context.make_array(signature.args[0])(context, builder, arguments[0])
        word = context.get_value_type(types.uint64).as_pointer()
        return builder.load(builder.bitcast(builder.gep(values.data, [arguments[1]]), word), align=1)

    return types.uint64(array, types.intp), codegen


load_8 = cast("Callable[[NDArray[np.uint8], int], np.uint64]", intrinsic(_load_8))
"""Eight bytes of an array from a place on, which need not be a multiple of eight, as one number, the first lowest."""


@compiled
def other_bytes(lowered: np.uint64) -> np.uint64:
    """The high bits of those of eight bytes that are no ASCII letters; `lowered` has 0x20 set in each."""
    low = lowered & LOW_7
    return ~((low + FROM_A) & ~(low + BEHIND_Z) & ~lowered) & HIGH


@compiled
def bytes_before(first_high: np.uint64) -> Any:
    """How many bytes stand below the one whose high bit is given."""
    return np.int64((((first_high - np.uint64(1)) & ONES) * ONES) >> np.uint64(56)) - 1


@compiled
def hash_up_to_8(word: np.uint64, size: int) -> Any:
    """xxh3_64 of 1 to 8 bytes, the lowest being the first; the others are 0."""
    n = np.uint64(size)
    middle, last = (word >> (np.uint64(8) * (n >> np.uint64(1)))) & BYTE, (word >> (np.uint64(8) * (n - np.uint64(1)))) & BYTE
    few = (((word & BYTE) << np.uint64(16)) | (middle << np.uint64(24)) | last | (n << np.uint64(8))) ^ FLIP_3
    few = (few ^ (few >> np.uint64(33))) * PRIME_2
    few = (few ^ (few >> np.uint64(29))) * PRIME_3
    few ^= few >> np.uint64(32)
    many = ((word >> ((np.uint64(8) * n - np.uint64(32)) & np.uint64(63))) + ((word & LOW_32) << np.uint64(32))) ^ FLIP_8
    many ^= ((many << np.uint64(49)) | (many >> np.uint64(15))) ^ ((many << np.uint64(24)) | (many >> np.uint64(40)))
    many = many * PRIME_MIX
    many = (many ^ ((many >> np.uint64(35)) + n)) * PRIME_MIX
    many ^= many >> np.uint64(28)
    is_few = np.uint64(0) - np.uint64(size <= 3)
    return (few & is_few) | (many & ~is_few)


@compiled
def hash_ideograph(data: NDArray[np.uint8], at: int) -> Any:
    """xxh3_64 of three bytes."""
    packed = (np.uint64(data[at]) << np.uint64(16)) | (np.uint64(data[at + 1]) << np.uint64(24)) | np.uint64(data[at + 2])
    h = (packed | np.uint64(0x300)) ^ FLIP_3
    h = (h ^ (h >> np.uint64(33))) * PRIME_2
    h = (h ^ (h >> np.uint64(29))) * PRIME_3
    return h ^ (h >> np.uint64(32))


@compiled
def read_word(data: NDArray[np.uint8], at: int, stop: int) -> Any:
    """The word that begins at `at`: its end, its hash, and how many letters it has; the hash of one of more than 16 bytes is 0."""
    if at + 16 <= stop:
        first = load_8(data, at) | LOWER
        others = other_bytes(first)
        if others != np.uint64(0):
            end_bit = others & (np.uint64(0) - others)
            size = bytes_before(end_bit)
            if data[at + size] != LATIN_LEAD:
                return at + size, hash_up_to_8(first & ((end_bit >> np.uint64(7)) - np.uint64(1)), size), size
        else:
            second = load_8(data, at + 8) | LOWER
            others = other_bytes(second)
            end_bit = others & (np.uint64(0) - others)
            size = bytes_before(end_bit)
            if others != np.uint64(0) and data[at + 8 + size] != LATIN_LEAD:
                return at + 8 + size, hash_bytes(first, second & ((end_bit >> np.uint64(7)) - np.uint64(1)), 8 + size), 8 + size
    return _read_letters(data, at, stop)


@compiled
def _read_letters(data: NDArray[np.uint8], at: int, stop: int) -> Any:
    """The same for words with Western letters and those near the end of the text, letter by letter."""
    first = second = np.uint64(0)
    n = num_letters = 0
    while at < stop:
        byte = data[at]
        packed, width = np.uint64(byte | 0x20), 1
        if byte == LATIN_LEAD:
            low = data[at + 1]
            if low == 0x97 or low == 0x9F or low == 0xB7:  # two signs, and the letter that is folded to two
                return at, np.uint64(0), 0
            packed, width = np.uint64(LATIN_LEAD) | (np.uint64(low | 0x20) << np.uint64(8)), 2
        elif not 0x61 <= (byte | 0x20) <= 0x7A:
            break
        if n + width > MAX_TOKEN_BYTES:
            return at, np.uint64(0), 0
        if n < 8:
            first |= packed << np.uint64(8 * n)
            if n + width > 8:
                second = packed >> np.uint64(8)
        else:
            second |= packed << np.uint64(8 * (n - 8))
        n += width
        num_letters += 1
        at += width
    return at, hash_bytes(first, second, n), num_letters
