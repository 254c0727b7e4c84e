"""The review page in a real Chromium: by keyboard from the first row to the last, text stays text, both schemes can be read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathcode_data.review.server import ReviewServer
from mathcode_data.stages.select.domains_decisions import decide, read_decisions
from support.browser import CONTRAST, Browser, missing
from support.review import domains_result, serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "a browser is here")]

MIN_CONTRAST = 4.5
PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}));"
HERE = "return document.querySelector('tr.here .name').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReviewServer]:
    with serving(domains_result(tmp_path), tmp_path / "decisions.jsonl") as made:
        yield made


def wait(browser: Browser, condition: str) -> None:
    end = time.monotonic() + 100
    while not browser.run(f"return Boolean({condition})"):
        assert time.monotonic() < end, f"never true: {condition}"
        time.sleep(0.02)


def open_page(browser: Browser, server: ReviewServer, **shown: object) -> None:
    browser.show(server.address, **shown)  # type: ignore[arg-type]
    wait(browser, "document.body.dataset.ready && document.querySelector('#detail article')")


def test_rows_are_decided_filtered_and_undone_by_keyboard(browser: Browser, server: ReviewServer):
    open_page(browser, server)
    names = browser.run("return [...document.querySelectorAll('td.name')].map(e => e.textContent)")
    assert browser.run(HERE) == names[0]
    for key in ("a", "r", "j", "k", "a"):
        browser.run(PRESS % key)
    wait(browser, "document.querySelectorAll('tr.accept').length === 2 && document.querySelectorAll('tr.reject').length === 1")
    assert browser.run(HERE) == names[3]
    found = decide(read_decisions(server.review.file)).places
    assert {str(place): decision for place, decision in found.items()} == {names[0]: "accept", names[1]: "reject", names[2]: "accept"}
    browser.run(PRESS % "u")
    wait(browser, "document.querySelectorAll('tr.accept').length === 1")
    assert browser.run(HERE) == names[2]
    assert len(decide(read_decisions(server.review.file)).places) == 2
    browser.run("document.getElementById('filter').value = 'PHYSICS'; document.getElementById('filter').dispatchEvent(new Event('input'))")
    assert browser.run("return [...document.querySelectorAll('td.name')].map(e => e.textContent)") == ["mixed.example/physics/"]
    open_page(browser, server)
    assert browser.run("return document.querySelectorAll('tr.accept').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stays_text_nothing_is_loaded_and_all_can_be_read(browser: Browser, server: ReviewServer, scheme: str):
    open_page(browser, server, width=1280, height=900, scheme=scheme)
    for _ in range(5):
        browser.run(PRESS % "j")
    wait(browser, "document.querySelector('#detail article')")
    assert "taken" not in browser.run("return document.title")
    assert browser.run("return document.images.length") == 0
    assert browser.run("return document.scripts.length") == 1
    assert [entry for entry in browser.logs("browser") if entry["level"] == "SEVERE"] == []
    assert all(address.startswith((server.address, "data:")) for address in browser.requests(server.address))
    weakest = browser.run(CONTRAST)
    assert weakest[0][0] >= MIN_CONTRAST, weakest
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, server: ReviewServer, width: int):
    open_page(browser, server, width=width, height=740)
    browser.run(PRESS % "a")
    wait(browser, "document.querySelector('tr.accept')")
    assert browser.run("return innerWidth") == width, "the browser made room for something that is too wide"
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("const list = document.getElementById('list'); return list.scrollWidth <= list.clientWidth")
    assert (
        browser.run("return Math.max(...[...document.querySelectorAll('.mark, button')].map(e => e.getBoundingClientRect().right))")
        <= width
    )
