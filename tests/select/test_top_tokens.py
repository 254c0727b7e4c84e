"""select.top_tokens keeps exactly the best documents within the budget, however they lie in shards."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from support.stages import documents, make_result, run_global


def kept_ids(outcome):
    paths = [record.path(shard.name) for record in outcome.records for shard in record.shards]
    return {doc_id for path in paths for doc_id in pq.read_table(path)["doc_id"].to_pylist()}


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9, 0.95]), st.integers(0, 9)), min_size=1, max_size=25),
    st.integers(0, 120), st.integers(1, 3), st.booleans(),
)  # fmt: skip
def test_kept_is_the_beginning_of_the_ranking_for_every_sharding(tmp_path_factory, rows, budget, num_shards, is_reversed):
    folder = tmp_path_factory.mktemp("top")
    scores, tokens = zip(*rows, strict=True)
    table = documents(["t"] * len(rows), score_math=list(scores), num_tokens=list(tokens))
    shards = [table.take(pa.array(range(shard, table.num_rows, num_shards), pa.int64())) for shard in range(num_shards)]
    result = make_result(folder / "in", shards[::-1] if is_reversed else shards)
    outcome = run_global("select.top_tokens", [result], folder, column="score_math", tokens=budget, token_column="num_tokens")
    expected, total = set(), 0
    for _, doc_id, size in sorted((-score, f"{i:032x}", size) for i, (score, size) in enumerate(rows)):
        if total + size > budget:
            break
        expected.add(doc_id)
        total += size
    assert kept_ids(outcome) == expected
    assert outcome.facts["tokens"] == total
    dropped = sum(record.counters[0].dropped["beyond_budget"] for record in outcome.counted)
    assert dropped == len(rows) - len(expected)


def test_tokens_are_estimated_from_utf8_bytes_rounded_up(tmp_path):
    table = documents(["abcd", "数", ""], score_math=[3.0, 2.0, 1.0])
    result = make_result(tmp_path / "in", [table])
    outcome = run_global("select.top_tokens", [result], tmp_path, column="score_math", tokens=3, bytes_per_token=3)
    assert outcome.facts["tokens"] == 2 + 1 + 0
    assert len(kept_ids(outcome)) == 3


def test_a_nan_score_stops_the_stage(tmp_path):
    result = make_result(tmp_path / "in", [documents(["a"], score_math=[float("nan")])])
    with pytest.raises(DataError, match="score_math is nan"):
        run_global("select.top_tokens", [result], tmp_path, column="score_math", tokens=3)


def test_fractions_are_no_token_counts(tmp_path):
    result = make_result(tmp_path / "in", [documents(["a"], score_math=[0.5], num_tokens=[1.5])])
    with pytest.raises(DataError, match="num_tokens holds fractions"):
        run_global("select.top_tokens", [result], tmp_path, column="score_math", tokens=3, token_column="num_tokens")


def test_a_column_that_is_missing_is_named(tmp_path):
    result = make_result(tmp_path / "in", [documents(["a"], score_math=[0.5])])
    with pytest.raises(DataError, match="no column 'score_code'"):
        run_global("select.top_tokens", [result], tmp_path, column="score_code", tokens=3)
