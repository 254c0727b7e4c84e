"""Mixtures for other trainers: Megatron's own parser reads the arguments, and written samples are the mixture's."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.export import export_megatron_arguments, export_samples, lost_in_arguments, megatron_arguments
from mathcode_data.shards.reader import TokenShard
from support.command import call


@pytest.fixture
def get_blend():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("megatron.core.datasets.utils", reason="megatron-core is not installed").get_blend_from_list


def test_megatron_reads_the_budgets_out_of_the_arguments(make_recipe, build, tmp_path: Path, get_blend):
    info = build(make_recipe(), tmp_path / "mixture")
    for stage, entry in zip(info["stages"], megatron_arguments(tmp_path / "mixture"), strict=True):
        prefixes, weights = get_blend(entry["data_path"])
        got = dict.fromkeys(stage["sources"], 0.0)
        for prefix, weight in zip(prefixes, weights, strict=True):
            assert Path(f"{prefix}.idx").is_file()
            got[Path(prefix).parent.name] += weight
        assert got == pytest.approx({name: part["num_samples"] for name, part in stage["sources"].items()})
        assert entry["train_samples"] == stage["first_sample"] + stage["num_samples"]


def test_the_files_hold_one_argument_a_line_and_the_splits(make_recipe, build, tmp_path: Path):
    build(make_recipe(), tmp_path / "mixture")
    files = export_megatron_arguments(tmp_path / "mixture", tmp_path / "out")
    assert [file.name for file in files] == ["0-one.args", "0-one.per-split.json", "1-two.args", "1-two.per-split.json"]
    arguments = files[0].read_text().split()
    assert arguments[:2] == ["--seq-length", "8"]
    assert json.loads(files[1].read_text())["train"] == arguments[arguments.index("--data-path") + 1 :]


def test_a_path_with_a_space_is_refused_for_no_data_path_can_carry_it(make_recipe, build, shards: Path, tmp_path: Path):
    (shards / "code").rename(shards / "the code")
    recipe = make_recipe(sources={"code": {"shards": str(shards / "the code")}, "math": {"shards": str(shards / "math"), "max_epochs": 4}})
    build(recipe, tmp_path / "mixture")
    with pytest.raises(ConfigError, match="white space"):
        export_megatron_arguments(tmp_path / "mixture", tmp_path / "out")


def test_written_samples_are_the_mixture_in_its_order(make_recipe, build, tmp_path: Path):
    build(make_recipe(), tmp_path / "mixture")
    num_tokens = export_samples(tmp_path / "mixture", tmp_path / "samples")
    with MixtureDataset(tmp_path / "mixture") as dataset, TokenShard(tmp_path / "samples") as shard:
        assert shard.num_documents == len(dataset)
        assert num_tokens == len(dataset) * 9
        for position in range(len(dataset)):
            assert np.array_equal(shard.document(position), dataset.sample(position).tokens)


def test_what_the_arguments_cannot_say_is_said(make_recipe, build, tmp_path: Path):
    build(make_recipe(), tmp_path / "mixture")
    held, stages = lost_in_arguments(tmp_path / "mixture")
    assert held == "held-out windows of math are in those shards, so Megatron trains on them"
    assert stages.startswith("each stage is drawn from whole shards")
    recipe = make_recipe(stages=[{"name": "one", "tokens": {"code": 80}}], packing="best_fit")
    build(recipe, tmp_path / "packed")
    assert any("packed by best_fit" in line for line in lost_in_arguments(tmp_path / "packed"))
    done = call("export", tmp_path / "packed", "--to", "samples", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert "packed samples have padding and borders" in done.stderr
