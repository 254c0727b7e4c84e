"""Both greedy blends are Megatron's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from mathcode_data.mixture import megatron
from mathcode_data.mixture.megatron import build_blending_indices, build_exhaustive_blending_indices, exhaustive_blocks

QUOTAS = [
    [1], [5, 3], [1, 1, 1, 1], [400, 150], [97_656, 36_621], [1000, 1, 1], [7] * 50, [1, 2, 4, 8, 16, 32, 64, 128, 256],
    [99_991, 3, 50_000, 17], [60_000, 30_000, 10_000], [20_000] * 6, list(range(1, 120)), [2, 100_000],
]  # fmt: skip


@pytest.mark.slow  # imports torch
@pytest.mark.parametrize("quotas", QUOTAS, ids=str)
def test_the_exhaustive_blend_equals_megatrons(helpers, quotas: list[int]):
    total = sum(quotas)
    sources, counts = np.zeros(total, np.int16), np.zeros(total, np.int64)
    helpers.build_exhaustive_blending_indices(sources, counts, np.array(quotas, np.int64), len(quotas))
    found = build_exhaustive_blending_indices(quotas)
    assert np.array_equal(found[0], sources)
    assert np.array_equal(found[1], counts)


@pytest.mark.slow  # imports torch
@pytest.mark.parametrize("quotas", QUOTAS, ids=str)
def test_the_weighted_blend_equals_megatrons(helpers, quotas: list[int]):
    weights, size = np.array(quotas) / sum(quotas), 40_000
    sources, counts = np.zeros(size, np.int16), np.zeros(size, np.int64)
    helpers.build_blending_indices(sources, counts, weights, len(quotas), size, False)
    found = build_blending_indices(weights.tolist(), size)
    assert np.array_equal(found[0], sources)
    assert np.array_equal(found[1], counts)


@pytest.mark.parametrize("quotas", [[40_000, 15_000], [30_000, 20_000, 5], [9_000] * 5])
def test_segments_side_by_side_give_the_rows_made_one_by_one(monkeypatch, quotas: list[int]):
    side_by_side = build_exhaustive_blending_indices(quotas)
    monkeypatch.setattr(megatron, "MAX_SOURCES", 0)
    one_by_one = build_exhaustive_blending_indices(quotas)
    assert np.array_equal(side_by_side[0], one_by_one[0])
    assert np.array_equal(side_by_side[1], one_by_one[1])


def test_many_sources_are_chosen_in_numpy_as_in_python(monkeypatch):
    quotas = list(range(1, 60))
    in_numpy = build_exhaustive_blending_indices(quotas)
    monkeypatch.setattr(megatron, "MANY_SOURCES", 10**6)
    assert np.array_equal(in_numpy[0], build_exhaustive_blending_indices(quotas)[0])


def test_blocks_follow_each_other_without_a_seam():
    quotas = [4000, 1500, 7]
    whole = build_exhaustive_blending_indices(quotas)
    parts = list(exhaustive_blocks(quotas, 777))
    assert np.array_equal(np.concatenate([part[0] for part in parts]), whole[0])
    assert np.array_equal(np.concatenate([part[1] for part in parts]), whole[1])


def test_a_quota_of_zero_is_never_drawn_and_keeps_the_numbers_of_the_others():
    sources, counts = build_exhaustive_blending_indices([0, 3, 0, 2])
    assert np.bincount(sources).tolist() == [0, 3, 0, 2]
    assert sorted(counts[sources == 1].tolist()) == [0, 1, 2]
    assert build_exhaustive_blending_indices([0, 0])[0].size == 0
