"""robots.txt: every status and every damage has one meaning, and where in doubt it forbids."""

from __future__ import annotations

import asyncio
import codecs
import itertools
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.crawl.fetch import Answer, FetchError
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.robots import Robots, parse_robots, read_robots, robots_from_json
from mathcode_data.stages.crawl.rules import fetch_rules

RULES = "User-agent: *\nDisallow: /no\n"

STATUS = {
    200: "rules", 204: "rules", 301: "refused", 304: "refused", 400: "no_rules", 401: "no_rules", 403: "no_rules", 404: "no_rules",
    410: "no_rules", 429: "refused", 500: "refused", 503: "refused", 599: "refused", 100: "refused", 999: "refused",
}  # fmt: skip


@pytest.mark.parametrize("status", STATUS)
def test_a_status_means_what_rfc_9309_says(status: int):
    assert read_robots(status, RULES.encode() if status == 200 else b"").verdict == STATUS[status]


BODIES = {
    "plain": RULES.encode(),
    "byte-order mark": codecs.BOM_UTF8 + RULES.encode(),
    "UTF-16 with mark": codecs.BOM_UTF16_LE + RULES.encode("utf-16-le"),
    "UTF-16 big end first": codecs.BOM_UTF16_BE + RULES.encode("utf-16-be"),
    "UTF-16 without mark": RULES.encode("utf-16-le"),
    "NUL bytes": RULES.replace("/", "\0/").encode(),
    "NUL before": b"\0\0" + RULES.encode(),
    "carriage returns": RULES.replace("\n", "\r").encode(),
    "in a pre": f"<!DOCTYPE html><html><head><title>x</title></head><body><pre>{RULES}</pre></body></html>".encode(),
    "with br": b"<html><body>User-agent: *<br>Disallow: /no<br/></body></html>",
    "with paragraphs": b"<html><p>User-agent: *</p><p>Disallow: /no</p></html>",
    "agent with version": b"User-agent: mathcode-data/1.0\nDisallow: /no\n",
    "agent with version and comment": b"User-Agent: MathCode-Data/2.1.3 (x)\nDisallow: /no\n",
    "delay nan": b"User-agent: *\nCrawl-delay: nan\nDisallow: /no\n",
    "spaces": b"  user-agent :  *  \n  disallow :  /no  # really\n",
    "latin-1": "# Käse\nUser-agent: *\nDisallow: /no\n".encode("latin-1"),
    "600 KB": RULES.encode() + b"#" + b"x" * 600_000,
    "rules first, garbage after": RULES.encode() + b"\xff\xfe\x80garbage",
}


@pytest.mark.parametrize("name", BODIES)
def test_rules_hold_however_they_are_written(name: str):
    robots = read_robots(200, BODIES[name])
    assert robots.verdict == "rules"
    assert not robots.allows("http://a.org/no/page")
    assert robots.allows("http://a.org/yes")
    assert robots.crawl_delay_s is None


GARBAGE = {
    "a shop": b"<!DOCTYPE html><html><head><title>Shop</title></head><body><div id=root></div></body></html>",
    "empty markup": b"<html></html>",
    "binary": bytes(range(256)) * 4,
    "JSON": b'{"error": "no such file"}',
    "text": b"This file does not exist.\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_refuses_the_host(name: str):
    robots = read_robots(200, GARBAGE[name])
    assert (robots.verdict, robots.reason) == ("refused", "robots_garbage")
    assert not robots.allows("http://a.org/")


@pytest.mark.parametrize("body", [b"", b"\n", b"# nothing here\n", codecs.BOM_UTF8])
def test_an_empty_file_allows_all(body: bytes):
    assert read_robots(200, body).allows("http://a.org/x")


def test_a_rule_cut_at_500_kib_is_no_rule():
    body = RULES.encode() + b"#" * (500 * 1024 - len(RULES) - 12) + b"\nDisallow: /yes"
    assert read_robots(200, body).allows("http://a.org/y")


DELAYS = {"nan": None, "-1": None, "inf": None, "1e9": 1e9, "2.5": 2.5, "soon": None, "": None, "0": 0.0}


@pytest.mark.parametrize("text", DELAYS)
def test_a_crawl_delay_is_a_number_or_nothing(text: str):
    assert parse_robots(read_robots(200, f"User-agent: *\nCrawl-delay: {text}\nDisallow: /no".encode()).text).crawl_delay_s == DELAYS[text]


SIGNALS = {
    "User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /\n": (("/", "search=yes, ai-train=no"),),
    "Content-Signal: ai-train=no\nUser-agent: *\nDisallow:\n": (("/", "ai-train=no"),),
    "User-agent: otherbot\nContent-Signal: ai-train=no\n\nUser-agent: *\nDisallow:\n": (),
    "User-agent: mathcode-data/9\nContent-Signal: ai-train=yes\n\nUser-agent: *\nContent-Signal: ai-train=no\n": (("/", "ai-train=yes"),),
    "User-agent: a\nUser-agent: *\nContent-Signal: /art ai-train=no\n": (("/art", "ai-train=no"),),
}


@pytest.mark.parametrize("text", SIGNALS)
def test_content_signals_are_those_of_our_group(text: str):
    assert read_robots(200, text.encode()).signals == SIGNALS[text]


@given(st.binary(max_size=300) | st.text(alphabet="User-agent:*\nDisallow/ 0#<>", max_size=200).map(str.encode))
def test_no_robots_txt_crashes_and_what_was_read_survives_the_frontier(body: bytes):
    robots = read_robots(200, body)
    again = robots_from_json(robots.to_json())
    assert again.verdict == robots.verdict
    assert again.allows("http://a.org/x") == robots.allows("http://a.org/x")


def fake(answers: dict[str, tuple[int, dict[str, str], bytes] | str]):
    """An `ask` that answers from a table; a text is the reason of a failure."""
    asked: list[str] = []

    async def ask(url: str, max_body: int) -> Answer:
        asked.append(url)
        found = answers.get(url, (404, {}, b""))
        if isinstance(found, str):
            raise FetchError(found, may_pass=True)
        body = BytesIO(found[2][:max_body])
        return Answer(url, found[0], "HTTP/1.1", list(found[1].items()), b"", "", body)

    return ask, asked


def rules_of(answers: dict[str, tuple[int, dict[str, str], bytes] | str], ours: tuple[str, ...] = ("a.org",)) -> tuple[Robots, list[str]]:
    ask, asked = fake(answers)
    entry = asyncio.run(fetch_rules("http://a.org", ask, Limits(), lambda host: host in ours, lambda _: None))
    return robots_from_json(entry.robots), asked


def hops(number: int, last: bytes = RULES.encode()) -> dict[str, tuple[int, dict[str, str], bytes] | str]:
    names = ["http://a.org/robots.txt", *(f"http://a.org/r{i}" for i in range(1, number + 1))]
    table: dict[str, tuple[int, dict[str, str], bytes] | str] = {
        here: (301, {"location": there}, b"") for here, there in itertools.pairwise(names)
    }
    return table | {names[-1]: (200, {}, last)}


def test_five_redirects_are_followed_and_six_refuse():
    assert rules_of(hops(5))[0].verdict == "rules"
    assert not rules_of(hops(5))[0].allows("http://a.org/no")
    refused, asked = rules_of(hops(6))
    assert (refused.verdict, refused.reason) == ("refused", "robots_redirects")
    assert len(asked) == 6


@pytest.mark.parametrize(("asked_s", "expected"), [(20, ["/robots.txt", 20.0, "/.well-known/tdmrep.json"]), (31, ["/robots.txt", 31.0])])
def test_a_crawl_delay_holds_for_the_request_right_after_robots_txt(asked_s: int, expected: list[str | float]):
    ask, asked = fake({"http://a.org/robots.txt": (200, {}, f"User-agent: *\nCrawl-delay: {asked_s}".encode())})
    asyncio.run(fetch_rules("http://a.org", ask, Limits(), lambda _: True, lambda robots: asked.append(robots.crawl_delay_s)))
    assert [one.removeprefix("http://a.org") if isinstance(one, str) else one for one in asked] == expected


@pytest.mark.parametrize("reason", ["timeout", "reset", "dns", "tls", "bad_http", "headers_too_large", "body_broken", "too_slow"])
def test_a_robots_txt_that_does_not_come_refuses(reason: str):
    robots, asked = rules_of({"http://a.org/robots.txt": reason})
    assert (robots.verdict, robots.reason) == ("refused", f"robots_{reason}")
    assert asked == ["http://a.org/robots.txt"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://b.org/robots.txt", "", "http://a b/"])
def test_a_redirect_of_robots_txt_to_elsewhere_refuses(location: str):
    robots, asked = rules_of({"http://a.org/robots.txt": (302, {"location": location}, b"")})
    assert robots.verdict == "refused"
    assert not any("b.org" in url for url in asked)


def test_a_redirect_to_a_host_of_the_same_site_is_followed():
    table = {"http://a.org/robots.txt": (301, {"location": "http://www.a.org/robots.txt"}, b""),
             "http://www.a.org/robots.txt": (200, {}, RULES.encode())}  # fmt: skip
    assert rules_of(table, ("a.org", "www.a.org"))[0].verdict == "rules"
