"""The inner loops of MinHash as machine code (numba; compiled once, then kept beside this file or in the user's cache folder).

Shapes: N documents, S shingles of all of them, K hash functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled_with
from mathcode_data.core.text import FINAL, MIX

Words = NDArray[np.uint64]
Function = TypeVar("Function", bound=Callable[..., Any])

FINAL_1, FINAL_2 = FINAL


def _compiled(function: Function) -> Function:
    return compiled_with(function, error_model="numpy", boundscheck=False)


@_compiled
def run_hashes(hashes: Words, starts_N: Any, sizes_N: Any, size: int, out_S: Words, offsets_N: Any) -> None:
    """`ngram_hashes` (core/text.py) of each document; a document of fewer than `size` grams is one run of all of them."""
    for document in range(sizes_N.size):
        length = min(size, sizes_N[document])
        first = starts_N[document]
        for i in range(offsets_N[document + 1] - offsets_N[document]):
            state = hashes[first + i] * MIX
            for j in range(1, length):
                state = ((state ^ (state >> np.uint64(29))) + hashes[first + i + j]) * MIX
            state = (state ^ (state >> np.uint64(30))) * FINAL_1
            state = (state ^ (state >> np.uint64(27))) * FINAL_2
            out_S[offsets_N[document] + i] = state ^ (state >> np.uint64(31))


@_compiled
def lower_minima(shingles: Words, a_K: Words, b_K: Words, minima_K: Words) -> None:
    """Lower the minima of all hash functions by these shingles; four at a time, all K in vector registers' reach."""
    s = 0
    while s + 4 <= shingles.size:
        x, y, z, w = shingles[s], shingles[s + 1], shingles[s + 2], shingles[s + 3]
        for k in range(a_K.size):
            a, b = a_K[k], b_K[k]
            one, two, three, four = x * a + b, y * a + b, z * a + b, w * a + b
            one = one if one < two else two
            three = three if three < four else four
            one = one if one < three else three
            minima_K[k] = one if one < minima_K[k] else minima_K[k]
        s += 4
    while s < shingles.size:
        x = shingles[s]
        for k in range(a_K.size):
            one = x * a_K[k] + b_K[k]
            minima_K[k] = one if one < minima_K[k] else minima_K[k]
        s += 1


@_compiled
def minima(shingles_S: Words, sizes_N: Any, a_K: Words, b_K: Words, out_NK: Words) -> None:
    """Minima of all hash functions over each document's shingles; out_NK holds the largest number where nothing is known."""
    first = 0
    for document in range(sizes_N.size):
        lower_minima(shingles_S[first : first + sizes_N[document]], a_K, b_K, out_NK[document])
        first += sizes_N[document]


@_compiled
def sorted_sets(shingles_S: Words, sizes_N: Any) -> Any:
    """Sort each document's shingles and drop repetitions, in place; returns how many each has left (they move together)."""
    left_N = np.empty_like(sizes_N)
    first, out = 0, 0
    for document in range(sizes_N.size):
        found = np.sort(shingles_S[first : first + sizes_N[document]])
        start = out
        for i in range(found.size):
            if i == 0 or found[i] != found[i - 1]:
                shingles_S[out] = found[i]
                out += 1
        left_N[document] = out - start
        first += sizes_N[document]
    return left_N


@_compiled
def num_shared(one: Words, other: Words) -> int:
    """How many numbers two sorted sets share."""
    i, j, shared = 0, 0, 0
    while i < one.size and j < other.size:
        if one[i] == other[j]:
            shared += 1
            i += 1
            j += 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return shared


@_compiled
def jaccards(sets_S: Words, offsets_N: Any, left: Any, right: Any, out: Any) -> None:
    """Exact Jaccard similarity of documents left[i] and right[i], whose sorted sets lie between their offsets."""
    for i in range(left.size):
        one = sets_S[offsets_N[left[i]] : offsets_N[left[i] + 1]]
        other = sets_S[offsets_N[right[i]] : offsets_N[right[i] + 1]]
        shared = num_shared(one, other)
        out[i] = shared / max(1, one.size + other.size - shared)
