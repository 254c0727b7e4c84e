"""A crawl that ends names what it left: every address is stored, refused, failed or waits, and says for what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mathcode_data.stages.crawl.ending import why_open
from mathcode_data.stages.crawl.hosts import MAX_RESTS, HostState
from mathcode_data.stages.crawl.limits import Limits
from support.crawling import Crawl
from support.hostile_site import Route, answer, assert_polite, hostile_site, page

HOUR = {"max_retry_after_s": 3600.0, "robots_retry_s": 3600.0}
NUM_PAGES = 20


def leaves(**others: Route) -> dict[str, Route]:
    """A start page and `NUM_PAGES` pages that it leads to."""
    found: dict[str, Route] = {"/": page("home", *(f"/{i}" for i in range(NUM_PAGES)))}
    return found | {f"/{i}": page(f"page {i} of it") for i in range(NUM_PAGES)} | others


def facts_of(crawl: Crawl) -> dict[str, Any]:
    assert crawl.outcome is not None
    return crawl.outcome.facts


def assert_all_counted(crawl: Crawl) -> None:
    """Addresses of the frontiers = addresses read = kept + dropped, and one decision on record for each."""
    assert crawl.outcome is not None
    known = crawl.outcomes()
    counted = [record.counters[0] for record in crawl.outcome.counted]
    refused_seeds = sum(number for part in counted for reason, number in part.dropped.items() if reason.startswith("seed_"))
    assert sum(part.read for part in counted) == sum(part.kept + part.dropped.total() for part in counted) == len(known) + refused_seeds
    decided = [url for url, _ in crawl.records("metadata")]
    assert len(decided) == len(set(decided))
    assert set(known) <= set(decided)


def decision(crawl: Crawl, url: str) -> dict[str, Any]:
    (found,) = (json.loads(record.body) for name, record in crawl.records("metadata") if name == url)
    return dict(found)


def test_a_dead_scheme_or_port_closes_itself_alone(tmp_path: Path):
    with hostile_site() as site:
        dead = ["https://a.test:1/x", "https://a.test:1/y", "http://a.test:1/z"]
        site.routes = leaves() | {"/": page("home", *dead, *(f"/{i}" for i in range(NUM_PAGES)))}
        crawl = Crawl(site, tmp_path, [site.url("/", "a.test")], ["a.test"], HOUR | {"host_round_pages": 5})
        crawl.run()
        assert_polite(site, 0.01)
    assert crawl.counts()["stored"] == NUM_PAGES + 1
    assert crawl.counts()["waiting_robots_connect"] == 3
    facts = facts_of(crawl)
    assert (facts["ended"], facts["waiting"]["addresses"], facts["waiting"]["hosts"]) == ("hosts at rest", 3, 1)
    assert set(facts["hosts"]["a.test"]["origins"]) == {"https://a.test:1", "http://a.test:1"}
    assert_all_counted(crawl)


def test_a_dead_origin_is_looked_at_three_times_and_its_addresses_end(tmp_path: Path):
    with hostile_site() as site:
        site.routes = leaves() | {"/": page("home", "https://a.test:1/x", "https://a.test:1/y", "/1")}
        crawl = Crawl(site, tmp_path, [site.url("/", "a.test")], ["a.test"])
        crawl.run()
    counts, facts = crawl.counts(), facts_of(crawl)
    assert (counts["stored"], counts["robots_connect"], counts["hosts_refused_robots_connect"]) == (2, 2, MAX_RESTS)
    assert (facts["ended"], facts["note"]) == ("nothing is left", "")
    assert_all_counted(crawl)


def test_a_long_retry_after_leaves_addresses_that_are_counted_named_and_dated(tmp_path: Path):
    with hostile_site() as site:
        site.routes = leaves() | {"/7": answer("", "503 Busy", retry_after="7200")}
        site.routes |= {"b.test/": page("the other host", "/n"), "b.test/n": page("is not held up")}
        seeds = [site.url("/", host) for host in ("a.test", "b.test")]
        crawl = Crawl(site, tmp_path, seeds, ["a.test", "b.test"], HOUR)
        crawl.run()
        busy = site.url("/7", "a.test")
        num_asked = len([path for path in site.paths("a.test") if path[1:].isdigit()])
    counts, facts = crawl.counts(), facts_of(crawl)
    waiting = facts["waiting"]["addresses"]
    assert waiting == counts["waiting_retry_after"] == NUM_PAGES + 1 - num_asked
    assert waiting >= 1
    assert counts["stored"] == NUM_PAGES + 3 - waiting
    assert facts["ended"] == "hosts at rest"
    assert facts["note"].startswith(f"{waiting} address")
    assert f"of 1 host wait{'s' * (waiting == 1)} until {facts['waiting']['until']}" in facts["note"]
    assert decision(crawl, busy)["outcome"] == "waiting_retry_after"
    assert decision(crawl, busy)["until"] == facts["waiting"]["until"]
    assert_all_counted(crawl)


def test_a_budget_leaves_addresses_that_are_counted(tmp_path: Path):
    with hostile_site() as site:
        site.routes = leaves()
        crawl = Crawl(site, tmp_path, [site.url("/", "a.test")], ["a.test"], max_pages=6)
        crawl.run()
    assert crawl.counts()["waiting_max_pages"] == NUM_PAGES + 1 - 6
    assert facts_of(crawl)["note"] == "ended by max_pages: 15 addresses of 1 host wait"
    assert_all_counted(crawl)


def test_seeds_of_other_schemes_and_bad_ones_are_counted_and_named(tmp_path: Path):
    with hostile_site({"/": page("home")}) as site:
        crawl = Crawl(site, tmp_path, ["ftp://x/", "http://[/", site.url("/", "a.test")], ["a.test"])
        crawl.run()
    counts = crawl.counts()
    assert (counts["seed_scheme"], counts["seed_bad_url"], counts["stored"]) == (1, 1, 1)
    assert facts_of(crawl)["seeds_refused"] == [["ftp://x/", "seed_scheme"], ["http://[/", "seed_bad_url"]]
    assert decision(crawl, "ftp://x/")["outcome"] == "seed_scheme"
    assert_all_counted(crawl)


def test_every_state_of_a_host_has_its_reason():
    limits = Limits()
    url, origin = "http://a.org/x", "http://a.org"

    def why(state: HostState, budget: str = "", *, calendar: bool = False) -> str:
        return why_open(url, state, budget, limits, is_calendar_page=calendar)[0]

    resting, refused, given_up = HostState(), HostState(), HostState()
    resting.rest(0.0, "breaker")
    refused.refused(origin, "robots_503", limits)
    for _ in range(MAX_RESTS):
        given_up.refused(origin, "robots_503", limits)
    assert why(resting) == "waiting_breaker", "its rest is over, but the crawl did not come back"
    assert why(resting, "max_pages") == "waiting_max_pages"
    assert why(refused, "max_pages") == "waiting_robots_503"
    assert why(given_up) == "robots_503"
    assert why_open("https://a.org/x", given_up, "max_bytes", limits, is_calendar_page=False)[0] == "waiting_max_bytes"
    assert why(HostState(skip="host_failing")) == "host_failing"
    assert why(HostState(pages=limits.host_pages)) == "host_pages"
    assert why(HostState(calendar=limits.max_calendar_pages), calendar=True) == "calendar"
