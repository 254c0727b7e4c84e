"""Which samples a step trains on: a function of the position alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainer.memory_mixture import MemoryMixture

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.trainer.data import BatchPlan, Prefetcher, make_batch, plan_batches

plans = st.builds(BatchPlan, st.integers(1, 200), st.integers(1, 50))


@given(plans, st.integers(1, 9), st.integers(1, 7))
def test_order_of_positions_is_the_same_for_any_world_size_and_micro_batch(plan, world_size, micro):
    read = [
        position
        for step in range(plan.num_steps)
        for rank in range(world_size)
        for batch in plan.micro_batches(step, micro, rank, world_size)
        for position in batch
    ]
    assert read == list(range(plan.num_samples))


@given(plans, st.integers(1, 9))
def test_ranks_get_equal_shares_up_to_one_sample(plan, world_size):
    for step in range(plan.num_steps):
        sizes = [len(plan.positions(step, rank, world_size)) for rank in range(world_size)]
        assert max(sizes) - min(sizes) <= 1


def test_global_batch_k_is_positions_k_times_g_on():
    plan = BatchPlan(num_samples=10, global_batch_samples=4)
    assert [list(plan.positions(step)) for step in range(plan.num_steps)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_max_tokens_cuts_to_whole_samples():
    assert plan_batches(100, 16, 4, max_tokens=16 * 9 + 15).num_samples == 9
    assert plan_batches(100, 16, 4, max_tokens=None).num_samples == 100
    with pytest.raises(ConfigError, match="max_tokens 15 is less than one sample of 16 tokens"):
        plan_batches(100, 16, 4, max_tokens=15)


def test_prefetching_keeps_the_order_and_reads_nothing_twice():
    data = MemoryMixture()
    requests = [range(3), range(3, 4), range(4, 9)]
    prefetcher = Prefetcher(data, requests, vocab_size=32)
    try:
        for positions in requests:
            assert np.array_equal(prefetcher.next().tokens_BS1, data._rows[positions.start : positions.stop])
    finally:
        prefetcher.close()
    assert data.asked == list(range(9))
    assert prefetcher.waited_s >= 0


def test_a_token_outside_the_vocabulary_names_position_row_and_id():
    tokens = np.array([[1, 2, 3], [4, 70_000, 6]], dtype=np.int32)
    with pytest.raises(DataError, match=r"here: row 1, token 1: id 70000 is outside the model's vocabulary of 32; set model\.vocab_size"):
        make_batch((tokens, np.zeros(2, np.int16), [], np.ones((2, 2), bool)), 32, "here")


def test_an_error_in_the_reading_thread_reaches_the_trainer():
    data = MemoryMixture(vocab_size=64)
    prefetcher = Prefetcher(data, [range(8)], vocab_size=2)
    try:
        with pytest.raises(DataError, match=r"mixture positions 0\.\.7: row"):
            prefetcher.next()
    finally:
        prefetcher.close()
