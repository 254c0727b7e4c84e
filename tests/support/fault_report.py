"""Marks the tests of the fault table, and prints case, expected and seen at the end of a run that holds some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from support.fault_cases import CASES

MARKER = "fault(number, ...): shows a case of the fault table; `-m fault` runs them all"
SHOWN_AT = 20
"""A run of fewer cases prints no table: who works on one file wants to see that file."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of the table its mark."""
    numbers: dict[str, list[int]] = {}
    for case in CASES:
        for test in case.tests:
            numbers.setdefault(test, []).append(case.number)
    for item in items:
        found = numbers.get(_name(item.nodeid)) or numbers.get(_name(item.nodeid).partition("[")[0])
        if found:
            item.add_marker(pytest.mark.fault(*found))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table: what every case must do, and what was seen in this run."""
    outcomes = seen_in(report for reports in terminalreporter.stats.values() for report in reports)
    lines = table(outcomes)
    if sum(not line.endswith("not run") for line in lines[1:]) >= SHOWN_AT:
        terminalreporter.write_sep("=", "faults: case, expected, seen")
        for line in lines:
            terminalreporter.write_line(line)


def seen_in(reports: Iterable[Any]) -> dict[str, Counter[str]]:
    """Outcomes of each test function by name, from pytest's reports."""
    outcomes: dict[str, Counter[str]] = {}
    for report in reports:
        if isinstance(report, pytest.TestReport) and (report.when == "call" or report.outcome != "passed"):
            outcomes.setdefault(_name(report.nodeid).partition("[")[0], Counter())[report.outcome] += 1
    return outcomes


def table(outcomes: dict[str, Counter[str]]) -> list[str]:
    """One line a case."""
    lines = [f"{'case':>4}  {'fault':<40} {'expected':<46} seen"]
    for case in CASES:
        counts: Counter[str] = Counter()
        for test in case.tests:
            counts += outcomes.get(test.partition("[")[0], Counter())
        left_out = sum(test.partition("[")[0] not in outcomes for test in case.tests)
        rest = f", {left_out} of {len(case.tests)} named tests not run" if counts and left_out else ""
        lines.append(f"{case.number:>4}  {case.what:<40} {case.expected:<46} {_say(counts)}{rest}")
    return lines


def _say(counts: Counter[str]) -> str:
    """`as expected (12 tests)` only where every test ran and passed.

    >>> _say(Counter(passed=3)), _say(Counter(passed=3, failed=1)), _say(Counter())
    ('as expected (3 tests)', 'FAILED (1 of 4 tests)', 'not run')
    """
    total = counts.total()
    if not total:
        return "not run"
    if counts["failed"]:
        return f"FAILED ({counts['failed']} of {total} tests)"
    if counts["skipped"]:
        return f"as expected ({counts['passed']} tests), {counts['skipped']} skipped" if counts["passed"] else f"skipped ({total})"
    return f"as expected ({total} tests)"


def _name(nodeid: str) -> str:
    return nodeid.removeprefix("tests/")
