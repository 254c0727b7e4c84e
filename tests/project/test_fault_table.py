"""The table of faults holds all 84 cases, and every test that it names is there; `pytest -m fault` runs and prints it."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from support.fault_cases import CASES
from support.fault_report import seen_in, table


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef)}


def test_every_case_stands_in_the_table_once():
    assert [case.number for case in CASES] == list(range(1, 85))
    assert all(case.what and case.expected and case.tests for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case-{case.number}")
def test_every_case_has_tests_that_are_there(case, repository: Path):
    for name in case.tests:
        file, _, function = name.partition("::")
        path = repository / "tests" / file
        assert path.is_file(), f"case {case.number}: no file {file}"
        assert function.partition("[")[0] in functions(path), f"case {case.number}: {file} has no {function}"


def test_the_named_tests_are_marked_when_they_are_collected(request):
    """Here for those that this run collected; a run of the whole suite collects all of them."""
    names = {name for case in CASES for name in case.tests}
    for item in request.session.items:
        name = item.nodeid.removeprefix("tests/").partition("[")[0]
        assert (item.get_closest_marker("fault") is not None) == (name in names), item.nodeid


def test_a_case_is_as_expected_only_where_every_test_ran_and_passed():
    def report(name: str, outcome: str, when: str = "call") -> pytest.TestReport:
        return pytest.TestReport(f"tests/{name}", ("", 0, ""), {}, outcome, None, when)  # type: ignore[arg-type]

    first, second = CASES[45].tests
    reports = [report(first, "passed"), report(first, "passed", "setup"), report(f"{second}[a]", "passed")]
    line = table(seen_in(reports))[46]
    assert line.endswith("as expected (2 tests)")
    assert table(seen_in([*reports, report(f"{second}[b]", "failed")]))[46].endswith("FAILED (1 of 3 tests)")
    assert table(seen_in([*reports, report(f"{second}[b]", "skipped", "setup")]))[46].endswith("as expected (2 tests), 1 skipped")
    assert table({name: Counter() for name in CASES[0].tests})[1].endswith("not run")


def test_the_table_is_printed(capsys):
    lines = [line.removesuffix("not run") for line in table({})]
    assert [number for number in range(1, 85) if lines[number].split()[0] != str(number)] == []
    with capsys.disabled():
        print("\n" + "\n".join(lines))
        print("      what is seen comes with: pytest -m fault")
