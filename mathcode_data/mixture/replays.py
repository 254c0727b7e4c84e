"""What an earlier stage saw, drawn again: a fresh order of exactly those windows.

A stage drew ranges of draws of a source. Draws of one epoch are windows without repetition, so the set that is replayed are
the draws of one epoch: the whole epoch where the stage saw one, and else the epoch of which it saw the most. Nearly always that is
all that the stage saw; only a stage that begins in one epoch and ends in the next without a whole one between saw windows
that are not in it, and no window that is in it twice. Replay draw r is place r mod n of pass r // n, each pass a permutation of the n
windows keyed by seed, source, stage and pass; later stages that replay the same stage go on where the one before stopped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.permute import Permutation

Ranges = list[tuple[int, int]]
"""Draws first..stop-1, each range not empty."""


def replayable(ranges: Sequence[tuple[int, int]], num_training: int) -> Ranges:
    """The part of the ranges of draws that lies in the epoch they cover most; of equal ones the latest.

    >>> replayable([(5, 12)], 10), replayable([(5, 25)], 10)
    ([(5, 10)], [(10, 20)])
    """
    by_epoch: defaultdict[int, Ranges] = defaultdict(list)
    for first, stop in ranges:
        for epoch in _epochs_of(first, stop, num_training):
            by_epoch[epoch].append((max(first, epoch * num_training), min(stop, (epoch + 1) * num_training)))
    if not by_epoch:
        return []
    best = max(by_epoch, key=lambda epoch: (sum(stop - first for first, stop in by_epoch[epoch]), epoch))
    merged: Ranges = []
    for first, stop in sorted(by_epoch[best]):
        if merged and merged[-1][1] == first:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((first, stop))
    return merged


def _epochs_of(first: int, stop: int, num_training: int) -> Sequence[int]:
    """Epochs that can be the best of a range: its first two and its last two; all between are whole, as good as one of those."""
    low, high = first // num_training, (stop - 1) // num_training
    return sorted({low, min(low + 1, high), max(high - 1, low), high}) if first < stop else ()


class Replays:
    """The replay draws of one stage's windows of one source; answers as `Draws` does."""

    def __init__(self, draws: Draws, ranges: Ranges, stage: str) -> None:
        """`ranges` are of `draws`, from `replayable`; `stage` is the replayed one."""
        self.draws = draws
        """What the earlier stage drew from."""
        self.ranges = ranges
        self._firsts = np.array([first for first, _ in ranges], dtype=np.int64)
        self._ends = np.cumsum([stop - first for first, stop in ranges], dtype=np.int64)
        self.num_training = int(self._ends[-1])
        """Windows of a pass."""
        self._stage = stage
        self._pass = lru_cache(maxsize=4)(self._pass_permutation)

    def _pass_permutation(self, number: int) -> Permutation:
        return Permutation(self.num_training, canonical_json(["replay", *self.draws.identity, self._stage, number]))

    def epoch_of(self, draw: int) -> int:
        """Pass that a draw belongs to, from 0."""
        return draw // self.num_training

    def window(self, draw: int) -> int:
        """Window of one replay draw."""
        number, slot = divmod(draw, self.num_training)
        return self.draws.window(int(self._seen(np.array([self._pass(number)(slot)]))[0]))

    def windows(self, first: int, stop: int, compiled: bool = False) -> NDArray[np.int64]:  # noqa: ARG002 - as of Draws; replays are few
        """Windows of the replay draws first..stop-1."""
        return self.windows_of(np.arange(first, stop, dtype=np.int64))

    def windows_of(self, draws_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Windows of any replay draws."""
        passes, slots = np.divmod(draws_N, self.num_training)
        places = np.empty(draws_N.size, dtype=np.int64)
        for number in np.unique(passes).tolist():
            chosen = passes == number
            places[chosen] = self._pass(number).many(slots[chosen])
        return self.draws.windows_of(self._seen(places))

    def _seen(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The draw of the earlier stage at each place of the set."""
        ranges = np.searchsorted(self._ends, places, side="right")
        starts = np.concatenate([np.zeros(1, dtype=np.int64), self._ends[:-1]])
        found: NDArray[np.int64] = self._firsts[ranges] + places - starts[ranges]
        return found
