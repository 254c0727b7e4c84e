"""From draw to window, in closed form: epochs, the held-out set, and what stages share.

A source has W windows. One permutation, keyed by seed and source, says which are held out: its last H = ceil(share * W)
places are never trained on, its first T = W - H are the training stock. Draw j belongs to epoch j // T and takes place
j mod T of that epoch's own permutation of range(T), keyed by seed, source, scope and epoch. So every epoch holds each
training window once, in a fresh order, and any draw is found without an index.

The scope is "" where stages continue each other's draws (across_stages: disjoint), and the stage's name where each begins
its own (repeat). Keys name the source, not its place in the file, so that another order of the sources keeps their samples.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.mixture.permute import Permutation

# N draws in any order
FEW_DRAWS = 8
"""So few are found one by one, 8 us each; a pass over an array costs 60 us of calls."""

EPOCHS_KEPT = 256
"""Permutations of a source that are kept, half a kilobyte each; making one costs as much as ten positions."""


def decimal_fraction(value: float) -> Fraction:
    """The number that was written, exactly: 0.001 is 1/1000 and not the nearest double.

    >>> decimal_fraction(0.001), decimal_fraction(8)
    (Fraction(1, 1000), Fraction(8, 1))
    """
    return Fraction(repr(value))


def holdout_windows(share: float, num_windows: int) -> int:
    """Windows that a share of a source holds out: rounded up, so that a share above 0 always holds one.

    >>> holdout_windows(0.001, 2500), holdout_windows(0.0, 2500)
    (3, 0)
    """
    return math.ceil(decimal_fraction(share) * num_windows)


class Draws:
    """The draws of one source within one scope.

    >>> draws = Draws(seed=1, source="math", scope="", num_windows=10, num_holdout=2)
    >>> held = draws.holdout().tolist()
    >>> sorted(draws.windows(0, 8).tolist() + held) == list(range(10)), draws.windows(7, 8).tolist() == [draws.window(7)]
    (True, True)
    """

    def __init__(self, *, seed: int, source: str, scope: str, num_windows: int, num_holdout: int) -> None:
        """`num_windows` is W and `num_holdout` is H of the module's text."""
        self.identity = [seed, source, scope]
        """What the order of the draws hangs on."""
        self.num_windows = num_windows
        self.num_holdout = num_holdout
        self.num_training = num_windows - num_holdout
        self._places = Permutation(num_windows, canonical_json(["holdout", seed, source])) if num_holdout else None
        self._epoch = lru_cache(maxsize=EPOCHS_KEPT)(self._epoch_permutation)

    def _epoch_permutation(self, epoch: int) -> Permutation:
        return Permutation(self.num_training, canonical_json(["epoch", *self.identity, epoch]))

    def orders(self, epoch: int) -> tuple[Permutation, Permutation | None]:
        """What takes a draw's place in its epoch to its window: the epoch's order, then the places of the training stock."""
        return self._epoch(epoch), self._places

    def epoch_of(self, draw: int) -> int:
        """Epoch that a draw belongs to, from 0."""
        return draw // self.num_training

    def window(self, draw: int) -> int:
        """Window of one draw."""
        epoch, slot = divmod(draw, self.num_training)
        place = self._epoch(epoch)(slot)
        return place if self._places is None else self._places(place)

    def windows(self, first: int, stop: int, compiled: bool = False) -> NDArray[np.int64]:
        """Windows of the draws first..stop-1; `compiled`: by machine code."""
        parts = []
        while first < stop:
            epoch, slot = divmod(first, self.num_training)
            count = min(stop - first, self.num_training - slot)
            parts.append(self._epoch(epoch).span(slot, slot + count, compiled))
            first += count
        places = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        return places if self._places is None else self._places.many(places)

    def windows_of(self, draws_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Windows of any draws, in any order."""
        if draws_N.size <= FEW_DRAWS:
            return np.array([self.window(draw) for draw in draws_N.tolist()], dtype=np.int64)
        epochs, places = np.divmod(draws_N, self.num_training)
        low, high = int(epochs.min()), int(epochs.max())
        if low == high:
            places = self._epoch(low).many(places)
        else:
            for epoch in np.unique(epochs).tolist():
                chosen = epochs == epoch
                places[chosen] = self._epoch(epoch).many(places[chosen])
        return places if self._places is None else self._places.many(places)

    def holdout(self, first: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """Windows first..stop-1 of the held-out set, in random order: any first part of it is a fair sample."""
        end = self.num_holdout if stop is None else stop
        if not 0 <= first <= end <= self.num_holdout:
            raise IndexError(f"held-out windows {first}..{end} of {self.num_holdout}; raise the source's `holdout`")
        if self._places is None:
            return np.zeros(0, dtype=np.int64)
        return self._places.span(self.num_training + first, self.num_training + end)
