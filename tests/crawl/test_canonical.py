"""One address has one form, whatever it was written like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.crawl.canonical import UrlError, canonical_url, host_of, origin_of, partition_of, site_of, url_key
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.traps import is_calendar, why_refused

SAME = [
    ("HTTP://Example.COM:80", "http://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("https://example.com.:8443/x", "https://example.com:8443/x"),
    ("http://user:secret@example.com/", "http://example.com/"),
    ("http://example.com/a/./b/../c#part", "http://example.com/a/c"),
    ("http://example.com//a///b", "http://example.com/a/b"),
    ("http://example.com/%7euser/%e2%82%ac", "http://example.com/~user/%E2%82%AC"),
    ("http://example.com/?b=2&a=1&", "http://example.com/?a=1&b=2"),
    ("http://example.com/?", "http://example.com/"),
    ("http://example.com/?utm_source=x&id=7&fbclid=y&PHPSESSID=abc&sid=1", "http://example.com/?id=7"),
    ("http://example.com/x;jsessionid=0A1B?q=1", "http://example.com/x?q=1"),
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
    ("http://127.1/", "http://127.0.0.1/"),
    ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
    ("http://bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
    ("  http://example.com/a\n", "http://example.com/a"),
    ("http:\\\\example.com\\a", "http://example.com/a"),
]
WRONG = [
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("mailto:a@b.org", "scheme"),
    ("data:text/html,x", "scheme"),
    ("http://exa mple.com/", "bad_url"),
    ("http://example.com:99999/", "bad_url"),
    ("http://", "bad_url"),
    ("http://a..b/", "bad_url"),
    ("/relative", "bad_url"),
    ("http://example.com/" + "a" * 20_000, "bad_url"),
]


@pytest.mark.parametrize(("text", "expected"), SAME)
def test_spellings_of_an_address_become_one(text: str, expected: str):
    assert canonical_url(text) == expected


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_what_is_no_web_address_is_refused_with_a_reason(text: str, reason: str):
    with pytest.raises(UrlError, match=reason):
        canonical_url(text)


PIECES = st.lists(st.sampled_from(["a", "%41", "%2e%2e", "..", ".", "%2f", "%25", "é", "", "x;y", "%zz", "~", "数"]), max_size=6)


@given(PIECES, st.dictionaries(st.sampled_from(["a", "b", "sid", "%61", "q q"]), st.sampled_from(["", "1", "%3d", "&", "é"]), max_size=4))
def test_the_canonical_form_is_its_own(pieces: list[str], query: dict[str, str]):
    url = canonical_url("http://example.com/" + "/".join(pieces) + "?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert canonical_url(url) == url
    assert canonical_url(url, "http://other.org/deep/er") == url


@given(st.permutations(["a=1", "b=2", "c=", "a=0"]))
def test_the_order_of_a_query_makes_no_new_page(pieces: list[str]):
    assert url_key(canonical_url("http://e.org/?" + "&".join(pieces))) == url_key(canonical_url("http://e.org/?a=0&a=1&b=2&c="))


def test_hosts_of_one_site_lie_in_one_partition_on_every_machine():
    assert {partition_of(host, 64) for host in ("example.org", "www.example.org", "a.b.example.org")} == {partition_of("example.org", 64)}
    assert len({partition_of(f"site{number}.org", 16) for number in range(200)}) == 16
    assert partition_of("example.org", 64) == 53
    assert site_of("a.b.co.uk") == "b.co.uk"
    assert site_of("10.0.0.1") == "10.0.0.1"


def test_an_origin_has_a_port_and_a_host_has_none():
    assert (host_of("http://a.org:81/x"), origin_of("http://a.org:81/x")) == ("a.org", "http://a.org:81")


TRAPS = [
    ("http://a.org/" + "x" * 3000, 0, "url_too_long"),
    ("http://a.org/" + "/".join(f"s{i}" for i in range(21)), 0, "too_many_segments"),
    ("http://a.org/a/b/a/b/a", 0, "repeated_segment"),
    ("http://a.org/?" + "&".join(f"p{i}=1" for i in range(9)), 0, "too_many_parameters"),
    ("http://a.org/deep", 17, "too_deep"),
    ("http://a.org/calendar/2999-01-01", 3, "calendar"),
    ("http://a.org/?year=1200&month=4", 3, "calendar"),
    ("http://a.org/?month=4&year=2024", 3, ""),
    ("http://a.org/a/b/a/b", 16, ""),
    ("http://a.org/theorem-4000-of-euclid", 16, ""),
]


@pytest.mark.parametrize(("url", "depth", "reason"), TRAPS)
def test_addresses_of_endless_spaces_are_refused(url: str, depth: int, reason: str):
    assert why_refused(url, depth, Limits()) == reason


CALENDARS = {
    "?month=5": True, "?date=2024-05-01&view=week": True, "?tribe-bar-date=2031-01": True, "2024/05": True, "2024/05/12/": True,
    "events/2031-01-01": True, "calendar/list/2024-1": True, "?page=5": False, "2024/05/a-title": False, "a/b": False, "?id=2024": False,
    "events/a-talk-on-primes": False, "paper/2024": False,
}  # fmt: skip


@pytest.mark.parametrize("path", CALENDARS)
def test_calendar_pages_are_told_from_articles_with_a_date(path: str):
    assert is_calendar(f"http://a.org/{path}") is CALENDARS[path]
