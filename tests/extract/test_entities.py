"""Texts that were escaped twice are undone where a whole page was, and nowhere else."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.extract.entities import undo_escaped_twice

PAGE = "<p>&amp;eacute; a &amp;lt; b &amp;amp; c &amp;agrave; &amp;#8217;</p>"


@given(st.text(alphabet="ab<>&;é #", max_size=60))
def test_page_escaped_once_comes_back_as_it_is(text: str) -> None:
    page = f"<p>{escape(text)}</p>"
    assert undo_escaped_twice(page) is page


def test_page_escaped_twice_is_escaped_once_afterwards() -> None:
    assert undo_escaped_twice(PAGE) == "<p>&eacute; a &lt; b &amp; c &agrave; &#8217;</p>"


@pytest.mark.parametrize(
    "page",
    [
        "<p>&amp;eacute; &amp;agrave; &amp;eacute; &amp;agrave;</p>",  # four times only
        f"{PAGE}<code>&amp;eacute;</code>",
        f"{PAGE}<p>These are entities.</p>",
        f"{PAGE}<p>&amp;lt;b&amp;gt;</p>",
        f"{PAGE}<p>&egrave; &ocirc;</p>",
        "<a href='?a=1&amp;lt;b&amp;lt;c&amp;lt;d&amp;lt;e&amp;lt;'>x</a>",
    ],
)
def test_page_that_may_mean_what_it_shows_stays(page: str) -> None:
    assert undo_escaped_twice(page) == page


def test_letter_inside_a_word_is_undone_beside_the_same_letter() -> None:
    page = f"{PAGE}<p>Café: caf&amp;eacute; &amp;ndash; &amp;eacute;t&amp;eacute;</p>"
    assert undo_escaped_twice(page).endswith("<p>Café: caf&eacute; &ndash; &eacute;t&eacute;</p>")


def test_sign_that_stands_properly_in_the_same_text_stays_escaped() -> None:
    page = f"{PAGE}<p>é is &amp;eacute;, ö</p><p>caf&amp;eacute;</p>"
    assert undo_escaped_twice(page).endswith("<p>é is &amp;eacute;, ö</p><p>caf&eacute;</p>")
