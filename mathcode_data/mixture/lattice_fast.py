"""Single rows of a lattice blend in numpy, exactly: what one row, or rows anywhere, cost when there are many sources.

For row t and source k let q_k (2t + 1) + N = 2N d_k + r_k with 0 <= r_k < 2N. Then d_k draws of the source have a time of at
most (2t + 1) / 2N; in distances between rows, measured from there, the next of them comes (2N - r_k) / 2 q_k later and the
last one came r_k / 2 q_k before. The d_k sum to t up to D / 2 + 1/2, so that many steps over the nearest draws lead to row t.

Why doubles are exact here. The quotient d_k comes from a double that is right to 1, and the remainder, computed modulo 2**64,
puts it right. Every numerator that a step looks at is a whole number below 2N (D + 4); below 2**52 it is a double itself, and
its quotient by 2 q_k is rounded correctly, so equal distances give equal doubles and no two change places. Two different
distances are at least 2 / N apart and at most D + 4 large, which doubles tell apart as long as N (D + 4) < 2**53.
"""

# D sources, P positions

from __future__ import annotations

from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

EXACT_NUMERATOR = 2**52
FEW_STEPS = 3
"""So few steps are taken by argmin, 1 us each; more by a heap, which costs 8 us to make for 64 sources."""
CHUNK_CELLS = 1 << 16
"""Positions x sources worked on at a time: the arrays stay in the processor's second-level cache."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = tuple[NDArray[np.int16], Integers]
"""Source and draw of some rows."""


def fits(quotas: tuple[int, ...]) -> bool:
    """Whether doubles are exact for these quotas: 10**13 rows of 64 sources, 2**36 of 32,000."""
    return 2 * sum(quotas) * (len(quotas) + 4) < EXACT_NUMERATOR


class FastLattice:
    """A blend whose size allows exact doubles; see `fits`.

    >>> blend = FastLattice((2, 1))
    >>> [blend.at(t) for t in range(3)], blend.at_many(np.array([2, 0]))
    ([(0, 0), (1, 0), (0, 1)], (array([0, 0], dtype=int16), array([1, 0])))
    """

    def __init__(self, quotas: tuple[int, ...]) -> None:
        """Take the quotas, of which at least one is above 0."""
        assert fits(quotas), f"{len(quotas)} sources, {sum(quotas):,} rows: too many for exact doubles"
        self._period = 2 * sum(quotas)
        self._sources = np.flatnonzero(np.array(quotas, dtype=np.int64))
        self._quotas: Integers = np.array(quotas, dtype=np.int64)[self._sources]
        self._twice: Floats = (2 * self._quotas).astype(np.float64)
        self._shares: Floats = self._quotas / float(self._period)
        self._later = self._sources.size - 1

    def at(self, t: int) -> tuple[int, int]:
        """Row t, 0 <= t < N, as (source, draw)."""
        drawn, rest = self._divide(np.int64(2 * t + 1))
        spare = int(drawn.sum()) - t
        if spare > 0:
            met = self._walk_back(rest, spare)
            return int(self._sources[met[-1]]), int(drawn[met[-1]]) - met.count(met[-1])
        met = self._walk((self._period - rest).astype(np.float64), self._twice, 1 - spare)
        return int(self._sources[met[-1]]), int(drawn[met[-1]]) + met.count(met[-1]) - 1

    def run(self, start: int, count: int) -> Rows:
        """The rows start..start + count - 1, one step of a heap each."""
        drawn, rest = self._divide(np.int64(2 * start + 1))
        ahead = start - int(drawn.sum())
        if ahead < 0:
            undone = np.bincount(self._walk_back(rest, -ahead), minlength=rest.size)
            drawn -= undone
            rest += self._period * undone
        met = self._walk((self._period - rest).astype(np.float64), self._twice, max(ahead, 0) + count)
        following, draws = drawn.tolist(), []
        for place in met:
            draws.append(following[place])
            following[place] += 1
        return self._sources[met[-count:]].astype(np.int16), np.array(draws[-count:], dtype=np.int64)

    def at_many(self, positions_P: Integers) -> Rows:
        """Rows at any positions, each 0 <= t < N: sources and draws."""
        sources, draws = np.empty(positions_P.size, dtype=np.int16), np.empty(positions_P.size, dtype=np.int64)
        chunk = max(CHUNK_CELLS // self._sources.size, 1)
        for low in range(0, positions_P.size, chunk):
            part = slice(low, min(low + chunk, positions_P.size))
            places, draws[part] = self._at_chunk(positions_P[part])
            sources[part] = self._sources[places]
        return sources, draws

    def _at_chunk(self, positions_P: Integers) -> tuple[Integers, Integers]:
        drawn_PD, rest_PD = self._divide(2 * positions_P[:, None] + 1)
        spare_P = drawn_PD.sum(axis=1) - positions_P
        places, draws = np.empty_like(positions_P), np.empty_like(positions_P)
        behind, ahead = np.flatnonzero(spare_P > 0), np.flatnonzero(spare_P <= 0)
        found, taken = self._take_many(rest_PD[behind, ::-1].astype(np.float64), self._twice[::-1], spare_P[behind] - 1)
        places[behind] = self._later - found
        draws[behind] = drawn_PD[behind, places[behind]] - 1 - taken
        found, taken = self._take_many((self._period - rest_PD[ahead]).astype(np.float64), self._twice, -spare_P[ahead])
        places[ahead] = found
        draws[ahead] = drawn_PD[ahead, found] + taken
        return places, draws

    def _divide(self, odd: Integers | np.int64) -> tuple[Integers, Integers]:
        """d_k and r_k of the module's text for (2t + 1), exactly; the products wrap, their small difference does not."""
        drawn = (self._shares * odd + 0.5).astype(np.int64)
        rest: Integers = self._quotas * odd
        rest += self._period // 2
        rest -= drawn * self._period
        low, high = rest < 0, rest >= self._period
        if low.any() or high.any():
            step = high.astype(np.int64) - low
            drawn += step
            rest -= step * self._period
        return drawn, rest

    def _walk_back(self, rest_D: Integers, steps: int) -> list[int]:
        """Places of the latest draws before: the order from behind, so of equal times the later source comes first."""
        return [self._later - place for place in self._walk(rest_D[::-1].astype(np.float64), self._twice[::-1], steps)]

    def _walk(self, numerators_D: Floats, twice_D: Floats, steps: int) -> list[int]:
        """Places of the next draws, in order; at least one."""
        times = numerators_D / twice_D
        met: list[int] = []
        if steps <= FEW_STEPS:
            while True:
                place = int(times.argmin())  # the first of equal times
                met.append(place)
                if len(met) == steps:
                    return met
                times[place] = (float(numerators_D[place]) + self._period * met.count(place)) / float(twice_D[place])
        heap = list(zip(times.tolist(), range(times.size), strict=True))
        heapify(heap)
        numerators, twice = numerators_D.tolist(), twice_D.tolist()
        for _ in range(steps):
            place = heap[0][1]
            met.append(place)
            numerators[place] += self._period
            heapreplace(heap, (numerators[place] / twice[place], place))
        return met

    def _take_many(self, numerators_PD: Floats, twice_D: Floats, steps_P: Integers) -> tuple[Integers, Integers]:
        """Place of the draw that is met after so many steps, and how many of its source were met before it."""
        places, taken = np.empty_like(steps_P), np.empty_like(steps_P)
        rows = np.arange(steps_P.size)
        times, first = numerators_PD / twice_D, numerators_PD.copy()
        for step in range(int(steps_P.max(initial=-1)) + 1):
            place = times.argmin(axis=1)
            done = steps_P == step
            if done.any():
                here = rows[done]
                places[here] = place[done]
                at = np.flatnonzero(done), place[done]
                taken[here] = np.rint((numerators_PD[at] - first[at]) / self._period)
                keep = ~done
                rows, steps_P, place = rows[keep], steps_P[keep], place[keep]
                times, numerators_PD, first = times[keep], numerators_PD[keep], first[keep]
            at = np.arange(rows.size), place
            numerators_PD[at] += self._period
            times[at] = numerators_PD[at] / twice_D[place]
        return places, taken
