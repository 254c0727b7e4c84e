"""Verify reports broken checksums, counts and laws of every kind of path, names the file, and reports nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.counters import StageCounters
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file
from mathcode_data.inspect.verify import limits_of, verify_path
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from support.stages import documents, make_result


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("full", [False, True])
def test_equal_records_with_one_id_are_no_problem(tmp_path: Path, full: bool):
    table = documents(["a", "b"])
    make_result(tmp_path / "r", [pa.concat_tables([table, table]), table])
    assert verify_path(tmp_path / "r", full=full) == ("result", [])


def test_a_changed_missing_or_unnamed_file_of_a_result_is_named(tmp_path: Path):
    folder = make_result(tmp_path / "r", [documents(["a"]), documents(["b"])]).folder
    (folder / "notes.txt").write_text("x")
    flip(folder / "documents-00000.parquet", 30)
    assert verify_path(folder, full=False)[1] == [f"{folder}/notes.txt: not named in the manifest"]
    assert "documents-00000.parquet: sha256 differs" in verify_path(folder, full=True)[1][0]
    (folder / "documents-00001.parquet").unlink()
    assert f"{folder}/documents-00001.parquet: missing" in verify_path(folder, full=False)[1]
    flip(folder / "manifest.json", 20)
    assert "manifest.json" in verify_path(folder, full=False)[1][0]


def test_counts_that_do_not_add_up_are_found(tmp_path: Path, make_tokens):
    folder = make_result(tmp_path / "r", [documents(["a", "b"])]).folder
    path = folder / "documents-00000.parquet"
    shard = Shard(path.name, path.stat().st_size, sha256_file(path), rows=3)
    write_manifest(folder, Manifest("documents", [], "f" * 32, [], [shard], [StageCounters("select.threshold", 3, 1)]))
    assert "stage select.threshold: read 3, kept 1" in verify_path(folder, full=True)[1][0]
    write_manifest(folder, Manifest("documents", [], "f" * 32, [], [shard], []))
    assert verify_path(folder, full=True)[1] == [f"{path}: 2 rows, the manifest says 3"]
    tokens = make_tokens()
    assert verify_path(tokens, full=True) == ("result", [])
    shards = [Shard(p.name, p.stat().st_size, sha256_file(p)) for p in sorted(tokens.iterdir()) if p.name != "manifest.json"]
    write_manifest(tokens, Manifest("tokens", [], "f" * 32, [], shards, []))
    assert "toy-00000.bin: 2 documents and 12 tokens, the manifest says 0 and 0" in verify_path(tokens, full=False)[1][0]


def test_an_unfinished_result_of_a_pipeline_is_a_problem(tmp_path: Path):
    make_result(tmp_path / "pages", [documents(["a"])])
    (tmp_path / "unique").mkdir()
    marker = tmp_path / "pipeline.json"
    marker.write_text(json.dumps({"name": "p", "last": "tokens", "results": ["pages", "unique", "tokens"]}))
    expected = [f"{tmp_path / name}: named in pipeline.json and not finished: run the pipeline again" for name in ("unique", "tokens")]
    assert verify_path(tmp_path, full=True) == ("1 results", expected)
    make_result(tmp_path / "unique", [documents(["a"])])
    make_result(tmp_path / "tokens", [documents(["a"])])
    assert verify_path(tmp_path, full=True) == ("3 results", [])
    flip(tmp_path / "unique" / "documents-00000.parquet", 30)
    assert "unique/documents-00000.parquet" in verify_path(tmp_path, full=True)[1][0]


def test_a_round_that_waits_for_review_is_no_problem_but_is_named(tmp_path: Path):
    names = ["round-1-recalled", "round-1-added", "round-1-rejected"]
    (tmp_path / "pipeline.json").write_text(json.dumps({"name": "p", "last": names[0], "results": names}))
    make_result(tmp_path / names[0], [documents(["a"])])
    assert "round-1-added" in verify_path(tmp_path, full=False)[1][0]  # no report yet: the round was not finished
    make_result(tmp_path / "round-1", [documents(["a"])])
    assert verify_path(tmp_path, full=False)[1] == []
    assert "round 1 waits for review" in limits_of(tmp_path, full=True)[0]
    make_result(tmp_path / "round-1-added", [documents(["a"])])
    assert limits_of(tmp_path, full=True) == []


@pytest.mark.parametrize(
    "content", ["[]", "3", "{", '{"results": 3}', '{"results": [3]}', '{"results": ["../x"]}', '{"results": [".."]}', "{}"]
)
def test_a_pipeline_file_of_another_shape_is_one_problem(tmp_path: Path, content: str):
    (tmp_path / "pipeline.json").write_text(content)
    found, problems = verify_path(tmp_path, full=False)
    assert found == "0 results"
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path}/pipeline.json: ")


def test_a_sound_checkpoint_and_a_training_run_have_no_problem(tmp_path: Path, make_checkpoint):
    folder = make_checkpoint(tmp_path / "checkpoints" / "step-00000001")
    make_checkpoint(tmp_path / "checkpoints" / "step-00000002")
    (tmp_path / "metrics.jsonl").write_bytes(b"")
    assert verify_path(folder, full=True) == ("checkpoint", [])
    assert verify_path(tmp_path, full=True) == ("2 checkpoints", [])
    (folder / "model.safetensors").write_bytes(b"weighty")
    assert verify_path(tmp_path, full=True)[1] == [f"{folder}/model.safetensors: size or sha256 differs from checkpoint.json"]
    (folder / "model.safetensors").unlink()
    assert verify_path(folder, full=False)[1] == [f"{folder}/model.safetensors: missing"]


@pytest.mark.parametrize("content", ["[]", "null", '"x"', "{", "{}", '{"files": 3}'])
def test_a_record_of_another_shape_is_one_problem(tmp_path: Path, content: str):
    (tmp_path / "checkpoint.json").write_text(content)
    problems = verify_path(tmp_path, full=False)[1]
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path}/checkpoint.json: ")


@pytest.mark.parametrize("files", [None, [], {"model.safetensors": 3}, {"../x": {}}])
def test_a_record_that_hashes_right_and_names_no_files_is_one_problem(tmp_path: Path, make_checkpoint, files):
    folder = make_checkpoint(tmp_path / "c", files=files)
    assert verify_path(folder, full=False)[1] == [f"{folder}/checkpoint.json: `files` is no map of file names to sizes and hashes; "
                                                  "the checkpoint is damaged"]  # fmt: skip
    other = make_checkpoint(tmp_path / "d", files={"model.safetensors": {}})
    assert "model.safetensors: size or sha256 differs" in verify_path(other, full=False)[1][0]


def test_damaged_shards_from_elsewhere_are_named(foreign: Path):
    assert verify_path(foreign, full=True) == ("token shards", [])
    idx = foreign / "toy-00001.idx"
    idx.write_bytes(idx.read_bytes()[:-1])
    assert "toy-00001.idx" in verify_path(foreign, full=False)[1][0]
    idx.unlink()
    assert "toy-00001" in verify_path(foreign, full=False)[1][0]


def test_a_mixture_is_verified_as_one(mixture: Path):
    assert verify_path(mixture, full=True) == ("mixture", [])
    flip(mixture / "dataset_sample_index.npy", -8)
    assert "dataset_sample_index.npy" in verify_path(mixture, full=False)[1][0]


def test_a_mixture_is_verified_with_the_results_that_it_is_made_of(make_tokens, tmp_path: Path):
    """Flips in a tokenizer or a table beside the shards, and ids beyond the tokenizer in foreign shards, were not seen."""
    ours = make_tokens(facts={"tokenizer_sha256": "a" * 64, "max_id": 256})

    def build_beside(name: str, ids: list[int]) -> Path:
        with ShardWriter(tmp_path / name, np.int32) as writer:
            writer.add(np.array(ids))
        values = {
            "name": "two", "sequence_length": 1, "sources": {"ours": {"shards": str(ours)}, "theirs": {"shards": str(tmp_path / name)}},
            "stages": [{"name": "one", "tokens": {"ours": 2, "theirs": 1}}],
        }  # fmt: skip
        sources = [source_from_path("ours", ours), source_from_path("theirs", tmp_path / name)]
        build_mixture(Recipe.model_validate(values), sources, tmp_path / f"mixture-{name}")
        return tmp_path / f"mixture-{name}"

    beyond = build_beside("beyond", [5, 300])
    problems = verify_path(beyond, full=True)[1]
    assert len(problems) == 1
    assert "300" in problems[0]
    assert "beyond.bin" in problems[0]
    assert verify_path(beyond, full=False)[1] == []
    sound = build_beside("sound", [5, 6])
    assert verify_path(sound, full=True) == ("mixture", [])
    file = ours / "tokenizer.json"
    file.write_bytes(file.read_bytes().replace(b"true", b"tRue", 1))
    assert any("tokenizer.json: sha256 differs" in problem for problem in verify_path(sound, full=True)[1])
