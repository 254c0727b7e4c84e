"""The lattice blend against a full sort by exact fractions, and its laws for any size."""

from __future__ import annotations

from fractions import Fraction

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.mixture import lattice, near_times
from mathcode_data.mixture.lattice import at, at_many, block, blocks, drawn_before, row_of, rows
from mathcode_data.mixture.lattice_fast import FastLattice, fits

QUOTAS = st.one_of(
    st.lists(st.integers(0, 40), min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=1, max_size=40),
    st.builds(lambda quota, sources: [quota] * sources, st.integers(1, 12), st.integers(1, 12)),  # all tie
    st.builds(lambda quota, sources: [quota, quota + 1] * sources, st.integers(1, 12), st.integers(1, 5)),
).filter(any)
HUGE = st.lists(st.one_of(st.integers(0, 2**40), st.sampled_from([0, 1, 2**31, 2**31 + 1, 2**39])), min_size=1, max_size=12).filter(any)


def by_sorting(quotas: list[int]) -> list[tuple[int, int]]:
    """The definition: all draws by (time, source)."""
    draws = [(Fraction(2 * draw + 1, 2 * quota), source, draw) for source, quota in enumerate(quotas) for draw in range(quota)]
    return [(source, draw) for _, source, draw in sorted(draws)]


@hypothesis.given(QUOTAS)
def test_every_way_to_a_row_gives_the_sorted_order(quotas: list[int]):
    expected = by_sorting(quotas)
    sources, draws = rows(quotas, 0, len(expected))
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected
    assert (sources.dtype, draws.dtype) == (np.int16, np.int64)
    counts = [0] * len(quotas)
    for row, (source, draw) in enumerate(expected):
        assert at(quotas, row) == (source, draw)
        assert row_of(quotas, source, draw) == row
        assert drawn_before(quotas, row) == counts
        counts[source] += 1
    assert drawn_before(quotas, len(expected)) == quotas


@hypothesis.given(QUOTAS, st.data())
def test_any_run_of_rows_is_that_part_of_the_order(quotas: list[int], data):
    expected = by_sorting(quotas)
    start = data.draw(st.integers(0, len(expected)))
    stop = data.draw(st.integers(start, len(expected)))
    sources, draws = rows(quotas, start, stop)
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected[start:stop]


@hypothesis.given(QUOTAS)
def test_after_any_number_of_rows_every_source_is_within_the_bound_of_its_share(quotas: list[int]):
    """|c_i(t) - w_i t| <= 1/2 + w_i D/2, exactly."""
    total, num_sources = sum(quotas), len(quotas)
    counts = [0] * num_sources
    for row, (source, _) in enumerate(by_sorting(quotas)):
        for quota, count in zip(quotas, counts, strict=True):
            share = Fraction(quota, total)
            assert abs(count - share * row) <= Fraction(1, 2) + share * num_sources / 2
        counts[source] += 1


@hypothesis.given(HUGE, st.data())
def test_rows_of_a_blend_of_any_size_equal_the_single_ones(quotas: list[int], data):
    """Beyond 2**31 products of two quotas do not fit an int64; nothing may wrap."""
    total = sum(quotas)
    start = data.draw(st.one_of(st.integers(0, total), st.sampled_from([0, total // 2, max(total - 50, 0)])))
    stop = min(start + 50, total)
    sources, draws = rows(quotas, start, stop)
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == [at(quotas, row) for row in range(start, stop)]
    assert [row_of(quotas, *at(quotas, row)) for row in range(start, stop)] == list(range(start, stop))


@pytest.mark.parametrize("quotas", [
    [97_656_250, 36_621_093], [67_000_000, 67_000_000], [67_000_000, 67_000_001], [2**33, 2**33, 2**33 + 1], [2**62, 2**62], [1, 2**40],
    [3] * 200, list(range(1, 300)),
])  # fmt: skip
def test_large_blocks_equal_the_single_rows_where_times_tie_or_nearly_tie(quotas: list[int]):
    total = sum(quotas)
    for start in (0, total // 3, max(total - 3000, 0)):
        stop = min(start + 3000, total)
        sources, draws = rows(quotas, start, stop)
        for row in range(start, stop, 97):
            assert at(quotas, row) == (sources[row - start], draws[row - start])
        counts = drawn_before(quotas, start)
        for source in range(min(len(quotas), 5)):
            own = draws[sources == source]
            assert own.tolist() == list(range(counts[source], counts[source] + own.size))


def test_times_that_rounding_cannot_tell_apart_are_settled_exactly(monkeypatch):
    """With 12 bits of time nearly all neighbours are too near, so the exact comparison decides; the order is the same."""
    quotas = [37, 41, 43, 40, 3, 0, 80]
    expected = by_sorting(quotas)
    monkeypatch.setattr(near_times, "TIME_BITS", 14)
    for start, stop in ((0, len(expected)), (50, 130)):
        sources, draws = rows(quotas, start, stop)
        assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected[start:stop]
    monkeypatch.setattr(near_times, "SAFE_PRODUCT", 1)
    sources, draws = rows(quotas, 0, len(expected))
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected


@hypothesis.given(QUOTAS, st.integers(1, 30))
def test_blocks_follow_each_other_without_a_seam(quotas: list[int], block_rows: int):
    total = sum(quotas)
    spans = list(blocks(quotas, 0, total, block_rows))
    assert [low for low, _, _ in spans] == list(range(0, total, block_rows))
    taken = [0] * len(quotas)
    for low, high, found in spans:
        assert found.before == taken
        assert sorted(found.order.tolist()) == list(range(high - low))
        taken = found.after
    assert taken == quotas


def test_an_array_by_source_is_put_in_row_order():
    found = block([2, 1], 0, 3)
    assert np.array(["a0", "a1", "b0"])[found.order].tolist() == ["a0", "b0", "a1"]


@pytest.mark.parametrize("ask", [lambda: at([2, 1], 3), lambda: at([2, 1], -1), lambda: row_of([2, 1], 1, 1), lambda: drawn_before([2], 3)])
def test_rows_outside_the_blend_are_refused(ask):
    with pytest.raises(IndexError, match="of a blend of|whose quota is"):
        ask()


@hypothesis.given(QUOTAS, st.data())
def test_rows_anywhere_equal_the_sorted_order(quotas: list[int], data):
    """One by one, as a run, and scattered: three ways in numpy, each against the definition."""
    expected = by_sorting(quotas)
    fast = FastLattice(tuple(quotas))
    assert [fast.at(row) for row in range(len(expected))] == expected
    asked = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=40))
    for sources, draws in (at_many(quotas, asked), fast.at_many(np.array(asked, dtype=np.int64))):
        assert (sources.dtype, draws.dtype) == (np.int16, np.int64)
        assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == [expected[row] for row in asked]
    start = data.draw(st.integers(0, len(expected) - 1))
    sources, draws = fast.run(start, min(20, len(expected) - start))
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected[start : start + 20]


@hypothesis.given(HUGE, st.data())
def test_rows_anywhere_of_a_blend_of_any_size_equal_the_ones_in_whole_numbers(quotas: list[int], data):
    asked = data.draw(st.lists(st.integers(0, sum(quotas) - 1), min_size=1, max_size=20))
    expected = [lattice._at_in_python(quotas, row) for row in asked]
    assert [at(quotas, row) for row in asked] == expected
    sources, draws = at_many(quotas, asked)
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected


@pytest.mark.parametrize("total", [134_000_000, 3_700_000_000, 2**44])
@pytest.mark.parametrize("kind", ["geometric", "equal", "nearly equal", "one large"])
def test_doubles_are_exact_where_they_are_used(total: int, kind: str):
    """64 sources at the sizes of a 550 B and a 15 T plan; ties and near ties are the hard cases."""
    quotas = {
        "geometric": [max(total >> (number // 3 + 2), 1) for number in range(64)],
        "equal": [total // 64] * 64,
        "nearly equal": [total // 64 + number % 3 for number in range(64)],
        "one large": [total] + [1 + number for number in range(63)],
    }[kind]
    assert fits(tuple(quotas))
    generator = np.random.default_rng(3)
    asked = np.concatenate([generator.integers(0, sum(quotas), 40), np.arange(5), sum(quotas) - 1 - np.arange(5)])
    expected = [lattice._at_in_python(quotas, row) for row in asked.tolist()]
    assert [at(quotas, row) for row in asked.tolist()] == expected
    sources, draws = at_many(quotas, asked)
    assert list(zip(sources.tolist(), draws.tolist(), strict=True)) == expected


def test_rows_outside_are_refused():
    assert not fits((2**50, 3))
    assert at_many([2**60, 2**60], [2**60])[1].tolist() == [2**59]
    assert at_many([0], [])[0].size == 0
    for asked in ([-1], [3], [0, 7]):
        with pytest.raises(IndexError, match=r"of a blend of 3 rows; rows are 0\.\.2"):
            at_many([2, 1], asked)
