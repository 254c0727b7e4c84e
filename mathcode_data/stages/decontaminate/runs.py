"""Runs of n grams of many texts as a table of plain arrays, which worker processes share by memory map.

A run is known by a polynomial hash modulo 2**64 of its grams' hashes. Where one may begin, parts.py says. Three bits in a word of a
Bloom filter (8 to 16 bits a run) refuse 97 of 100 other runs before the table is searched, and what is found is
compared gram by gram with the text it comes from, so a match is exact (up to a collision of two grams, 2**-64 a pair).

Size: 8 bytes a run, 8 a place where it stands, 1 to 2 for the filter and as much for that of parts; building takes five times as much
at its peak. A gigabyte of benchmarks (about 200 million runs) makes an index of 6 GB, of which workers touch the filters and what they hit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled
from mathcode_data.stages.decontaminate.parts import find_candidates, make_filter, may_be_in

BASE = np.uint64(0x9E3779B97F4A7C15)
FINAL_1, FINAL_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # splitmix64 (Steele, Lea, Flood 2014)
MAX_PLACES = 16
"""Of a run that stands in more places than this, only the first are followed."""

MAX_LOOKS = 64
"""So many times the grams of a text are compared to find it whole; only texts that repeat themselves need more than once."""


class RunTable(NamedTuple):
    """Distinct runs in order of their keys; `places[first[i]:first[i + 1]]` is where run i stands among all texts' grams."""

    keys: NDArray[np.uint64]
    first: NDArray[np.int64]
    places: NDArray[np.int64]
    bloom: NDArray[np.uint64]
    parts: NDArray[np.uint64]
    """A filter of the parts of all runs; empty where something else says where to look."""


@compiled
def _finish(state: np.uint64) -> np.uint64:
    state = (state ^ (state >> np.uint64(30))) * FINAL_1
    state = (state ^ (state >> np.uint64(27))) * FINAL_2
    return state ^ (state >> np.uint64(31))


@compiled
def _power(n: int) -> np.uint64:
    power = np.uint64(1)
    for _ in range(n):
        power *= BASE
    return power


@compiled
def keys_of(grams: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Keys of all runs of n grams, shape (max(0, grams - n + 1),)."""
    keys = np.empty(max(0, grams.size - n + 1), np.uint64)
    state, power = np.uint64(0), _power(n)
    for at in range(grams.size):
        state = state * BASE + grams[at]
        if at >= n:
            state -= grams[at - n] * power
        if at >= n - 1:
            keys[at - n + 1] = _finish(state)
    return keys


def make_table(keys: NDArray[np.uint64], places: NDArray[np.int64], parts: NDArray[np.uint64]) -> RunTable:
    """Make the table of runs and the places where they stand."""
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    is_new = np.ones(keys.size, bool)
    is_new[1:] = keys[1:] != keys[:-1]
    first = np.flatnonzero(is_new).astype(np.int64)
    distinct = keys[first]
    return RunTable(distinct, np.append(first, keys.size).astype(np.int64), places, make_filter(distinct), parts)


@compiled
def _search(keys: NDArray[np.uint64], key: np.uint64) -> int:
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < keys.size and keys[low] == key else -1


@compiled
def _look_up(
    grams: NDArray[np.uint64], candidates: NDArray[np.int64], last: NDArray[np.int64], n: int, keys: NDArray[np.uint64],
    first: NDArray[np.int64], places: NDArray[np.int64], bloom: NDArray[np.uint64], texts: NDArray[np.uint64], found: NDArray[np.int64],
) -> int:  # fmt: skip
    """Write (gram of the pages, run) of those candidates that are in the table; `last` ends the page of each."""
    number = 0
    for i in range(candidates.size):
        at = candidates[i]
        if at + n > last[i]:
            continue
        state = np.uint64(0)
        for j in range(n):
            state = state * BASE + grams[at + j]
        key = _finish(state)
        run = _search(keys, key) if may_be_in(bloom, key) else -1
        if run < 0:
            continue
        place, is_same = places[first[run]], True
        for j in range(n):
            is_same = is_same and texts[place + j] == grams[at + j]
        if is_same:
            found[number, 0], found[number, 1] = at, run
            number += 1
    return number


def look_up_runs(
    table: RunTable, n: int, texts: NDArray[np.uint64], grams: NDArray[np.uint64], ends: NDArray[np.int64], candidates: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which runs of n grams that begin at the candidates are in the table; as `find_runs`."""
    last = ends[np.searchsorted(ends, candidates, side="right")]
    found = np.empty((candidates.size, 2), np.int64)
    return found[: _look_up(grams, candidates, last, n, *table[:4], texts, found)]


def find_runs(table: RunTable, n: int, texts: NDArray[np.uint64], grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the runs of the table in pages, given by their grams, one page after the other.

    Returns:
        Shape (found, 2): the first gram of the run, and its number in the table; in order.
    """
    if not table.keys.size:
        return np.zeros((0, 2), np.int64)
    return look_up_runs(table, n, texts, grams, ends, find_candidates(table.parts, n, grams, ends))


@compiled
def extended(
    texts: NDArray[np.uint64], low: int, high: int, place: int, pages: NDArray[np.uint64], start: int, page: NDArray[np.int64],
    text_signs: NDArray[np.uint64], page_signs: NDArray[np.uint64],
) -> Any:  # fmt: skip
    """How far a match of texts[place] and pages[start] goes within the text and the page: first place, place behind the last.

    Signs are those before each gram of the text and of the page, where they shall be the same; else empty.
    """
    first, last, to_sign = place, place, start - place - page[0]
    while first > low and start - (place - first) > page[0] and texts[first - 1] == pages[start - (place - first) - 1]:
        if text_signs.size and text_signs[first - low] != page_signs[first + to_sign]:
            break
        first -= 1
    while last < high and start + (last - place) < page[1] and texts[last] == pages[start + (last - place)]:
        if last > place and text_signs.size and text_signs[last - low] != page_signs[last + to_sign]:
            break
        last += 1
    return first, last


@compiled
def whole_texts(
    texts: NDArray[np.uint64], low: int, high: int, places: NDArray[np.int64], grams: NDArray[np.uint64],
    starts: NDArray[np.int64], page: NDArray[np.int64], most: int,
) -> NDArray[np.int64]:  # fmt: skip
    """Where texts[low:high] stands whole in a page, in line with one of the runs that were found there; `most` places, bounded work."""
    found, size, before = np.empty(min(most, places.size), np.int64), high - low, page[0] - 1
    number, budget = 0, MAX_LOOKS * size
    for i in range(places.size):
        start = starts[i] - (places[i] - low)
        if start == before or start < page[0] or start + size > page[1] or np.any(found[:number] == start):
            continue
        before, j = start, 0
        while j < size and texts[low + j] == grams[start + j]:
            j += 1
        budget -= j
        if j == size:
            found[number] = start
            number += 1
        if number == found.size or budget < 0:
            break
    return found[:number]


@compiled
def are_whole(
    texts: NDArray[np.uint64], places: NDArray[np.int64], sizes: NDArray[np.int64], grams: NDArray[np.uint64],
    starts: NDArray[np.int64], last: NDArray[np.int64],
) -> NDArray[np.bool_]:  # fmt: skip
    """Which texts, given by their first gram and size, stand whole at `starts` in a page that ends at `last`."""
    is_whole = starts + sizes <= last
    for i in range(starts.size):
        j = 0
        while is_whole[i] and j < sizes[i]:
            is_whole[i] = texts[places[i] + j] == grams[starts[i] + j]
            j += 1
    return is_whole


@compiled
def longest_common(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """Length of the longest common subsequence, in len(a) * len(b) steps."""
    row = np.zeros(b.size + 1, np.int64)
    for i in range(a.size):
        diagonal = 0
        for j in range(b.size):
            above = row[j + 1]
            if a[i] == b[j]:
                row[j + 1] = diagonal + 1
            elif row[j] > above:
                row[j + 1] = row[j]
            diagonal = above
    return int(row[b.size])
