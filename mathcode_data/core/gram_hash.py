"""The hash of a short gram as machine code: xxh3_64 of its UTF-8, from code points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled

MAX_TOKEN_BYTES = 16  # beyond, XXH3 has other rules

# XXH3, 64 bits, seed 0, inputs of 1 to 16 bytes (Collet's specification); FLIP are its secret's words combined.
FLIP_3, FLIP_8 = np.uint64(0x87275A9B), np.uint64(0xC73AB174C5ECD5A2)
FLIP_LOW, FLIP_HIGH = np.uint64(0x6782737BEA4239B9), np.uint64(0xAF56BC3B0996523A)
PRIME_2, PRIME_3 = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
PRIME_AVALANCHE, PRIME_MIX = np.uint64(0x165667919E3779F9), np.uint64(0x9FB21C651E98DF25)
LOW_32 = np.uint64(0xFFFFFFFF)


@compiled
def _swap(value: np.uint64) -> np.uint64:
    """Turn the order of the bytes round."""
    value = ((value & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | ((value >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF))
    value = ((value & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | ((value >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
    return (value << np.uint64(32)) | (value >> np.uint64(32))


@compiled
def _fold_128(a: np.uint64, b: np.uint64) -> np.uint64:
    """Both halves of the 128-bit product, xor-ed."""
    half = np.uint64(32)
    low_low, high_low = (a & LOW_32) * (b & LOW_32), (a >> half) * (b & LOW_32)
    low_high, high_high = (a & LOW_32) * (b >> half), (a >> half) * (b >> half)
    cross = (low_low >> half) + (high_low & LOW_32) + low_high
    return ((high_low >> half) + (cross >> half) + high_high) ^ ((cross << half) | (low_low & LOW_32))


@compiled
def hash_bytes(first: Any, second: Any, size: int) -> Any:
    """xxh3_64 of `size` bytes, 1 to 16; `first` holds eight of them, the lowest byte being the first, `second` the others."""
    n = np.uint64(size)
    byte = np.uint64(0xFF)
    if size <= 3:
        middle, last = (first >> np.uint64(8 * (size >> 1))) & byte, (first >> np.uint64(8 * (size - 1))) & byte
        h = (((first & byte) << np.uint64(16)) | (middle << np.uint64(24)) | last | (n << np.uint64(8))) ^ FLIP_3
        h = (h ^ (h >> np.uint64(33))) * PRIME_2
        h = (h ^ (h >> np.uint64(29))) * PRIME_3
        return h ^ (h >> np.uint64(32))
    if size <= 8:
        h = ((first >> np.uint64(8 * (size - 4))) + ((first & LOW_32) << np.uint64(32))) ^ FLIP_8
        h ^= ((h << np.uint64(49)) | (h >> np.uint64(15))) ^ ((h << np.uint64(24)) | (h >> np.uint64(40)))
        h = h * PRIME_MIX
        h = (h ^ ((h >> np.uint64(35)) + n)) * PRIME_MIX
        return h ^ (h >> np.uint64(28))
    end = second if size == 16 else (first >> np.uint64(8 * (size - 8))) | (second << np.uint64(8 * (16 - size)))
    low, high = first ^ FLIP_LOW, end ^ FLIP_HIGH
    h = n + _swap(low) + high + _fold_128(low, high)
    h = (h ^ (h >> np.uint64(37))) * PRIME_AVALANCHE
    return h ^ (h >> np.uint64(32))


@compiled
def hash_codes(codes: NDArray[np.integer[Any]], at: int, end: int) -> Any:
    """Hash characters without commas between them; 0 if they have more than 16 bytes."""
    first = second = np.uint64(0)
    n = 0
    for i in range(at, end):
        code = codes[i]
        packed, width = np.uint64(code), 1
        if code >= 0x80:
            if code < 0x800:
                packed, width = np.uint64(0xC0 | (code >> 6)) | (np.uint64(0x80 | (code & 0x3F)) << np.uint64(8)), 2
            else:
                packed = np.uint64(0xE0 | (code >> 12)) | (np.uint64(0x80 | ((code >> 6) & 0x3F)) << np.uint64(8))
                packed, width = packed | (np.uint64(0x80 | (code & 0x3F)) << np.uint64(16)), 3
        elif code == 0x2C:
            continue
        if n + width > MAX_TOKEN_BYTES:
            return np.uint64(0)
        if n < 8:
            first |= packed << np.uint64(8 * n)
            if n + width > 8:
                second = packed >> np.uint64(8 * (8 - n))
        else:
            second |= packed << np.uint64(8 * (n - 8))
        n += width
    return hash_bytes(first, second, n)
