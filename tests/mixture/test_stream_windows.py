"""Draws of many streams at once are the draws one by one."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.permute import Permutation, permute_each
from mathcode_data.mixture.replays import Replays, replayable
from mathcode_data.mixture.stream_windows import windows_of_streams


@hypothesis.given(st.lists(st.one_of(st.integers(1, 50), st.integers(1, 2**40), st.just(2**63)), min_size=1, max_size=6), st.data())
def test_rows_of_many_permutations_go_where_each_sends_them(sizes: list[int], data):
    permutations = [Permutation(size, bytes([number])) for number, size in enumerate(sizes)]
    count = data.draw(st.sampled_from([0, 1, 5, 33, 200]))
    generator = np.random.default_rng(data.draw(st.integers(0, 9)))
    which = generator.integers(0, len(sizes), count)
    indices = np.array([int(generator.integers(0, min(sizes[k], 2**63 - 1))) for k in which.tolist()], dtype=np.int64)
    found = permute_each(permutations, which, indices)
    assert found.tolist() == [permutations[k](index) for k, index in zip(which.tolist(), indices.tolist(), strict=True)]


def test_an_index_outside_its_own_permutation_is_refused():
    permutations = [Permutation(5, b"a"), Permutation(900, b"b")]
    for which, index in ((0, 5), (1, 900), (1, -1)):
        with pytest.raises(IndexError, match="each lies below its size"):
            permute_each(permutations, np.array([which]), np.array([index]))


@pytest.mark.parametrize("num_replays", [0, 2])
@pytest.mark.parametrize("num_draws", [1, 3, 7])
@pytest.mark.parametrize("count", [1, 8, 40, 500])
def test_windows_of_many_streams_are_the_windows_one_by_one(num_replays: int, num_draws: int, count: int):
    """With and without holdouts, over several epochs, with replays among them."""
    streams: list[Draws | Replays] = [
        Draws(seed=5, source=f"s{number}", scope="", num_windows=20 + 13 * number, num_holdout=number % 3) for number in range(num_draws)
    ]
    first = streams[0]
    assert isinstance(first, Draws)
    streams += [Replays(first, replayable([(3, 12 + number)], first.num_training), f"stage{number}") for number in range(num_replays)]
    generator = np.random.default_rng(count)
    which = np.sort(generator.permutation(np.arange(count) % len(streams)))
    present, which = np.unique(which, return_inverse=True)
    chosen = [streams[number] for number in present.tolist()]
    draws = generator.integers(0, 100, count)
    found = windows_of_streams(chosen, which, draws)
    assert found.tolist() == [chosen[k].window(draw) for k, draw in zip(which.tolist(), draws.tolist(), strict=True)]
