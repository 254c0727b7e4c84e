"""Budgets become whole samples by one exact rule."""

from __future__ import annotations

import math
from fractions import Fraction

import hypothesis
import hypothesis.strategies as st

from mathcode_data.mixture.quotas import split_by_weight, stage_quotas

BUDGETS = st.lists(st.integers(0, 10**13), min_size=1, max_size=20)


@hypothesis.given(BUDGETS, st.integers(1, 10_000))
def test_the_sum_is_exact_and_no_source_is_a_whole_sample_away_from_its_budget(tokens: list[int], length: int):
    quotas = stage_quotas([Fraction(count) for count in tokens], length)
    assert sum(quotas) == sum(tokens) // length
    assert all(abs(quota - Fraction(count, length)) < 1 for quota, count in zip(quotas, tokens, strict=True))


@hypothesis.given(BUDGETS, st.integers(1, 10_000))
def test_a_larger_fraction_is_served_first_and_of_equal_ones_the_earlier_source(tokens: list[int], length: int):
    quotas = stage_quotas([Fraction(count) for count in tokens], length)
    gained = [quota - count // length for quota, count in zip(quotas, tokens, strict=True)]
    order = sorted(range(len(tokens)), key=lambda source: (-(tokens[source] % length), source))
    assert [gained[source] for source in order] == sorted(gained, reverse=True)


@hypothesis.given(st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any), st.integers(1, 10**12), st.integers(1, 5000))
def test_only_the_proportions_of_weights_count(weights: list[int], total: int, length: int):
    names = {str(number): Fraction(weight) for number, weight in enumerate(weights)}
    asked = split_by_weight(total, names)
    assert sum(asked.values()) == total
    assert asked == split_by_weight(total, {name: weight / 7 for name, weight in names.items()})
    assert sum(stage_quotas(list(asked.values()), length)) == math.floor(Fraction(total, length))


def test_the_budgets_of_the_study_by_hand():
    """400e9 / 4096 is whole and 150e9 / 4096 = 36,621,093.75; both together make 134,277,343.75."""
    assert stage_quotas([Fraction(400 * 10**9), Fraction(150 * 10**9)], 4096) == [97_656_250, 36_621_093]
    assert stage_quotas([Fraction(10), Fraction(10), Fraction(10)], 4) == [3, 2, 2]
