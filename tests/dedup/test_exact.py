from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathcode_data.core.documents import write_documents
from mathcode_data.core.errors import DataError, PartialResultError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.dedup import exact, rows
from support.dedup import dedup, sharded, survivors
from support.stages import InlineContext, documents, make_config, make_result, run_global

NAME = "dedup.exact"
TEXTS = ["Let x = 1.", "Let  x = 1. \r\n", "let x = 1.", "Let x\u200b = 1.", "Let x = 2.", "", " \n", "...", "妈咪买了3盒茶叶", "a" * 50]


@settings(max_examples=15)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=12), st.data())
def test_one_survivor_per_normalised_text_whatever_order_sharding_and_tasks(texts, data):
    table = documents(texts)
    order = data.draw(st.permutations(range(len(texts))))
    cuts = data.draw(st.lists(st.integers(0, len(texts)), max_size=3))
    keep = data.draw(st.sampled_from(["smallest_id", "longest"]))
    kept, counters, _ = dedup(NAME, table.take(order), cuts, data.draw(st.sampled_from([2, 5, 1000])), keep=keep)

    groups: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        groups.setdefault(exact.normalised(text) or f"empty {row}", []).append(row)
    best = {"smallest_id": lambda row: row, "longest": lambda row: (-len(texts[row]), row)}[keep]
    assert kept.equals(table.take(sorted(min(group, key=best) for group in groups.values())))
    assert counters.dropped.total() == len(texts) - len(groups)


def test_highest_score_survives_and_missing_scores_come_last():
    table = documents(["same"] * 4, score_math=[None, 0.2, 0.9, float("nan")])
    kept, counters, _ = dedup(NAME, table, [2], keep="highest_score", score_column="score_math")
    assert kept["doc_id"].to_pylist() == [f"{2:032x}"]
    assert counters.dropped == {"exact_duplicate": 3}
    assert counters.facts == {"duplicate_groups": 1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("if x:\n    a()\n    b()", "if x:\n    a()\nb()"),
        ("X + x", "x + X"),
        ("A → B", "A ⇒ B"),
        ("x=.5", "x=5"),
        (r"\begin{pmatrix} 1 & 2 \end{pmatrix}", r"\begin{vmatrix} 1 & 2 \end{vmatrix}"),
        (r"\Delta = 3", r"\delta = 3"),
        ("2(x+3)", "2x+3"),
        ("f(1,234)", "f(1234)"),
    ],
)
def test_what_says_something_else_is_no_duplicate(one, other):
    kept, _, _ = dedup(NAME, documents([one, other]))
    assert kept["text"].to_pylist() == [one, other]


@pytest.mark.parametrize("other", ["é = 1\r\n\tx  y\r\n", "\ufeffe\u0301 = 1\n\n\n\tx\u00a0y ", "é =\u00ad 1\x0c\n\tx\ty"])
def test_spacing_line_ends_and_unicode_forms_do_not_count(other):
    kept, _, _ = dedup(NAME, documents(["é = 1\n\tx y", other]))
    assert kept["text"].to_pylist() == ["é = 1\n\tx y"]


@given(st.text(max_size=40))
def test_the_normalised_text_is_its_own_normalised_text(text):
    assert exact.normalised(exact.normalised(text)) == exact.normalised(text)


def test_urls_count_when_asked():
    urls = ["http://a.org/1", "https://www.a.org/1/", "http://a.org/2", "no url", "no url"]
    table = documents(["one", "two", "one\n", "three", "four"], url=urls)
    kept, counters, _ = dedup(NAME, table, [1, 3], urls=True)
    assert kept["text"].to_pylist() == ["one", "three", "four"]
    assert counters.dropped == {"duplicate_url": 1, "exact_duplicate": 1}
    kept, counters, _ = dedup(NAME, table, [1, 3], urls=True, texts=False)
    assert kept["text"].to_pylist() == ["one", "one\n", "three", "four"]


def test_a_record_that_was_read_twice_stays_once():
    table = documents(["one", "two"])
    kept, counters, _ = dedup(NAME, pa.concat_tables([table, table, table]), [2, 4])
    assert kept.equals(table)
    assert counters.dropped == {"exact_duplicate": 4}


def test_equal_hashes_of_texts_of_other_lengths_are_no_duplicates(monkeypatch):
    honest = exact.hash_texts
    monkeypatch.setattr(exact, "hash_texts", lambda texts: honest(texts) * np.array([0, 0, 1], np.uint64))
    kept, _, _ = dedup(NAME, documents(["one", "three", "THREE"]))
    assert kept["text"].to_pylist() == ["one", "three"]


def test_columns_and_shards_stay_as_they_are(tmp_path):
    table = documents(["one", "one", "two"], score_math=[0.1, 0.2, 0.3], title=["a", None, "c"])
    outcome = run_global(NAME, [sharded(table, [1, 1, 2], tmp_path / "in")], tmp_path / "out")
    names = [shard.name for record in outcome.records for shard in record.shards]
    assert names == [f"documents-{index:05d}.parquet" for index in range(4)]
    assert [shard.rows for record in outcome.records for shard in record.shards] == [1, 0, 0, 1]
    assert survivors(outcome).equals(table.take([0, 2]))


def test_no_shards_no_work(tmp_path):
    outcome = run_global(NAME, [make_result(tmp_path / "in", [])], tmp_path / "out")
    assert list(outcome.records) == []


def test_a_doc_id_of_another_form_is_an_error():
    table = documents(["one", "two"], doc_id=["0" * 32, "path/1"])
    with pytest.raises(DataError, match=r"documents-00000\.parquet: doc_id 'path/1' is not 32 hexadecimal digits"):
        dedup(NAME, table)


def test_a_missing_score_column_is_an_error():
    with pytest.raises(DataError, match="no column 'score_math'"):
        dedup(NAME, documents(["one"]), keep="highest_score", score_column="score_math")
    with pytest.raises(DataError, match="'score_math' is string"):
        dedup(NAME, documents(["one"], score_math=["high"]), keep="highest_score", score_column="score_math")


@pytest.mark.parametrize(
    "values", [{"texts": False}, {"keep": "highest_score"}, {"score_column": "score_math"}, {"keep": "eldest"}, {"sources": ["a", "a"]}]
)
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(ValidationError):
        make_config(NAME, **values)


@pytest.mark.parametrize("rows_after", [[1, 0], [0], [0, 1, 1]])
def test_a_shard_that_changes_while_the_stage_runs_is_an_error(tmp_path, monkeypatch, rows_after):
    table = documents(["one", "one"])
    result = sharded(table, [], tmp_path / "in")

    def list_dropped(task):
        rows.write_listing(task)
        write_documents(result.document_shards()[0], iter([table.take(rows_after)]), table.schema)

    monkeypatch.setattr(exact, "list_dropped", list_dropped)
    with pytest.raises(DataError, match=r"documents-00000\.parquet: (rows changed|1 rows, the manifest says 2)"):
        run_global(NAME, [result], tmp_path / "out")


class Faulty:
    """A context in which some tasks of a phase are set aside."""

    def __init__(self, result, folder, name, phase, lost):
        config = make_config(name)
        self.inner = InlineContext(name, config, [result], folder)
        self.config, self.inputs, self.seed, self.stage, self._phase, self._lost = config, [result], 0, name, phase, lost

    def map(self, phase, function, items):
        return [record for record in self.inner.map(phase, function, items) if (phase, record.index) != (self._phase, self._lost)]


@pytest.mark.parametrize(("name", "phase"), [("dedup.exact", "hash"), ("dedup.minhash", "sign")])
def test_a_shard_that_was_set_aside_leaves_the_others_whole(tmp_path, name, phase):
    table = documents(["a one", "b two", "a one", "a one", "b two"])
    context = Faulty(sharded(table, [1, 3], tmp_path / "in"), tmp_path / "out", name, phase, 1)
    outcome = load_plugin(name).build(context.config).run(context)
    assert survivors(outcome)["doc_id"].to_pylist() == [f"{row:032x}" for row in (0, 4)]


@pytest.mark.parametrize(("name", "phase"), [("dedup.exact", "group"), ("dedup.minhash", "band"), ("dedup.minhash", "cluster")])
def test_without_all_keys_there_is_no_result(tmp_path, name, phase):
    context = Faulty(sharded(documents(["one", "one"]), [1], tmp_path / "in"), tmp_path / "out", name, phase, 0)
    with pytest.raises(PartialResultError, match=f"tasks of phase '{phase}' were set aside"):
        load_plugin(name).build(context.config).run(context)
