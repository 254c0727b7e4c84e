"""When the user allows shards to fail: one that fails first is left out as a whole, a phase in the middle may lose nothing."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.errors import PartialResultError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.learn import probe_tokenizer
from mathcode_data.stages.tokenize import tokenizer_file
from support.classifier import MATH, OTHER, table_of
from support.stages import InlineContext, documents, make_config, make_result


class Faulty(InlineContext):
    """Some tasks of a phase are set aside."""

    def __init__(self, name, config, inputs, folder, phase, lost):
        super().__init__(name, config, inputs, folder)
        self.fault = phase, lost

    def map(self, phase, function, items):
        return [record for record in super().map(phase, function, items) if (phase, record.index) != self.fault]


def run_with_loss(name, tables, folder, phase, lost, **values):
    """Run a global stage; task `lost` of `phase` is set aside."""
    config = make_config(name, folder, **values)
    context = Faulty(name, config, [make_result(folder / "in", tables)], folder / "phases", phase, lost)
    return load_plugin(name).build(config).run(context)


def files_of(outcome):
    return {shard.name: record.path(shard.name) for record in outcome.records for shard in record.shards}


def top_tables():
    table = documents(["t"] * 6, score_math=[6.0, 5, 4, 3, 2, 1], num_tokens=[1] * 6)
    return [table.slice(0, 2), table.slice(2, 2), table.slice(4, 2)]


TOP = {"column": "score_math", "tokens": 3, "token_column": "num_tokens"}


@pytest.mark.parametrize(("phase", "expected"), [("rank", [2, 3, 4]), ("keep", [2])])
def test_the_budget_holds_and_the_facts_are_those_of_what_is_kept(tmp_path, phase, expected):
    outcome = run_with_loss("select.top_tokens", top_tables(), tmp_path, phase, 0, **TOP)
    kept = [doc_id for path in files_of(outcome).values() for doc_id in pq.read_table(path)["doc_id"].to_pylist()]
    assert kept == [f"{row:032x}" for row in expected]
    assert outcome.facts["tokens"] == outcome.facts["num_documents"] == len(expected)


def test_without_a_cut_nothing_is_selected(tmp_path):
    with pytest.raises(PartialResultError, match="1 of 1 tasks of phase 'cut' were set aside"):
        run_with_loss("select.top_tokens", top_tables(), tmp_path, "cut", 0, **TOP)


@pytest.mark.parametrize("phase", ["tokenizer-cut", "tokenizer-texts", "learn-tokenizer"])
def test_without_the_whole_sample_no_tokenizer_is_learned(tmp_path, phase):
    with pytest.raises(PartialResultError, match=f"tasks of phase '{phase}' were set aside"):
        run_with_loss("learn.tokenizer", [documents(["let x = 1"]), documents(["y"])], tmp_path, phase, 0, vocab_size=300)


def test_without_a_trained_model_there_is_no_result(tmp_path):
    negatives = make_result(tmp_path / "n", [table_of(OTHER, 40, 2)])
    settings = {"dim": 4, "bucket": 100, "min_count": 1, "negatives": str(negatives.folder)}
    with pytest.raises(PartialResultError, match="tasks of phase 'train' were set aside"):
        run_with_loss("learn.fasttext", [table_of(MATH, 40, 1)], tmp_path, "train", 0, **settings)


def tokenize_with_loss(folder, monkeypatch, phase, lost):
    monkeypatch.setattr(tokenizer_file, "run_in_child", lambda function, message, **_: probe_tokenizer.probe(message))
    table = documents([f"let x = {i}" for i in range(40)])
    tables = [table.take(pa.array(range(shard, 40, 2))) for shard in range(2)]
    return run_with_loss("tokenize", tables, folder, phase, lost, vocab_size=300, shard_tokens=100)


@pytest.mark.parametrize(("phase", "lost"), [("shards", 0), ("shards", 2), ("encode", 1)])
def test_token_shards_that_are_there_have_their_tokenizer_and_true_facts(tmp_path, monkeypatch, phase, lost):
    outcome = tokenize_with_loss(tmp_path, monkeypatch, phase, lost)
    files = files_of(outcome)
    assert json.loads(files["tokenizer.json"].read_bytes())["model"]
    tables = [pq.read_table(path) for name, path in files.items() if name.endswith(".documents.parquet")]
    rows = [row for table in tables for row in table.to_pylist()]
    assert 0 < len(rows) < 40
    assert outcome.facts["num_documents"] == len(rows)
    assert outcome.facts["num_tokens"] == sum(row["num_tokens"] for row in rows)
    assert outcome.facts["text_bytes"] == sum(len(f"let x = {int(row['doc_id'], 16)}") for row in rows)


@pytest.mark.parametrize("phase", ["tokenizer", "parts"])
def test_without_tokenizer_or_list_of_parts_there_are_no_shards(tmp_path, monkeypatch, phase):
    with pytest.raises(PartialResultError, match=f"tasks of phase '{phase}' were set aside"):
        tokenize_with_loss(tmp_path, monkeypatch, phase, 0)
