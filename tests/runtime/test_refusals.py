"""A wrong configuration that shows only in a task ends the run at once, sets nothing aside, and a refused run leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.errors import ConfigError, DataError, PartialResultError
from mathcode_data.core.lock import LOCK_NAME, locked
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.pipeline import load_pipeline
from support.engine import make_toy, run

PARQUET = """
name: foreign
output: deep/out
stages:
  - read.parquet: {{paths: in, text_column: {column}}}
  - select.threshold: {{column: {score}, min: 0.5}}
"""


def foreign(folder: Path, column: str = "text", score: str = "score_math", *, bad_first: bool = False) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    for number in range(3):
        pq.write_table(pa.table({"text": ["one", "two"], "n": [1, 2]}), folder / "in" / f"{number}.parquet")
    if bad_first:
        pq.write_table(pa.table({"other": [1]}), folder / "in" / "0.parquet")
    path = folder / "p.yaml"
    path.write_text(PARQUET.format(column=column, score=score))
    return path


def test_a_column_that_no_file_has_is_found_when_the_run_is_planned(tmp_path: Path):
    path = foreign(tmp_path, column="txt")
    with pytest.raises(ConfigError, match=r"p\.yaml:5:5: .*0\.parquet: no column 'txt'; did you mean 'text'"):
        Graph().add(load_pipeline(path))


def test_a_column_that_one_file_lacks_is_that_file_s_fault(tmp_path: Path):
    path = foreign(tmp_path, bad_first=True)
    path.write_text(path.read_text().replace("  - select.threshold: {column: score_math, min: 0.5}\n", ""))
    with pytest.raises(PartialResultError, match=r"1 of 3 tasks.*0\.parquet: no column 'text'"):
        run(path)


@pytest.mark.parametrize("max_failed_shards", [0, 9])
def test_a_column_that_no_stage_adds_ends_the_run_with_its_place_and_leaves_nothing(tmp_path: Path, max_failed_shards: int):
    path = foreign(tmp_path)
    with pytest.raises(ConfigError, match=r"p\.yaml:6:5: .*no column 'score_math' .*put the score stage") as caught:
        run(path, max_failed_shards=max_failed_shards)
    assert "set aside" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["in", "p.yaml"], "neither the output nor the folder above it"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tokenizer.json", "{}", "tokenizer.json: cannot be loaded"),
        ("tokenizer.json", '{"version": ', "tokenizer.json: cannot be loaded"),
        ("tokenizer.json.gz", "\x1f\x8b no gzip", "cannot be unpacked"),
    ],
)
@pytest.mark.slow
def test_a_file_that_is_no_tokenizer_ends_the_run_as_a_wrong_configuration(tmp_path: Path, file: str, content: str, message: str):
    path = make_toy(tmp_path)
    (tmp_path / file).write_bytes(content.encode("latin-1"))
    path.write_text(path.read_text() + f"  - id: shards\n    tokenize: {{tokenizer: {{path: {file}}}}}\n")
    with pytest.raises((ConfigError, DataError), match=rf"toy\.yaml:11:5: .*{message}") as caught:
        run(path)
    assert caught.value.exit_code == 2
    assert "set aside" not in str(caught.value)
    assert sorted(entry for entry in os.listdir(tmp_path / "out") if not entry.startswith(".")) == [
        "pipeline.json", "runs.jsonl", "sorted", "support.toy_map",
    ], "finished results stay"  # fmt: skip


def test_a_refused_run_leaves_what_stood_there(tmp_path: Path):
    path = foreign(tmp_path)
    (tmp_path / "deep").mkdir()
    with pytest.raises(ConfigError):
        run(path)
    assert sorted(os.listdir(tmp_path)) == ["deep", "in", "p.yaml"]
    assert os.listdir(tmp_path / "deep") == []


def test_a_lock_takes_away_only_what_it_brought(tmp_path: Path):
    with locked(tmp_path / "a" / "b", remove_if_unused=True):
        assert (tmp_path / "a" / "b" / LOCK_NAME).exists()
    assert os.listdir(tmp_path) == []
    with locked(tmp_path / "a" / "b", remove_if_unused=True):
        (tmp_path / "a" / "b" / "result").touch()
    assert sorted(os.listdir(tmp_path / "a" / "b")) == [LOCK_NAME, "result"]
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").touch()
    with locked(tmp_path / "foreign", remove_if_unused=True):
        pass
    assert os.listdir(tmp_path / "foreign") == ["thesis.txt"]


def test_a_lock_whose_file_was_taken_away_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two processes could otherwise hold one folder: one the nameless file, one the new file."""
    import fcntl

    original, taken = fcntl.flock, []

    def take_away_then_lock(file: object, how: int) -> None:
        if not taken:
            taken.append(True)
            (tmp_path / LOCK_NAME).unlink()
        original(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", take_away_then_lock)
    with locked(tmp_path):
        assert (tmp_path / LOCK_NAME).read_bytes() != b""
