"""Decisions on domains and prefixes: later lines win, the narrowest place counts, wrong lines are named with their number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import DataError
from mathcode_data.stages.select.domains_address import parse_address, registered_domain
from mathcode_data.stages.select.domains_decisions import decide, parse_place, read_decisions, read_line

NAMES = st.sampled_from(["a", "b", "math", "x~y", "数"])
PLACES = st.lists(NAMES, max_size=3).map(lambda folders: "/".join(["h.example", *folders]))
LINES = st.lists(st.tuples(st.sampled_from(["accept", "reject", "clear"]), PLACES), max_size=8)


@given(LINES, st.lists(NAMES, max_size=4))
def test_a_page_follows_the_last_line_on_the_longest_prefix_that_holds_it(lines, folders):
    decided = decide(read_line({"decision": decision, "prefix": place}) for decision, place in lines)
    wanted = None
    for depth in range(len(folders) + 1):
        place = "/".join(["h.example", *folders[:depth]])
        last = next((decision for decision, name in reversed(lines) if name == place), "clear")
        wanted = wanted if last == "clear" else last
    assert decided.of(parse_address(f"https://h.example/{'/'.join([*folders, 'page'])}")) == wanted


@given(LINES)
def test_replaying_what_was_replayed_changes_nothing(lines):
    parsed = [read_line({"decision": decision, "prefix": place}) for decision, place in lines]
    assert decide([*parsed, *parsed]).places == decide(parsed).places


def test_scheme_port_www_case_and_escapes_do_not_count():
    decided = decide([read_line({"decision": "accept", "prefix": "http://WWW.Example.org:8080/Math/%7Eme?x=1#y"})])
    for url in ("https://example.org/Math/~me/", "http://example.org:81//Math/./~me/page?q", "https://www.example.org/Math/x/../%7Eme/p"):
        assert decided.of(parse_address(url)) == "accept", url
    for url in ("https://example.org/Math/~men/", "https://example.org/math/~me/", "https://a.example.org/Math/~me/", "", None, "x"):
        assert decided.of(parse_address(url)) is None, url


def test_a_sub_domain_goes_before_its_domain_and_a_prefix_before_both():
    lines = [("accept", "domain", "b.example"), ("reject", "domain", "a.b.example"), ("accept", "prefix", "a.b.example/in/")]
    decided = decide(read_line({"decision": decision, kind: place}) for decision, kind, place in lines)
    found = [
        decided.of(parse_address(url))
        for url in ("http://c.b.example/", "http://x.a.b.example/", "http://a.b.example/in/1", "http://ab.example/")
    ]
    assert found == ["accept", "reject", "accept", None]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"d\.jsonl:3: .*mend or remove the line"),
        ("[1]", "is no object"),
        ('{"decision": "maybe", "domain": "a.example"}', "decision 'maybe'; legal: accept, reject, clear"),
        ('{"decision": "accept"}', "names no place"),
        ('{"decision": "accept", "domain": "a.example", "prefix": "a.example/"}', "names domain and prefix"),
        ('{"decision": "accept", "domain": "a.example/b"}', "has a path; write it as a prefix"),
        ('{"decision": "accept", "domain": "a b"}', "names no host"),
        ('{"decision": "accept", "domain": 7}', "domain is 7, not a text"),
        ('{"decision": "accept", "domain": "a.example", "who": "x"}', "unknown key 'who'"),
        ("[" * 100_000, "characters"),
    ],
)
def test_a_wrong_line_is_an_error_with_its_number_and_nothing_is_skipped(tmp_path, line, message):
    path = tmp_path / "d.jsonl"
    path.write_text('# mine\n{"decision": "accept", "domain": "a.example", "at": "today", "by": "me", "note": null}\n' + line + "\n")
    with pytest.raises(DataError, match=message):
        read_decisions(path)


@pytest.mark.parametrize("url", ["http://[::1", "http://" + "a" * 5000, "javascript:alert(1)", "http://a..b/", "http:///x", "\ud800"])
def test_damaged_addresses_are_no_place(url):
    assert parse_address(url) is None


def test_owners_are_told_apart_by_the_public_suffix_list():
    hosts = ["a.b.github.io", "maths.example.co.uk", "example.org", "localhost", "192.0.2.7", "x.scipy-doc.example"]
    assert [registered_domain(host) for host in hosts] == [
        "b.github.io", "example.co.uk", "example.org", "localhost", "192.0.2.7", "scipy-doc.example",
    ]  # fmt: skip


def test_a_place_reads_back_as_it_is_written():
    for kind, text in (("domain", "a.example"), ("prefix", "a.example/b/c/"), ("prefix", "a.example/")):
        assert str(parse_place(kind, text)) == text
