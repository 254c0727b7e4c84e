"""Samples have the size that was asked for, hold nothing twice, and are the same each time."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.inspect.sampling import RowGroups, blocks


@given(st.integers(0, 5000), st.integers(1, 600))
def test_blocks_are_apart_in_order_and_of_the_asked_size(num_documents: int, limit: int):
    found = blocks(num_documents, limit)
    assert sum(stop - first for first, stop in found) == min(limit, num_documents)
    ends = [0, *(edge for block in found for edge in block), num_documents]
    assert ends == sorted(ends)
    assert found == blocks(num_documents, limit)


@given(st.lists(st.integers(0, 300), max_size=90), st.integers(1, 5000))
def test_row_groups_give_exactly_the_asked_rows_where_they_have_them(sizes: list[int], limit: int):
    groups = RowGroups([(Path("a"), number, rows) for number, rows in enumerate(sizes)], [])
    picked = groups.pick(limit)
    assert all(0 < take <= rows for _, _, rows, take in picked)
    assert len({number for _, number, _, _ in picked}) == len(picked)
    taken = sum(take for *_, take in picked)
    available = sum(rows for _, _, rows, _ in picked)
    assert taken == sum(sizes) if sum(sizes) <= limit else taken <= limit
    if sum(sizes) > limit and available >= limit:
        assert taken == limit


def test_everything_is_read_without_a_limit():
    groups = RowGroups([(Path("a"), 0, 5), (Path("b"), 0, 0), (Path("b"), 1, 7)], [])
    assert [take for *_, take in groups.pick(None)] == [5, 7]
    assert groups.num_rows == 12
