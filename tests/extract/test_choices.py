"""Lists of very many choices: cut into pieces that the parser reads in time in proportion to their number."""

from __future__ import annotations

import time

import pytest

from mathcode_data.stages.extract.choices import split_choices
from mathcode_data.stages.extract.page import extract_page

WORDS = "<p>Some words of the page before the list, and a formula $x_1$ in them.</p>"


@pytest.mark.parametrize(
    "page", [WORDS, f"{WORDS}<select>{'<option>a' * 900}</select>", f"<datalist>{'<option>a' * 3_000}</datalist>{WORDS}"]
)
def test_page_without_a_long_list_stays(page: str) -> None:
    assert split_choices(page) == page


@pytest.mark.parametrize("option", ["<option>o", "<OPTION value=1>o</OPTION>"])
def test_no_choice_and_no_word_after_the_list_is_lost(option: str) -> None:
    page = f"<select>{option * 2_000}</select>{WORDS}<select>{option}</select>"
    pieces = split_choices(page).split("</select><select>")
    assert "".join(pieces) == page
    assert max(piece.lower().count("<option") for piece in pieces) <= 250
    assert extract_page(page.encode()).text == r"Some words of the page before the list, and a formula \(x_1\) in them."


def test_time_grows_with_the_number_of_choices() -> None:
    def seconds(number: int) -> float:
        page = f"{WORDS}<select>{'<option>o' * number}</select>".encode()
        start = time.process_time()
        extract_page(page)
        return time.process_time() - start

    seconds(10)
    assert min(seconds(24_000) for _ in range(2)) < 10 * min(seconds(6_000) for _ in range(2))  # quadratic: 16 times
