"""Megatron's greedy blend, bit for bit: at each step the source that is furthest behind its share is drawn.

Equal to `build_blending_indices` and `build_exhaustive_blending_indices` of megatron-core's C++ helpers (reference/formats.md,
section 3), in double precision and with its quirk: step 0 is weighed as step 1.

Each row depends on the counts after the row before, yet greedy runs from two different counts soon become one and the same
(after 0 to 3 rows as a rule). So for few sources many segments run side by side in numpy, each from guessed counts; a
segment whose guess is not what the segment before ends with runs again from there. The segments up to the first one that
disagrees began with the true counts, so what is kept is the serial result, whatever was guessed. A source with a tiny
weight can keep two runs apart for long; then, and for many sources, rows are made one by one, about 1 to 3 us each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SEGMENT_ROWS = 256
MIN_SEGMENTS, MAX_SEGMENTS = 64, 1024
MAX_PASSES = 6
MAX_SOURCES = 32
"""Side by side, a row costs 3 numpy operations per source; with more sources than this one by one is as fast."""
MANY_SOURCES = 32
"""From here on a row by itself is faster as three numpy calls than as a Python loop over the sources."""
MAX_SERIAL_ROWS = 1 << 18

Rows = tuple[NDArray[np.int16], NDArray[np.int64]]
Floats = NDArray[np.float64]


def build_blending_indices(weights: Sequence[float], size: int) -> Rows:
    """Source and count of each of `size` rows; weights are used as they are given (Megatron divides by their sum before).

    >>> build_blending_indices([0.75, 0.25], 4)
    (array([0, 1, 0, 0], dtype=int16), array([0, 0, 1, 2]))
    """
    return _Greedy(np.array(weights, dtype=np.float64), np.full(len(weights), np.inf)).take(size)


def build_exhaustive_blending_indices(quotas: Sequence[int]) -> Rows:
    """Source and count of each row until every quota is spent.

    A quota of 0 is left out: Megatron's loop may draw from such a source and then never ends.

    >>> build_exhaustive_blending_indices([3, 1])[0].tolist()
    [0, 1, 0, 0]
    """
    parts = list(exhaustive_blocks(quotas, max(sum(quotas), 1)))
    return parts[0] if parts else (np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64))


def exhaustive_blocks(quotas: Sequence[int], block_rows: int) -> Iterator[Rows]:
    """The exhaustive blend in blocks, so that memory stays flat."""
    total = sum(quotas)
    numbers = np.array([source for source, quota in enumerate(quotas) if quota], dtype=np.int16)
    left = np.array([quota for quota in quotas if quota], dtype=np.float64)
    greedy = _Greedy(left / np.float64(total), left)
    for first in range(0, total, block_rows):
        sources, counts = greedy.take(min(block_rows, total - first))
        yield numbers[sources], counts


class _Greedy:
    """The state between two rows: step and counts. Counts are doubles as in C++, exact below 2**53."""

    def __init__(self, weights: Floats, quotas: Floats) -> None:
        self._weights = weights
        self._quotas = quotas
        self._counts = np.zeros(weights.size, dtype=np.float64)
        self._step = 0
        self._segments = MIN_SEGMENTS
        self._serial_rows = 0
        self._pause = SEGMENT_ROWS

    def take(self, num_rows: int) -> Rows:
        """The next rows."""
        parts: list[Rows] = []
        while num_rows:
            segments = min(num_rows // SEGMENT_ROWS, self._segments)
            if self._serial_rows or segments < MIN_SEGMENTS or self._weights.size > MAX_SOURCES:
                part = self._one_by_one(min(num_rows, self._serial_rows or SEGMENT_ROWS * MIN_SEGMENTS))
                self._serial_rows = max(self._serial_rows - part[0].size, 0)
            else:
                part = self._side_by_side(segments)
                self._learn(part[0].size, segments)
            parts.append(part)
            num_rows -= part[0].size
        if not parts:
            return np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64)
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _learn(self, num_rows: int, segments: int) -> None:
        """After a try that kept most segments take more of them; else go on one by one for a while, longer each time."""
        if 2 * num_rows >= segments * SEGMENT_ROWS:
            self._segments = min(2 * self._segments, MAX_SEGMENTS)
            self._pause = SEGMENT_ROWS
        else:
            self._segments = MIN_SEGMENTS
            self._pause = min(4 * self._pause, MAX_SERIAL_ROWS)
            self._serial_rows = self._pause

    def _one_by_one(self, num_rows: int) -> Rows:
        """Rows one after the other; only sources with quota left compete."""
        choose = self._choose_in_numpy if self._weights.size >= MANY_SOURCES else self._choose_in_python
        sources = choose(range(self._step, self._step + num_rows))
        chosen = np.array(sources, dtype=np.int16)
        before = np.empty(num_rows, dtype=np.int64)
        for k in np.unique(chosen).tolist():
            places = np.flatnonzero(chosen == k)
            before[places] = np.arange(places.size, dtype=np.int64) + int(self._counts[k])
            self._counts[k] += places.size
        self._step += num_rows
        return chosen, before

    def _choose_in_python(self, steps: range) -> list[int]:
        weights, counts, quotas = self._weights.tolist(), self._counts.tolist(), self._quotas.tolist()
        active = [k for k in range(len(weights)) if counts[k] < quotas[k]]
        sources = []
        for step in steps:
            now = float(step or 1)
            errors = [weights[k] * now - counts[k] for k in active]
            k = active[errors.index(max(errors))]
            sources.append(k)
            counts[k] += 1.0
            if counts[k] == quotas[k]:
                active.remove(k)
        return sources

    def _choose_in_numpy(self, steps: range) -> list[int]:
        counts = np.where(self._counts < self._quotas, self._counts, np.inf)  # a spent source is never the furthest behind
        left = (self._quotas - self._counts).tolist()
        errors = np.empty_like(counts)
        sources = []
        for step in steps:
            np.multiply(self._weights, float(step or 1), out=errors)
            errors -= counts
            k = int(errors.argmax())
            sources.append(k)
            counts[k] += 1.0
            left[k] -= 1.0
            if not left[k]:
                counts[k] = np.inf
        return sources

    def _side_by_side(self, num_segments: int) -> Rows:
        """Rows of the segments, of so many, that are certain.

        A source that is spent is behind nobody but for rounding (the errors of all sum to 0), so all compete here, and the
        segments from the first one that overdraws a source are left for `_one_by_one`.
        """
        starts = self._step + SEGMENT_ROWS * np.arange(num_segments, dtype=np.int64)
        begins = _rounded_shares(self._weights, starts)
        begins[:, 0] = self._counts
        ends = np.empty_like(begins)
        sources = np.empty((SEGMENT_ROWS, num_segments), dtype=np.int16)
        before = np.empty((SEGMENT_ROWS, num_segments), dtype=np.int64)
        again = np.arange(num_segments)
        for _ in range(MAX_PASSES):
            ends[:, again], sources[:, again], before[:, again] = _run(self._weights, begins[:, again], starts[again])
            again = 1 + np.flatnonzero((ends[:, :-1] != begins[:, 1:]).any(axis=0))
            if not again.size:
                break
            begins[:, again] = ends[:, again - 1]
        certain = int(again[0]) if again.size else num_segments
        overdrawn = np.flatnonzero((ends[:, :certain] > self._quotas[:, None]).any(axis=0))
        certain = int(overdrawn[0]) if overdrawn.size else certain
        if certain:
            self._counts = ends[:, certain - 1].copy()
            self._step += SEGMENT_ROWS * certain
        return sources[:, :certain].T.reshape(-1), before[:, :certain].T.reshape(-1)


def _run(weights: Floats, counts: Floats, starts: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int16], NDArray[np.int64]]:
    """Run segments side by side. `counts` is (sources, segments); gives the counts at the end, and rows by (row, segment)."""
    state = counts.copy()
    sources = np.empty((SEGMENT_ROWS, starts.size), dtype=np.int16)
    before = np.empty((SEGMENT_ROWS, starts.size), dtype=np.int64)
    segments = np.arange(starts.size)
    error, best, is_more = np.empty(starts.size), np.empty(starts.size), np.empty(starts.size, dtype=np.bool_)
    for row in range(SEGMENT_ROWS):
        steps = np.maximum(starts + row, 1).astype(np.float64)
        chosen = sources[row]
        chosen[:] = 0
        np.multiply(steps, weights[0], out=best)
        best -= state[0]
        for k in range(1, weights.size):
            np.multiply(steps, weights[k], out=error)
            error -= state[k]
            np.greater(error, best, out=is_more)  # the first of equal errors wins, as in C++
            np.copyto(chosen, k, where=is_more)
            np.maximum(best, error, out=best)
        drawn = state[chosen, segments]
        before[row] = drawn
        state[chosen, segments] = drawn + 1.0
    return state, sources, before


def _rounded_shares(weights: Floats, steps: NDArray[np.int64]) -> Floats:
    """A guess of the counts after so many steps: shares rounded so that they sum to the steps; (sources, segments)."""
    shares = weights[:, None] * steps.astype(np.float64)
    counts = np.floor(shares)
    missing = np.rint(steps - counts.sum(axis=0))
    places = np.argsort(np.argsort(counts - shares, axis=0, kind="stable"), axis=0, kind="stable")
    counts += places < missing
    return counts
