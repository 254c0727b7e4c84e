"""Budgets in tokens, weights and epochs become exact samples; what a source cannot give is refused, repeated or renormalised."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.budgets import resolve_budgets, stock_of
from mathcode_data.mixture.quotas import divide, within_limits
from mathcode_data.mixture.schema import Recipe
from mathcode_data.mixture.verify import verify_mixture


def recipe_of(stages, num_sources: int = 2, length: int = 1, **changes) -> Recipe:
    sources = {f"s{number}": {"shards": "x", "max_epochs": 1} for number in range(num_sources)}
    return Recipe.model_validate({"name": "a", "sequence_length": length, "sources": sources, "stages": stages} | changes)


@hypothesis.settings(max_examples=60)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 400)), min_size=1, max_size=8), st.integers(0, 3000))
def test_renormalising_is_exact_and_keeps_the_proportions_of_those_that_last(parts, total):
    shares, limits = [Fraction(share) for share, _ in parts], [limit for _, limit in parts]
    found = within_limits(total, shares, limits) if any(shares) else None
    if found is None:
        assert not any(shares) or sum(limit for share, limit in parts if share) < total
        return
    assert sum(found) == total
    assert all(count <= limit for count, limit in zip(found, limits, strict=True))
    lasting = [k for k, (share, limit) in enumerate(parts) if share and found[k] < limit]
    rest = sum(found[k] for k in lasting)
    for k in lasting:
        assert abs(found[k] - rest * shares[k] / sum(shares[j] for j in lasting)) < 1
    for k, (share, limit) in enumerate(parts):
        if share and found[k] == limit and lasting:  # it has all it may, and would have more in proportion but for rounding
            assert limit <= Fraction(rest + limit) * share / (sum(shares[j] for j in lasting) + share) + 1


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=5),
    st.integers(1, 50),
    st.lists(st.sampled_from([0.01, 0.05, 0.1, 0.25]), max_size=3),
)
def test_replays_take_exactly_their_share_of_the_stage_and_the_sources_the_rest(tokens, length, shares):
    names = [f"s{k}" for k in range(len(tokens))]
    first = {"name": "first", "tokens": dict(zip(names, tokens, strict=True))}
    third = {"name": "third", "tokens": dict(zip(names, tokens[::-1], strict=True))}
    stages = [first | {"name": f"e{k}"} for k in range(len(shares))]
    stages.append(third | {"replay": [{"stage": f"e{k}", "share": share} for k, share in enumerate(shares)]})
    hypothesis.assume(sum(tokens) >= length)
    recipe = recipe_of(stages, len(tokens), length)
    found = resolve_budgets(recipe, [None] * len(tokens), {})
    last, total = found[-1], sum(tokens) // length
    assert last.num_samples == total
    for replay, share in zip(last.replays, shares, strict=True):
        assert abs(sum(replay.quotas) - Fraction(str(share)) * total) < 1
        assert replay.quotas == divide(sum(replay.quotas), found[0].own)
    own = sum(last.own)
    assert abs(own - (1 - sum(Fraction(str(share)) for share in shares)) * total) < 1
    for count, asked in zip(last.own, tokens[::-1], strict=True):
        assert abs(count - Fraction(own * asked, sum(tokens))) < 1


def test_epochs_are_those_of_the_training_windows_and_may_stand_beside_tokens(build, make_recipe, tmp_path: Path):
    """211 windows of code; 62 of math, 7 held out: 1.5 epochs are floor(82.5) samples."""
    recipe = make_recipe(stages=[{"name": "one", "tokens": {"code": 807}, "epochs": {"math": 1.5}}])
    info = build(recipe)
    parts = info["stages"][0]["sources"]
    assert (parts["code"]["num_samples"], parts["math"]["num_samples"]) == (100, 82)
    assert parts["math"] == {"tokens_asked": 656, "tokens": 656, "num_samples": 82, "epochs": 82 / 55}
    assert "floor(epochs" in info["rounding"]
    assert verify_mixture(tmp_path / "mixture", full=True) == []
    assert build(make_recipe(stages=[{"name": "one", "epochs": {"math": 2, "code": 0.1}}]))["num_samples"] == 110 + 21


def test_epochs_are_the_decimal_number_that_was_written():
    recipe = recipe_of([{"name": "a", "epochs": {"s0": 0.7, "s1": 1.1}}])
    assert resolve_budgets(recipe, [stock_of(10, 5), stock_of(1000, 5)], {})[0].own == [7, 1100]  # 0.7 * 10 is 7.000000000000001 at best


def test_an_exhausted_source_gives_all_it_may_and_the_others_the_rest(build, make_recipe, tmp_path: Path):
    sources = make_recipe().sources
    stages = [
        {"name": "one", "tokens": 1600, "weights": {"code": 1, "math": 1}, "on_exhausted": "renormalise"},
        {"name": "two", "tokens": 480, "weights": {"code": 3, "math": 1}, "on_exhausted": "renormalise"},
    ]
    limited = {name: source.model_dump(exclude_none=True) | {"max_epochs": 1} for name, source in sources.items()}
    info = build(make_recipe(sources=limited, stages=stages))
    one, two = ({name: part["num_samples"] for name, part in stage["sources"].items()} for stage in info["stages"])
    assert one == {"code": 145, "math": 55}
    assert info["stages"][0]["sources"]["math"] == {"tokens_asked": 800, "tokens": 440, "num_samples": 55, "epochs": 1.0}
    assert "'math' is exhausted: it gives 55 samples instead of 100" in " ".join(info["notices"])
    assert two == {"code": 60, "math": 0}
    assert not any("less than one sample" in notice for notice in info["notices"])
    assert verify_mixture(tmp_path / "mixture", full=True) == []


def test_when_all_are_exhausted_it_is_an_error_whatever_the_policy():
    recipe = recipe_of([{"name": "a", "tokens": {"s0": 30, "s1": 30}}], on_exhausted="renormalise")
    with pytest.raises(ConfigError, match="needs 60 samples .* may give 25 "):
        resolve_budgets(recipe, [stock_of(10, 1), stock_of(15, 1)], {})
    assert resolve_budgets(recipe, [stock_of(10, 1), stock_of(50, 1)], {})[0].own == [10, 50]
    assert resolve_budgets(recipe, [stock_of(10, 2), None], {})[0].own == [20, 40]


def test_a_stage_whose_weights_change_is_not_renormalised():
    stage = {"name": "a", "tokens": 60, "weights": {"s0": 1}, "final_weights": {"s1": 1}}
    recipe = recipe_of([stage], on_exhausted="renormalise")
    with pytest.raises(ConfigError, match=r"stages\.0: stage 'a' cannot be renormalised: 's0' would be exhausted"):
        resolve_budgets(recipe, [stock_of(10, 1), stock_of(50, 1)], {})


def test_repeating_beyond_max_epochs_is_said_with_the_epochs(build, make_recipe, shards, tmp_path: Path):
    sources = {"code": {"shards": str(shards / "code")}}
    stages = [{"name": name, "tokens": {"code": 8 * 300}} for name in ("a", "b")]
    info = build(make_recipe(sources=sources, stages=stages, on_exhausted="repeat"))
    assert [stage["sources"]["code"]["epochs"] for stage in info["stages"]] == [300 / 211] * 2
    assert info["sources"][0]["epochs"] == 600 / 211
    assert "source 'code' is repeated beyond its max_epochs of 1: 2.85 epochs" in info["notices"]
    windows = np.load(tmp_path / "mixture" / "dataset_sample_index.npy")
    assert [sorted(windows[low : low + 211].tolist()) for low in (0, 211)] == [list(range(211))] * 2
    assert verify_mixture(tmp_path / "mixture", full=True) == []
    stages[1]["on_exhausted"] = "error"
    with pytest.raises(ConfigError, match="'code' must give 600 samples .* to stage a \\+ b: 2.85 epochs"):
        build(make_recipe(sources=sources, stages=stages, on_exhausted="repeat"))


def test_a_source_without_a_window_cannot_be_repeated(build, make_recipe, source_writer, tmp_path: Path):
    folder = source_writer(tmp_path / "short", "short", [5])
    recipe = make_recipe(
        sources={"short": {"shards": str(folder)}}, stages=[{"name": "one", "tokens": {"short": 8}}], on_exhausted="repeat"
    )
    with pytest.raises(ConfigError, match="has none to train on"):
        build(recipe)


@hypothesis.settings(max_examples=30)
@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 9),
)  # fmt: skip
def test_over_several_stages_no_source_gives_more_than_it_may_unless_repeated(sources, num_stages, length):
    tokens = {f"s{k}": ask * length for k, (ask, _) in enumerate(sources)}
    hypothesis.assume(sum(tokens.values()) >= length)
    stages = [{"name": f"n{k}", "tokens": tokens} for k in range(num_stages)]
    stocks = [stock_of(windows, 1) for _, windows in sources]
    for policy in ("error", "repeat", "renormalise"):
        recipe = recipe_of(stages, len(sources), length, on_exhausted=policy)
        try:
            found = resolve_budgets(recipe, stocks, {})
        except ConfigError:
            assert policy == "renormalise"
            continue
        total = math.floor(sum(tokens.values()) / length)
        assert [stage.num_samples for stage in found] == [total] * num_stages
        sums = [sum(stage.own[k] for stage in found) for k in range(len(sources))]
        over = [count > windows for count, (_, windows) in zip(sums, sources, strict=True)]
        assert policy != "renormalise" or not any(over)
        assert policy != "error" or [any(stage.is_short[k] for stage in found) for k in range(len(sources))] == over
