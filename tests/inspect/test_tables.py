"""Tables line up on a terminal, whatever stands in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.inspect.tables import human_bytes, table, width

CELLS = st.text(st.sampled_from("ab数学é -"), max_size=5)


@given(st.lists(st.tuples(CELLS, st.integers(-(10**9), 10**9), CELLS), min_size=1, max_size=5))
def test_the_last_column_begins_at_one_place_in_every_line(rows):
    lines = table(["name", "tokens", "end"], [[name, number, f"|{end}"] for name, number, end in rows]).splitlines()
    assert len(lines) == len(rows) + 1
    assert len({width(line[: line.index("|")]) for line in lines[1:]}) == 1
    for line, (_, number, _) in zip(lines[1:], rows, strict=True):
        assert line[: line.index("|")].endswith(f"{number:,}  ")
    assert width(lines[0][: lines[0].index("end")]) == width(lines[1][: lines[1].index("|")])


def test_numbers_stand_right_words_left_and_nothing_is_a_dash():
    shown = table(["source", "tokens", "share", "whole"], [["数学", 1234567, 0.5, True], ["code", None, 12.25, False]])
    assert shown.splitlines() == [
        "source     tokens  share  whole",
        "数学    1,234,567  0.500    yes",
        "code            -   12.2     no",
    ]
    assert table(["a", "b"], []) == "a  b"


@given(st.floats(0, 1e18))
def test_bytes_have_at_most_three_digits_before_the_point_up_to_terabytes(number):
    value, unit = human_bytes(number).split()
    assert float(value) <= 1000 or unit == "TB"
