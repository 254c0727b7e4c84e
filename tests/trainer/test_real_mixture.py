"""The trainer on a mixture from disk: shards, plan and index as build-mixture makes them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mathcode_data.core.errors import StaleOutputError
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.trainer.loop import train

RECIPE = """
name: two-stage
seed: 3
sequence_length: 16
sources:
  code: {shards: code, holdout: 10%}
  math: {shards: math, holdout: 10%}
stages:
  - {name: code, tokens: {code: 320}}
  - {name: both, tokens: {code: 160, math: 320}}
"""


@pytest.fixture
def mixture_folder(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("code", "math"):
        (tmp_path / name).mkdir()
        with ShardWriter(tmp_path / name / f"{name}-00000", np.uint16) as writer:
            for length in generator.integers(5, 40, 60):
                writer.add(np.arange(length) * (2 if name == "code" else 3) % 32)
    (tmp_path / "mixture.yaml").write_text(RECIPE)
    recipe, file = load_recipe(tmp_path / "mixture.yaml")
    build_mixture(recipe, [source_from_path(name, tmp_path / name) for name in recipe.sources], tmp_path / "mixture", file=file)
    return tmp_path / "mixture"


def test_a_run_over_two_stages_trains_exactly_the_planned_tokens(make_config, mixture_folder):
    config = make_config(document_masks=True, schedule={"kind": "multi_step", "warmup_steps": 1, "restart_at": "stages"})
    records = []
    summary = train(config, report=records.append)
    assert (summary["finished"], summary["tokens"]) == (True, 800)
    steps = [record for record in records if record["kind"] == "step"]
    per_source = {name: sum(record["tokens_per_source"].get(name, 0) for record in steps) for name in ("code", "math")}
    assert per_source == {"code": 480, "math": 320}
    assert all("math" not in record["loss_per_source"] for record in steps[:5]), "the first stage is code only"
    assert [record["step"] for record in records if record["kind"] == "evaluation"] == [5, 13]
    assert set(summary["held_out"]) == {"code", "math"}
    assert summary["mixture_fingerprint"] == MixtureDataset(mixture_folder).fingerprint


def test_a_mixture_that_was_built_anew_is_refused(make_config, mixture_folder, tmp_path):
    config = make_config()
    train(config, stop_after_steps=2)
    (tmp_path / "mixture.yaml").write_text(RECIPE.replace("seed: 3", "seed: 4"))
    recipe, file = load_recipe(tmp_path / "mixture.yaml")
    build_mixture(recipe, [source_from_path(name, tmp_path / name) for name in recipe.sources], mixture_folder, file=file)
    with pytest.raises(StaleOutputError, match=r"fingerprint is \w+ there, \w+ here; made_of\.seed is 3 there, 4 here; use"):
        train(config)


def test_a_raised_max_tokens_is_refused_with_the_way_behind_the_samples_that_were_consumed(make_config, mixture_folder):
    config = make_config(max_tokens=330)
    train(config, stop_after_steps=2)
    expected = rf"max_tokens is 330 there, 640 here; .*consumed 8 of the 50 samples.*--continue-from {mixture_folder} --consumed 8 .*run$"
    with pytest.raises(StaleOutputError, match=expected):
        train(make_config(max_tokens=640))
    assert train(config)["finished"]
    with pytest.raises(StaleOutputError, match="--consumed 20 "):
        train(make_config(max_tokens=640))


@pytest.mark.slow
def test_the_trainer_and_its_mixture_load_no_pyarrow():
    code = "import sys, mathcode_data.trainer.loop, mathcode_data.mixture.dataset; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
