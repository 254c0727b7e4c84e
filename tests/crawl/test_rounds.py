"""Rounds: the same pages whatever is killed, cut short or spread; budgets, traps and order of a crawl."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.core.errors import ConfigError, DataError, ResourceError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.crawl import focused
from mathcode_data.stages.crawl.journal import Journal
from support.crawling import FAST, Crawl
from support.hostile_site import HostileSite, Route, answer, assert_polite, hostile_site, page
from support.stages import make_config

HOSTS = ["one.test", "two.test", "www.two.test", "three.test", "four.test"]


def web(site: HostileSite, num_pages: int) -> dict[str, Route]:
    """Hosts whose pages lead to each other."""
    found: dict[str, Route] = {}
    for position, host in enumerate(HOSTS):
        other = HOSTS[(position + 1) % len(HOSTS)]
        for number in range(num_pages):
            links = [f"/{number * 2 + 1}", f"/{number * 2 + 2}", site.url(f"/{number}", other)]
            found[f"{host}/{number}"] = page(f"{host} page {number}", *links)
        found[f"{host}/"] = page(f"home of {host}", "/0", "/1")
    return found


TASK_S = 0.25


def slowly(content: Route) -> Route:
    def route(connection: Any, request: Any) -> Any:
        time.sleep(TASK_S + 0.1)
        return content

    return route


class KilledError(BaseException):
    """What a kill looks like from inside: nothing more is written."""


def run_killed(crawl: Crawl, at: int, monkeypatch: pytest.MonkeyPatch, *, tear: int) -> None:
    """Die at the n-th event of the process; the last bytes of the archive that was being written are torn."""
    with monkeypatch.context() as patch:
        written = 0
        whole = Journal.write

        def write(self: Journal, event: dict[str, Any], *arguments: Any, **options: Any) -> None:
            nonlocal written
            written += 1
            if written == at:
                size = (self.folder / "events.jsonl").stat().st_size
                whole(self, event, *arguments, **options)
                with (self.folder / "events.jsonl").open("r+b") as file:
                    file.truncate(size + tear % 5)
                for path in self.folder.glob("*.warc.gz"):
                    with path.open("r+b") as file:
                        file.truncate(max(0, path.stat().st_size - tear))
                raise KilledError(f"killed at event {at}")
            whole(self, event, *arguments, **options)

        patch.setattr(Journal, "write", write)
        crawl.run()


@pytest.mark.slow
def test_a_crawl_killed_anywhere_goes_on_to_the_same_pages_and_asks_for_few_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with hostile_site() as site:
        site.routes = web(site, 4)
        seeds = [site.url("/", host) for host in HOSTS[:2]]
        straight = Crawl(site, tmp_path / "straight", seeds, HOSTS, any_host=True)
        straight.run()
        expected, requests = straight.stored(), len(site.log)
        assert len(expected) == 5 * 4 + 2
        for first in (2, 7):
            site.log.clear()
            crawl = Crawl(site, tmp_path / f"killed-{first}", seeds, HOSTS, any_host=True)
            num_kills, at = 0, first
            while True:
                try:
                    run_killed(crawl, at, monkeypatch, tear=num_kills * 37 + 3)
                except KilledError:
                    num_kills += 1
                    at = first + num_kills  # a new process dies a little later
                    continue
                break
            assert num_kills >= 2
            assert crawl.stored() == expected
            assert crawl.counts()["stored"] == len(expected)
            assert len(site.log) <= requests + 4 * num_kills, "only what was on its way is asked for again"
            assert_polite(site, FAST["delay_s"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "values", [{"partitions": 1}, {"partitions": 7, "limits": {"host_round_pages": 2}}, {"limits": {"round_pages": 3}}]
)
def test_the_same_pages_come_whatever_the_rounds_are_cut_like(values: dict[str, Any], tmp_path: Path):
    with hostile_site() as site:
        site.routes = web(site, 4)
        crawl = Crawl(site, tmp_path, [site.url("/", "one.test")], HOSTS, any_host=True, **values)
        crawl.run()
        assert len(crawl.stored()) == len(set(crawl.stored())) == 5 * 4 + 1
        assert crawl.outcome.facts["ended"] == "nothing is left"  # type: ignore[union-attr]
        assert_polite(site, FAST["delay_s"])


@pytest.mark.slow
def test_a_task_that_is_out_of_time_is_finished_by_another_before_the_next_round(tmp_path: Path):
    with hostile_site() as site:
        site.routes = {path: slowly(content) for path, content in web(site, 4).items()}
        limits = {"task_s": TASK_S, "delay_s": 0.05}  # one page is all that a host gets in a task
        crawl = Crawl(site, tmp_path, [site.url("/", "one.test")], HOSTS, limits, any_host=True)
        crawl.run()
        assert len(crawl.stored()) == len(set(crawl.stored())) == 5 * 4 + 1
        slices = [phase for phase, _ in crawl.context.records if phase.count("-") == 2]
        assert slices, "no round was long enough to be cut"
        assert_polite(site, 0.05)


def test_budgets_of_pages_end_a_crawl_at_the_best_of_them(tmp_path: Path):
    with hostile_site() as site:
        site.routes = {"/": page("home", *(f"/{i}" for i in range(30)), *(f"http://b.test:{site.port}/{i}" for i in range(30)))}
        site.routes |= {f"/{i}": page(f"page {i} of it") for i in range(30)}
        hosts = ["a.test", "b.test"]
        crawl = Crawl(site, tmp_path, [site.url("/", "a.test")], hosts, {"host_pages": 9}, any_host=True, max_pages=15)
        crawl.run()
        facts = crawl.outcome.facts  # type: ignore[union-attr]
        assert (facts["ended"], facts["pages_requested"]) == ("max_pages", 15)
        assert max(host["pages"] for host in facts["hosts"].values()) <= 9
        asked = Counter(request.host for request in site.log if request.path not in ("/robots.txt", "/.well-known/tdmrep.json"))
        assert asked.total() == 15
        assert asked["a.test"] <= 9


def test_bytes_have_budgets_too(tmp_path: Path):
    with hostile_site() as site:
        site.routes = {"/": page("home", *(f"/{i}" for i in range(20)))}
        site.routes |= {f"/{i}": answer(f"<p>{i}</p>" + "x" * 10_000) for i in range(20)}
        seeds = [site.url("/", "a.test")]
        per_host = Crawl(site, tmp_path / "host", seeds, ["a.test"], {"host_bytes": 50_000})
        per_host.run()
        assert 4 <= len(per_host.stored()) <= 6
        assert per_host.outcome.facts["hosts"]["a.test"]["skip"] == "host_bytes"  # type: ignore[union-attr]
        in_all = Crawl(site, tmp_path / "all", seeds, ["a.test"], {"max_bytes": 50_000})
        in_all.run()
        assert 4 <= len(in_all.stored()) <= 6
        assert in_all.outcome.facts["ended"] == "max_bytes"  # type: ignore[union-attr]


def trap(connection: Any, request: Any) -> bytes:
    """A page for every address, always the same words, with ever new links."""
    number = sum(map(ord, request.path))
    return page(
        "Trap",
        f"/t{number}x{len(request.path)}",
        f"{request.path}/y{number}",
        f"/t{number + 1}",
        text=" ".join(f"word{i}" for i in range(300)),
    )


@pytest.mark.slow
def test_a_trap_of_pages_without_end_is_demoted_and_the_good_host_is_read(tmp_path: Path):
    with hostile_site() as site:
        site.routes = {"trap.test*": trap, "trap.test/robots.txt": answer("", content_type="text/plain")}
        site.routes |= {"good.test/": page("good", *(f"/{i}" for i in range(12)))} | {
            f"good.test/{i}": page(f"good {i} of {i * 7}") for i in range(12)
        }
        hosts = ["trap.test", "good.test"]
        limits = {"novelty_window": 10, "min_new": 0.2, "host_round_pages": 10}
        crawl = Crawl(site, tmp_path, [site.url("/", host) for host in hosts], hosts, limits, max_pages=60, max_rounds=12, partitions=1)
        crawl.run()
        assert crawl.problems() == set()
        per_round = [Counter(url.split("/")[2].partition(":")[0] for url in urls) for urls in rounds_of(crawl)]
        assert sum(count["good.test"] for count in per_round) == 13
        assert max(count["trap.test"] for count in per_round) >= 3
        assert all(count["trap.test"] <= 1 for count in per_round[-3:]), "one page a round once it is known for what it is"


def rounds_of(crawl: Crawl) -> list[list[str]]:
    """Stored addresses of each WARC file."""
    from warcio.archiveiterator import ArchiveIterator

    found = []
    for path in crawl.warcs():
        with path.open("rb") as file:
            found.append(
                [record.rec_headers.get_header("WARC-Target-URI") for record in ArchiveIterator(file) if record.rec_type == "response"]
            )
    return found


def test_spaces_of_addresses_end(tmp_path: Path):
    """Calendars, repeated segments, per-visit ids, permuted queries, a mirror under `//`."""
    visits = iter(range(10**6))

    def calendar(connection: Any, request: Any) -> bytes:
        year, month = (int(part) for part in request.path.removeprefix("/calendar/").split("-"))
        return page(f"month {year} {month}", f"/calendar/{year + month // 12}-{month % 12 + 1}", f"/calendar/{year - 1}-{month}")

    def endless(connection: Any, request: Any) -> bytes:
        return page("deeper " + request.path, f"{request.path}/a", f"/{request.path}", f"/visit?sid={next(visits)}&page=1")

    with hostile_site() as site:
        site.routes = {f"c.test/calendar/{y}-{m}": calendar for y in range(1890, 2130) for m in range(1, 13)}
        site.routes |= {
            "c.test/": page("home", "/calendar/2026-1", "/a", "/?a=1&b=2", "/?b=2&a=1", "//?a=1&b=2", "/visit?page=1&PHPSESSID=9")
        }
        site.routes |= {f"c.test{'/a' * depth}": endless for depth in range(1, 30)} | {"c.test/visit": page("a visit")}
        crawl = Crawl(site, tmp_path, [site.url("/", "c.test")], ["c.test"], {"max_calendar_pages": 7})
        crawl.run()
        paths = [path for path in site.paths("c.test") if path not in ("/robots.txt", "/.well-known/tdmrep.json")]
    assert len(paths) == len(set(paths))
    assert sum("calendar" in path for path in paths) == 7
    assert {path for path in paths if path.startswith("/a")} == {"/a", "/a/a"}
    assert [path for path in paths if "?" in path] == ["/?a=1&b=2", "/visit?page=1"] or set(paths) >= {"/?a=1&b=2", "/visit?page=1"}
    assert not any(path.startswith("//") for path in paths)
    assert crawl.counts()["links_refused_repeated_segment"] >= 1


def test_pages_under_mathematics_come_first(tmp_path: Path):
    math = answer(
        "<h1>Lemma</h1>"
        + "".join(f"<p>Let \\(x_{i}^2 = {i}\\) be given.</p>" for i in range(20))
        + '<a href="/m1">m</a><a href="/m2">n</a>'
    )
    with hostile_site() as site:
        site.routes = {"/": page("home", "/z-math", "/a-shop"), "/z-math": math, "/a-shop": page("shop", "/s1", "/s2")}
        site.routes |= {f"/{name}": page(f"{name} text") for name in ("m1", "m2", "s1", "s2")}
        crawl = Crawl(site, tmp_path, [site.url("/", "a.test")], ["a.test"], {"host_round_pages": 2})
        crawl.run()
        assert crawl.problems() == set()
        order = [path for path in site.paths() if path[1:] in ("m1", "m2", "s1", "s2")]
    assert set(order[:2]) == {"/m1", "/m2"}


def test_scope_is_kept_and_pages_of_other_types_are_not_asked_for(tmp_path: Path):
    with hostile_site() as site:
        links = [site.url("/", host) for host in ("in.sub.test", "sub.test", "notsub.test", "edu.ac", "out.test")]
        site.routes = {"/": page("home", *links, "/paper.pdf", "/x.png", "/data.zip?x=1")}
        hosts = ["in.sub.test", "sub.test", "notsub.test", "out.test", "x.edu.ac", "edu.ac"]
        crawl = Crawl(site, tmp_path, [site.url("/", "sub.test")], hosts, domains=["sub.test"], suffixes=[".ac"])
        crawl.run()
        assert {request.host for request in site.log} == {"sub.test", "in.sub.test", "edu.ac"}
        assert not any("." in path.rpartition("/")[2] for path in site.paths() if path != "/robots.txt" and "tdmrep" not in path)


@pytest.mark.slow
def test_a_full_disk_ends_the_crawl_and_it_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with hostile_site() as site:
        site.routes = web(site, 3)
        crawl = Crawl(site, tmp_path, [site.url("/", "one.test")], HOSTS, any_host=True)
        usage = shutil.disk_usage(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=usage.total // 100 if len(site.log) > 12 else usage.free))
            with pytest.raises(ResourceError, match=r"less than 5% of the disk.*what was fetched is kept"):
                crawl.run()
        assert crawl.run()
        assert len(crawl.stored()) == len(set(crawl.stored())) == 5 * 3 + 1


@pytest.mark.slow
def test_writing_fails_at_any_record_and_the_crawl_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from mathcode_data.stages.crawl.warc_out import WarcFile

    with hostile_site() as site:
        site.routes = web(site, 2)
        crawl = Crawl(site, tmp_path, [site.url("/", "one.test")], HOSTS, any_host=True)
        whole = WarcFile.write
        for fails_at in (1, 3, 6):
            calls = 0

            def write(self: WarcFile, *arguments: Any, **options: Any) -> int:
                nonlocal calls
                calls += 1
                end = whole(self, *arguments, **options)
                if calls == fails_at:  # noqa: B023
                    raise OSError(28, "No space left on device")
                return end

            with monkeypatch.context() as patch:
                patch.setattr(WarcFile, "write", write)
                with pytest.raises(ResourceError, match="No space left"):
                    crawl.run()
        crawl.run()
        assert len(crawl.stored()) == len(set(crawl.stored())) == 5 * 2 + 1


REFUSED = {
    "no contact": ({"contact": ""}, "contact: there is none"),
    "no real contact": ({"contact": "me"}, "'me' reaches nobody"),
    "example contact": ({"contact": "https://example.org/bot"}, "reaches nobody"),
    "no ASCII": ({"contact": "https://mathé.org/bot"}, "reaches nobody"),
    "one of two": ({"contact": "bot@maths.org, http://localhost/"}, "reaches nobody"),
    "no seeds": ({"urls": []}, "no seeds"),
    "too fast": ({"limits": {"delay_s": 0.5}}, "at least 1 s"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_crawl_that_nobody_answers_for_does_not_start(name: str):
    values, message = REFUSED[name]
    settings = {"contact": "bot@maths.org", "urls": ["https://maths.org/"]} | values
    config = make_config("crawl.focused", Path(), **settings)
    with pytest.raises(ConfigError, match=message):
        load_plugin("crawl.focused").build(config).run(None)


def test_loopback_is_refused_unless_it_is_allowed(tmp_path: Path):
    with hostile_site({"/": page("inside")}) as site:
        crawl = Crawl(site, tmp_path / "seed", [site.url("/")], [], {"delay_s": 1.0}, allow_private=False)
        with pytest.raises(DataError, match="no seed can be visited.*private_address"):
            crawl.run()
        named = Crawl(
            site, tmp_path / "name", [site.url("/", "a.test")], ["a.test"], {"delay_s": 1.0, "robots_retry_s": 3600}, allow_private=False
        )
        with pytest.raises(DataError, match="no page was stored.*robots_private_address"):
            named.run()
        assert site.log == []


def test_a_missing_package_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(focused.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="aiohttp protego ada-url.*pip install"):
        load_plugin("crawl.focused").build(make_config("crawl.focused"))
