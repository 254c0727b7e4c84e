"""Parts of runs: where a run of n grams may begin, without a look at every place.

Every run of n grams holds one part of three grams that begins at a multiple of n - 2. So a filter of the parts of all runs is asked at
these places alone, every eighth for runs of ten, and then beside the few that it lets pass (one in nine of real pages). What is
left are the runs all of whose parts are known: they are looked up, so the filter decides nothing. The key of a part is a sum of rotated
hashes, which costs three steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled

PART = 3
"""Grams in a part. Of real pages 38 in 100 parts of two stand in some benchmark, of three 11, of four 3."""
FILTER_BITS = 8  # a key, at least; rounded up to a power of two, and kept small because each look at a large filter waits for memory


@compiled
def _bits(key: np.uint64) -> np.uint64:
    """Three bits of one word of the filter, so that a look costs one memory access."""
    one, mask = np.uint64(1), np.uint64(63)
    return (one << (key & mask)) | (one << ((key >> np.uint64(6)) & mask)) | (one << ((key >> np.uint64(12)) & mask))


@compiled
def may_be_in(bloom: NDArray[np.uint64], key: np.uint64) -> bool:
    """Whether the filter has the key; it lets 3 of 100 others pass."""
    bits = _bits(key)
    return bool(bloom[(key >> np.uint64(18)) & np.uint64(bloom.size - 1)] & bits == bits)


@compiled
def _set_bits(bloom: NDArray[np.uint64], keys: NDArray[np.uint64]) -> None:
    for key in keys:
        bloom[(key >> np.uint64(18)) & np.uint64(bloom.size - 1)] |= _bits(key)


def make_filter(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Make the Bloom filter (Bloom 1970) of some different keys."""
    bloom = np.zeros(1 << max(0, int(keys.size * FILTER_BITS // 64).bit_length()), np.uint64)
    _set_bits(bloom, keys)
    return bloom


def part_size(n: int) -> int:
    """Grams in the parts of runs of n."""
    return min(PART, n)


@compiled
def _key(grams: NDArray[np.uint64], at: int, size: int) -> Any:
    key = grams[at]
    if size > 1:
        key = ((key << np.uint64(21)) | (key >> np.uint64(43))) + grams[at + 1]
    if size > 2:
        key = ((key << np.uint64(21)) | (key >> np.uint64(43))) + grams[at + 2]
    return key


@compiled
def _keys(grams: NDArray[np.uint64], starts: NDArray[np.int64], size: int) -> NDArray[np.uint64]:
    keys = np.empty(starts.size, np.uint64)
    for i in range(starts.size):
        keys[i] = _key(grams, starts[i], size)
    return keys


def filter_of_parts(grams: NDArray[np.uint64], starts: NDArray[np.int64], n: int) -> NDArray[np.uint64]:
    """Make the filter of all parts of the runs of n grams that begin at `starts`."""
    is_start = np.zeros(grams.size, bool)
    for first in range(n - part_size(n) + 1):
        is_start[starts + first] = True
    return make_filter(np.unique(_keys(grams, np.flatnonzero(is_start), part_size(n))))


@compiled
def _candidates(
    parts: NDArray[np.uint64], n: int, size: int, grams: NDArray[np.uint64], ends: NDArray[np.int64], found: NDArray[np.int64]
) -> int:  # fmt: skip
    number, step = 0, n - size + 1
    for page in range(ends.size - 1):
        low, high = ends[page], ends[page + 1] - size
        last = number
        for at in range(low + step - 1, high + 1, step):
            found[last] = at  # written before it is known: no branch to foretell
            last += may_be_in(parts, _key(grams, at, size))
        if step == 1:  # each place was asked
            number = last
            continue
        anchors = found[number:last].copy()
        for at in anchors:
            first, end = at, at + 1  # the parts known around it
            while first > low and first > at - step + 1 and may_be_in(parts, _key(grams, first - 1, size)):
                first -= 1
            while end <= high and end < at + step and may_be_in(parts, _key(grams, end, size)):
                end += 1
            for start in range(first, end - step + 1):
                found[number] = start
                number += 1
    return number


def find_candidates(parts: NDArray[np.uint64], n: int, grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the runs of n grams begin, in pages given by their grams, whose parts a filter lets pass."""
    found = np.empty(grams.size + 1, np.int64)
    return found[: _candidates(parts, n, part_size(n), grams, ends, found)]
