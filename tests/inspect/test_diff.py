"""A difference is never lost, and a file that cannot be believed is an error and not "no difference"."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.manifest import InputRecord, Manifest, write_manifest
from mathcode_data.inspect.diff import diff
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
