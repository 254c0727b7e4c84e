"""select.threshold keeps exactly the rows whose score lies in the range, and decides nothing without a score."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from support.stages import documents, make_config, run_map

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, max_size=30), st.tuples(FINITE, FINITE).map(sorted))
def test_kept_is_the_range_with_its_bounds_and_the_rest_is_counted(scores, bounds):
    low, high = bounds
    table = documents(["x"] * len(scores), score_math=pa.array(scores, pa.float64()))
    out, ledger = run_map("select.threshold", table, column="score_math", min=low, max=high)
    assert out["score_math"].to_pylist() == [score for score in scores if low <= score <= high]
    assert ledger.counters.dropped["below_min"] == sum(score < low for score in scores)
    assert ledger.counters.dropped["above_max"] == sum(score > high for score in scores)


def test_one_bound_alone_and_whole_numbers_work():
    table = documents(list("abc"), num_lines=[1, 5, 9])
    assert run_map("select.threshold", table, column="num_lines", min=5)[0]["num_lines"].to_pylist() == [5, 9]
    assert run_map("select.threshold", table, column="num_lines", max=5)[0]["num_lines"].to_pylist() == [1, 5]


@pytest.mark.parametrize("bad", [None, math.nan])
def test_a_missing_score_is_an_error_that_names_the_document(bad):
    table = documents(list("ab"), score_math=pa.array([0.5, bad], pa.float64()))
    with pytest.raises(DataError, match=r"document 0{31}1: score_math is (None|nan)"):
        run_map("select.threshold", table, column="score_math", min=0.1)


def test_a_missing_column_and_a_text_column_are_errors():
    with pytest.raises(DataError, match=r"no column 'score_maths'.*put the score stage"):
        run_map("select.threshold", documents(["a"], score_math=[0.5]), column="score_maths", min=0.1)
    with pytest.raises(DataError, match="column 'text' is large_string"):
        run_map("select.threshold", documents(["a"]), column="text", min=0.1)


@pytest.mark.parametrize(("values", "message"), [({}, "needs min, max or both"), ({"min": 2, "max": 1}, "no document can pass")])
def test_a_range_that_keeps_all_or_nothing_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        make_config("select.threshold", column="score_math", **values)
