"""Sort the draws of a block by virtual time, exactly, for any number of sources and any quotas.

Every draw gets a fixed-point time within the block, rounded down, with its number (source by source) in the low bits: one
int64 sort gives the order. Rounding can only misplace draws whose fixed-point times differ by at most one unit, about
2**-25 of the distance between rows; those pairs are compared exactly, and a run that is out of order is sorted exactly.
Draws of one source are ascending already, so the sort is a merge of D runs, which numpy's stable sort finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key

import numpy as np
from numpy.typing import NDArray

TIME_BITS = 62
SAFE_PRODUCT = 2**62


def sort_by_time(
    quotas: Sequence[int], start: int, stop: int, before: list[int], after: list[int], compiled: bool = False
) -> NDArray[np.int64]:
    """Number of the draw in each of the rows start..stop-1 (see `lattice.Block.order`); `compiled`: by machine code."""
    num_rows = stop - start
    total = sum(quotas)
    active = [k for k, (low, high) in enumerate(zip(before, after, strict=True)) if low < high]
    counts = np.array([after[k] - before[k] for k in active], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    # every draw of the block has its time in ((start - D - 2) / N, (stop + D + 2) / N): the prefix law
    margin = len(quotas) + 2
    scale = (total << TIME_BITS) // (num_rows + 2 * margin)
    first, step = [], []
    for k in active:
        numerator = (2 * before[k] + 1) * total - 2 * quotas[k] * (start - margin)
        first.append(numerator * scale // (2 * quotas[k] * total))
        step.append(scale // quotas[k] if after[k] - before[k] > 1 else 0)  # a lone draw's step may exceed an int64
    # the m-th draw is low by less than m + 1 <= num_rows units, so the low bits are noise and make room for the number
    low_bits = num_rows.bit_length()
    active_quotas = [quotas[k] for k in active]
    if compiled and _fits(active_quotas):
        return _sort_compiled(
            counts,
            np.array(first, dtype=np.int64),
            np.array(step, dtype=np.int64),
            low_bits,
            _Draws(active_quotas, [before[k] for k in active], starts),
        )
    keys = np.arange(num_rows, dtype=np.int64)
    keys -= np.repeat(starts, counts)
    keys *= np.repeat(np.array(step, dtype=np.int64), counts)
    keys += np.repeat(np.array(first, dtype=np.int64), counts)
    keys &= np.int64(-1 << low_bits)
    keys |= np.arange(num_rows, dtype=np.int64)
    keys.sort(kind="stable")
    order = keys & np.int64((1 << low_bits) - 1)
    keys >>= np.int64(low_bits)
    near = np.flatnonzero(keys[1:] - keys[:-1] <= 1)
    if near.size:
        _settle(order, near, _Draws(active_quotas, [before[k] for k in active], starts))
    return order


def _fits(quotas: list[int]) -> bool:
    """Whether products of a quota and twice a draw fit an int64."""
    most = max(quotas)
    return 2 * most * most + 2 * most < SAFE_PRODUCT


def _sort_compiled(
    counts: NDArray[np.int64], first: NDArray[np.int64], step: NDArray[np.int64], low_bits: int, draws: _Draws
) -> NDArray[np.int64]:
    from mathcode_data.mixture.machine_code import fill_keys, read_order, settle

    keys = np.empty(int(counts.sum()), dtype=np.int64)
    fill_keys(keys, counts, first, step, low_bits)
    keys.sort(kind="stable")
    near = np.empty(keys.size, dtype=np.bool_)
    if read_order(keys, low_bits, near):
        settle(keys, near, draws.starts, np.array(draws.before, dtype=np.int64), np.array(draws.quotas, dtype=np.int64))
    return keys


class _Draws:
    """Source, draw and exact time of a draw given by its number in the block."""

    def __init__(self, quotas: list[int], before: list[int], starts: NDArray[np.int64]) -> None:
        self.quotas = quotas
        self.before = before
        self.starts = starts

    def source(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position of each draw's source among the active ones."""
        return np.searchsorted(self.starts, numbers, side="right").astype(np.int64) - 1

    def compare(self, left: int, right: int) -> int:
        """Exact order of two draws by (time, source): -1 or 1."""
        i, k = (int(np.searchsorted(self.starts, number, side="right")) - 1 for number in (left, right))
        odd_left = 2 * (self.before[i] + left - int(self.starts[i])) + 1
        odd_right = 2 * (self.before[k] + right - int(self.starts[k])) + 1
        difference = odd_left * self.quotas[k] - odd_right * self.quotas[i]
        return -1 if (difference, left) < (0, right) else 1

    def are_in_order(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each left draw comes before its right one."""
        i, k = self.source(left), self.source(right)
        if not _fits(self.quotas):
            return np.fromiter((self.compare(a, b) < 0 for a, b in zip(left.tolist(), right.tolist(), strict=True)), np.bool_, left.size)
        quotas, first = np.array(self.quotas, dtype=np.int64), np.array(self.before, dtype=np.int64) - self.starts
        odd_left, odd_right = 2 * (first[i] + left) + 1, 2 * (first[k] + right) + 1
        difference = odd_left * quotas[k] - odd_right * quotas[i]
        in_order: NDArray[np.bool_] = (difference < 0) | ((difference == 0) & (left < right))
        return in_order


def _settle(order: NDArray[np.int64], near: NDArray[np.int64], draws: _Draws) -> None:
    """Put right, in place, the draws at `near` and the rows after them."""
    wrong = ~draws.are_in_order(order[near], order[near + 1])
    if not wrong.any():
        return
    run_starts = np.flatnonzero(np.diff(near, prepend=np.int64(-2)) > 1)
    run_of = np.searchsorted(run_starts, np.flatnonzero(wrong), side="right") - 1
    edges = np.append(run_starts, near.size)
    for run in np.unique(run_of).tolist():
        low, high = int(near[edges[run]]), int(near[edges[run + 1] - 1]) + 2
        order[low:high] = sorted(order[low:high].tolist(), key=cmp_to_key(draws.compare))
