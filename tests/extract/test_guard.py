"""The guard: a hostile page costs only itself, and the next one is answered."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from mathcode_data.core.errors import ResourceError
from mathcode_data.stages.extract import guard as guard_module
from mathcode_data.stages.extract.guard import GuardedExtractor
from mathcode_data.stages.extract.limits import time_limit
from mathcode_data.stages.extract.page import Page, PageInput, Scope

# 60,000 attributes with a ">" in each value: no piece between two ">" is long, so only the deadline can stop it.
SLOW = b"<a " + b" ".join(b'a%d=">"' % i for i in range(60_000)) + b">x"
FINE = PageInput(b"<p>Let <script type='math/tex'>x^2</script> be even.</p>", "", "text/html")


@pytest.fixture(scope="module")
def guard() -> Iterator[GuardedExtractor]:
    with GuardedExtractor(deadline_s=0.4) as extractor:
        extractor.extract([FINE])  # starts the child
        yield extractor


def one(guard: GuardedExtractor, content: bytes) -> Page:
    return guard.extract([PageInput(content, "", "")])[0]


def test_pages_of_a_round_trip_come_back_in_order(guard: GuardedExtractor) -> None:
    pages = guard.extract([PageInput(f"<p>page {i}</p>".encode(), "", "") for i in range(150)])
    assert [page.text for page in pages] == [f"page {i}" for i in range(150)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<div>" * 100_000 + b"x", "limit: tags nested"),
        (b"<a " + b" ".join(b"a%d=1" % i for i in range(200_000)) + b">x", "limit: 200,000 attributes"),
        (b"<p>" + b"a" * 20_000_000, "limit: 20,000,003 characters"),
        (b"<a" * 2_000_000, "limit: 2,000,000 tags"),
        (b"\x00" * 5_000, "empty: 5000 bytes"),
        (b"", "empty: 0 bytes"),
        (b"%PDF-1.7 ...", "binary: the bytes are PDF"),
        (b"<p><!-- never closed" + b"a" * 100_000, "empty: no text left"),
    ],
    ids=["deep", "attributes", "long text", "tags", "NUL", "nothing", "PDF", "comment"],
)
def test_unusable_page_names_its_reason(guard: GuardedExtractor, content: bytes, code: str) -> None:
    assert one(guard, content).error.startswith(code)


def test_million_entities_and_a_huge_colspan_are_read(guard: GuardedExtractor) -> None:
    assert len(one(guard, b"<p>" + b"&amp;" * 1_000_000).text) == 1_000_000
    table = b"<table><tr><td colspan=9007199254740991>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"
    assert one(guard, table).text == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_long_text_node_is_not_silently_empty(guard: GuardedExtractor) -> None:
    assert len(one(guard, b"<p>" + b"ab " * 1_000_000).text) == 2_999_999


def test_slow_page_is_timed_out_and_the_others_are_answered(guard: GuardedExtractor) -> None:
    before = guard.num_restarts
    pages = guard.extract([FINE, PageInput(SLOW, "", ""), FINE, FINE])
    assert [page.error.split(":")[0] for page in pages] == ["", "timeout", "", ""]
    assert pages[3].formulas[0].latex == "x^2"
    assert before < guard.num_restarts <= before + 2  # one more where the machine is so busy that the clock ends the first try


def test_the_child_extracts_what_its_scope_says() -> None:
    page = PageInput(b"<nav><a href=/a>Gardens</a></nav><p>Turn the heap every second week and keep it moist.</p>", "", "")
    for scope, is_kept in ((Scope(), False), (Scope(comments=True), False), (Scope(comments=True, boilerplate=True), True)):
        with GuardedExtractor(deadline_s=5, scope=scope) as extractor:
            assert ("Gardens" in one(extractor, page.content).text) is is_kept


def test_killed_child_is_replaced() -> None:
    with GuardedExtractor(deadline_s=5) as extractor:
        extractor.extract([FINE])
        assert extractor._child is not None
        os.kill(extractor._child.pid, signal.SIGKILL)
        extractor._child.wait()
        assert extractor.extract([FINE])[0].error == ""


class Killed(GuardedExtractor):
    """Its child is killed from outside with pages in flight: `times` times, when a request holds `victim`."""

    def __init__(self, victim: bytes, times: int, how: int = signal.SIGKILL) -> None:
        super().__init__(deadline_s=5)
        self.victim, self.times, self.how = victim, times, how

    def _send(self, child: subprocess.Popen[bytes], data: bytes) -> None:
        if self.victim not in data or not self.times:
            super()._send(child, data)
            return
        self.times -= 1
        os.kill(child.pid, signal.SIGSTOP)  # so that it has answered nothing when it dies
        super()._send(child, data)
        os.kill(child.pid, self.how)


def test_page_in_flight_when_the_child_is_killed_from_outside_is_extracted_all_the_same() -> None:
    with Killed(b"victim", times=1) as extractor:
        pages = extractor.extract([PageInput(b"<p>the victim</p>"), FINE])
    assert [page.error for page in pages] == ["", ""]
    assert pages[0].text == "the victim"
    assert extractor.num_restarts == 1


def test_page_in_flight_when_the_machine_stalls_is_extracted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "WALL_FACTOR", 0.02)
    with Killed(b"victim", times=1, how=signal.SIGSTOP) as extractor:
        assert extractor.extract([PageInput(b"<p>the victim</p>")])[0].text == "the victim"


def test_page_that_kills_the_child_alone_too_is_a_crash_and_costs_only_itself() -> None:
    with Killed(b"victim", times=-1) as extractor:
        pages = extractor.extract([FINE, PageInput(b"<p>the victim</p>"), FINE])
    assert [page.error for page in pages] == ["", "crash: the child ended with SIGKILL", ""]


def test_child_ends_when_its_input_ends() -> None:
    extractor = GuardedExtractor()
    extractor.extract([FINE])
    child = extractor._child
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=100) == 0
    extractor.close()


@pytest.mark.slow
def test_page_that_needs_too_much_memory_costs_only_itself() -> None:
    with GuardedExtractor(memory_bytes=300 << 20, deadline_s=20) as extractor:
        pages = extractor.extract([PageInput(b"<b>x</b> " * 450_000, "", ""), FINE])
    assert pages[0].error.startswith("crash: ")
    assert pages[1].error == ""


def test_child_that_cannot_start_is_an_error_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with GuardedExtractor() as extractor, pytest.raises(ResourceError, match="did not become ready"):
        extractor.extract([FINE])


def test_child_that_is_killed_before_it_has_begun_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of 138 kills hit a child at its start, and each ended the run with exit code 6."""
    started: list[subprocess.Popen[bytes]] = []

    class KilledAtFirst(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: list[str], **options: object) -> None:
            super().__init__(command if started else ["sh", "-c", "kill -9 $$"], **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(guard_module.subprocess, "Popen", KilledAtFirst)
    with GuardedExtractor() as extractor:
        assert "\\(x^2\\)" in extractor.extract([FINE])[0].text
    assert len(started) == 2


def test_the_limit_of_a_page_grows_with_its_size() -> None:
    assert time_limit(b"x" * 1_000_000, 2.0, 1.0) == 3.0
    assert time_limit(b"x" * 60_000_000, 2.0, 1.0) < 20  # no hostile page gets more than the largest that is read
    packed = gzip.compress(b"<p>a</p>" * 500_000)
    assert 2.0 < time_limit(packed, 2.0, 1.0) <= 2.0 + 20 * len(packed) / 1e6
    page = PageInput(b"<p>" + b"word " * 400_000, "", "")
    with GuardedExtractor(deadline_s=0.01, per_mb_s=2.0) as extractor:
        assert extractor.extract([page])[0].error == ""
    with GuardedExtractor(deadline_s=0.01, per_mb_s=0.0) as extractor:
        assert extractor.extract([page])[0].error.startswith("timeout")
