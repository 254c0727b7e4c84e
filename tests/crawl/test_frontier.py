"""The frontier is a function of what tasks committed: not of order, and not of the file beside them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.stages.crawl.canonical import host_of, url_key
from mathcode_data.stages.crawl.frontier import EVENTS_NAME, LINKS_NAME, Frontier, add_link, read_links, write_events, write_links
from mathcode_data.stages.crawl.hosts import MILLION, HostState, Wanted
from mathcode_data.stages.crawl.limits import Limits

LIMITS = Limits(host_round_pages=3, max_calendar_pages=2)


def wanted(url: str, score: int = 0, depth: int = 1) -> Wanted:
    return Wanted(url_key(url), url, host_of(url), score, depth, 0)


def phase(folder: Path, found: list[Wanted], events: list[dict[str, Any]] = [], *, num_tasks: int = 1) -> tuple[str, int, str]:  # noqa: B006
    """Write a phase whose tasks found these addresses, each task a part; all for partition 0."""
    for index in range(num_tasks):
        part = folder / f"{index:05d}"
        part.mkdir(parents=True)
        links: dict[bytes, tuple[int, Wanted]] = {}
        for one in found[index::num_tasks]:
            add_link(links, 0, Wanted(**vars(one)))
        write_links(part / LINKS_NAME, links)
    write_events(folder / "00000" / EVENTS_NAME, [{"partition": 0}, *events])
    return (str(folder), num_tasks, folder.name)


def done(url: str, outcome: str = "stored", **state: Any) -> dict[str, Any]:
    data = HostState(**state).to_json()
    return {"kind": "done", "key": url_key(url).hex(), "host": host_of(url), "outcome": outcome, "state": data, "simhash": 7, "end": 0}


def frontier(folder: Path, history: list[tuple[str, int, str]]) -> Frontier:
    folder.mkdir(exist_ok=True)
    found = Frontier(folder / "f.sqlite", 0, LIMITS)
    found.catch_up(history)
    return found


def chosen(found: Frontier, number: int = 100) -> list[str]:
    urls = [one.url for one in found.select(number)]
    found.close()
    return urls


URLS = [wanted(f"http://h{i % 7}.org/{i}", score=i * 13 % 5, depth=i % 3) for i in range(60)]
AGAIN = [wanted(one.url, score=one.score + 1, depth=one.depth + 1) for one in URLS[::2]]


@pytest.mark.parametrize("seed", range(4))
def test_the_order_and_place_of_finds_change_nothing(seed: int, tmp_path: Path):
    straight = frontier(tmp_path / "one", [phase(tmp_path / "p", URLS + AGAIN)])
    mixed = [*URLS, *AGAIN]
    random.Random(seed).shuffle(mixed)
    shuffled = frontier(tmp_path / "other", [phase(tmp_path / "q", mixed[:50]), phase(tmp_path / "r", mixed[50:], num_tasks=4)])
    assert chosen(straight) == chosen(shuffled)


def test_a_file_that_is_lost_or_damaged_or_of_another_history_is_made_again(tmp_path: Path):
    history = [phase(tmp_path / "a", URLS), phase(tmp_path / "b", AGAIN, [done(URLS[0].url), done(URLS[1].url, "http_404")])]
    expected = chosen(frontier(tmp_path / "fresh", history))
    place = tmp_path / "used"
    frontier(place, history[:1]).close()
    assert chosen(frontier(place, history)) == expected, "one phase later"
    (place / "f.sqlite").write_bytes(b"not a database" * 100)
    assert chosen(frontier(place, history)) == expected, "damaged"
    frontier(place, [phase(tmp_path / "c", AGAIN)]).close()
    assert chosen(frontier(place, history)) == expected, "another history"


def test_an_address_is_never_selected_again_once_it_has_come_to_its_end(tmp_path: Path):
    url = "http://a.org/x"
    history = [phase(tmp_path / "a", [wanted(url)]), phase(tmp_path / "b", [], [done(url)]), phase(tmp_path / "c", [wanted(url, MILLION)])]
    assert chosen(frontier(tmp_path / "f", history)) == []


def test_mathematics_comes_first_then_hosts_of_mathematics_then_what_is_near(tmp_path: Path):
    found = [
        wanted("http://math.org/a", 100_000),
        wanted("http://shop.org/a", 100_000),
        wanted("http://shop.org/good", 900_000),
        wanted("http://new.org/near", 100_000, 1),
        wanted("http://old.org/far", 100_000, 5),
    ]
    events = [
        done("http://math.org/", score_sum=50 * MILLION, num_scored=50),
        done("http://shop.org/", score_sum=0, num_scored=50),
    ]
    order = chosen(frontier(tmp_path / "f", [phase(tmp_path / "a", found, events)]))
    assert order == ["http://math.org/a", "http://shop.org/good", "http://new.org/near", "http://old.org/far", "http://shop.org/a"]


def test_a_host_has_a_quota_and_a_demoted_one_comes_last(tmp_path: Path):
    found = [wanted(f"http://{host}.org/{i}", MILLION if host == "trap" else 0) for host in ("trap", "good") for i in range(9)]
    history = [phase(tmp_path / "a", found, [done("http://trap.org/seen", window="0" * 200)])]
    hosts = [host_of(url) for url in chosen(frontier(tmp_path / "f", history))]
    assert hosts == ["good.org"] * 3 + ["trap.org"]


def test_calendar_pages_have_a_budget_of_their_own(tmp_path: Path):
    found = [wanted(f"http://a.org/?month={i}", 9) for i in range(9)] + [wanted("http://a.org/page", 0)]
    place, history = tmp_path / "f", [phase(tmp_path / "a", found)]
    assert sum("month" in url for url in chosen(frontier(place, history))) == 2
    used = [*history, phase(tmp_path / "b", [], [done("http://a.org/?month=1", calendar=2)])]
    assert chosen(frontier(place, used)) == ["http://a.org/page"]
    open_frontier = frontier(place, used)
    assert open_frontier.waiting(0.0) == {"a.org": 1}, "what cannot be selected does not keep the crawl going"
    open_frontier.close()


def test_skipped_and_resting_hosts_are_left_alone(tmp_path: Path):
    found = [wanted(f"http://{host}.org/x") for host in ("skipped", "resting", "fine")]
    state = HostState()
    state.rest(600.0, "robots_503")
    events = [done("http://skipped.org/", skip="crawl_delay"), done("http://resting.org/", **state.to_json())]
    open_frontier = frontier(tmp_path / "f", [phase(tmp_path / "a", found, events)])
    assert open_frontier.waiting(0.0) == {"fine.org": 1}
    assert open_frontier.waiting(900.0) == {"fine.org": 1, "resting.org": 1}
    assert 590 < (open_frontier.shortest_rest_s() or 0) <= 600
    assert chosen(open_frontier) == ["http://fine.org/x"]


def test_links_of_other_partitions_are_not_ours(tmp_path: Path):
    links: dict[bytes, tuple[int, Wanted]] = {}
    for number in range(20):
        add_link(links, number % 4, wanted(f"http://a.org/{number}"))
    write_links(tmp_path / "l.parquet", links)
    assert [len(list(read_links(tmp_path / "l.parquet", partition))) for partition in range(5)] == [5, 5, 5, 5, 0]
