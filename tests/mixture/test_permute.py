"""The keyed permutation: a bijection of any size, the same one by one and in arrays, and well mixed."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.mixture.permute import CHUNK, Permutation


@hypothesis.given(st.integers(1, 700), st.binary(max_size=8))
def test_every_index_is_reached_once(size: int, key: bytes):
    order = Permutation(size, key)
    values = order.span(0, size)
    assert sorted(values.tolist()) == list(range(size))
    assert [order(index) for index in range(size)] == values.tolist()


@hypothesis.given(st.integers(1, 2**63), st.data())
def test_arrays_equal_single_values_for_any_size(size: int, data):
    order = Permutation(size, b"key")
    indices = data.draw(st.lists(st.integers(0, size - 1), max_size=20))
    values = order.many(np.array(indices, dtype=np.int64)).tolist()
    assert values == [order(index) for index in indices]
    assert all(0 <= value < size for value in values)


def test_spans_meet_across_chunks():
    size = 3 * CHUNK + 11
    order = Permutation(size, b"key")
    whole = order.span(0, size)
    assert np.array_equal(np.sort(whole), np.arange(size))
    assert np.array_equal(order.span(CHUNK - 5, 2 * CHUNK + 7), whole[CHUNK - 5 : 2 * CHUNK + 7])


def test_the_values_never_change():
    """They decide which window a finished mixture trains on at a position."""
    assert [Permutation(10, b"key")(index) for index in range(10)] == [5, 8, 1, 7, 2, 4, 9, 0, 3, 6]
    assert [Permutation(10**9, b"key")(index) for index in range(4)] == [946265915, 789515383, 455650395, 895570165]


def test_other_keys_give_other_orders():
    orders = {tuple(Permutation(50, bytes([key])).span(0, 50).tolist()) for key in range(50)}
    assert len(orders) == 50


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_neighbours_are_scattered_as_in_a_random_permutation(size: int):
    """Expected share of neighbours that stay neighbours is 2/size; 1,000 keys leave a standard error below 3 %."""
    num_keys = 1000
    close = 0
    for key in range(num_keys):
        values = Permutation(size, key.to_bytes(2, "little")).span(0, size)
        close += int((np.abs(np.diff(values)) == 1).sum())
    expected = num_keys * 2 * (size - 1) / size
    assert abs(close / expected - 1) < 4 / expected**0.5 + 0.02


def test_every_place_is_as_likely_as_any_other():
    """Chi-square of 2,000 keys over 16 x 16 cells: mean 225, standard deviation 21."""
    counts = np.zeros((16, 16))
    for key in range(2000):
        counts[np.arange(16), Permutation(16, key.to_bytes(2, "little")).span(0, 16)] += 1
    assert ((counts - 125) ** 2 / 125).sum() < 225 + 5 * 21


@pytest.mark.parametrize("ask", [
    lambda: Permutation(0, b""), lambda: Permutation(2**63 + 1, b""), lambda: Permutation(5, b"")(5),
    lambda: Permutation(5, b"").span(0, 6),
    lambda: Permutation(5, b"").many(np.array([-1])),
])  # fmt: skip
def test_what_lies_outside_is_refused(ask):
    with pytest.raises((ValueError, IndexError), match="legal are"):
        ask()
