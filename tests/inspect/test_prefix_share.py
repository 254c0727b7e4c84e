"""The curve of shares, in closed form, is what the written index says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mathcode_data.inspect.prefix_share import drawn_before, first_rows, mix_in_force, prefix_share, stage_totals
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter

STAGES: dict[str, list[dict[str, Any]]] = {
    "one": [{"name": "mixed", "tokens": {"a": 60, "b": 22}}],
    "two": [{"name": "first", "tokens": {"a": 40}}, {"name": "second", "tokens": {"b": 30, "a": 10}}],
    "annealed": [{"name": "warm", "tokens": 80, "weights": {"a": 3, "b": 1}, "final_weights": {"a": 1, "b": 3}, "anneal": 4}],
    "replayed": [
        {"name": "first", "tokens": {"a": 40}},
        {"name": "second", "tokens": {"b": 40}, "replay": {"stage": "first", "share": "25%"}},
    ],
}


def make(folder: Path, stages: list[dict[str, Any]], **values: Any) -> Path:
    for name in ("a", "b"):
        with ShardWriter(folder / name / f"{name}-00000", np.uint16) as writer:
            writer.add(list(range(100)))
    recipe = Recipe.model_validate(
        {"name": "m", "seed": 3, "sequence_length": 2, "stages": stages,
         "sources": {name: {"shards": str(folder / name), "max_epochs": 2} for name in ("a", "b")}} | values
    )  # fmt: skip
    build_mixture(recipe, [source_from_path(name, folder / name) for name in ("a", "b")], folder / "mixture")
    return folder / "mixture"


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("blend", ["lattice", "megatron"])
def test_shares_are_those_of_the_index(tmp_path: Path, stages: list[dict[str, Any]], blend: str):
    if blend == "megatron" and any("final_weights" in stage or "replay" in stage for stage in stages):
        pytest.skip("Megatron's order has neither changing weights nor replays")
    folder = make(tmp_path, stages, blend=blend)
    with MixtureDataset(folder) as dataset:
        _, sources, _, _ = dataset.batch(range(len(dataset)))
        plan = dataset.plan
    found = prefix_share(folder, plan, full=False)
    for number, name in enumerate(("a", "b")):
        expected = [int((sources[:position] == number).sum()) for position in found["positions"]]
        assert found["drawn"][name] == expected
        assert found["shares"][name] == pytest.approx(
            [count / at for count, at in zip(expected, found["positions"], strict=True)], abs=1e-6
        )
    assert found["positions"][-1] == len(sources)
    totals = np.sum([stage_totals(plan, number) for number in range(len(plan.stages))], axis=0)
    assert totals.tolist() == np.bincount(sources, minlength=2).tolist()
    if blend == "lattice":
        assert drawn_before(plan, len(sources)) == totals.tolist()
    for number, stage in enumerate(plan.stages):
        assert first_rows(folder, plan, number, 7) == sources[stage.first_sample :][: min(7, stage.num_samples)].tolist()


def test_the_mix_in_force_covers_all_samples_and_sums_to_one(tmp_path: Path):
    with MixtureDataset(make(tmp_path, STAGES["annealed"])) as dataset:
        runs = mix_in_force(dataset.plan)
    assert [first for first, _, _ in runs] == [0, *(stop for _, stop, _ in runs[:-1])]
    assert runs[-1][1] == 40
    assert all(sum(shares) == pytest.approx(1) for _, _, shares in runs)
    assert runs[0][2][0] > runs[-1][2][0]
