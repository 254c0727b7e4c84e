"""Samples are traced to documents with what each stage said of them; shards without tables give no empty table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.trace import parse_range, trace, trace_text
from mathcode_data.mixture.trace import trace_sample


def test_every_document_carries_the_verdicts_of_the_stages_before(pipeline_mixture: Path):
    samples = trace(pipeline_mixture, range(12))
    assert [sample["sample"] for sample in samples] == list(range(12))
    for sample in samples:
        for document in sample["documents"]:
            stages = [(step["result"], step["stage"]) for step in document["verdicts"]]
            assert stages == [
                ("scored", "read.jsonl"), ("scored", "support.toy_score"), ("scored", "select.threshold"), ("distinct", "dedup.exact"),
                ("unlike", "dedup.minhash"), ("clean", "decontaminate.ngram"),
            ]  # fmt: skip
            assert document["verdicts"][2]["why"] in ("score_math 0.9000 (min 0.5)", "score_math 0.8000 (min 0.5)")
            assert document["score_math"] >= 0.5
    text = trace_text(samples[:1])
    assert "kept by read.jsonl, support.toy_score, select.threshold, dedup.exact, dedup.minhash, decontaminate.ngram" in text
    assert "https://www.example.org/" in text


def test_verdicts_may_be_left_out(pipeline_mixture: Path):
    assert trace(pipeline_mixture, range(1), verdicts=False) == [trace_sample(pipeline_mixture, 0)]


def test_a_result_that_is_gone_leaves_out_its_verdicts(pipeline_folder: Path, pipeline_mixture: Path, tmp_path: Path):
    for name in ("out", "mixture"):
        shutil.copytree(pipeline_folder / name, tmp_path / name)
    shutil.rmtree(tmp_path / "out" / "distinct")
    (sample,) = trace(tmp_path / "mixture", range(1))
    assert {step["result"] for step in sample["documents"][0]["verdicts"]} == {"clean", "unlike"}


def test_foreign_shards_give_positions_and_say_what_is_not_known(mixture: Path):
    """The table had no column, so a blank line for each document stood there."""
    text = trace_text(trace(mixture, range(2)))
    assert "no table of documents lies beside this shard" in text
    assert "document  in sample" in text
    assert not any(line.strip() == "" and line for line in text.splitlines())
    assert "toy-0000" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [("x", "write a sample number"), ("-3", "write a sample number"), ("5-3", "goes upwards"), ("0-1000", "at most 1,000"), ("", "write")],
)
def test_a_range_that_is_none_is_refused(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        parse_range(text)


def test_samples_beyond_the_end_are_refused(pipeline_mixture: Path):
    with pytest.raises(ConfigError, match="sample 12 of 12"):
        trace(pipeline_mixture, range(10, 14))
