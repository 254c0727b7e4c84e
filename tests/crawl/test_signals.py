"""Signals against training: found wherever they may stand, the nearest to the page decides."""

from __future__ import annotations

import pytest

from mathcode_data.stages.crawl.signals import (
    Signals,
    add_page_signals,
    content_signal_refuses,
    header_signals,
    read_tdmrep,
    robots_tag,
    tdmrep_reserves,
)

HEADERS = [
    ([("X-Robots-Tag", "noindex")], ["noindex"], False),
    ([("x-robots-tag", "noai, noimageai")], ["noai"], False),
    ([("X-Robots-Tag", "none")], ["noindex"], True),
    ([("X-Robots-Tag", "nofollow")], [], True),
    ([("X-Robots-Tag", "otherbot: noindex, nofollow")], [], False),
    ([("X-Robots-Tag", "mathcode-data: noindex")], ["noindex"], False),
    ([("X-Robots-Tag", "unavailable_after: 25 Jun 2010 15:00:00 PST")], [], False),
    ([("X-Robots-Tag", "otherbot: noindex"), ("X-Robots-Tag", "noai")], ["noai"], False),
    ([("Content-Signal", "ai-train=no")], ["content_signal"], False),
    ([("Content-Signal", "search=no; ai-train=yes")], [], False),
    ([("TDM-Reservation", "1")], ["tdm_reserved"], False),
    ([("TDM-Reservation", "0")], [], False),
    ([], [], False),
]


@pytest.mark.parametrize(("headers", "refusals", "nofollow"), HEADERS)
def test_headers_speak(headers: list[tuple[str, str]], refusals: list[str], nofollow: bool):
    signals = header_signals(headers)
    add_page_signals(signals, [], is_reserved_by_file=False)
    assert (signals.refusals, signals.nofollow) == (refusals, nofollow)
    assert len(signals.found) == bool(headers), "what was said is on record"


@pytest.mark.parametrize(
    ("header", "meta", "file", "reserved"),
    [("1", "0", False, True), ("0", "1", True, False), (None, "1", False, True), (None, "0", True, False), (None, None, True, True)],
)
def test_a_reservation_near_the_page_beats_one_far_away(header: str | None, meta: str | None, file: bool, reserved: bool):
    signals = header_signals([("TDM-Reservation", header)] if header else [])
    add_page_signals(signals, [("tdm-reservation", meta)] if meta else [], is_reserved_by_file=file)
    assert signals.refusals == (["tdm_reserved"] if reserved else [])


def test_meta_elements_speak_like_headers():
    signals = Signals()
    add_page_signals(signals, [("robots", "noindex,nofollow"), ("googlebot", "noai"), ("description", "noai")], is_reserved_by_file=False)
    assert (signals.refusals, signals.nofollow) == (["noindex"], True)


TDMREP = [
    (b'[{"location": "/", "tdm-reservation": 1}]', "http://a.org/x", True),
    (b'[{"location": "/art/", "tdm-reservation": 1}]', "http://a.org/x", False),
    (b'[{"location": "/", "tdm-reservation": 1}, {"location": "/free/", "tdm-reservation": 0}]', "http://a.org/free/x", False),
    (b'[{"location": "/*.html$", "tdm-reservation": "1"}]', "http://a.org/a/b.html", True),
    (b'[{"location": "/*.html$", "tdm-reservation": 1}]', "http://a.org/a/b.html?x", False),
    (b'{"location": "/", "tdm-reservation": 1}', "http://a.org/x", True),
]


@pytest.mark.parametrize(("body", "url", "reserved"), TDMREP)
def test_the_longest_location_of_tdmrep_json_decides(body: bytes, url: str, reserved: bool):
    assert tdmrep_reserves(read_tdmrep(body) or [], url) is reserved


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2]", b'"text"', b"\xff"])
def test_a_tdmrep_json_of_another_form_says_nothing(body: bytes):
    assert read_tdmrep(body) is None


def test_values_are_read_without_regard_to_case_and_space():
    assert content_signal_refuses("search=yes, AI-Train=NO")
    assert not content_signal_refuses("ai-train-later=no")
    assert robots_tag([" NOINDEX , Follow "]) >= {"noindex"}


def test_hostile_patterns_are_matched_in_linear_time():
    assert not tdmrep_reserves([("/" + "*a" * 5000 + "$", True)], "http://a.org/" + "a" * 2000 + "b")
