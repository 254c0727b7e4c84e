"""Weights that change: totals are exact, and no prefix is far from the integral of the shares."""

from __future__ import annotations

from fractions import Fraction

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.mixture import lattice
from mathcode_data.mixture.annealing import Curve, annealed, num_segments, whole_weights
from mathcode_data.mixture.quotas import divide

WEIGHTS = st.integers(1, 6).flatmap(
    lambda size: st.tuples(*(st.lists(st.integers(0, 30), min_size=size, max_size=size).filter(any) for _ in range(2)))
)


def integral(curve: Curve, own: int, replayed: list[int], samples: int) -> list[Fraction]:
    """The shares summed over the first samples, as the docstring defines them."""
    total = own + sum(replayed)
    found = []
    for start, end in zip(curve.start, curve.end, strict=True):
        low, high = Fraction(start, sum(curve.start)), Fraction(end, sum(curve.end))
        if curve.steps is None:
            part = low * samples + (high - low) * Fraction(samples * samples, 2 * total)
        else:
            edges = [total * step // curve.steps for step in range(curve.steps + 1)]
            part = sum(
                (low + (high - low) * Fraction(step, max(curve.steps - 1, 1))) * max(min(samples, edges[step + 1]) - edges[step], 0)
                for step in range(curve.steps)
            )
        found.append(part * Fraction(own, total))
    return found + [Fraction(count * samples, total) for count in replayed]


@hypothesis.settings(max_examples=60)
@hypothesis.given(WEIGHTS, st.integers(30, 400), st.lists(st.integers(0, 40), max_size=2), st.sampled_from([None, 2, 3, 7]))
def test_every_segment_ends_within_a_sample_of_the_integral_and_every_prefix_within_the_stated_bound(weights, own, replayed, steps):
    curve = Curve(*weights, steps)
    segments = annealed(curve, own, replayed)
    total = own + sum(replayed)
    streams = len(weights[0]) + len(replayed)
    assert [segment.first_sample for segment in segments] == np.cumsum([0, *(s.num_samples for s in segments[:-1])]).tolist()
    counts = [0] * streams
    parts = len(segments)
    for segment in segments:
        assert list(segment.before) == counts
        assert sum(segment.quotas) == segment.num_samples
        assert min(segment.quotas) >= 0
        for row in range(segment.num_samples):
            drawn = lattice.drawn_before(segment.quotas, row)
            exact = integral(curve, own, replayed, segment.first_sample + row)
            for stream in range(streams):
                share = Fraction(segment.quotas[stream], segment.num_samples)
                bend = 0
                if steps is None and stream < len(weights[0]):
                    change = Fraction(weights[1][stream], sum(weights[1])) - Fraction(weights[0][stream], sum(weights[0]))
                    bend = abs(change) * Fraction(total, 8 * parts * parts) + 1  # segments differ by a sample in length
                bound = Fraction(3, 2) + share * streams / 2 + bend
                assert abs(counts[stream] + drawn[stream] - exact[stream]) <= bound
        counts = [before + quota for before, quota in zip(counts, segment.quotas, strict=True)]
        ends = integral(curve, own, replayed, segment.first_sample + segment.num_samples)
        assert all(abs(count - end) < 1 for count, end in zip(counts, ends, strict=True))
    assert sum(counts) == total
    assert counts[len(weights[0]) :] == replayed


@hypothesis.settings(max_examples=40)
@hypothesis.given(st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.integers(1, 1000))
def test_weights_that_do_not_change_give_the_largest_remainders(weights, own):
    sums = [sum(column) for column in zip(*(s.quotas for s in annealed(Curve(weights, weights, 2), 2 * own, [])), strict=True)]
    assert all(abs(count - Fraction(2 * own * weight, sum(weights))) < 1 for count, weight in zip(sums, weights, strict=True))
    one = Curve(weights, weights, 1)
    assert list(annealed(one, own, [])[0].quotas) == divide(own, weights)


def test_a_weight_of_zero_at_the_end_ends_in_no_sample_at_the_last_step():
    segments = annealed(Curve([8, 3], [0, 1], 4), 1000, [50])
    assert segments[-1].quotas[0] == 0
    assert segments[0].quotas[0] > 150


def test_the_number_of_segments_is_that_of_the_text_and_large_stages_are_planned_at_once():
    curve = Curve([8, 3], [1, 3], None)
    assert [num_segments(curve, samples) for samples in (1, 3, 100, 134_277_343)] == [1, 1, 10, 1024]
    assert num_segments(Curve([1] * 32_767, [1] * 32_767, None), 10**9) == 8
    segments = annealed(curve, 134_277_343, [])
    sums = [sum(column) for column in zip(*(segment.quotas for segment in segments), strict=True)]
    assert sum(sums) == 134_277_343
    assert abs(sums[0] - 134_277_343 * (8 / 11 + 1 / 4) / 2) < 1


def test_whole_weights_keep_the_proportions():
    assert whole_weights([Fraction(1, 10), Fraction(3, 10), Fraction(0)]) == [1, 3, 0]


@pytest.mark.parametrize("steps", [None, 5])
def test_two_sources_by_hand(steps):
    """From all code to all mathematics: half of each, the first rows code and the last ones mathematics."""
    segments = annealed(Curve([1, 0], [0, 1], steps), 100, [])
    sums = [sum(column) for column in zip(*(segment.quotas for segment in segments), strict=True)]
    assert sums == [50, 50]
    first, last = segments[0].quotas, segments[-1].quotas
    assert first[0] > 4 * first[1]
    assert last[1] > 4 * last[0]
