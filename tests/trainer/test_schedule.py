"""Learning rates at the edges, to the token."""

from __future__ import annotations

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import Cosine, MultiStep, WarmupStableDecay
from mathcode_data.trainer.schedule import LearningRates, lr_factor


def factors(schedule, tokens, total=1000, batch=10):
    return [lr_factor(schedule, tokens=t, batch_tokens=batch, total_tokens=total) for t in tokens]


def rates(schedule, total=1000, stages=()):
    return LearningRates(schedule, 2.0, batch_tokens=10, total_tokens=total, sequence_length=5, stages=list(stages))


def test_warm_up_rises_by_steps_and_ends_at_the_peak():
    schedule = MultiStep(kind="multi_step", warmup_steps=4)
    assert factors(schedule, [0, 10, 20, 30, 40]) == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_deepseek_drops_stand_at_exactly_80_and_90_percent():
    schedule = MultiStep(kind="multi_step", warmup_steps=0)
    assert factors(schedule, [0, 799, 800, 899, 900, 999]) == [1.0, 1.0, 0.316, 0.316, 0.1, 0.1]


def test_drops_are_exact_where_binary_fractions_are_not():
    schedule = MultiStep(kind="multi_step", warmup_steps=0, drops=((0.07, 0.5),))
    total = 100 * 10**12  # 0.07 as a binary number times this is 7000000000000.001
    assert factors(schedule, [7 * 10**12 - 1, 7 * 10**12], total=total) == [1.0, 0.5]


def test_cosine_begins_at_the_peak_halves_in_the_middle_and_ends_at_its_final_factor():
    schedule = Cosine(kind="cosine", warmup_steps=10, final_factor=0.1)
    assert factors(schedule, [100, 550, 1000]) == pytest.approx([1.0, 0.55, 0.1])


@pytest.mark.parametrize(("shape", "middle"), [("linear", 0.5), ("sqrt", 1 - 0.5**0.5)])
def test_wsd_is_flat_and_then_decays_over_its_share(shape, middle):
    schedule = WarmupStableDecay(kind="wsd", warmup_steps=2, decay_share=0.2, decay_shape=shape)
    assert factors(schedule, [20, 799, 800, 900, 1000]) == pytest.approx([1.0, 1.0, 1.0, middle, 0.0])


def test_wsd_without_decay_stays_at_the_peak():
    assert factors(WarmupStableDecay(kind="wsd", warmup_steps=0, decay_share=0.0), [0, 999]) == [1.0, 1.0]


def test_restart_at_stages_runs_the_whole_schedule_in_each():
    schedule = MultiStep(kind="multi_step", warmup_steps=2, restart_at="stages")
    found = rates(schedule, stages=[{"first_sample": 0}, {"first_sample": 120}])  # the second begins at token 600
    assert [found.at(t) for t in (0, 10, 480, 540, 590)] == [1.0, 2.0, 0.632, 0.2, 0.2]
    assert [found.at(t) for t in (600, 610, 920, 960)] == [1.0, 2.0, 0.632, 0.2]
    one = rates(MultiStep(kind="multi_step", warmup_steps=2, restart_at=(600,)))
    assert [one.at(t) for t in range(0, 1000, 10)] == [found.at(t) for t in range(0, 1000, 10)]


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match=r"warmup_steps: 2000 steps .* take the whole course of 1,000 tokens; use fewer than 100"):
        rates(MultiStep(kind="multi_step"))


def test_a_restart_outside_the_run_is_refused():
    with pytest.raises(ConfigError, match="restart_at: 5,000 tokens is not inside the run of 1,000 tokens"):
        rates(MultiStep(kind="multi_step", warmup_steps=0, restart_at=(5000,)))
