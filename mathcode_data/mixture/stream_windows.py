"""Windows of draws of many streams at once: a batch of a mixture has a few draws of each of its sources."""

# N draws, of any streams, in any order

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.permute import Permutation, permute_each
from mathcode_data.mixture.replays import Replays

FEW_STREAMS = 3
"""So few streams are done one by one."""


def windows_of_streams(streams: Sequence[Draws | Replays], which_N: NDArray[np.int64], draws_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Window of each draw; draw n is one of stream which[n], and every stream has some. Equal to `streams[which[n]].window(draw)`."""
    together = [number for number, stream in enumerate(streams) if isinstance(stream, Draws)]
    if len(together) == len(streams) > FEW_STREAMS:
        return _together([stream for stream in streams if isinstance(stream, Draws)], which_N, draws_N)
    windows = np.empty(draws_N.size, dtype=np.int64)
    if len(together) > FEW_STREAMS:
        chosen = np.flatnonzero(np.isin(which_N, together))
        places = np.searchsorted(together, which_N[chosen])
        windows[chosen] = _together([stream for stream in streams if isinstance(stream, Draws)], places, draws_N[chosen])
    else:
        together = []
    for number in set(range(len(streams))).difference(together):
        chosen = np.flatnonzero(which_N == number)
        windows[chosen] = streams[number].windows_of(draws_N[chosen])
    return windows


def _together(draws: list[Draws], which_N: NDArray[np.int64], draws_N: NDArray[np.int64]) -> NDArray[np.int64]:
    stocks = np.array([one.num_training for one in draws], dtype=np.int64)
    epochs, slots = np.divmod(draws_N, stocks[which_N])
    pairs, order_N = np.unique(epochs * len(draws) + which_N, return_inverse=True)
    orders = [draws[pair % len(draws)].orders(pair // len(draws)) for pair in pairs.tolist()]
    slots = permute_each([order for order, _ in orders], order_N, slots)
    held: list[Permutation | None] = [places for _, places in orders]
    if not any(held):
        return slots
    has_N = np.array([places is not None for places in held])[order_N]
    known = [places or orders[number][0] for number, places in enumerate(held)]
    slots[has_N] = permute_each(known, order_N[has_N], slots[has_N])
    return slots
