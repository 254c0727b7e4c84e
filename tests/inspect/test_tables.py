"""Tables line up on a terminal, whatever stands in them."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.inspect.tables import counters_table, human_bytes, stage_table, table, width

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


@given(st.lists(st.tuples(CELLS, st.integers(0, 10**6), st.text("abc/", max_size=60), CELLS), max_size=5), st.integers(24, 90))
def test_a_table_fits_a_terminal_and_cuts_texts_alone(rows, columns):
    """12 columns of numbers, three gaps of two, and a column of each text is the least that any table needs."""
    headers = ["name", "tokens", "url", "end"]
    whole, fitted = table(headers, rows, 10**6).splitlines(), table(headers, rows, columns).splitlines()
    assert len(fitted) == len(whole)
    assert all(width(line) <= columns for line in fitted)
    if max(map(width, whole)) <= columns:
        assert fitted == whole
    for line, (_, number, _, _) in zip(fitted[1:], rows, strict=True):
        assert re.search(rf"(^|\s){number:,}(\s|$)", line), "a number is never cut"


def test_the_widest_text_is_cut_first_and_an_address_in_its_middle():
    rows = [["short", 12, "https://example.org/a/long/way/to/page-17.html", "near_duplicate 3, too_short 2"]]
    assert table(["a", "n", "url", "why"], rows, 50).splitlines()[1] == "short  12  https://e…-17.html  near_duplicate 3, …"


@pytest.mark.parametrize(("is_terminal", "is_cut"), [(True, True), (False, False)])
def test_only_a_terminal_limits_a_table(monkeypatch, is_terminal: bool, is_cut: bool):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    assert ("…" in table(["url"], [["u" * 60]])) == is_cut


def test_what_a_stage_changed_without_dropping_stands_in_the_table():
    """A run that removed 31 segments from 25 documents looked like one that found nothing."""
    clean = {"stage": "select", "read": 9, "kept": 9, "dropped": {}, "facts": {"formulas": 3}, "seconds": 0.0}
    changed = clean | {"stage": "decontaminate.ngram", "facts": {"documents_changed": 25, "guarded_matches": 7, "segments_removed": 31}}
    row = {"id": "math", "tokens": 0, "up_to_date": False, "seconds": 0.0, "stages": [clean, changed]}
    for text in (stage_table([row]), counters_table([clean, changed])):
        assert "25 documents changed, 31 segments removed" in text
        assert "formulas" not in text
    assert "changed" not in stage_table([row | {"stages": [clean]}])
