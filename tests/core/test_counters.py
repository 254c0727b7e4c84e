"""read == kept + dropped, and what is kept of dropped documents."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mathcode_data.core.counters import MAX_DROPPED_TEXTS, Ledger, StageCounters, add_up
from mathcode_data.core.errors import MathcodeError
from support.stages import documents


def test_a_document_that_is_unaccounted_for_is_an_error():
    counters = StageCounters("x", read=3, kept=1)
    counters.dropped["short"] = 1
    with pytest.raises(MathcodeError, match="1 documents are unaccounted for"):
        counters.check()


def test_counters_survive_json_and_add_up():
    a = StageCounters("x", read=3, kept=2)
    a.dropped["short"] = 1
    a.facts["bytes"] = 7
    total = add_up([[a], [StageCounters.from_json(a.to_json())]])
    assert [stage.to_json() for stage in total] == [{"stage": "x", "read": 6, "kept": 4, "dropped": {"short": 2}, "facts": {"bytes": 14}}]


def test_all_ids_and_the_first_texts_of_each_reason_are_kept():
    ledger = Ledger("x")
    rows = documents([f"text {i}" for i in range(MAX_DROPPED_TEXTS + 5)])
    ledger.drop(rows, "a")
    ledger.drop(rows.slice(0, 1), "b")
    ledger.drop(rows.slice(0, 0), "c")
    kept = [(reason, part["doc_id"].to_pylist(), part["text"].null_count) for reason, part in ledger.dropped_rows]
    assert kept == [("a", rows["doc_id"].to_pylist(), 5), ("b", rows["doc_id"].to_pylist()[:1], 0)]


def test_rows_without_text_or_url_can_be_dropped():
    ledger = Ledger("x")
    ledger.drop(pa.table({"doc_id": ["a"], "content": [b"x"]}), "a")
    assert ledger.dropped_rows[0][1].to_pylist() == [{"doc_id": "a", "url": None, "path": None, "details": None, "text": None}]


def test_what_explains_a_drop_is_kept_with_it():
    ledger = Ledger("x")
    ledger.drop(pa.table({"doc_id": ["a", "b"], "path": ["x.py", None], "score_math": [0.25, None], "score_b": [1, None]}), "a")
    rows = ledger.dropped_rows[0][1].to_pylist()
    assert [row["path"] for row in rows] == ["x.py", None]
    assert [row["details"] for row in rows] == ['{"score_math":0.25,"score_b":1}', None]
