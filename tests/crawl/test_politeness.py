"""Pauses go by the monotonic clock, and what a host asks for is honoured within bounds."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.crawl import politeness
from mathcode_data.stages.crawl.hosts import HostState, OriginRules
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.politeness import DoneForNowError, Gate, backoff_s, retry_after_s

NOW = 1_700_000_000.0
RETRY_AFTER = {
    "120": 120.0, "0": 0.0, "99999999999999999999": 3600.0, "-5": None, "1.5": None, "soon": None, "": None, "nan": None, "१२": None,
    format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True): 90.0,
    format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True): 0.0,
    format_datetime(datetime.fromtimestamp(NOW + 10 * 365 * 86400, UTC), usegmt=True): 3600.0,
    "Mon, 99 Foo 2024 99:99:99 GMT": None,
}  # fmt: skip


@pytest.mark.parametrize("value", RETRY_AFTER)
def test_retry_after_is_bounded_whatever_it_says(value: str):
    assert retry_after_s(value, NOW, 3600.0) == RETRY_AFTER[value]


@given(st.integers(1, 10_000))
def test_backoff_doubles_up_to_a_quarter_of_an_hour(number: int):
    limits = Limits()
    largest = backoff_s(number, limits, lambda _, high: high)
    assert largest == min(900.0, 5.0 * 2 ** min(number - 1, 20))
    assert backoff_s(number, limits, lambda low, _: low) == 0.0


class Clock:
    """A clock that asyncio.sleep moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0

        async def sleep(seconds: float) -> None:
            self.now += seconds

        monkeypatch.setattr(politeness.asyncio, "sleep", sleep)

    def __call__(self) -> float:
        return self.now


def starts(gate: Gate, clock: Clock, durations: list[float]) -> list[tuple[float, float]]:
    """When requests of these durations begin and end, sent as fast as the gate lets them."""

    async def go() -> list[tuple[float, float]]:
        found = []
        for duration in durations:
            async with gate:
                start = clock.now
                clock.now += duration
                found.append((start, clock.now))
        return found

    return asyncio.run(go())


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=6), st.floats(0.0, 30.0))
def test_a_pause_lies_before_the_first_request_and_after_each(durations: list[float], delay_s: float):
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock = Clock(monkeypatch)
        found = starts(Gate(delay_s, 1e9, clock), clock, durations)
    assert found[0][0] >= 1000.0 + delay_s
    for before, after in itertools.pairwise(found):
        assert after[0] >= before[1] + delay_s - 1e-6


def test_a_clock_set_back_or_forth_changes_no_pause(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    wall = iter([NOW, NOW - 86400, NOW + 86400] * 100)
    monkeypatch.setattr(time, "time", lambda: next(wall))
    found = starts(Gate(5.0, 1e9, clock), clock, [1.0] * 5)
    assert [start for start, _ in found] == [1005.0, 1011.0, 1017.0, 1023.0, 1029.0]


def test_a_rest_never_exceeds_its_length_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch):
    state = HostState()
    monkeypatch.setattr(time, "time", lambda: NOW)
    state.rest(600.0, "retry_after")
    monkeypatch.setattr(time, "time", lambda: NOW - 10 * 365 * 86400)
    assert state.rest_left_s() == 600.0
    monkeypatch.setattr(time, "time", lambda: NOW + 601)
    assert state.rest_left_s() == 0.0


def test_rules_from_the_future_do_not_count(monkeypatch: pytest.MonkeyPatch):
    rules = OriginRules(NOW, {"verdict": "rules", "reason": "", "text": ""})
    monkeypatch.setattr(time, "time", lambda: NOW + 3600)
    assert rules.is_fresh(Limits())
    monkeypatch.setattr(time, "time", lambda: NOW - 3600)
    assert not rules.is_fresh(Limits())
    monkeypatch.setattr(time, "time", lambda: NOW + 25 * 3600)
    assert not rules.is_fresh(Limits())


def test_a_pause_beyond_the_task_ends_the_task_and_frees_the_gate(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    gate = Gate(30.0, 1020.0, clock)
    for _ in range(2):
        with pytest.raises(DoneForNowError):
            starts(gate, clock, [1.0])


def test_five_failures_in_a_row_open_the_breaker_and_the_third_time_ends_it():
    limits, state = Limits(), HostState()
    for number in range(1, 15):
        state.failed(limits)
        assert bool(state.rest_left_s()) == (number >= 5)
    assert not state.skip
    state.failed(limits)
    assert state.skip == "host_failing"


def test_an_answer_closes_the_count_of_failures():
    limits, state = Limits(), HostState()
    for _ in range(20):
        for _ in range(4):
            state.failed(limits)
        state.succeeded()
    assert not state.skip
    assert not state.rest_left_s()
    assert state.errors == 80


def test_a_host_with_too_many_errors_is_given_up():
    state = HostState()
    for _ in range(3):
        state.failed(Limits(host_errors=3))
    assert state.skip == "host_errors"


def test_the_quota_of_a_round_fits_into_its_time_and_the_budget():
    limits = Limits()
    assert HostState().quota(limits) == 50
    assert HostState(delay_s=30.0).quota(limits) == 20
    assert HostState(pages=9_990).quota(limits) == 10
    assert HostState(pages=10_000).quota(limits) == 0
    assert HostState(window="0" * 197 + "111").quota(limits) == 1
    assert HostState(window="0" * 196 + "1111").quota(limits) == 50
