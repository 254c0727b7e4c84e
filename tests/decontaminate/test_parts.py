from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.decontaminate.parts import filter_of_parts, find_candidates

ODD = np.uint64(0x9E3779B97F4A7C15)
SMALL = st.lists(st.integers(0, 3), max_size=40)


@given(SMALL, st.lists(SMALL, max_size=4), st.integers(1, 12))
def test_no_run_of_the_texts_is_passed_over_and_none_goes_across_pages(known, pages, n):
    texts = np.array(known, np.uint64) * ODD
    grams = np.array([gram for page in pages for gram in page], np.uint64) * ODD
    ends = np.cumsum([0, *map(len, pages)])
    found = find_candidates(filter_of_parts(texts, np.arange(max(0, texts.size - n + 1)), n), n, grams, ends).tolist()
    runs = {tuple(known[i : i + n]) for i in range(len(known) - n + 1)}
    expected = {int(ends[k]) + i for k, page in enumerate(pages) for i in range(len(page) - n + 1) if tuple(page[i : i + n]) in runs}
    assert expected <= set(found)
    assert found == sorted(set(found))
    assert set(found) <= {int(ends[k]) + i for k, page in enumerate(pages) for i in range(len(page) - n + 1)}


@pytest.mark.parametrize("n", [3, 5, 10, 13])
def test_of_other_grams_few_pass(n):
    draw = np.random.default_rng(0)
    texts, grams = draw.integers(0, 1 << 63, (2, 20_000), np.uint64)
    parts = filter_of_parts(texts, np.arange(texts.size - n + 1), n)
    passed = find_candidates(parts, n, grams, np.array([0, grams.size])).size
    assert passed <= 0.06 * grams.size  # the filter lets 3 of 100 pass at most 8 bits a key; each run of more grams holds several
    assert find_candidates(parts, n, texts, np.array([0, texts.size])).size == texts.size - n + 1


def test_an_empty_filter_refuses_all():
    nothing = filter_of_parts(np.zeros(0, np.uint64), np.zeros(0, np.int64), 10)
    assert find_candidates(nothing, 10, np.arange(100, dtype=np.uint64) * ODD, np.array([0, 100])).size == 0
