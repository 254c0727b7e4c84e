"""Forgetting, retention and the paired bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.study.metrics import difference, forgetting, paired_interval, retention

LOSSES = st.floats(0.01, 100, allow_nan=False)


@given(st.lists(LOSSES, min_size=1, max_size=20))
def test_forgetting_is_never_below_zero_and_zero_where_the_end_is_the_best(curve):
    assert forgetting(curve) >= 0
    assert forgetting([*curve, min(curve)]) == 0
    assert forgetting([*curve, min(curve) + 2]) == pytest.approx(2)


def test_forgetting_of_nothing_is_an_error():
    with pytest.raises(DataError, match="no point"):
        forgetting([])


@given(LOSSES, LOSSES, LOSSES, st.floats(0.1, 10), st.floats(-5, 5))
def test_retention_is_one_at_the_peak_zero_at_the_base_and_free_of_scale(base, peak, after, factor, shift):
    if abs(base - peak) < 1e-3:
        return
    one = np.array([1.0])
    assert retention(base * one, peak * one, peak * one)[0] == 1
    assert retention(base * one, peak * one, base * one)[0] == 0
    values = [value * factor + shift for value in (base, peak, after)]
    expected = retention(base * one, peak * one, after * one)[0]
    assert retention(*(value * one for value in values))[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_retention_of_no_gain_is_no_number():
    assert np.isnan(retention(np.ones(1), np.ones(1), np.zeros(1))[0])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((12.2, 25.0, 12.2), 0.0), ((13.0, 40.0, 17.0), 0.148), ((12.2, 25.0, 29.3), 1.336), ((13.0, 40.0, 39.4), 0.978)],
)
def test_retention_gives_the_figures_of_the_paper(scores, expected):
    assert retention(*(np.array([score]) for score in scores))[0] == pytest.approx(expected, abs=5e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_constant_difference_has_an_interval_of_that_number_whatever_the_spread(seed):
    """Paired: what is hard in a window, or in a seed, cancels."""
    generator = np.random.default_rng(seed)
    one = [generator.normal(5 * number, 3, 20) for number in range(3)]
    two = [values + 0.25 for values in one]
    found = paired_interval({"a": one, "b": two}, difference("b", "a"), resamples=200)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert found.verdict == "above"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_value_is_that_of_the_data_and_changing_sides_changes_the_sign(seed):
    generator = np.random.default_rng(seed)
    runs = {name: [generator.normal(0, 1, 15) for _ in range(3)] for name in "ab"}
    one = paired_interval(runs, difference("a", "b"), resamples=300)
    two = paired_interval(runs, difference("b", "a"), resamples=300)
    expected = np.mean([x.mean() - y.mean() for x, y in zip(runs["a"], runs["b"], strict=True)])
    assert one.value == pytest.approx(expected)
    assert (two.value, two.low, two.high) == pytest.approx((-one.value, -one.high, -one.low))
    assert one.low <= one.value <= one.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """300 studies of 8 seeds of 30 windows around a true difference of 0; with few seeds a bootstrap is a little too narrow."""
    generator = np.random.default_rng(5)
    hits = 0
    for number in range(300):
        runs = {name: [generator.normal(0, 1, 30) + shift for shift in generator.normal(0, 0.2, 8)] for name in "ab"}
        found = paired_interval(runs, difference("a", "b"), resamples=200, seed=number)
        hits += found.low <= 0 <= found.high
    assert 0.85 <= hits / 300 <= 1.0


@pytest.mark.parametrize("runs", [{}, {"a": [np.ones(2)], "b": []}, {"a": [np.ones(2)], "b": [np.ones(3)]}, {"a": [np.ones(0)]}])
def test_runs_that_cannot_be_paired_are_refused(runs):
    with pytest.raises(DataError, match="to compare"):
        paired_interval(runs, lambda means: next(iter(means.values())), resamples=100)
