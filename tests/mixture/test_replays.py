"""What is replayed is what was seen, each window once before any comes again, and it takes nothing from the stock."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.storage import read_json
from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.plan import Plan
from mathcode_data.mixture.replays import Replays, replayable
from mathcode_data.mixture.verify import verify_mixture


def index_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "dataset_index.npy"), np.load(folder / "dataset_sample_index.npy")


@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 50)), min_size=1, max_size=4), st.integers(1, 40), st.integers(0, 99)
)
def test_a_pass_is_the_windows_of_one_epoch_that_were_seen_each_once(spans, num_training, seed):
    ranges, end = [], 0
    for gap, size in spans:
        ranges.append((end + gap, end + gap + size))
        end += gap + size
    draws = Draws(seed=seed, source="math", scope="", num_windows=num_training + 3, num_holdout=3)
    chosen = replayable(ranges, num_training)
    replays = Replays(draws, chosen, "one")
    seen = {draw for first, stop in ranges for draw in range(first, stop)}
    kept = [draw for first, stop in chosen for draw in range(first, stop)]
    assert set(kept) <= seen
    assert len({draw // num_training for draw in kept}) == 1
    by_epoch = [sum(draw // num_training == epoch for draw in seen) for epoch in range(end // num_training + 1)]
    assert len(kept) == max(by_epoch) == replays.num_training
    size = replays.num_training
    windows = replays.windows(0, 3 * size)
    expected = sorted(draws.windows_of(np.array(kept)).tolist())
    for number in range(3):
        assert sorted(windows[number * size : (number + 1) * size].tolist()) == expected
    assert [replays.window(draw) for draw in range(3 * size)] == windows.tolist()
    anywhere = np.array([3 * size - 1, 0, size], dtype=np.int64)
    assert replays.windows_of(anywhere).tolist() == windows[anywhere].tolist()
    assert replays.epoch_of(2 * size) == 2


def replay_recipe(make_recipe, share="10%", **changes):
    return make_recipe(
        stages=[
            {"name": "code", "tokens": {"code": 800, "math": 80}},
            {"name": "math", "tokens": 1600, "weights": {"math": 3, "code": 1}, "replay": {"stage": "code", "share": share}},
        ],
        **changes,
    )


def test_a_replay_draws_seen_windows_and_takes_nothing_from_the_stock(build, make_recipe, tmp_path: Path):
    info = build(replay_recipe(make_recipe))
    plain = build(make_recipe(stages=[{"name": "code", "tokens": {"code": 800, "math": 80}}]), tmp_path / "plain")
    sources, windows = index_of(tmp_path / "mixture")
    stage = info["stages"][1]
    assert (stage["num_samples"], stage["tokens"]) == (200, 1600)
    assert stage["replay"] == [{"stage": "code", "share": 0.1, "num_samples": 20, "sources": {"code": 18, "math": 2}}]
    assert stage["replayed"] == {"code": {"tokens": 144, "num_samples": 18}, "math": {"tokens": 16, "num_samples": 2}}
    assert stage["sources"]["math"]["num_samples"] == 135 + 2
    assert stage["sources"]["math"]["epochs"] == 137 / 55
    assert np.bincount(sources[110:]).tolist() == [45 + 18, 137]
    assert sum(part["tokens_asked"] for part in stage["sources"].values()) == 1600
    plan = Plan(read_json(tmp_path / "mixture" / "mixture.json"))
    places = [plan.place(position) for position in range(plan.num_samples)]
    assert [place.window for place in places] == windows.tolist()
    replayed = [(place.source, place.window) for place in places[110:] if place.replay == "code"]
    seen = {(int(source), int(window)) for source, window in zip(sources[:110], windows[:110], strict=True)}
    assert len(replayed) == 20 == len(set(replayed))
    assert set(replayed) <= seen
    fresh = [place.window for place in places[110:] if place.source == 0 and place.replay is None]
    assert len(set(fresh) | set(windows[:110][sources[:110] == 0].tolist())) == 145  # disjoint from what was seen
    assert index_of(tmp_path / "plain")[1].tolist() == windows[:110].tolist()
    assert plain["num_samples"] == 110
    assert "replays take their shares" in info["rounding"]
    assert verify_mixture(tmp_path / "mixture", full=True) == []


def test_all_is_replayed_before_anything_comes_again_also_across_stages(build, make_recipe, tmp_path: Path):
    """10 samples are seen; two later stages replay 5 and 15 of them."""
    again = {"replay": {"stage": "a", "share": 0.5}}
    stages = [
        {"name": "a", "tokens": {"code": 80}},
        {"name": "b", "tokens": {"math": 80}, **again},
        {"name": "c", "tokens": {"math": 240}, **again},
    ]
    build(make_recipe(stages=stages))
    sources, windows = index_of(tmp_path / "mixture")
    replayed = windows[10:][sources[10:] == 0].tolist()
    assert len(replayed) == 20
    assert sorted(replayed[:10]) == sorted(replayed[10:]) == sorted(windows[:10].tolist())
    assert verify_mixture(tmp_path / "mixture", full=True) == []


def test_a_stage_that_saw_more_than_an_epoch_is_replayed_as_that_epoch(build, make_recipe, tmp_path: Path):
    stages = [{"name": "a", "epochs": {"math": 1.7}}, {"name": "b", "tokens": {"code": 8 * 110}, "replay": {"stage": "a", "share": "50%"}}]
    build(make_recipe(stages=stages))
    sources, windows = index_of(tmp_path / "mixture")
    assert sorted(windows[93:][sources[93:] == 1].tolist()) == sorted(set(windows[:93].tolist()))


def test_with_repeated_stages_the_replay_follows_that_stages_own_order(build, make_recipe, tmp_path: Path):
    build(replay_recipe(make_recipe, across_stages="repeat"))
    sources, windows = index_of(tmp_path / "mixture")
    plan = Plan(read_json(tmp_path / "mixture" / "mixture.json"))
    replayed = [plan.place(position).window for position in range(110, 310) if plan.place(position).replay and sources[position] == 0]
    assert set(replayed) <= set(windows[:110][sources[:110] == 0].tolist())
    assert verify_mixture(tmp_path / "mixture", full=True) == []


def test_several_replays_and_changing_weights_in_one_stage(build, make_recipe, tmp_path: Path):
    stages = [
        {"name": "a", "tokens": {"code": 400}},
        {"name": "b", "tokens": {"math": 320}},
        {"name": "c", "tokens": 800, "weights": {"code": 9, "math": 1}, "final_weights": {"math": 1}, "anneal": 5,
         "replay": [{"stage": "b", "share": "10%"}, {"stage": "a", "share": "5%"}]},
    ]  # fmt: skip
    info = build(make_recipe(stages=stages))
    assert info["stages"][2]["replayed"] == {"code": {"tokens": 40, "num_samples": 5}, "math": {"tokens": 80, "num_samples": 10}}
    assert info["stages"][2]["sources"]["code"]["tokens_asked"] == 0.85 * 800 * 0.45 + 40
    sources, _ = index_of(tmp_path / "mixture")
    assert np.bincount(sources[90:]).sum() == 100
    assert verify_mixture(tmp_path / "mixture", full=True) == []


def test_a_replay_of_nothing_or_of_a_later_stage_is_refused(build, make_recipe):
    from mathcode_data.core.errors import ConfigError

    stages = [{"name": "a", "tokens": {"code": 80}}, {"name": "b", "tokens": {"code": 80}, "replay": {"stage": "c", "share": "5%"}}]
    with pytest.raises(ConfigError, match=r"replays 'c', which is no stage of this file; .*--continue-from"):
        build(make_recipe(stages=stages))


def test_a_window_that_was_not_seen_is_found_by_verify(build, make_recipe, tmp_path: Path, monkeypatch):
    build(replay_recipe(make_recipe))
    seen = Replays.windows
    monkeypatch.setattr(Replays, "windows", lambda self, first, stop: (seen(self, first, stop) + 1) % 62)
    from mathcode_data.mixture.verify_laws import check_replays

    plan = Plan(read_json(tmp_path / "mixture" / "mixture.json"))
    assert any("replay of 'code'" in problem and "not seen" in problem for problem in check_replays(tmp_path / "mixture", plan))
