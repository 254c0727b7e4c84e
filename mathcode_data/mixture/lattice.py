"""The exact lattice blend: all draws of all sources in the order of their virtual times, in closed form.

Source i has a quota of n_i draws. Draw j has the virtual time (2j + 1) / (2 n_i), in (0, 1). Row t of the blend is the t-th
of all N = sum n_i draws by (time, source). Laws: the counts are the quotas; after t rows source i was drawn c_i(t) times
with |c_i(t) - t n_i / N| <= 1/2 + (n_i / N) D / 2 for D sources; `row_of` inverts `at`. The proof is in
reference/formats.md, section 7.

`at`, `row_of` and `drawn_before` work for any size. `at` and `at_many` take numpy where its doubles are exact (lattice_fast.py:
20 us for one row of 64 sources, 2 us for one of many) and plain Python integers elsewhere. `block` does a run of rows in
numpy, exactly (near_times.py): 5 ns per row for 3 sources, 20 for 64, whatever N is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mathcode_data.mixture.lattice_fast import FastLattice, Rows, fits
from mathcode_data.mixture.near_times import sort_by_time

FEW_SOURCES = 8
"""For so few sources one row costs less in plain Python than in numpy."""
FEW_ROWS = 4
"""So few rows, and twice as many that lie far apart, are found one by one."""
SHORT_RUN = 128
"""A run of so many rows costs less by a heap, 0.5 us each, than as a block, which takes 60 to 160 us to begin."""
MAX_SPREAD, MAX_SPAN = 16, 1 << 21
"""Rows that lie closer than this are taken out of the run around them: a row of a block costs 20 ns, one by itself 3 us."""


@dataclass(frozen=True)
class Block:
    """Rows start..stop-1 of a blend.

    Source i takes the draws before[i]..after[i]-1. Laid out source by source they are numbered 0..stop-start-1, and
    `order[r]` is the number of the draw in row start + r: any array made source by source is put in row order by
    `array[order]`.
    """

    before: list[int]
    after: list[int]
    order: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Draws of each source."""
        return np.array([after - before for before, after in zip(self.before, self.after, strict=True)], dtype=np.int64)


def at(quotas: Sequence[int], t: int) -> tuple[int, int]:
    """Row t of the blend as (source, draw of that source). O(D log D).

    >>> [at([2, 1], t) for t in range(3)]
    [(0, 0), (1, 0), (0, 1)]
    """
    fast, total = _prepared(tuple(quotas))
    if not 0 <= t < total:
        raise IndexError(f"row {t} of a blend of {total} rows; rows are 0..{total - 1}")
    return fast.at(t) if fast is not None and len(quotas) > FEW_SOURCES else _at_in_python(quotas, t)


def at_many(quotas: Sequence[int], positions: ArrayLike) -> Rows:
    """Rows anywhere in the blend, in any order and as often as asked: source and draw of each, equal to `at`.

    >>> at_many([2, 1], [2, 0, 2])
    (array([0, 0, 0], dtype=int16), array([1, 0, 1]))
    """
    wanted = np.asarray(positions, dtype=np.int64)
    if not wanted.size:
        return np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64)
    fast, total = _prepared(tuple(quotas))
    low, high = int(wanted.min()), int(wanted.max())
    if low < 0 or high >= total:
        raise IndexError(f"rows {low}..{high} of a blend of {total} rows; rows are 0..{total - 1}")
    span = high - low + 1
    if wanted.size > FEW_ROWS and span <= MAX_SPREAD * wanted.size and span <= MAX_SPAN:
        sources, draws = fast.run(low, span) if fast is not None and span <= SHORT_RUN else rows(quotas, low, high + 1)
        return sources[wanted - low], draws[wanted - low]
    if fast is not None and wanted.size > 2 * FEW_ROWS:
        return fast.at_many(wanted)
    found = [at(quotas, t) for t in wanted.tolist()]
    return np.array([source for source, _ in found], dtype=np.int16), np.array([draw for _, draw in found], dtype=np.int64)


@lru_cache(maxsize=1024)  # an annealed stage has a blend for each of its steps
def _prepared(quotas: tuple[int, ...]) -> tuple[FastLattice | None, int]:
    total = sum(quotas)
    return (FastLattice(quotas) if total and fits(quotas) else None), total


def _at_in_python(quotas: Sequence[int], t: int) -> tuple[int, int]:
    drawn = drawn_before(quotas, t)
    time_of = _times(quotas)
    source = min((time_of(d, k), k) for k, (d, q) in enumerate(zip(drawn, quotas, strict=True)) if d < q)[1]
    return source, drawn[source]


def row_of(quotas: Sequence[int], source: int, draw: int) -> int:
    """Row of one draw, the inverse of `at`: counts the draws of every source before it. O(D).

    >>> row_of([2, 1], 0, 1)
    2
    """
    own = quotas[source]
    if not 0 <= draw < own:
        raise IndexError(f"draw {draw} of source {source}, whose quota is {own}")
    # draws m of source k before (draw, source): 2m + 1 <= (2 draw + 1) q_k / own, or < where k stands later
    return draw + sum(((2 * draw + 1) * quota - (k > source) + own) // (2 * own) for k, quota in enumerate(quotas) if k != source and quota)


def drawn_before(quotas: Sequence[int], t: int) -> list[int]:
    """How often each source was drawn in the first t rows, 0 <= t <= N: the consumption at any step, in closed form.

    The draws with time <= (2t + 1) / (2N) are counted by one division per source and are a prefix of the blend whose
    length is t up to D / 2 + 1/2; that many steps over a heap of next draws lead to t.

    >>> drawn_before([400, 150], 55)
    [40, 15]
    """
    total = sum(quotas)
    if not 0 <= t <= total:
        raise IndexError(f"{t} rows of a blend of {total} rows; legal are 0..{total}")
    if t == total:
        return list(quotas)
    drawn = [(q * (2 * t + 1) + total) // (2 * total) for q in quotas]
    spare = sum(drawn) - t
    time_of = _times(quotas)
    if spare > 0:  # undo the latest draws: largest time first, and of equal times the later source
        latest = [(-time_of(d - 1, k), -k) for k, d in enumerate(drawn) if d]
        heapify(latest)
        for _ in range(spare):
            source = -latest[0][1]
            drawn[source] -= 1
            # draw -1, of a source that has none left, goes behind all others: spare real draws stand before it
            heapreplace(latest, (-time_of(drawn[source] - 1, source), -source))
    elif spare < 0:
        coming = [(time_of(d, k), k) for k, (d, q) in enumerate(zip(drawn, quotas, strict=True)) if d < q]
        heapify(coming)
        for _ in range(-spare):
            source = coming[0][1]
            drawn[source] += 1
            heapreplace(coming, (time_of(drawn[source], source), source))
    return drawn


def _times(quotas: Sequence[int]) -> Callable[[int, int], int]:
    """Virtual times as integers that compare like the fractions.

    Two different times differ by at least 1 / (2 n_i n_k), so times 2**bits > 4 max(n)**2, rounded down, are equal where
    the fractions are equal and ordered as they are. (Fractions themselves cost ten times as much.)
    """
    bits = 2 * max(quotas).bit_length() + 2

    def time_of(draw: int, source: int) -> int:
        return ((2 * draw + 1) << bits) // (2 * quotas[source])

    return time_of


def block(quotas: Sequence[int], start: int, stop: int, before: list[int] | None = None, compiled: bool = False) -> Block:
    """Rows start..stop-1. Memory is about 50 bytes per row, whatever N is.

    Args:
        quotas: draws of each source, any size.
        start: first row.
        stop: row after the last; at most N.
        before: `drawn_before(quotas, start)` where it is known, as `after` of the block before.
        compiled: whether machine code is worth its loading: for many millions of rows.
    """
    first = drawn_before(quotas, start) if before is None else before
    after = drawn_before(quotas, stop)
    return Block(first, after, sort_by_time(quotas, start, stop, first, after, compiled))


def blocks(quotas: Sequence[int], start: int, stop: int, block_rows: int, compiled: bool = False) -> Iterator[tuple[int, int, Block]]:
    """Rows start..stop-1 as consecutive blocks: (first row, row after the last, block)."""
    before = drawn_before(quotas, start) if start < stop else []
    for low in range(start, stop, block_rows):
        high = min(low + block_rows, stop)
        found = block(quotas, low, high, before, compiled)
        yield low, high, found
        before = found.after


def rows(quotas: Sequence[int], start: int, stop: int) -> Rows:
    """Source and draw of the rows start..stop-1, equal to `at` of each.

    >>> rows([2, 1], 0, 3)
    (array([0, 1, 0], dtype=int16), array([0, 0, 1]))
    """
    found = block(quotas, start, stop)
    counts = found.counts
    shift = np.array(found.before, dtype=np.int64) - (np.cumsum(counts) - counts)
    sources = np.repeat(np.arange(len(quotas), dtype=np.int16), counts)[found.order]
    return sources, found.order + shift[sources]
