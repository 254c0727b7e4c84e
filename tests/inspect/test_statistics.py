"""Statistics of every kind of path, as data and as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.kinds import identify
from mathcode_data.inspect.statistics import statistics, statistics_text
from support.stages import documents, make_result


def test_documents_are_counted_by_length_group_and_score(tmp_path: Path):
    tables = [documents(["abc", "数学"], score_math=[0.05, 0.95], language=["en", "zh"]),
              documents(["x"], score_math=[1.0], language=["en"])]  # fmt: skip
    data = statistics(make_result(tmp_path / "r", tables).folder)
    assert (data["kind"], data["result"], data["documents"]) == ("result", "documents", 3)
    assert (data["characters"]["p50"], data["characters"]["sum"]) == (2, 6)
    assert data["groups"]["language"] == {"en": 2, "zh": 1}
    assert data["groups"]["source"] == {"test": 3}
    assert {key: number for key, number in data["scores"]["score_math"].items() if number} == {"0.0-0.1": 1, "0.9-1.0": 2}
    text = statistics_text(data)
    assert "characters per document" in text
    assert "score_math" in text


def test_a_result_without_documents_has_statistics(tmp_path: Path):
    data = statistics(make_result(tmp_path / "r", [documents([])]).folder)
    assert (data["documents"], data["characters"]) == (0, None)
    assert "fingerprint" in statistics_text(data)


def test_our_tokens_and_shards_from_elsewhere_have_the_same_counts(make_tokens, foreign: Path):
    data = statistics(foreign)
    assert (data["kind"], data["documents"], data["tokens"]) == ("shards", 3, 15)
    assert [(row["name"], row["documents"], row["tokens"], row["dtype"]) for row in data["token_shards"]] == [
        ("toy-00000", 2, 12, "uint16"), ("toy-00001", 1, 3, "uint16"),
    ]  # fmt: skip
    assert data["length_histogram"] == {"2-3": 1, "4-7": 1, "8-15": 1}
    ours = statistics(make_tokens())
    assert (ours["kind"], ours["documents"], ours["tokens"]) == ("result", 3, 15)
    assert ours["token_shards"] == data["token_shards"]
    assert "toy-00001" in statistics_text(ours)
    assert "tokenize" in statistics_text(ours)


def test_an_output_lists_its_results(tmp_path: Path):
    make_result(tmp_path / "pages", [documents(["a", "b"])])
    (tmp_path / "pipeline.json").write_text('{"results": ["pages"]}')
    data = statistics(tmp_path)
    assert [(row["id"], row["documents"]) for row in data["results"]] == [("pages", 2)]
    assert statistics_text(data).splitlines()[1].startswith("pages")


def test_a_mixture_shows_asked_and_got(mixture: Path):
    data = statistics(mixture)
    assert data["mixture"]["num_samples"] == 3
    assert statistics_text(data).splitlines()[1].split() == ["one", "toy", "6", "6", "3", "0.500"]


def test_a_checkpoint_and_a_training_run_show_their_records(tmp_path: Path, make_checkpoint):
    data = statistics(make_checkpoint(tmp_path / "run" / "checkpoints" / "step-00000001"))
    assert (data["kind"], data["checkpoint"]["step"]) == ("checkpoint", 1)
    (tmp_path / "run" / "metrics.jsonl").write_text('{"kind":"start"}\n{"kind":"step","step":1}\n')
    data = statistics(tmp_path / "run")
    assert (data["kind"], data["records"], data["last"]["step"]) == ("training", 2, 1)
    assert '"step": 1' in statistics_text(data)
    (tmp_path / "run" / "metrics.jsonl").write_bytes(b"")
    assert statistics(tmp_path / "run")["last"] is None


def test_a_path_that_is_nothing_of_ours_is_named(tmp_path: Path):
    (tmp_path / "a.txt").write_text("x")
    for path, says in (
        (tmp_path, "none of"),
        (tmp_path / "a.txt", "not a result"),
        (tmp_path / "no", "no such"),
        (tmp_path / "n.bin", "no such"),
    ):
        with pytest.raises(ConfigError, match=says):
            identify(path)
