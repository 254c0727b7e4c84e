"""Machine code gives the numbers that numpy gives: permutations, the order of a block, and all rows of a mixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.mixture import lattice, order
from mathcode_data.mixture.permute import Permutation


@settings(max_examples=60)
@given(size=st.one_of(st.integers(1, 40), st.integers(1, 2**20), st.integers(2**30, 2**40)), start=st.integers(0, 2**40))
def test_a_span_of_a_permutation_is_the_same_compiled(size: int, start: int):
    """Small sizes walk on often; above 2**32 rows are multiplied in 64 bits."""
    start = start % size
    stop = min(size, start + 5000)
    one = Permutation(size, b"key")
    assert one.span(start, stop, compiled=True).tolist() == one.span(start, stop).tolist()


@pytest.mark.parametrize("size", [2**16, 2**16 + 1, 2**32, 2**32 - 3, 2**62 + 7, 2**63])
def test_the_edges_of_a_permutation_are_the_same_compiled(size: int):
    one = Permutation(size, b"edge")
    assert one.span(size - 700, size, compiled=True).tolist() == one.span(size - 700, size).tolist()


@settings(max_examples=80)
@given(
    quotas=st.lists(st.one_of(st.integers(0, 9), st.integers(1, 3000), st.sampled_from([500, 1000, 2000])), min_size=1, max_size=40),
    first=st.floats(0, 1),
)
def test_a_block_of_the_lattice_is_the_same_compiled(quotas: list[int], first: float):
    """Quotas that divide each other give exact ties, which the earlier source wins."""
    total = sum(quotas)
    if not total:
        return
    start = int(first * (total - 1))
    stop = min(total, start + 4000)
    plain, compiled = lattice.block(quotas, start, stop), lattice.block(quotas, start, stop, compiled=True)
    assert compiled.order.tolist() == plain.order.tolist()
    assert list(compiled.after) == list(plain.after)


@pytest.mark.parametrize("quotas", [[10**15, 10**15, 7], [2**40, 2**40 - 1, 2**39], [1_000_000_000, 1_000_000_000, 999_999_999]])
def test_large_quotas_and_near_ties_are_the_same_compiled(quotas: list[int]):
    """Products too large for 63 bits are compared in Python, whatever was asked."""
    start = sum(quotas) // 2
    plain, compiled = lattice.block(quotas, start, start + 3000), lattice.block(quotas, start, start + 3000, compiled=True)
    assert compiled.order.tolist() == plain.order.tolist()


def test_a_mixture_is_the_same_compiled(monkeypatch: pytest.MonkeyPatch, build, make_recipe, tmp_path: Path):
    """Two stages, holdouts, several epochs, weights that change over a stage."""
    annealed = {"name": "three", "tokens": 2000, "weights": {"code": 5, "math": 1}, "final_weights": {"math": 1}, "anneal": "linear"}
    recipe = make_recipe(stages=[*make_recipe().model_dump(exclude_unset=True)["stages"][:1], annealed])
    info = build(recipe)
    assert info["num_samples"] < order.COMPILED_ROWS
    monkeypatch.setattr(order, "COMPILED_ROWS", 1)
    assert build(recipe, tmp_path / "compiled")["files"] == info["files"]
