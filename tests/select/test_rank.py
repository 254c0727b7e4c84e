"""Rankings: exact at every budget, the same for every way to cut the documents into shards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.select import rank
from mathcode_data.stages.select.rank import Cut, descending_keys, find_cut, keyed_hashes, save_part

WORD = st.integers(0, 2**64 - 1)
KEY = st.one_of(WORD, st.integers(0, 3), st.sampled_from([2**48, 2**48 + 1, 2**63]))


@given(
    st.lists(st.tuples(KEY, WORD, WORD, st.integers(0, 50)), max_size=40, unique_by=lambda row: row[:3]),
    st.integers(0, 1000), st.integers(1, 4), st.sampled_from([0, 3, rank.MAX_ROWS]),
)  # fmt: skip
def test_the_cut_is_the_longest_beginning_within_the_budget(tmp_path_factory, rows, budget, num_shards, max_rows):
    folder = tmp_path_factory.mktemp("rank")
    table = np.array(rows, dtype=np.uint64).reshape(-1, 4)
    for shard in range(num_shards):
        part = table[shard::num_shards]
        save_part(folder / f"{shard}.npy", part[:, 0], part[:, 1:3], part[:, 3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank, "MAX_ROWS", max_rows)  # also when digit after digit must be looked at
        cut = find_cut([folder / f"{shard}.npy" for shard in range(num_shards)], budget)
    kept, total = [], 0
    for row in sorted(rows):
        if total + row[3] > budget:
            break
        kept.append(row)
        total += row[3]
    assert (cut.num_documents, cut.total) == (len(kept), total)
    mask = Cut.from_json(cut.to_json()).keeps(table[:, 0], table[:, 1:3])
    assert sorted(row for row, keep in zip(rows, mask, strict=True) if keep) == kept


def test_a_document_that_lies_in_two_shards_stays_or_goes_as_one(tmp_path):
    ids = np.array([[0, 1], [0, 2]], np.uint64)
    for name in ("a", "b"):
        save_part(tmp_path / f"{name}.npy", np.array([5, 6], np.uint64), ids, np.array([10, 10]))
    cut = find_cut([tmp_path / "a.npy", tmp_path / "b.npy"], 30)
    assert cut.end == (6, 0, 2)
    assert (cut.num_documents, cut.total) == (2, 20)


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_descending_keys_sort_as_scores_do_from_high_to_low(scores):
    keys = descending_keys(np.array(scores))
    order = np.argsort(keys, kind="stable")
    assert [scores[i] for i in order] == sorted(scores, reverse=True)
    assert len(set(keys.tolist())) == len(set(scores))


def test_keyed_hashes_are_uniform_and_independent_between_purposes():
    ids = np.column_stack([np.zeros(20_000, np.uint64), np.arange(20_000, dtype=np.uint64)])
    one, two = (keyed_hashes(ids, 1, purpose) / 2.0**64 for purpose in ("one", "two"))
    # standard error of a mean of 20,000 uniforms: 0.002; of a correlation: 0.007. Five of them.
    assert abs(one.mean() - 0.5) < 0.0102
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.036
    assert (keyed_hashes(ids, 2, "one") != keyed_hashes(ids, 1, "one")).all()
