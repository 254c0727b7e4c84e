"""A mixture that goes on from another never draws what was consumed while unseen windows remain, through any chain."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, StaleOutputError
from mathcode_data.core.manifest import self_hash
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.continuing import read_parent
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.sources import source_from_paths
from mathcode_data.mixture.verify import verify_mixture

CODE_WINDOWS, MATH_WINDOWS = 211, 55


def parent_of(folder: Path, consumed: int):
    return read_parent(folder, read_mixture(folder), consumed)


def drawn(folder: Path, stop: int | None = None) -> list[tuple[str, int]]:
    """Source name and window of the samples 0..stop-1, from the plan."""
    plan = Plan(read_json(folder / "mixture.json"))
    sources, windows = np.array([(place.source, place.window) for place in map(plan.place, range(stop or plan.num_samples))]).T
    return [(plan.sources[source].name, window) for source, window in zip(sources.tolist(), windows.tolist(), strict=True)]


def counts_of(info: dict, stage: int = 0) -> dict[str, int]:
    return {name: part["num_samples"] for name, part in info["stages"][stage]["sources"].items()}


@pytest.mark.parametrize("consumed", [0, 1, 100, 150, 151, 275])
@pytest.mark.parametrize("index", ["written", "virtual"])
def test_no_consumed_window_comes_again_and_budgets_are_exact(build, make_recipe, tmp_path: Path, consumed: int, index: str):
    build(make_recipe(index=index))
    before = drawn(tmp_path / "mixture", consumed) if consumed else []
    left = {
        "code": CODE_WINDOWS - sum(name == "code" for name, _ in before),
        "math": 4 * MATH_WINDOWS - sum(n == "math" for n, _ in before),
    }
    stages = [{"name": "rest", "tokens": {"code": 8 * min(left["code"], 90), "math": 8 * min(left["math"], 40)}}]
    info = build(make_recipe(stages=stages, name="next"), tmp_path / "next", parent=parent_of(tmp_path / "mixture", consumed))
    assert counts_of(info) == {"code": min(left["code"], 90), "math": 40}
    after = drawn(tmp_path / "next")
    code = [window for name, window in before + after if name == "code"]
    assert len(code) == len(set(code))
    math = [window for name, window in before + after if name == "math"]
    for low in range(0, len(math), MATH_WINDOWS):
        part = math[low : low + MATH_WINDOWS]
        assert len(part) == len(set(part))
    record = info["continues"]
    assert (record["fingerprint"], record["consumed"], record["path"]) == (
        read_mixture(tmp_path / "mixture")["fingerprint"],
        consumed,
        "../mixture",
    )
    assert {name: entry["draws"] for name, entry in record["sources"].items()} == {
        name: sum(other == name for other, _ in before) for name in ("code", "math")
    }
    assert verify_mixture(tmp_path / "next", full=True) == []
    with MixtureDataset(tmp_path / "next") as dataset:
        assert dataset.sample(3).window == after[3][1]


def test_continuing_with_the_same_stages_is_going_on_as_if_nothing_had_changed(build, make_recipe, tmp_path: Path):
    one = [{"name": "all", "tokens": {"code": 1600}}]
    build(make_recipe(stages=one))
    rest = [{"name": "all", "tokens": {"code": 1600 - 8 * 77}}]
    build(make_recipe(stages=rest), tmp_path / "next", parent=parent_of(tmp_path / "mixture", 77))
    assert drawn(tmp_path / "mixture", 77) + drawn(tmp_path / "next") == drawn(tmp_path / "mixture")


def test_max_epochs_counts_what_was_consumed(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    parent = parent_of(tmp_path / "mixture", 150)
    stages = [{"name": "rest", "tokens": {"code": 8 * 112}}]
    says = r"'code' must give 112 samples .* to stage rest after 100 that were consumed: 1.01 epochs .* ask for at most 888 tokens"
    with pytest.raises(ConfigError, match=says):
        build(make_recipe(stages=stages), tmp_path / "next", parent=parent)
    stages[0]["on_exhausted"] = "repeat"
    info = build(make_recipe(stages=stages), tmp_path / "next", parent=parent)
    assert info["sources"][0]["epochs"] == 212 / 211
    assert verify_mixture(tmp_path / "next", full=True) == []


def test_a_source_may_come_go_and_come_again(build, make_recipe, shards, tmp_path: Path):
    """code, then text alone, then code again: the third knows what the first consumed."""
    build(make_recipe())
    text = {"text": {"shards": str(shards / "text")}}
    info = build(
        make_recipe(sources=text, stages=[{"name": "a", "tokens": {"text": 80}}]),
        tmp_path / "b",
        parent=parent_of(tmp_path / "mixture", 150),
    )
    assert "source 'text' is new: mixture did not draw from it" in info["notices"]
    assert "source 'code' of mixture is no longer drawn from" in info["notices"]
    third = make_recipe(
        sources=text | {"code": {"shards": str(shards / "code")}}, stages=[{"name": "a", "tokens": {"text": 8 * 31, "code": 8 * 111}}]
    )
    info = build(third, tmp_path / "c", parent=parent_of(tmp_path / "b", 7))
    assert info["continues"]["samples_in_all"] == 157
    everything = drawn(tmp_path / "mixture", 150) + drawn(tmp_path / "b", 7) + drawn(tmp_path / "c")
    for name in ("code", "text"):
        windows = [window for other, window in everything if other == name]
        assert len(windows) == len(set(windows))
    assert verify_mixture(tmp_path / "c", full=True) == []


@hypothesis.settings(max_examples=8, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=1, max_size=3), st.data())
def test_a_chain_of_any_consumed_parts_sees_each_window_once(build, make_recipe, tmp_path_factory, shards, budgets, data):
    folder = tmp_path_factory.mktemp("chain")
    sources = {"code": {"shards": str(shards / "code")}, "text": {"shards": str(shards / "text"), "max_epochs": 9}}
    seen, parent = [], None
    for number, (code, text) in enumerate(budgets):
        stages = [{"name": "s", "tokens": {"code": 8 * code + 8, "text": 8 * text}}]
        build(make_recipe(sources=sources, stages=stages), folder / str(number), parent=parent)
        consumed = data.draw(st.integers(0, code + 1 + text))
        seen += drawn(folder / str(number))[:consumed]
        parent = parent_of(folder / str(number), consumed)
        assert verify_mixture(folder / str(number), full=True) == []
    for name, stock in (("code", 211), ("text", 48)):
        windows = [window for other, window in seen if other == name]
        for low in range(0, len(windows), stock):
            assert len(set(windows[low : low + stock])) == len(windows[low : low + stock])


def test_a_mixture_in_megatrons_order_is_continued_by_what_its_index_says(build, make_recipe, tmp_path: Path):
    build(make_recipe(blend="megatron"))
    folder = tmp_path / "mixture"
    sources = np.load(folder / "dataset_index.npy")
    for consumed in (0, 60, 150, 200):
        ledger = parent_of(folder, consumed).ledger
        assert [ledger["sources"][name]["draws"] for name in ("code", "math")] == np.bincount(sources[:consumed], minlength=2).tolist()
    build(make_recipe(stages=[{"name": "r", "tokens": {"code": 400}}]), tmp_path / "next", parent=parent_of(folder, 200))
    with MixtureDataset(folder) as dataset:
        before = {dataset.sample(position).window for position in range(200) if sources[position] == 0}
    assert not before & {window for _, window in drawn(tmp_path / "next")}


def test_what_the_parent_saw_may_be_replayed_as_far_as_it_was_consumed(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    parent = parent_of(tmp_path / "mixture", 60)  # of stage one: 40 samples of code, 20 of math
    stages = [
        {"name": "more", "tokens": {"math": 400}, "replay": {"stage": "one", "share": "30%"}},
        {"name": "again", "tokens": {"math": 400}, "replay": {"stage": "more", "share": "10%"}},
    ]
    info = build(make_recipe(stages=stages), tmp_path / "next", parent=parent)
    assert info["stages"][0]["replay"][0]["sources"] == {"code": 10, "math": 5}
    plan = Plan(read_json(tmp_path / "next" / "mixture.json"))
    replayed = {(plan.sources[place.source].name, place.window) for place in map(plan.place, range(50)) if place.replay}
    assert len(replayed) == 15
    assert replayed <= set(drawn(tmp_path / "mixture", 60))
    assert verify_mixture(tmp_path / "next", full=True) == []
    # the third goes on replaying where the second stopped: 40 samples of code were seen, 10 of them were replayed
    third = [{"name": "last", "tokens": {"math": 8 * 60}, "replay": {"stage": "one", "share": "50%"}}]
    build(make_recipe(stages=third), tmp_path / "third", parent=parent_of(tmp_path / "next", 50))
    plan = Plan(read_json(tmp_path / "third" / "mixture.json"))
    again = [place.window for place in map(plan.place, range(60)) if place.replay and place.source == 0]
    assert len(again) == 20
    assert not set(again) & {window for name, window in replayed if name == "code"}
    with pytest.raises(ConfigError, match=r"replays 'two', which is no stage of this file nor of toy, as far as that was consumed"):
        build(make_recipe(stages=[{"name": "x", "tokens": {"math": 80}, "replay": {"stage": "two", "share": "5%"}}]), parent=parent)


@pytest.mark.parametrize(("changes", "says"), [
    ({"seed": 18}, r"seed: seed 18, and .*, which is continued, has 17; .*write seed: 17"),
    ({"sequence_length": 7}, "sequence_length 7, and .* has 8"),
    ({"across_stages": "repeat"}, "`across_stages: repeat` cannot go on"),
])  # fmt: skip
def test_what_would_move_the_consumed_windows_is_refused(build, make_recipe, tmp_path: Path, changes: dict, says: str):
    build(make_recipe())
    with pytest.raises(ConfigError, match=says):
        build(make_recipe(**changes), tmp_path / "next", parent=parent_of(tmp_path / "mixture", 10))
    assert not (tmp_path / "next").exists()


def test_changed_shards_and_another_holdout_are_refused_with_advice(build, make_recipe, shards, source_writer, tmp_path: Path):
    build(make_recipe())
    parent = parent_of(tmp_path / "mixture", 10)
    sources = {name: source.model_dump(exclude_none=True) for name, source in make_recipe().sources.items()}
    with pytest.raises(ConfigError, match="'math' holds out 13 windows, 7 in .*: write holdout: 0.1"):
        build(make_recipe(sources=sources | {"math": sources["math"] | {"holdout": 0.2}}), tmp_path / "next", parent=parent)
    source_writer(shards / "more", "more", [400])
    more = {"code": {"shards": [str(shards / "code"), str(shards / "more")]}}
    with pytest.raises(ConfigError, match=r"'code' has other shards .* \(3 now, 2 then\); .* add new shards as a source of their own"):
        build(make_recipe(sources=sources | more), tmp_path / "next", parent=parent)
    (shards / "code" / "code-00001.bin").unlink()
    source_writer(shards / "code", "code", [1000, 701])
    with pytest.raises(ConfigError, match=r"the first that differs is .*code-00001"):
        build(make_recipe(), tmp_path / "next", parent=parent)


def test_more_than_there_is_and_repeating_stages_cannot_be_consumed(build, make_recipe, tmp_path: Path):
    build(make_recipe(across_stages="repeat"))
    with pytest.raises(ConfigError, match="--consumed 276: .* has 275 samples"):
        parent_of(tmp_path / "mixture", 276)
    with pytest.raises(ConfigError, match="only a mixture with `across_stages: disjoint` can be continued"):
        parent_of(tmp_path / "mixture", 5)


def test_the_parent_is_not_overwritten_and_need_not_stay(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    parent = parent_of(tmp_path / "mixture", 10)
    with pytest.raises(ConfigError, match="the mixture that is continued, which stays as it is"):
        build(make_recipe(stages=[{"name": "r", "tokens": {"code": 80}}]), parent=parent)
    build(make_recipe(stages=[{"name": "r", "tokens": {"code": 80}}]), tmp_path / "next", parent=parent)
    (tmp_path / "mixture" / "mixture.json").unlink()
    assert verify_mixture(tmp_path / "next", full=True) == []


def test_a_ledger_that_is_not_what_the_parent_comes_to_is_found(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    build(make_recipe(stages=[{"name": "r", "tokens": {"code": 80}}]), tmp_path / "next", parent=parent_of(tmp_path / "mixture", 10))
    path = tmp_path / "next" / "mixture.json"
    info = read_json(path)
    info["continues"]["sources"]["code"]["draws"] += 1
    write_json(path, info | {"self_hash": self_hash(info)})
    assert any("continues: not what 10 samples of" in problem for problem in verify_mixture(tmp_path / "next"))


def test_an_unchanged_continuation_is_left_alone_and_another_part_gives_another_fingerprint(build, make_recipe, tmp_path: Path):
    build(make_recipe())
    recipe = make_recipe(stages=[{"name": "r", "tokens": {"code": 80}}])
    first = build(recipe, tmp_path / "next", parent=parent_of(tmp_path / "mixture", 10))
    assert build(recipe, tmp_path / "next", parent=parent_of(tmp_path / "mixture", 10)) == first
    other = build(recipe, tmp_path / "other", parent=parent_of(tmp_path / "mixture", 11))
    alone = build(recipe, tmp_path / "alone")
    assert len({first["fingerprint"], other["fingerprint"], alone["fingerprint"]}) == 3


def test_a_shard_that_changes_after_the_build_stops_the_dataset_of_a_continuation_too(build, make_recipe, shards, tmp_path: Path):
    build(make_recipe())
    recipe = make_recipe(stages=[{"name": "r", "tokens": {"code": 80}}])
    sources = [source_from_paths(name, source.shards) for name, source in recipe.sources.items()]
    build_mixture(recipe, sources, tmp_path / "next", parent=parent_of(tmp_path / "mixture", 10))
    path = shards / "code" / "code-00000.bin"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(StaleOutputError, match="code-00000"):
        MixtureDataset(tmp_path / "next")


def test_a_source_under_a_new_name_is_refused_for_it_would_be_drawn_from_the_beginning(build, make_recipe, shards: Path, tmp_path: Path):
    """It was taken for a new source: it drew what was consumed, and windows that had been held out."""
    build(make_recipe())
    sources = {"code": {"shards": str(shards / "code")}, "maths": {"shards": str(shards / "math"), "max_epochs": 4, "holdout": "10%"}}
    recipe = make_recipe(sources=sources, stages=[{"name": "rest", "tokens": {"maths": 80}}], name="next")
    with pytest.raises(ConfigError, match=r"source 'maths' has shards of 'math' in .*call it 'math', or take them out"):
        build(recipe, tmp_path / "next", parent=parent_of(tmp_path / "mixture", 100))
    assert not (tmp_path / "next").exists()
