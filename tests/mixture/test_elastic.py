"""The global batch of a step is the same positions at every data-parallel size, and one integer resumes."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.elastic import ElasticBatches

PLANS = st.fixed_dictionaries({
    "num_samples": st.integers(0, 200), "global_batch_size": st.integers(1, 40), "micro_batch_size": st.none() | st.integers(1, 9),
    "drop_last": st.booleans(),
})  # fmt: skip


def ranks(plan: dict, world_size: int, first_sample: int = 0) -> list[ElasticBatches]:
    """All ranks of a world; a plan that they cannot share evenly is no example here."""
    try:
        return [ElasticBatches(**plan, rank=rank, world_size=world_size, first_sample=first_sample) for rank in range(world_size)]
    except ConfigError as error:
        assert "would have fewer than the others" in str(error)
        hypothesis.reject()


def fits(size: int, world_size: int, micro_batch_size: int | None) -> bool:
    """Whether a step can be shared: counted on the blocks themselves."""
    blocks = [size * (rank + 1) // world_size - size * rank // world_size for rank in range(world_size)]
    return min(blocks) >= max(-(-block // (micro_batch_size or size)) for block in blocks)


@hypothesis.given(PLANS, st.integers(1, 12))
def test_all_ranks_have_as_many_micro_batches_at_every_step_or_the_plan_is_refused(plan: dict, world_size: int):
    whole, rest = divmod(plan["num_samples"], plan["global_batch_size"])
    sizes = [plan["global_batch_size"]] * min(whole, 1) + [rest] * (rest > 0 and not plan["drop_last"])
    possible = all(fits(size, world_size, plan["micro_batch_size"]) for size in sizes)
    try:
        world = [ElasticBatches(**plan, rank=rank, world_size=world_size) for rank in range(world_size)]
    except ConfigError:
        assert not possible
        return
    assert possible
    alone = ElasticBatches(**plan)
    assert len({len(list(one)) for one in world}) == 1
    for step in range(alone.num_steps):
        parts = [one.micro_batches(step) for one in world]
        assert len({len(pieces) for pieces in parts}) == 1
        assert all(pieces for pieces in parts)
        for pieces in parts:
            assert min(map(len, pieces)) >= 1
            assert max(map(len, pieces)) <= min(min(map(len, pieces)) + 1, plan["micro_batch_size"] or len(pieces[0]))
        assert {p for pieces in parts for piece in pieces for p in piece} == set(alone.step(step))


def test_five_processes_end_each_epoch_together():
    plan = {"num_samples": 8835, "global_batch_size": 64, "micro_batch_size": 4, "drop_last": True}
    assert [len(list(one)) for one in ranks(plan, 5)] == [138 * 4] * 5
    with pytest.raises(ConfigError, match="the last step has 3 samples, 5 processes .*drop_last=True, which leaves out this step at every"):
        ElasticBatches(8835, 64, world_size=5, micro_batch_size=4)
    with pytest.raises(ConfigError, match=r"global_batch_size 64, 5 processes .* \(micro_batch_size 1\).* take a multiple of 5, or use"):
        ElasticBatches(8835, 64, world_size=5, micro_batch_size=1, drop_last=True)
    with pytest.raises(ConfigError, match=r"global_batch_size 4, 5 processes .* the smallest share is 0 samples"):
        ElasticBatches(8835, 4, world_size=5, drop_last=True)
    assert len(ElasticBatches(3, 4, world_size=5, drop_last=True)) == 0


@hypothesis.given(PLANS, st.integers(1, 12), st.data())
def test_each_step_is_the_next_positions_whatever_the_number_of_processes(plan: dict, world_size: int, data):
    first = data.draw(st.integers(0, plan["num_samples"]))
    world = ranks(plan, world_size, first)
    at = first
    for step in range(world[0].num_steps):
        parts = [one.step(step) for one in world]
        joined = [position for part in parts for position in part]
        assert joined == list(range(at, at + len(joined)))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        full = len(joined) == plan["global_batch_size"]
        assert full or (step == world[0].num_steps - 1 and not plan["drop_last"])
        at += len(joined)
        assert world[0].consumed_samples(step + 1) == at
        for one in world:
            pieces = one.micro_batches(step)
            assert [position for piece in pieces for position in piece] == list(one.step(step))
            assert all(len(piece) <= (plan["micro_batch_size"] or len(piece)) for piece in pieces)
    left = plan["num_samples"] - at
    assert 0 <= left < plan["global_batch_size"] if plan["drop_last"] else left == 0
    for one in world:
        assert len(list(one)) == len(one)


@hypothesis.given(PLANS, st.integers(1, 6), st.integers(1, 6), st.data())
def test_going_on_at_another_size_draws_what_is_left_and_nothing_else(plan: dict, before: int, after: int, data):
    world = ranks(plan, before)
    steps = data.draw(st.integers(0, world[0].num_steps))
    resumed = ranks(plan, after, world[0].consumed_samples(steps))
    assert resumed[0].num_steps == world[0].num_steps - steps
    for step in range(resumed[0].num_steps):
        assert {p for one in resumed for p in one.step(step)} == {p for one in world for p in one.step(steps + step)}


def test_a_plan_of_fifteen_trillion_tokens_costs_nothing():
    batches = ElasticBatches(3_662_109_375, 4096, rank=511, world_size=512, first_sample=3_000_000_001)
    assert next(iter(batches)) == list(range(3_000_000_001 + 4088, 3_000_000_001 + 4096))
    assert len(batches) == batches.num_steps == -(-662_109_374 // 4096)


@pytest.mark.parametrize(("changes", "says"), [
    ({"rank": 2, "world_size": 2}, "rank 2 of 2 processes; ranks are 0..1"), ({"global_batch_size": 0}, "global_batch_size 0"),
    ({"first_sample": 11}, "first_sample 11 of a mixture of 10 samples"), ({"micro_batch_size": 0}, "micro_batch_size 0"),
])  # fmt: skip
def test_what_cannot_be_is_refused(changes: dict, says: str):
    with pytest.raises(ConfigError, match=says):
        ElasticBatches(**({"num_samples": 10, "global_batch_size": 4} | changes))
    with pytest.raises(ConfigError, match=r"step 3 of 3; steps are 0\.\.2"):
        ElasticBatches(10, 4).step(3)
