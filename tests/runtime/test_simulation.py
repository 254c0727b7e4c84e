"""Laws of the engine's simulation, which drives the real driver loop: nothing is lost, done twice, or left idle."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from bench.simulate_engine import Scenario, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.runtime.driver import MAX_RETRIES

SMALL = Scenario(shards=300, workers=7, failure_share=0.05, poison_shards=3, bytes_per_shard=1.0, measured=((1.0, 10.0), (1.0, 30.0)))


@settings(max_examples=15)
@given(shards=st.integers(1, 200), workers=st.integers(1, 50), share=st.floats(0.0, 0.6), poison=st.integers(0, 5), seed=st.integers(0, 99))
def test_every_shard_is_done_once_or_set_aside_after_its_limit(shards: int, workers: int, share: float, poison: int, seed: int):
    scenario = dataclasses.replace(SMALL, shards=shards, workers=workers, failure_share=share, poison_shards=poison, seed=seed)
    seen, found = simulate(scenario)
    assert len(seen.done) + len(seen.set_aside) == shards
    assert all(count == 1 for count in seen.done.values())
    assert len(seen.set_aside) >= min(poison, shards)
    assert max(seen.attempts.values()) <= 1 + sum(MAX_RETRIES.values())
    assert found["retries"] == sum(seen.attempts.values()) - shards
    assert seen.makespan_s >= seen.work_s / workers


def test_without_failures_the_makespan_lies_between_the_ideal_and_one_longest_shard_more():
    seen, found = simulate(dataclasses.replace(SMALL, failure_share=0.0, poison_shards=0))
    assert found["retries"] == 0
    assert seen.lost_s == 0
    total = seen.work_s / SMALL.workers
    assert total <= seen.makespan_s <= total + 30.0 + SMALL.start_s + 300 * (SMALL.assign_s + SMALL.settle_s)


def test_no_worker_idles_while_work_waits_but_for_the_driver():
    seen, _ = simulate(dataclasses.replace(SMALL, assign_s=0.0, settle_s=0.0))
    assert seen.idle_while_work_waits_s == pytest.approx(0.0, abs=1e-6)
    seen, found = simulate(dataclasses.replace(SMALL, workers=100, assign_s=0.5, settle_s=0.5))
    assert seen.idle_while_work_waits_s > 0, "a driver that needs a second per task cannot keep a hundred workers busy"
    assert found["driver_load"] > 0.8


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    (_, one), (_, same), (_, other) = (simulate(dataclasses.replace(SMALL, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_more_workers_never_take_longer_but_for_a_shard():
    times = [simulate(dataclasses.replace(SMALL, workers=workers, failure_share=0.0))[0].makespan_s for workers in (1, 4, 16, 64)]
    assert all(fewer + 30.0 > more for fewer, more in itertools.pairwise(times))
    assert times[0] > 10 * times[-1]
