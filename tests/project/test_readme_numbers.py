"""Every number of README's table of results stands in the result file that its row links, to the digits that are shown.

A unit says which figures may be meant: MB/s a speed, us one over a speed, `+55 MB` a peak of memory, x a ratio. What stands in
parentheses describes the peer and is no result. After a benchmark was run again, a row that was not changed with it fails here.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(
    r"(?P<plus>\+?)(?<![\w.-])(?P<number>\d[\d,]*(?:\.\d+)?)(?![\w.]|-\w)"
    r"\s*(?P<unit>M? ?(?:MB/s|GB/s|[a-z]+/s)|GB|MB|M\b|us\b|s\b|x\b|%)?"
)


@dataclass(frozen=True)
class Number:
    """A number as a cell shows it."""

    text: str
    unit: str
    is_peak: bool

    def shows(self, value: float) -> bool:
        """Whether it may stand for a value: rounded or cut to the digits that are shown."""
        digits = len(self.text.partition(".")[2])
        return abs(float(self.text.replace(",", "")) - value) < 10.0**-digits


def rows() -> list[tuple[list[str], list[str]]]:
    """Cells of each row of the table, and the result files it links; a row without a link belongs to the one above."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Measured")[2].partition("\n## ")[0]
    found: list[tuple[list[str], list[str]]] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 5 or cells[0] == "what" or set(line) <= set("|-: "):
            continue
        files = re.findall(r"\]\((tests/bench/results/[^)]+\.json)\)", cells[4])
        if not cells[0] or not cells[1]:  # a further peer of the row above: its numbers are of the same unit
            unit = next((number.unit for number in numbers(found[-1][0][1], "") if number.unit), "") if found else ""
            cells[2] = f"{cells[2].partition(' (')[0]} {unit}" if cells[2] and not cells[2].startswith("(") else cells[2]
        found.append((cells, files or found[-1][1]))
    return found


def numbers(cell: str, fallback: str) -> list[Number]:
    matches = list(TOKEN.finditer(re.sub(r"\([^)]*\)", "", cell)))
    units = [(match["unit"] or "").strip() for match in matches]
    filled = [unit or next((later for later in units[place:] if later), fallback) for place, unit in enumerate(units)]
    return [Number(match["number"], unit, bool(match["plus"])) for match, unit in zip(matches, filled, strict=True)]


def leaves(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def figures(result: dict[str, Any], number: Number) -> Iterator[float]:
    """What of a result file a number of that unit may mean."""
    measured = result["measurements"]
    speeds = [float(row["per_second"]) for row in measured]
    if number.is_peak:
        yield from (row["peak_bytes"] / (1e9 if number.unit == "GB" else 1e6) for row in measured if row["peak_bytes"] is not None)
    elif number.unit == "x":
        yield from result["ratios"].values()
        yield from (one / other for one, other in itertools.permutations(speeds, 2))
    elif number.unit == "us":
        yield from (1e6 / speed for speed in speeds)
    elif number.unit == "s":
        yield from (row["median_s"] for row in measured)
    elif number.unit == "%":
        yield from (100 * value for value in leaves(result["facts"]))
    elif number.unit.startswith("M"):
        yield from (speed / 1e6 for speed in speeds)
        yield from (row["per_second"] for row in measured if row["unit"] == "MB")
    else:
        yield from speeds
        yield from leaves(result["facts"])


def test_the_table_is_there_and_every_row_links_a_result_file():
    assert len(rows()) > 10
    for cells, files in rows():
        assert files, cells[0]
        assert all((ROOT / name).is_file() for name in files), f"{cells[0]}: {files}"


@pytest.mark.parametrize(("cells", "files"), rows(), ids=[cells[0][:40] or files[0].rpartition("/")[2] for cells, files in rows()])
def test_every_number_of_a_row_stands_in_its_result_file(cells: list[str], files: list[str]):
    results = [json.loads((ROOT / name).read_text(encoding="utf-8")) for name in files]
    unit = next((number.unit for number in numbers(cells[1], "") if number.unit), "")
    shown = [number for number in numbers(cells[0], "") if number.is_peak or number.unit == "%"]
    shown += [*numbers(cells[1], unit), *numbers(cells[2], unit), *numbers(cells[3], "x")]
    for number in shown:
        meant = [value for result in results for value in figures(result, number)]
        assert any(number.shows(value) for value in meant), (
            f"README.md, row {cells[0]!r}: {number.text} {number.unit} is no such figure of {', '.join(files)}; "
            "write the figure of the file, or link the file that holds it"
        )


def test_a_wrong_number_would_be_found():
    result = {
        "measurements": [{"per_second": 22_250_000, "median_s": 6.7, "peak_bytes": 55_000_000, "unit": "byte"}],
        "ratios": {"a / b": 22.91},
        "facts": {},
    }
    assert [any(number.shows(value) for value in figures(result, number)) for number in numbers("22.3 / 23.4 MB/s", "")] == [True, False]
    assert [any(number.shows(value) for value in figures(result, number)) for number in numbers("22.9 x", "x")] == [True]
    assert [any(number.shows(value) for value in figures(result, number)) for number in numbers("a, +55 MB", "")] == [True]
    assert numbers("1.0 (datatrove 0.10)", "MB/s") == [Number("1.0", "MB/s", False)]


def test_the_tables_of_the_quickstart_are_those_of_its_result_file(monkeypatch: pytest.MonkeyPatch):
    """`python tests/bench/run_all.py --only quickstart` runs it again; `bench_quickstart.py` then prints what README gets."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "bench")
    from bench_quickstart import readme_lines

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    facts = json.loads((ROOT / "tests/bench/results/quickstart.json").read_text(encoding="utf-8"))["facts"]
    shown = readme.partition("\nIt shows, shortened here,")[2].partition("```\n")[2].partition("\n```")[0]
    assert [line.rstrip() for line in shown.splitlines()] == readme_lines(facts)
    assert f"{facts['steps']} training steps" in readme


STUDY = {
    r"Run on two cores with ([0-9.]+) M parameters": ("models.0.5m.matrix_parameters", 1e-6),
    r"([0-9]+) M tokens of code and mathematics in each": ("arms.mixed.tokens", 1e-6),
    r"held-out code\s+is ([0-9.]+) bits per byte worse": ("models.0.5m.hypotheses.0.claims.0.value.value", 1.0),
    r"worse than after the code stage \[([0-9.]+),": ("models.0.5m.hypotheses.0.claims.0.value.low", 1.0),
    r"worse than after the code stage \[[0-9.]+, ([0-9.]+)\]": ("models.0.5m.hypotheses.0.claims.0.value.high", 1.0),
    r"and ([0-9]+) % of what the code stage taught": ("models.0.5m.rows.2.retention.value", 100.0),
    r"the mixed arm keeps all of\s+it \(([0-9]+) %\)": ("models.0.5m.rows.4.retention.value", 100.0),
    r"Replaying 5 % of code in the stage of mathematics keeps ([0-9]+) %": ("models.0.5m.rows.6.retention.value", 100.0),
    r"held-out mathematics ends at ([0-9.]+) bits per byte": ("models.0.5m.rows.4.losses.math.value", 1.0),
    r"after code, then\s+mathematics at ([0-9.]+)\.": ("models.0.5m.rows.2.losses.math.value", 1.0),
    r"10 % keep ([0-9]+) %": ("models.0.5m.rows.7.retention.value", 100.0),
    r"and mathematics in each of the arms that learn both, ([0-9]+) M of mathematics alone": ("arms.math-matched.tokens", 1e-6),
}
"""Words of README's paragraph on the study around a number, and where that stands in the study's results."""


@pytest.mark.parametrize("words", STUDY)
def test_the_paragraph_on_the_study_says_what_its_results_say(words: str):
    place, scale = STUDY[words]
    value: Any = json.loads((ROOT / "tests/bench/results/study/results.json").read_text(encoding="utf-8"))
    for step in re.split(r"\.(?!5m)", place):  # a model's name holds a dot
        value = value[int(step)] if isinstance(value, list) else value[step]
    found = re.search(words, (ROOT / "README.md").read_text(encoding="utf-8"))
    assert found, f"README.md: no such words: {words}; change this table with the paragraph"
    assert Number(found[1], "", False).shows(value * scale), f"README.md says {found[1]}, {place} is {value}"


@pytest.mark.parametrize(("name", "columns", "digits"), [
    ("extract_content", ("pages", "ours", "trafilatura", "resiliparse"), 3),
    ("extract_formulas", ("pages", "formulas", "recall", "duplicates", "trafilatura", "resiliparse"), 4),
])  # fmt: skip
def test_every_row_of_the_tables_of_extraction_is_a_set_of_its_result_file(name: str, columns: tuple[str, ...], digits: int):
    """In any order; shares to the digits shown."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Extraction\n")[2].partition("\n## ")[0]
    tables = [part.strip().splitlines()[2:] for part in section.split("\n\n") if part.strip().startswith("|")]
    shown = [[_value(cell) for cell in line.strip("|").split("|")[1:]] for line in tables[name == "extract_formulas"]]
    facts = json.loads((ROOT / f"tests/bench/results/{name}.json").read_text(encoding="utf-8"))["facts"]
    assert sorted(shown) == sorted([round(part[column], digits) for column in columns] for part in facts.values())


def _value(cell: str) -> float:
    text = cell.strip().replace(",", "")
    return round(float(text.removesuffix("%")) / 100, 4) if text.endswith("%") else float(text)
