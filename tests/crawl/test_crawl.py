"""One crawl of a hostile web: every host a fault of its own, every fault its outcome, and politeness proved by the server's log."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.crawling import FAST, Crawl
from support.hostile_site import HostileSite, Route, answer, assert_polite, hostile_site, page, redirect

TEXT = "text/plain"
SILENCE_S = 4.0
"""A host that says nothing is left after so long; all others answer at once, also on a busy machine."""


def text(body: str | bytes, status: str = "200 OK") -> bytes:
    return answer(body, status, TEXT)


def hang(connection: socket.socket, _: Any) -> None:
    time.sleep(2 * SILENCE_S)


def cut(connection: socket.socket, _: Any) -> None:
    connection.close()


RULES = "User-agent: *\nDisallow: /no/\n"
NO_RULES = ("missing", "gone", "login", "forbidden")
ROBOTS: dict[str, tuple[Route, bool]] = {
    "ok": (text(RULES), True),
    "missing": (text("", "404 Not Found"), True),
    "gone": (text("", "410 Gone"), True),
    "login": (text("", "401 Unauthorized"), True),
    "forbidden": (text("", "403 Forbidden"), True),
    "many": (text("", "429 Too Many Requests"), False),
    "broken": (text("", "500 Oops"), False),
    "busy": (text("", "503 Busy"), False),
    "silent": (hang, False),
    "reset": (cut, False),
    "garbage": (text(bytes(range(256)) * 9), False),
    "shop": (answer("<!DOCTYPE html><title>Shop</title><div id=root></div>"), False),
    "bom": (text(b"\xef\xbb\xbf" + RULES.encode()), True),
    "nul": (text(b"\0\0" + RULES.encode()), True),
    "html": (answer(f"<html><body><pre>{RULES}</pre></body></html>"), True),
    "utf16": (text(RULES.encode("utf-16")), True),
    "large": (text(RULES + "# " + "x" * 600_000), True),
    "version": (text("User-agent: mathcode-data/1.0\nDisallow: /no/\n"), True),
    "delay-nan": (text("User-agent: *\nCrawl-delay: nan\nDisallow: /no/\n"), True),
    "delay-minus": (text("User-agent: *\nCrawl-delay: -1\nDisallow: /no/\n"), True),
    "delay-huge": (text("User-agent: *\nCrawl-delay: 1e9\nDisallow: /no/\n"), False),
    "disallow": (text("User-agent: *\nDisallow: /\n"), False),
    "signal": (text("User-agent: *\nContent-Signal: search=yes, ai-train=no\nDisallow: /no/\n"), False),
    "hops-5": (redirect("/r1"), True),
    "hops-6": (redirect("/r1"), False),
    "elsewhere": (redirect("http://unrelated.example/robots.txt"), False),
}
WRONG_REDIRECTS = {
    "/loop": "/loop", "/metadata": "http://169.254.169.254/latest/meta-data/", "/file": "file:///etc/passwd", "/ftp": "ftp://a.test/x",
    "/refused": "/no/way", "/garbage": "http://[/", "/empty": "", "/nat64": "http://[64:ff9b::7f00:1]/", "/pingpong": "/pongping",
    "/pongping": "/pingpong",
}  # fmt: skip


def routes(site: HostileSite) -> dict[str, Route]:
    found: dict[str, Route] = {
        "/robots.txt": text(RULES),
        "/": page("home of a host", "/yes", "/no/page"),
        "/yes": page("a page that may be read"),
    }
    for name, (route, _) in ROBOTS.items():
        found[f"{name}.test/robots.txt"] = route
    for name, number in (("hops-5", 5), ("hops-6", 6)):
        for i in range(1, number):
            found[f"{name}.test/r{i}"] = redirect(f"/r{i + 1}")
        found[f"{name}.test/r{number}"] = text(RULES)
    found["redirects.test/"] = page("redirects", *WRONG_REDIRECTS, "/hop0", "/far0")
    found |= {f"redirects.test{path}": redirect(location) for path, location in WRONG_REDIRECTS.items()}
    found |= {f"redirects.test/hop{i}": redirect(f"/hop{i + 1}", 302) for i in range(5)} | {"redirects.test/hop5": page("after five hops")}
    found |= {f"redirects.test/far{i}": redirect(f"/far{i + 1}", 307) for i in range(6)} | {"redirects.test/far6": page("after six hops")}
    found["signals.test/"] = page(
        "signals", "/noai", "/noindex", "/tdm", "/meta", "/nofollow", "/signal", "/other", "/meta-nofollow", "/rel"
    )
    found["signals.test/noai"] = answer("<p>mine</p>", x_robots_tag="noai")
    found["signals.test/noindex"] = answer("<p>mine</p>", x_robots_tag="noindex")
    found["signals.test/tdm"] = answer("<p>mine</p>", tdm_reservation="1")
    found["signals.test/meta"] = answer("<meta name=robots content=noindex><p>mine</p>")
    found["signals.test/signal"] = answer("<p>mine</p>", content_signal="ai-train=no")
    found["signals.test/nofollow"] = answer("<p>kept</p><a href=/behind>x</a>", x_robots_tag="nofollow")
    found["signals.test/meta-nofollow"] = answer("<meta name=robots content='index, nofollow'><p>kept</p><a href=/behind-meta>x</a>")
    found["signals.test/rel"] = answer(
        "<p>kept</p><a href=/behind-rel rel='noopener NoFollow'>x</a><a rel=sponsored href=/paid>x</a><a rel=ugc href=/by-readers>x</a>"
        "<a href=/vouched rel=nofollow>x</a><a href=/vouched rel=noopener>x</a>"
    )
    found["signals.test/vouched"] = page("a link without the word names it too")
    found["signals.test/other"] = answer("<p>kept, the signal is for another</p>", x_robots_tag="otherbot: noindex")
    found["tdmrep.test/.well-known/tdmrep.json"] = answer('[{"location": "/mine", "tdm-reservation": 1}]', content_type="application/json")
    found["tdmrep.test/"] = page("partly reserved", "/mine/a", "/free")
    found |= {"tdmrep.test/mine/a": page("mine"), "tdmrep.test/free": page("free")}
    found["errors.test/"] = page("errors", "/404", "/flaky", "/dead", "/wait", "/image", "/short", "/binary", "/huge")
    found["errors.test/flaky"] = Flaky(1, text("", "503 Busy"))
    found["errors.test/dead"] = answer("", "500 Oops")
    found["errors.test/wait"] = Flaky(1, answer("", "429 Slow", retry_after="99999999"))
    found["errors.test/image"] = answer(b"\x89PNG\r\n\x1a\n" + b"\0" * 200, content_type="image/png")
    found["errors.test/binary"] = answer(b"\x7fELF" + bytes(range(256)) * 20)
    found["errors.test/short"] = short
    found["errors.test/huge"] = answer(gzip.compress(b"<p>0</p>" * 4_000_000), content_encoding="gzip")
    return found


class Flaky:
    """Fails so many times, then answers."""

    def __init__(self, failures: int, failure: bytes) -> None:
        self.failures, self.failure = failures, failure

    def __call__(self, connection: socket.socket, _: Any) -> bytes:
        self.failures -= 1
        return self.failure if self.failures >= 0 else page("it answers in the end")


def short(connection: socket.socket, _: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<p>torn</p>")


HOSTS = [*ROBOTS, "redirects", "signals", "tdmrep", "errors"]


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawl]:
    names = [f"{name}.test" for name in HOSTS]
    with hostile_site() as site:
        site.routes = routes(site)
        found = Crawl(site, tmp_path_factory.mktemp("crawl"), [site.url(host=name) for name in names], names, {"page_timeout_s": SILENCE_S})
        found.run()
        yield found


def outcome(crawl: Crawl, host: str, path: str) -> str | None:
    return crawl.outcomes().get(crawl.site.url(path, f"{host}.test"), "never seen")


def test_one_request_at_a_time_and_never_two_starts_closer_than_the_pause(crawl: Crawl):
    impolite = {"silent.test"}  # the server itself takes seconds to see that nobody listens any more
    site = HostileSite(log=[request for request in crawl.site.log if request.host not in impolite])
    assert len(site.log) > 100
    assert_polite(site, FAST["delay_s"])


@pytest.mark.parametrize("name", ROBOTS)
def test_a_robots_txt_decides_over_its_host(name: str, crawl: Crawl):
    asked = set(crawl.site.paths(f"{name}.test"))
    assert "/robots.txt" in asked
    assert ("/no/page" in asked) == (name in NO_RULES)
    assert ({"/", "/yes"} <= asked) == ROBOTS[name][1]
    assert ("/" in asked) == ROBOTS[name][1]


def test_rules_come_before_pages_and_are_asked_for_once(crawl: Crawl):
    assert crawl.site.paths("ok.test") == ["/robots.txt", "/.well-known/tdmrep.json", "/", "/yes"]


def test_refused_hosts_are_looked_at_again_and_then_given_up(crawl: Crawl):
    assert crawl.site.paths("busy.test") == ["/robots.txt"] * 3
    facts = crawl.outcome.facts["hosts"]["busy.test"]  # type: ignore[union-attr]
    assert [(origin["refusals"], origin["reason"]) for origin in facts["origins"].values()] == [(3, "robots_503")]
    assert outcome(crawl, "busy", "/") == "robots_503"


REDIRECTED = {
    "/loop": "redirect_loop", "/metadata": "redirect_metadata_address", "/file": "redirect_scheme", "/ftp": "redirect_scheme",
    "/refused": "redirect", "/no/way": "robots", "/garbage": "redirect_bad_url", "/nat64": "redirect_nat64_address", "/hop5": "stored",
    "/far5": "too_many_redirects", "/far6": "never seen", "/pingpong": "redirect", "/pongping": "redirect",
}  # fmt: skip


@pytest.mark.parametrize("path", REDIRECTED)
def test_every_hop_of_a_redirect_is_checked_anew(path: str, crawl: Crawl):
    assert outcome(crawl, "redirects", path) == REDIRECTED[path]


SIGNALLED = {"/noai": "noai", "/noindex": "noindex", "/tdm": "tdm_reserved", "/meta": "noindex", "/signal": "content_signal",
             "/nofollow": "stored", "/behind": "never seen", "/other": "stored", "/meta-nofollow": "stored",
             "/behind-meta": "never seen"}  # fmt: skip


@pytest.mark.parametrize("path", SIGNALLED)
def test_signals_are_obeyed_and_recorded(path: str, crawl: Crawl):
    assert outcome(crawl, "signals", path) == SIGNALLED[path]
    if SIGNALLED[path] != "never seen":
        decisions = [json.loads(record.body) for url, record in crawl.records("metadata") if url == crawl.site.url(path, "signals.test")]
        assert [(decision["outcome"], bool(decision["signals"])) for decision in decisions] == [(SIGNALLED[path], True)]


RELATED = {"/rel": "stored", "/behind-rel": "never seen", "/paid": "never seen", "/by-readers": "never seen", "/vouched": "stored"}


@pytest.mark.parametrize("path", RELATED)
def test_links_that_a_page_does_not_vouch_for_are_not_followed_unless_another_link_does(path: str, crawl: Crawl):
    assert outcome(crawl, "signals", path) == RELATED[path]
    facts = crawl.counts()
    assert {name: facts[f"links_refused_rel_{name}"] for name in ("nofollow", "sponsored", "ugc")} == {
        "nofollow": 2,
        "sponsored": 1,
        "ugc": 1,
    }


def test_a_tdmrep_json_keeps_its_part_of_a_site_out(crawl: Crawl):
    assert (outcome(crawl, "tdmrep", "/mine/a"), outcome(crawl, "tdmrep", "/free")) == ("tdm_reserved", "stored")
    assert "/mine/a" not in crawl.site.paths("tdmrep.test")


ERRORS = {
    "/404": ("http_404", 1), "/flaky": ("stored", 2), "/dead": ("http_500", 3), "/wait": ("stored", 2), "/image": ("not_html", 1),
    "/short": ("stored", 3), "/binary": ("binary", 1), "/huge": ("stored", 1),
}  # fmt: skip


@pytest.mark.parametrize("path", ERRORS)
def test_failures_that_may_pass_are_tried_three_times_and_others_once(path: str, crawl: Crawl):
    assert (outcome(crawl, "errors", path), crawl.site.paths("errors.test").count(path)) == ERRORS[path]


def test_what_was_cut_says_so(crawl: Crawl):
    truncated = {url.rpartition("/")[2]: record.rec_headers.get_header("WARC-Truncated") for url, record in crawl.records("response")
                 if record.rec_headers.get_header("WARC-Truncated")}  # fmt: skip
    assert truncated == {"short": "disconnect", "huge": "length"}


def test_every_address_is_accounted_for_once(crawl: Crawl):
    counts, stored = crawl.counts(), crawl.stored()
    assert len(stored) == len(set(stored)) == counts["stored"]
    known = crawl.outcomes()
    assert len(known) == sum(record.counters[0].read for record in crawl.outcome.counted)  # type: ignore[union-attr]
    assert sum(reason == "stored" for reason in known.values()) == counts["stored"]
    assert sorted(known) == sorted(url for url, _ in crawl.records("metadata")), "each has one decision on record"
    assert counts["requests"] == len(crawl.site.log)


def test_the_pages_can_be_read_by_the_next_stage(crawl: Crawl):
    from support.stages import run_source

    table, ledger = run_source("read.warc", crawl.folder, paths=[str(path) for path in crawl.warcs()])
    urls = set(table["url"].to_pylist())
    assert crawl.site.url("/yes", "ok.test") in urls
    assert crawl.site.url("/flaky", "errors.test") in urls
    assert not ledger.damage
    assert ledger.counters.dropped["digest_mismatch"] == 0
