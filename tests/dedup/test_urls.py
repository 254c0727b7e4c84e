from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.dedup.urls import canonical_url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a?x=1&y=2",
        "https://www.example.org/a?y=2&x=1",
        "HTTP://EXAMPLE.ORG:80/a/?x=1&y=2#part",
        "https://user:secret@example.org:443/a?x=1&utm_source=feed&y=2&gclid=7",
        "http://example.org./%61?x=1&y=2&PHPSESSID=abc",
        " http://example.org/a;jsessionid=12?sid=0123456789abcdef&x=1&y=2 ",
        "http://example.org/b/../a?x=1&y=2",
        "http://example.org/../b/./c/%2E%2e/../a/.?x=1&y=2#!",
    ],
)
def test_spellings_of_one_page_have_one_form(url):
    assert canonical_url(url) == "example.org/a?x=1&y=2"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/b",
        "http://example.org/A?x=1&y=2",
        "http://example.org:8080/a?x=1&y=2",
        "http://example.org/a?x=1&y=2&sid=17",
        "http://example.org/a?x=1",
        "http://other.org/a?x=1&y=2",
        "http://example.org/a%2Fb?x=1&y=2",
        "http://example.org/a?x=1&y=2#!/page",
        "http://example.org/a/..b?x=1&y=2",
        "http://example.org/.../a?x=1&y=2",
    ],
)
def test_other_pages_have_other_forms(url):
    assert canonical_url(url) not in ("", "example.org/a?x=1&y=2")


def test_a_page_named_behind_a_hash_and_an_exclamation_mark_is_a_page_of_its_own():
    assert (
        canonical_url("https://example.org/#!/one")
        == canonical_url("http://www.example.org#!/one")
        != canonical_url("http://example.org#!/2")
    )


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://a/b", "mailto:a@b", "http://", "http://[::1", "http://a:b/", "no url"])
def test_what_is_no_web_address_has_no_form(url):
    assert canonical_url(url) == ""


@given(st.text(max_size=40))
def test_nothing_crashes_and_the_form_is_stable(text):
    once = canonical_url("http://example.org/" + text)
    assert not once or canonical_url("http://" + once) == once
