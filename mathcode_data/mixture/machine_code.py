"""The inner loops of writing out a large mixture, as machine code: the numbers that `permute` and `near_times` give in numpy.

Compiling takes seconds once per installation, and loading half a second, so who writes few rows stays with numpy.
"""

# N indices, B rows of a block, D sources that are active in it

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled

CHUNK = 1 << 12
MULTIPLIER = np.uint32(0x85EBCA6B)
FOLD = np.uint32(15)
WORD_BITS = np.uint32(32)


@compiled
def permute_span(out_N: NDArray[np.int64], start: int, last: int, shape_4: NDArray[np.uint32], keys_62: NDArray[np.uint32]) -> None:
    """Where a `permute.Permutation` sends start, start + 1, ...

    Args:
        out_N: written.
        start: first index.
        last: the largest index of the permutation, its size less one.
        shape_4: bits of a column, rows, bits dropped from a hash, bits by which hash times rows is shifted.
        keys_62: the round keys.
    """
    for low in range(0, out_N.size, CHUNK):
        chunk = out_N[low : low + CHUNK]
        for n in range(chunk.size):
            chunk[n] = start + low + n
        _pass(chunk, shape_4, keys_62)
        for n in range(chunk.size):
            while chunk[n] > last:
                _pass(chunk[n : n + 1], shape_4, keys_62)


@compiled
def _pass(values: NDArray[np.int64], shape: NDArray[np.uint32], keys: NDArray[np.uint32]) -> None:
    """One pass of the network, in place."""
    bits, num_rows, drop = shape[0], shape[1], shape[2]
    wide_bits, wide_rows, scale = np.uint64(bits), np.uint64(num_rows), np.uint64(shape[3])
    mask = np.uint32((np.uint64(1) << wide_bits) - np.uint64(1))
    to_right = WORD_BITS - bits
    for n in range(values.size):
        index = np.uint64(values[n])
        left, right = np.uint32(index >> wide_bits), np.uint32(index) & mask
        for pair in range(3):
            mixed = np.uint32(np.uint32(right ^ keys[2 * pair, 0]) * MULTIPLIER)
            mixed = np.uint32(np.uint32(mixed ^ (mixed >> FOLD)) * keys[2 * pair, 1])
            left = np.uint32(left + np.uint32((np.uint64(mixed >> drop) * wide_rows) >> scale))
            left = min(left, np.uint32(left - num_rows))  # below 0 it wraps to a large number
            mixed = np.uint32(np.uint32(left ^ keys[2 * pair + 1, 0]) * MULTIPLIER)
            mixed = np.uint32(np.uint32(mixed ^ (mixed >> FOLD)) * keys[2 * pair + 1, 1])
            right = np.uint32(right ^ (mixed >> to_right))
        values[n] = np.int64((np.uint64(left) << wide_bits) | np.uint64(right))


@compiled
def fill_keys(
    keys_B: NDArray[np.int64], counts_D: NDArray[np.int64], first_D: NDArray[np.int64], step_D: NDArray[np.int64], low_bits: int
) -> None:
    """Sort keys of a block: the time of each draw in the high bits, its number in the low ones."""
    number = 0
    for source in range(counts_D.size):
        time = first_D[source]
        for _ in range(counts_D[source]):
            keys_B[number] = ((time >> low_bits) << low_bits) | number
            time += step_D[source]
            number += 1


@compiled
def read_order(keys_B: NDArray[np.int64], low_bits: int, near_B: NDArray[np.bool_]) -> int:
    """Turn sorted keys into the numbers of the draws, in place, and mark rows whose next one has nearly the same time.

    Returns:
        How many are marked; the last row never is.
    """
    mask = (1 << low_bits) - 1
    found = 0
    for row in range(keys_B.size):
        near = row + 1 < keys_B.size and (keys_B[row + 1] >> low_bits) - (keys_B[row] >> low_bits) <= 1
        near_B[row] = near
        found += near
        keys_B[row] &= mask
    return found


@compiled
def settle(
    order_B: NDArray[np.int64],
    near_B: NDArray[np.bool_],
    starts_D: NDArray[np.int64],
    before_D: NDArray[np.int64],
    quotas_D: NDArray[np.int64],
) -> None:
    """Put draws of nearly the same time into their exact order, in place: each goes back past those that come after it.

    Products of a quota and twice a draw must fit 63 bits.
    """
    for row in range(1, order_B.size):
        draw, at = order_B[row], row
        while at > 0 and near_B[at - 1]:
            other = order_B[at - 1]
            k, i = np.searchsorted(starts_D, draw, side="right") - 1, np.searchsorted(starts_D, other, side="right") - 1
            odd, other_odd = 2 * (before_D[k] + draw - starts_D[k]) + 1, 2 * (before_D[i] + other - starts_D[i]) + 1
            difference = odd * quotas_D[i] - other_odd * quotas_D[k]
            if difference > 0 or (difference == 0 and draw > other):
                break
            order_B[at] = other
            at -= 1
        order_B[at] = draw
