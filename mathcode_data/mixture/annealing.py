"""Weights that change over a stage: the stage as consecutive segments with constant quotas, exact in integers.

The share of a source goes from that of `weights` to that of `final_weights`. `linear`: sample x of N has the share
from + (to - from) * x / N, and the stage is cut into K = min(1024, sqrt(N), 2**18 / D) segments that each have the mean of
their own samples. Steps: K segments, and segment m has from + (to - from) * m / (K - 1). What is replayed has a constant share.

C_i(k) is the sum of these shares over the first k segments. The count of source i after k segments is C_i(k) rounded down
or up, never falls, and the counts sum to the samples: Tijdeman's chairman assignment theorem (1980) says that such counts
are there for any shares, and serving the earliest deadline first finds them: what must be there after a segment goes first,
then one more for those whose share passes the next whole number soonest, of equal ones the largest fraction, then the
source named first. With one segment this is the largest-remainder rule.

Law: within a segment the lattice's own bound holds, so after t samples of a stage the count of a source with the share w in
the segment is within 1 + 1/2 + w D / 2 of C_i at t; `linear` adds |to - from| N / (8 K**2) at most, 17 samples in 134 million,
for the line that a segment's constant share stands for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import isqrt, lcm
from typing import NamedTuple

MAX_SEGMENTS = 1024
MAX_CELLS = 2**18
"""Segments x sources: what planning them takes stays under a second."""


class Segment(NamedTuple):
    """Samples of a stage with constant quotas."""

    first_sample: int
    """Within the stage."""
    num_samples: int
    quotas: tuple[int, ...]
    before: tuple[int, ...]
    """Counts in the segments before."""


class Curve(NamedTuple):
    """How the shares of a stage's own sources run; whole-number weights in the order of the stage's streams."""

    start: list[int]
    end: list[int]
    steps: int | None
    """None: linear."""


def whole_weights(weights: Sequence[Fraction]) -> list[int]:
    """The same proportions in whole numbers.

    >>> whole_weights([Fraction(1, 2), Fraction(1, 3)])
    [3, 2]
    """
    scale = lcm(*(weight.denominator for weight in weights))
    return [int(weight * scale) for weight in weights]


def num_segments(curve: Curve, num_samples: int) -> int:
    """Segments of a stage of so many samples."""
    if curve.steps is not None:
        return curve.steps
    return max(1, min(MAX_SEGMENTS, isqrt(num_samples), MAX_CELLS // len(curve.start)))


def constant(quotas: Sequence[int]) -> list[Segment]:
    """The one segment of a stage whose shares do not change."""
    return [Segment(0, sum(quotas), tuple(quotas), (0,) * len(quotas))]


def annealed(curve: Curve, own: int, replayed: Sequence[int]) -> list[Segment]:
    """Cut a stage into segments.

    Args:
        curve: weights of the stage's own sources.
        own: samples that they divide.
        replayed: samples of each replayed stream, which keep their share throughout.

    Returns:
        The segments; their quotas are those of the own sources, then those of the replayed streams.

    >>> [segment.quotas for segment in annealed(Curve([1, 0], [0, 1], 2), 10, [])]
    [(5, 0), (0, 5)]
    """
    total = own + sum(replayed)
    parts = num_segments(curve, total)
    edges = [total * part // parts for part in range(parts + 1)]
    sums, unit = _cumulated(curve, own, replayed, edges)
    return _allot(sums, unit, edges)


def _cumulated(curve: Curve, own: int, replayed: Sequence[int], edges: list[int]) -> tuple[list[list[int]], int]:
    """C_i at the end of each segment, for every stream, in whole numbers of 1 / unit."""
    total, parts = edges[-1], len(edges) - 1
    sums_of_weights = sum(curve.start), sum(curve.end)
    # how far the shares have gone in each segment, in whole numbers of 1 / way
    gone = [low + high for low, high in pairwise(edges)] if curve.steps is None else list(range(parts))
    way = 2 * total if curve.steps is None else max(parts - 1, 1)
    unit = way * sums_of_weights[0] * sums_of_weights[1] * total
    sums = []
    for start, end in zip(curve.start, curve.end, strict=True):
        at_start, at_end = start * sums_of_weights[1] * own, end * sums_of_weights[0] * own
        reached, found = 0, []
        for part in range(parts):
            reached += (at_start * (way - gone[part]) + at_end * gone[part]) * (edges[part + 1] - edges[part])
            found.append(reached)
        sums.append(found)
    sums += [[count * edge * (unit // total) for edge in edges[1:]] for count in replayed]
    return sums, unit


def _allot(sums: list[list[int]], unit: int, edges: list[int]) -> list[Segment]:
    floors = [[reached // unit for reached in stream] for stream in sums]
    counts = [0] * len(sums)
    segments = []
    for part, (low, high) in enumerate(pairwise(edges)):
        wanted = [max(count, stream[part]) for count, stream in zip(counts, floors, strict=True)]
        missing = high - sum(wanted)
        # the next sample of a source may come once its share has begun it, and must have come when the share completes it
        ready = [k for k, stream in enumerate(sums) if wanted[k] * unit < stream[part]]
        ready.sort(key=lambda k: (bisect_left(floors[k], wanted[k] + 1), wanted[k] * unit - sums[k][part], k))
        assert 0 <= missing <= len(ready), "the chairman assignment theorem gives every segment its samples"
        for k in ready[:missing]:
            wanted[k] += 1
        quotas = tuple(after - before for before, after in zip(counts, wanted, strict=True))
        segments.append(Segment(low, high - low, quotas, tuple(counts)))
        counts = wanted
    return segments
