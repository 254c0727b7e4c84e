"""Epochs are permutations, held-out windows are never drawn, windows are where the definition puts them."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.mixture.draws import Draws, decimal_fraction, holdout_windows
from mathcode_data.mixture.windows import Windows


@hypothesis.given(st.integers(1, 60), st.integers(0, 59), st.integers(0, 2**63 - 1))
def test_every_epoch_holds_each_training_window_once_and_no_held_out_one(num_windows: int, num_holdout: int, seed: int):
    num_holdout = min(num_holdout, num_windows - 1)
    draws = Draws(seed=seed, source="math", scope="", num_windows=num_windows, num_holdout=num_holdout)
    held = set(draws.holdout().tolist())
    stock = num_windows - num_holdout
    assert len(held) == num_holdout
    epochs = [draws.windows(epoch * stock, (epoch + 1) * stock).tolist() for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == sorted(set(range(num_windows)) - held)
    together = draws.windows(0, 3 * stock).tolist()
    assert together == sum(epochs, []) == [draws.window(draw) for draw in range(3 * stock)]  # noqa: RUF017
    if stock > 8:
        assert epochs[0] != epochs[1]


def test_seed_source_and_scope_each_change_the_order_and_the_scope_keeps_the_holdout():
    base = {"seed": 1, "source": "math", "scope": "", "num_windows": 500, "num_holdout": 50}
    orders = {}
    for key, value in {"seed": 2, "source": "code", "scope": "two"}.items():
        orders[key] = Draws(**(base | {key: value}))
    first = Draws(**base)
    assert len({tuple(draws.windows(0, 450).tolist()) for draws in (first, *orders.values())}) == 4
    assert orders["scope"].holdout().tolist() == first.holdout().tolist()
    assert set(orders["seed"].holdout().tolist()) != set(first.holdout().tolist())


def test_a_part_of_the_holdout_is_that_part():
    draws = Draws(seed=1, source="math", scope="", num_windows=100, num_holdout=20)
    assert draws.holdout(3, 9).tolist() == draws.holdout().tolist()[3:9]
    with pytest.raises(IndexError, match="of 20"):
        draws.holdout(0, 21)


def test_shares_mean_the_decimal_number_that_was_written():
    assert decimal_fraction(0.1) * 10 == 1
    assert holdout_windows(0.1, 30) == 3  # as a double 0.1 is more than a tenth, which would round up to 4
    assert [holdout_windows(share, 1000) for share in (0.0, 1e-9, 0.0005, 0.001, 1.0)] == [0, 1, 1, 1, 1000]


@hypothesis.given(st.lists(st.integers(0, 60), max_size=8), st.integers(1, 12))
def test_windows_are_numbered_through_the_shards_and_lie_within_them(num_tokens: list[int], length: int):
    expected = [
        (shard, start)
        for shard, tokens in enumerate(num_tokens)
        for start in range(0, tokens, length)
        if start + length + 1 <= tokens
    ]  # fmt: skip
    windows = Windows(num_tokens, length)
    assert len(windows) == len(expected)
    shards, starts = windows.locate(np.arange(len(expected)))
    assert list(zip(shards.tolist(), starts.tolist(), strict=True)) == expected
    assert [windows.locate_one(window) for window in range(len(expected))] == expected
    for ask in (windows.locate_one, lambda window: windows.locate([window])):
        for window in (-1, len(expected)):
            with pytest.raises(IndexError, match="legal are"):
                ask(window)
