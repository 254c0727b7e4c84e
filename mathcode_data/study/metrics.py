"""Forgetting, retention and their intervals: a paired bootstrap over seeds and, within each seed, over windows or items.

Paired: a resample draws the same seeds and, within them, the same windows for every run that is compared, so what is hard in a window
cancels. Intervals are the 2.5 % and 97.5 % quantiles. With three seeds the part of the spread that lies between seeds is known from
three numbers only; the intervals say no more than that.
"""

# B resamples, S seeds, N windows or items of a seed, K runs that are compared

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError

Values = Sequence[NDArray[np.float64]]
"""Per seed the values of a run on each window or item."""
Means = Mapping[str, NDArray[np.float64]]
"""Mean of each run in every resample (B,); of the data itself, arrays of one."""
Statistic = Callable[[Means], NDArray[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A number and what it may as well be."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """above, below or around 0."""
        return "above" if self.low > 0 else "below" if self.high < 0 else "around"

    def to_json(self) -> dict[str, float | None]:
        """As plain data; what is not finite becomes null."""
        return {name: float(value) if np.isfinite(value) else None for name, value in vars(self).items()}


def forgetting(curve: Sequence[float]) -> float:
    """How far the last loss lies above the best one on the way.

    >>> forgetting([2.0, 1.5, 1.75]), forgetting([2.0, 1.5])
    (0.25, 0.0)
    """
    if not curve:
        raise DataError("forgetting: the curve has no point; measure held-out losses at least once")
    return curve[-1] - min(curve)


def retention(base: NDArray[np.float64], peak: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of a gain: (after - base) / (peak - base); 1 is all, 0 none. The same for losses and for scores.

    Nothing was gained where peak is base: then it is not a number.

    >>> float(retention(np.array([12.2]), np.array([25.0]), np.array([29.3]))[0].round(2))
    1.34
    """
    gained = peak - base
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gained == 0, np.nan, (after - base) / gained)


def difference(first: str, second: str) -> Statistic:
    """The statistic `first - second`."""
    return lambda means: means[first] - means[second]


def paired_interval(runs: Mapping[str, Values], statistic: Statistic, *, resamples: int, seed: int = 0) -> Interval:
    """A statistic of the means of some runs, with its 95 % interval.

    Args:
        runs: per run, per seed, its values; all runs have the same windows or items in the same order.
        statistic: of the means, each of shape (B,).
        resamples: B.
        seed: of the resampling.

    Raises:
        DataError: runs differ in seeds, or in their number of windows.
    """
    stacked_SKN = _stack(runs)
    names = list(runs)
    own = {name: np.array([np.mean([values_KN[number].mean() for values_KN in stacked_SKN])]) for number, name in enumerate(names)}
    value = float(statistic(own)[0])
    generator = np.random.default_rng([seed, 0x5EED])
    num_seeds = len(stacked_SKN)
    sums_BK = np.zeros((resamples, len(names)))
    for _ in range(num_seeds):
        drawn_B = generator.integers(0, num_seeds, resamples)
        for number, values_KN in enumerate(stacked_SKN):
            chosen = np.flatnonzero(drawn_B == number)
            size = values_KN.shape[1]
            counts_BN = generator.multinomial(size, np.full(size, 1 / size), chosen.size)
            sums_BK[chosen] += counts_BN @ values_KN.T / size
    means = {name: sums_BK[:, number] / num_seeds for number, name in enumerate(names)}
    found = statistic(means)
    finite = found[np.isfinite(found)]
    if not finite.size or not np.isfinite(value):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _stack(runs: Mapping[str, Values]) -> list[NDArray[np.float64]]:
    """Per seed an array (K, N)."""
    seeds = {name: len(values) for name, values in runs.items()}
    if not runs or len(set(seeds.values())) != 1 or not next(iter(seeds.values())):
        raise DataError(f"runs to compare have {seeds} seeds; every run needs the same ones")
    stacked = []
    for number in range(next(iter(seeds.values()))):
        sizes = {name: len(values[number]) for name, values in runs.items()}
        if len(set(sizes.values())) != 1 or not next(iter(sizes.values())):
            raise DataError(f"runs to compare have {sizes} values in seed number {number}; they must be on the same windows or items")
        stacked.append(np.stack([np.asarray(values[number], dtype=np.float64) for values in runs.values()]))
    return stacked
