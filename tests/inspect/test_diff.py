"""A difference is never lost, and a file that cannot be believed is an error and not "no difference"."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.manifest import InputRecord, Manifest, write_manifest
from mathcode_data.inspect.diff import diff, diff_text
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from support.stages import documents, make_result


def test_two_results_differ_where_their_manifests_do(tmp_path: Path):
    one, two = (make_result(tmp_path / name, [documents([name])]).folder for name in ("a", "b"))
    assert diff(one, one) == []
    keys = [row["key"] for row in diff(one, two)]
    assert "shards.documents-00000.parquet.sha256" in keys
    assert "fingerprint" in keys
    assert not any(key.startswith(("self_hash", "made_by")) for key in keys)


def test_entries_that_share_a_name_are_told_apart(tmp_path: Path):
    for name, first in (("a", "1"), ("b", "2")):
        (tmp_path / name).mkdir()
        inputs = [InputRecord("pages", first), InputRecord("pages", "3")]
        write_manifest(tmp_path / name, Manifest("documents", [], "f" * 32, inputs, [], []))
    assert diff(tmp_path / "a", tmp_path / "b") == [{"key": "inputs.pages[0].fingerprint", "a": "1", "b": "2"}]


def test_two_mixtures_differ_in_cause_and_effect(mixture: Path, other_mixture: Path):
    rows = {row["key"]: (row["a"], row["b"]) for row in diff(mixture, other_mixture)}
    assert rows["seed"] == (0, 1)
    assert "files.dataset_sample_index.npy.sha256" in rows
    assert diff(mixture, mixture) == []


@pytest.mark.parametrize("side", [0, 1])
def test_an_edited_or_foreign_file_on_either_side_is_an_error(tmp_path: Path, mixture: Path, other_mixture: Path, side: int):
    results = [make_result(tmp_path / name, [documents([name])]).folder for name in ("a", "b")]
    for folders, name in ((results, "manifest.json"), ([mixture, other_mixture], "mixture.json")):
        path = folders[side] / name
        data = json.loads(path.read_text())
        for changed, error in (({"extra": 1}, VerificationError), ({"format": 99}, DataError)):
            path.write_text(json.dumps(data | changed))
            with pytest.raises(error, match=name):
                diff(*folders)
        path.write_text("[]")
        with pytest.raises(DataError, match=name):
            diff(*folders)


def test_two_kinds_cannot_be_compared(tmp_path: Path, mixture: Path):
    result = make_result(tmp_path / "r", [documents(["a"])]).folder
    with pytest.raises(ConfigError, match="is a result, .* a mixture; diff compares"):
        diff(result, mixture)


@pytest.fixture
def make_mixture(tmp_path: Path):
    """Mixtures of two sources of 40 windows each; keyword arguments change the recipe."""
    for name, num_tokens in (("code", [180, 149]), ("math", [321])):
        (tmp_path / name).mkdir()
        for number, count in enumerate(num_tokens):
            with ShardWriter(tmp_path / name / f"{name}-{number}", np.uint16) as writer:
                writer.add(np.random.default_rng(len(name) + number).integers(0, 999, count))

    def make(folder: str, code: int = 160, math: int = 80, names: tuple[str, str] = ("code", "math"), **changes: Any) -> Path:
        places = dict(zip(names, ("code", "math"), strict=True))
        values = {
            "name": "toy", "seed": 1, "sequence_length": 8,
            "sources": {name: {"shards": str(tmp_path / place), "max_epochs": 2} for name, place in places.items()},
            "stages": [{"name": "one", "tokens": dict(zip(names, (code, math), strict=True))}, {"name": "two", "tokens": {names[1]: 80}}],
        } | changes  # fmt: skip
        sources = [source_from_path(name, tmp_path / place) for name, place in places.items()]
        build_mixture(Recipe.model_validate(values), sources, tmp_path / folder)
        return tmp_path / folder

    return make


def samples_of(folder: Path) -> list[tuple[str, int]]:
    with MixtureDataset(folder) as mixture:
        return [(sample.shard.name, sample.token_start) for sample in map(mixture.sample, range(len(mixture)))]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"math": 160},
        {"code": 320},
        {"blend": "megatron"},
        {"across_stages": "repeat"},
        {"code": 400, "seed": 9},
        {"index": "virtual", "seed": 3, "blend": "lattice"},
    ],
)
@pytest.mark.parametrize("blend", ["lattice", "megatron"])
def test_orders_part_where_they_do_and_samples_in_common_are_counted(make_mixture, blend: str, changes: dict[str, Any]):
    a, b = make_mixture("a", blend=blend), make_mixture("b", **({"blend": blend} | changes))
    one, other = samples_of(a), samples_of(b)
    rows = {row["key"]: row for row in diff(a, b)}
    if one == other:
        assert "order.first_difference" not in rows
        return
    first = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    assert rows["order.first_difference"]["a"]["sample"] == first
    common = (Counter(one) & Counter(other)).total()
    shares = rows["samples.in_common"]
    assert (shares["a"], shares["b"]) == (pytest.approx(common / len(one)), pytest.approx(common / len(other)))
    text = diff_text(a, b, list(rows.values()))
    assert f"the orders part at sample {first:,}" in text
    assert f"{shares['a']:.2%} of a's samples are drawn by b" in text


def test_another_name_of_a_source_changes_no_sample(make_mixture):
    """Keys of the draws name the source, so another name gives other draws; what is drawn once a stage stays in common."""
    a = make_mixture("a", code=320, math=160)
    b = make_mixture("b", code=320, math=160, names=("programs", "math"))
    rows = {row["key"]: row for row in diff(a, b)}
    one, other = samples_of(a), samples_of(b)
    assert rows["samples.in_common"]["a"] == pytest.approx((Counter(one) & Counter(other)).total() / len(one))


def test_budgets_and_sources_of_two_mixtures_stand_side_by_side(make_mixture):
    a, b = make_mixture("a"), make_mixture("b", math=160, seed=4)
    lines = diff_text(a, b, diff(a, b)).splitlines()
    row = next(line.split() for line in lines if line.startswith("one    math"))
    assert row == ["one", "math", "80", "160", "80", "160", "+80", "0.250", "0.500"]
    assert next(line.split() for line in lines if line.startswith("one    code"))[6] == "="
    assert any(line.split()[:2] == ["code", "same"] for line in lines)
    assert any(line.split() == ["seed", "1", "4"] for line in lines)
    assert len(lines) < 30, "hashes and sizes are left to --json"
    assert diff_text(a, a, diff(a, a)) == "no difference"


def test_documents_of_one_side_alone_are_counted_with_examples(tmp_path: Path):
    many = documents([f"text {number}" for number in range(30)])
    a = make_result(tmp_path / "a", [many.slice(0, 10), many.slice(10, 10)]).folder
    changed = documents([f"text {number}{'!' if number == 12 else ''}" for number in range(30)])
    b = make_result(tmp_path / "b", [changed.slice(8)]).folder
    rows = {row["key"]: row for row in diff(a, b)}
    only = rows["documents.only_here"]
    assert (only["a"]["count"], only["b"]["count"]) == (8, 10)
    assert only["a"]["examples"][0] == f"{0:032x} https://example.org/0"
    assert rows["documents.other_text"]["a"] == {"count": 1, "examples": [f"{12:032x}"]}
    text = diff_text(a, b, list(rows.values()))
    assert "8 documents are only in a:" in text
    assert "... and 3 more" in text
    assert "1 documents of both have another text" in text


def test_causes_and_counters_of_two_results_stand_side_by_side(pipeline_folder: Path):
    out = pipeline_folder / "out"
    text = diff_text(out / "scored", out / "unlike", diff(out / "scored", out / "unlike"))
    assert "stages.dedup.minhash.config.num_bands" in text
    assert "below_min 1" in text
    assert "only in a" in text
    tokens = diff(out / "math", out / "math")
    assert tokens == []
