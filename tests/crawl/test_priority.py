"""Which page is asked for next: the classifier's score of the parent page, and the host's rate of mathematics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mathcode_data.stages.crawl.hosts import MILLION, HostState
from mathcode_data.stages.crawl.limits import Limits
from support.classifier import MATH, OTHER, as_result, learn, texts
from support.crawling import Crawl
from support.hostile_site import HostileSite, Route, hostile_site, page

WORDS_OF_MATH = [word for word in MATH if word.isalpha() and word.isascii()]
WORDS_OF_SHOPS = [word for word in OTHER if word.isalpha() and word.isascii()]
RULES = ("/robots.txt", "/.well-known/tdmrep.json")


def prose(words: list[str], seed: int) -> str:
    """Three paragraphs without any formula."""
    return " ".join(texts(words, 3, seed))


@pytest.fixture(scope="module", params=["words", "thinned"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("model")
    result = as_result(learn(folder, text=request.param), folder / "result", "model")
    return {"model": str(result.folder), "text": request.param}


def order_of(folder: Path, site: HostileSite, hosts: list[str], **values: Any) -> list[str]:
    """Hosts and paths in the order in which pages were asked for; one a round, so that every choice is seen."""
    crawl = Crawl(site, folder, [site.url("/", hosts[0])], hosts, {"round_pages": 1}, partitions=1, any_host=True, **values)
    crawl.run()
    assert crawl.problems() == set()
    return [request.host + request.path for request in site.log if request.path not in RULES]


@pytest.mark.slow
def test_links_of_a_page_that_the_classifier_takes_for_mathematics_come_first(tmp_path: Path, model: dict[str, Any]):
    """No page holds a formula, so nothing but the classifier can tell them apart."""
    routes: dict[str, Route] = {
        "/": page("home", "/theory", "/shop", text=prose(WORDS_OF_SHOPS, 1)),
        "/theory": page("one", "/t1", "/t2", "/t3", text=prose(WORDS_OF_MATH, 2)),
        "/shop": page("two", "/s1", "/s2", "/s3", text=prose(WORDS_OF_SHOPS, 3)),
    }
    routes |= {f"/{kind}{n}": page(f"{kind}{n}", text=prose(WORDS_OF_SHOPS, 10 + n)) for kind in "ts" for n in (1, 2, 3)}
    with hostile_site(routes) as site:
        found = order_of(tmp_path, site, ["a.test"], **model)
    at = found.index("a.test/theory")
    assert set(found[at + 1 : at + 4]) == {"a.test/t1", "a.test/t2", "a.test/t3"}
    assert len(found) == len(set(found)) == 9


@pytest.mark.slow
def test_of_two_hosts_the_one_with_more_mathematics_so_far_comes_first(tmp_path: Path, model: dict[str, Any]):
    """All later links stand on one page, so their parent's score is the same; only the rate of the hosts differs."""
    routes: dict[str, Route] = {f"m.test/{n}": page(f"m{n}", text=prose(WORDS_OF_MATH, 20 + n)) for n in (1, 7, 8, 9)}
    routes |= {f"s.test/{n}": page(f"s{n}", text=prose(WORDS_OF_SHOPS, 30 + n)) for n in (1, 7, 8, 9)}
    with hostile_site(routes) as site:
        near, far = ([site.url(f"/{n}", host) for host in ("s.test", "m.test") for n in numbers] for numbers in ((1,), (7, 8, 9)))
        site.routes["home.test/"] = page("home", *near, "/more", text=prose(WORDS_OF_SHOPS, 1))
        site.routes["home.test/more"] = page("more", *far, text=prose(WORDS_OF_SHOPS, 2))
        found = order_of(tmp_path, site, ["home.test", "m.test", "s.test"], **model)
    assert found[0] == "home.test/"
    assert set(found[1:3]) == {"m.test/1", "s.test/1"}, "hosts that nothing is known of come before one without mathematics"
    assert [name.partition("/")[0] for name in found[4:]] == ["m.test"] * 3 + ["s.test"] * 3


def test_the_rate_of_a_host_is_smoothed_so_that_one_page_decides_little():
    state = HostState()
    assert state.rate() == MILLION // 4
    rates = []
    for _ in range(8):
        state.saw_page(score=MILLION, is_new=True, limits=Limits())
        rates.append(state.rate())
    assert rates == sorted(rates)
    assert rates[0] == 400_000
    assert rates[-1] == 750_000
    poor = HostState()
    for _ in range(8):
        poor.saw_page(score=0, is_new=True, limits=Limits())
    assert poor.rate() == 83_333
