"""A virtual mixture writes no index, and is position by position the one that is written; 15 T tokens are no matter."""

from __future__ import annotations

import time
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.storage import read_json
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.schema import Recipe
from mathcode_data.mixture.trace import trace_sample
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.mixture.whatif import preview

EVERYTHING = [
    {"name": "one", "tokens": {"code": 400, "math": 200}},
    {"name": "two", "tokens": 800, "weights": {"code": 2, "math": 1}, "final_weights": {"math": 1},
     "replay": {"stage": "one", "share": "20%"}},
    {"name": "three", "epochs": {"math": 1.1}, "tokens": {"code": 80}},
]  # fmt: skip


@pytest.fixture
def plan(build, make_recipe, tmp_path: Path) -> Plan:
    build(make_recipe(stages=EVERYTHING))
    build(make_recipe(stages=EVERYTHING, index="virtual"), tmp_path / "virtual")
    return Plan(read_json(tmp_path / "virtual" / "mixture.json"))


def test_only_mixture_json_is_written_and_both_are_one_mixture(plan: Plan, tmp_path: Path):
    assert [path.name for path in (tmp_path / "virtual").iterdir()] == ["mixture.json"]
    written, virtual = (read_json(tmp_path / name / "mixture.json") for name in ("mixture", "virtual"))
    assert written["fingerprint"] == virtual["fingerprint"]
    assert (written["index"], virtual["index"], virtual["files"]) == ("written", "virtual", {})
    assert plan.is_virtual


def test_positions_in_any_order_are_the_rows_that_are_written(plan: Plan, tmp_path: Path):
    sources, windows = (np.load(tmp_path / "mixture" / f"{name}.npy") for name in ("dataset_index", "dataset_sample_index"))
    generator = np.random.default_rng(0)
    for positions in (
        np.arange(plan.num_samples), generator.permutation(plan.num_samples), generator.integers(0, plan.num_samples, 500),
        np.zeros(0, dtype=np.int64), np.array([plan.num_samples - 1]), np.arange(0, plan.num_samples, 3),
    ):  # fmt: skip
        found = plan.entries(positions)
        assert (found[0].dtype, found[1].dtype) == (np.dtype("<i2"), np.dtype("<i8"))
        assert np.array_equal(found[0], sources[positions])
        assert np.array_equal(found[1], windows[positions])
    for wrong in ([-1], [0, plan.num_samples]):
        with pytest.raises(IndexError, match="positions are"):
            plan.entries(np.array(wrong))


def test_dataset_trace_and_verify_work_without_an_index(plan: Plan, tmp_path: Path):
    with MixtureDataset(tmp_path / "virtual") as virtual, MixtureDataset(tmp_path / "mixture") as written:
        for ours, theirs in zip(virtual.batch(range(40, 120)), written.batch(range(40, 120)), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert trace_sample(tmp_path / "virtual", 77) == trace_sample(tmp_path / "mixture", 77)
    for folder in ("virtual", "mixture"):
        assert verify_mixture(tmp_path / folder, full=True) == []


def test_a_folder_changes_from_written_to_virtual_and_back(build, make_recipe, tmp_path: Path):
    for index, names in (("written", 4), ("virtual", 1), ("virtual", 1), ("written", 4)):
        build(make_recipe(index=index))
        assert len(list((tmp_path / "mixture").iterdir())) == names
        assert verify_mixture(tmp_path / "mixture") == []


@hypothesis.settings(max_examples=25)
@hypothesis.given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6).filter(any), st.integers(0, 2**32), st.data())
def test_blocks_and_single_positions_agree_at_any_size(quotas, seed, data):
    plan = plan_of(dict(enumerate(quotas)), seed)
    total = plan.num_samples
    start = data.draw(st.integers(0, total - 1))
    positions = np.arange(start, min(start + 50, total))
    block = plan.entries(positions)
    scattered = plan.entries(positions[::-1])
    assert np.array_equal(block[0], scattered[0][::-1])
    assert np.array_equal(block[1], scattered[1][::-1])
    places = [plan.place(position) for position in positions.tolist()]
    assert [(place.source, place.window) for place in places] == list(zip(block[0].tolist(), block[1].tolist(), strict=True))


def plan_of(samples: dict, seed: int = 0, length: int = 4096, spare: int = 10) -> Plan:
    """A plan of sources with a few windows more than are drawn."""
    return Plan({
        "sequence_length": length, "seed": seed, "blend": "lattice", "across_stages": "disjoint", "packing": "concat", "index": "virtual",
        "sources": [
            {"name": str(name), "windows": count + spare, "holdout_windows": 0, "shards": [{"num_tokens": (count + spare) * length + 1}]}
            for name, count in samples.items()
        ],
        "stages": [{
            "name": "a", "first_sample": 0, "num_samples": sum(samples.values()),
            "sources": {str(name): {"num_samples": count} for name, count in samples.items()},
        }],
    })  # fmt: skip


@pytest.mark.slow  # 1.5 s: 512 segments of 128 streams
def test_fifteen_trillion_tokens_of_64_sources_are_planned_and_read_at_any_position():
    """3.7e9 samples: beyond 2**31, and no array of their size is made."""
    recipe = Recipe.model_validate({
        "name": "huge", "sequence_length": 4096, "index": "virtual",
        "sources": {f"s{k}": {"shards": "x", "max_epochs": 9} for k in range(64)},
        "stages": [
            {"name": "a", "tokens": "10T", "weights": {f"s{k}": k + 1 for k in range(64)}},
            {"name": "b", "tokens": "5T", "weights": {f"s{k}": 1 for k in range(64)}, "final_weights": {"s0": 1, "s63": 9},
             "replay": {"stage": "a", "share": "1%"}},
        ],
    })  # fmt: skip
    began = time.perf_counter()
    info = preview(recipe, [], {}, {f"s{k}": 500 * 10**9 for k in range(64)})
    assert info["num_samples"] == 15 * 10**12 // 4096
    info |= {"seed": 3, "blend": "lattice", "across_stages": "disjoint", "packing": "concat"}
    for source in info["sources"]:
        source |= {"windows": source["training_windows"], "holdout_windows": 0, "shards": [{"num_tokens": source["num_tokens"]}]}
    plan = Plan(info)
    positions = np.array([0, 2**31 - 1, 2**31, 2**31 + 1, plan.num_samples - 1], dtype=np.int64)
    sources, windows = plan.entries(positions)
    assert time.perf_counter() - began < 60, "no pass over the samples"
    assert [(plan.place(p).source, plan.place(p).window) for p in positions.tolist()] == list(
        zip(sources.tolist(), windows.tolist(), strict=True)
    )
    assert windows.dtype == np.int64
    drawn = plan.drawn_before(plan.num_samples)
    assert [sum(counts) for counts in drawn] == [stage.num_samples for stage in plan.stages]


def test_windows_beyond_two_to_the_31_and_62_do_not_wrap():
    for windows in (2**31 + 5, 2**40, 2**62):
        plan = plan_of({"a": windows, "b": 3}, length=1)
        positions = np.array([0, windows // 2, windows + 2], dtype=np.int64)
        _, found = plan.entries(positions)
        assert found.tolist() == [plan.place(position).window for position in positions.tolist()]
        assert int(found.min()) >= 0
        assert int(found.max()) < windows + 13
        assert int(plan.entries(np.arange(windows - 100, windows))[1].max()) > 2**30
