"""Statistics of every kind of path, as data and as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.inspect.kinds import identify
from mathcode_data.inspect.sampling import Look
from mathcode_data.inspect.statistics import statistics
from mathcode_data.inspect.statistics_text import statistics_text
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.documents_table import write_documents_table
from mathcode_data.shards.writer import ShardWriter
from support.stages import documents, make_result


def test_documents_are_counted_by_length_group_and_score(tmp_path: Path):
    tables = [documents(["abc", "数学"], score_math=[0.07, 0.97], language=["en", "zh"]),
              documents(["x"], score_math=[1.0], language=["en"])]  # fmt: skip
    data = statistics(make_result(tmp_path / "r", tables).folder)
    assert (data["kind"], data["result"], data["documents"]) == ("result", "documents", 3)
    assert (data["characters"]["p50"], data["characters"]["sum"]) == (2, 6)
    assert data["length_histogram"] == {"unit": "characters", "scale": "log2", "edges": [1, 2, 4], "counts": [1, 2]}
    assert data["groups"]["language"]["top"] == [
        {"name": "en", "documents": 2, "characters": 4}, {"name": "zh", "documents": 1, "characters": 2},
    ]  # fmt: skip
    assert data["groups"]["source"]["top"] == [{"name": "test", "documents": 3, "characters": 6}]
    assert data["groups"]["domain"]["top"] == [{"name": "example.org", "documents": 3, "characters": 6}]
    scores = data["scores"]["score_math"]
    assert (scores["counts"][1], scores["counts"][-1], sum(scores["counts"])) == (1, 2, 3)
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
    assert data["length_histogram"] == {"unit": "tokens", "scale": "log2", "edges": [2, 4, 8, 16], "counts": [1, 1, 1]}
    ours = statistics(make_tokens())
    assert (ours["kind"], ours["documents"], ours["tokens"]) == ("result", 3, 15)
    assert ours["token_shards"] == data["token_shards"]
    assert "toy-00001" in statistics_text(ours)
    assert "tokenize" in statistics_text(ours)


def test_what_shards_from_elsewhere_do_not_say_is_said(make_tokens, foreign: Path, tokenizer):
    data = statistics(foreign)
    assert (data["vocabulary"]["vocab_size"], data["vocabulary"]["coverage"], data["fertility"]["bytes_per_token"]) == (None, None, None)
    assert (data["special_ids"]["is_known"], data["special_ids"]["last_id"]) == (False, {"id": 0, "name": None, "share": 1.0})
    text = " ".join(data["unknown"])
    for said in ("no manifest", "vocabulary size", "which ids are special", "fertility", "2 of 2 shards have no table"):
        assert said in text
    tokenizer.save(str(foreign.parent / "their.json"))
    named = statistics(foreign, Look(tokenizer=foreign.parent / "their.json"))
    assert named["vocabulary"]["vocab_size"] == 257
    assert named["fertility"]["bytes_per_token"] == 1
    assert not any("vocabulary" in line or "fertility" in line for line in named["unknown"])
    ours = statistics(make_tokens(facts={"vocab_size": 257, "special_ids": [0], "eos_id": 0, "text_bytes": 24, "num_tokens": 12}))
    assert (ours["vocabulary"]["coverage"], ours["fertility"]["bytes_per_token"]) == (ours["vocabulary"]["ids_used"] / 257, 2)


def test_special_ids_inside_documents_and_ids_beyond_the_vocabulary_are_found(tmp_path: Path, tokenizer):
    with ShardWriter(tmp_path / "s-00000", np.uint16) as writer:
        writer.add([5, 0, 6, 0])
        writer.add([7, 300, 0])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    data = statistics(tmp_path)
    assert data["special_ids"]["ids"] == [{"id": 0, "name": "<|eos|>", "at_start": 0, "at_end": 2, "inside": 1}]
    assert data["special_ids"]["examples"] == [{"shard": "s-00000", "document": 0, "token": 1, "id": 0}]
    assert data["vocabulary"]["ids_out_of_range"] == 1
    text = statistics_text(data)
    assert "documents with a special id inside: 1, such as document 0 of s-00000" in text
    assert "ids beyond the vocabulary: 1" in text


def test_a_sample_says_so_and_a_full_look_reads_all(tmp_path: Path):
    folder = make_result(tmp_path / "r", [documents([f"text {i}" for i in range(40)]) for _ in range(3)]).folder
    data = statistics(folder, Look(sample_rows=10))
    assert data["text_read"] == {"read": 10, "of": 120, "is_sample": True, "seed": 17}
    assert "sampled 10 of 120 documents" in statistics_text(data)
    assert data == statistics(folder, Look(sample_rows=10)), "the same sample each time"
    assert statistics(folder, Look(full=True, sample_rows=10))["text_read"]["read"] == 120
    with ShardWriter(tmp_path / "s-00000", np.uint16) as writer:
        for number in range(300):
            writer.add([number, number + 1, 1])
    shards = statistics(tmp_path / "s-00000", Look(sample_rows=100))
    assert (shards["tokens_read"]["read"], shards["tokens_read"]["of"]) == (100, 300)
    assert "vocabulary: at least" in statistics_text(shards)
    assert shards["documents"] == 300


def test_tokens_are_counted_by_domain_and_licence_from_the_tables(tmp_path: Path):
    with ShardWriter(tmp_path / "s-00000", np.uint16) as writer:
        for size in (3, 2, 4):
            writer.add([1] * size)
    table = documents(["a", "b", "c"], license=["MIT", None, "MIT"])
    table = table.set_column(2, "url", pa.array(["https://www.a.example/1", None, "https://b.example:8080/x"]))
    write_documents_table(tmp_path / "s-00000.documents.parquet", [(table, [3, 2, 4])])
    groups = statistics(tmp_path)["groups"]
    assert groups["domain"]["top"] == [
        {"name": "b.example", "documents": 1, "tokens": 4},
        {"name": "a.example", "documents": 1, "tokens": 3},
    ]
    assert (groups["domain"]["without"], groups["domain"]["tokens"]) == (1, 9)
    assert groups["license"]["top"] == [{"name": "MIT", "documents": 2, "tokens": 7}]


def test_repeated_documents_and_windows_are_found(tmp_path: Path):
    with ShardWriter(tmp_path / "s" / "s-00000", np.uint16) as writer:
        for _ in range(2):
            writer.add([1, 2, 3, 4, 5, 6])
        writer.add([7, 8, 9])
    assert statistics(tmp_path / "s")["repeated_beginnings"]["repeated"] == 1
    values = {
        "name": "toy", "sequence_length": 2, "sources": {"toy": {"shards": str(tmp_path / "s")}},
        "stages": [{"name": "one", "tokens": {"toy": 6}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values), [source_from_path("toy", tmp_path / "s")], tmp_path / "m")
    windows = statistics(tmp_path / "m")["repeated_windows"]
    assert (windows["all"]["hashed"], windows["all"]["repeated"]) == (7, 3), "windows of 2: (1 2) (3 4) (5 6) twice, and (7 8)"


def test_a_mixture_whose_shards_changed_is_told_as_far_as_it_is_known(mixture: Path, foreign: Path):
    with (foreign / "toy-00000.bin").open("ab") as file:
        file.write(b"xx")
    data = statistics(mixture)
    assert data["sources"][0]["tokens"] == 6
    assert any("toy-00000.bin" in line for line in data["unknown"])
    assert data["repeated_windows"] == {}


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
    assert "step 1" in statistics_text(data)
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
