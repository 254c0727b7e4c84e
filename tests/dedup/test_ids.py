"""Ids as numbers: one rule for every global stage."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.stages.ids import hex_ids, id_words


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), max_size=9))
def test_words_sort_as_ids_do_and_come_back(ids):
    words = id_words(pa.array(ids, pa.string()), "here")
    assert hex_ids(words) == ids
    assert sorted(map(tuple, words.tolist())) == [tuple(row) for row in id_words(pa.array(sorted(ids), pa.string()), "here").tolist()]


@pytest.mark.parametrize("bad", [None, "abc", "g" * 32, " " * 31 + "a", "A" * 32, "a" * 32 + "\n", "a" * 33])
def test_a_wrong_id_is_named(bad):
    with pytest.raises(DataError, match=r"here: doc_id .* is not 32 hexadecimal digits in lower case"):
        id_words(pa.array(["0" * 32, bad], pa.string()), "here")
