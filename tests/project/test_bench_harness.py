"""The benchmark harness: results are whole, name no machine, and are compared only where that means something."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, repository: Path):
    monkeypatch.syspath_prepend(repository / "tests" / "bench")
    import harness

    return harness


def make(harness, *, ours: float = 1.0, peer: float = 2.0):
    bench = harness.Bench("toy", {"documents": 10})
    bench.add("ours", [ours, ours * 1.2, ours * 0.9], "document", 10)
    bench.add("peer", [peer, peer * 1.2, peer * 0.9], "document", 20)
    bench.comparisons.append(("ours", "peer"))
    return bench


def test_a_result_is_whole_sorted_and_names_no_machine(harness, tmp_path: Path, repository: Path):
    path = make(harness).write(tmp_path)
    text = path.read_text()
    data = json.loads(text)
    assert path.name == "toy.json"
    assert text == json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert data["measurements"][0] | {} == {
        "label": "ours", "unit": "document", "amount": 10, "seconds": [1.0, 1.2, 0.9], "median_s": 1.0, "p20_s": 0.94, "p80_s": 1.12,
        "per_second": 10.0, "peak_bytes": None,
    }  # fmt: skip
    assert data["ratios"] == {"ours / peer": 1.0}, "both work at 10 documents a second"
    assert data["machine"]["cores"] >= 1
    assert set(data["code"]) == {"commit", "is_dirty"}
    assert str(repository) not in text
    assert f'"{platform.node()}"' not in text


def test_a_path_of_this_machine_is_refused(harness, tmp_path: Path):
    with pytest.raises(ValueError, match=r"toy\.parameters\.input: '/home/someone/data' names this machine"):
        harness.Bench("toy", {"input": "/home/someone/data"}).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_contenders_run_by_turns_after_two_runs_that_are_not_timed(harness):
    order: list[str] = []
    bench = harness.Bench("toy", {})
    given = bench.race({name: lambda name=name: order.append(name) or name for name in ("ours", "peer")}, "call", 1, repeats=3)
    assert given == {"ours": "ours", "peer": "peer"}
    assert "".join(name[0] for name in order) == "op" + "op" + "op" + "po" + "op"
    assert [len(measurement.seconds) for measurement in bench.measurements] == [3, 3]
    assert bench.comparisons == [("ours", "peer")]
    assert "ours / peer" in bench.table()


def test_memory_is_what_a_run_adds(harness):
    with harness.peak_memory() as peak:
        held = bytearray(64 << 20)
        held[::4096] = b"x" * len(held[::4096])
    assert 60 << 20 < peak[0] < 200 << 20


@pytest.mark.parametrize(("seconds", "amount"), [([], 1), ([0.0], 1), ([1.0], 0)])
def test_a_measurement_without_work_is_refused(harness, seconds: list[float], amount: int):
    with pytest.raises(ValueError, match="every run takes a time above 0"):
        harness.Bench("toy", {}).add("ours", seconds, "document", amount)


def test_a_comparison_finds_what_became_slower(harness, tmp_path: Path):
    old, slower = make(harness).write(tmp_path / "old"), make(harness, ours=1.5).write(tmp_path / "new")
    assert harness.main(["compare", str(old), str(old)]) == 0
    assert harness.main(["compare", str(old), str(slower)]) == 1
    assert harness.main(["compare", str(slower), str(old)]) == 0
    assert harness.main(["compare", str(old), str(slower), "--threshold", "0.5"]) == 0


@pytest.mark.parametrize(
    ("place", "key", "value"), [("machine", "cpu", "Another CPU"), ("machine", "cores", 96), ("parameters", "size", 11)]
)
def test_results_of_other_machines_or_parameters_are_not_compared(harness, tmp_path: Path, place: str, key: str, value: object, capsys):
    old = make(harness).write(tmp_path)
    data = json.loads(old.read_text())
    data[place][key] = value
    new = tmp_path / "new.json"
    new.write_text(json.dumps(data))
    assert harness.main(["compare", str(old), str(new)]) == 2
    assert "cannot be compared" in capsys.readouterr().err


def test_a_benchmark_that_cannot_run_is_skipped_with_the_reason(harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    import run_all

    monkeypatch.setattr(run_all, "names", lambda: ["absent", "toy"])

    def run_one(name: str, options: object) -> list[object]:
        if name == "absent":
            raise harness.SkipError("needs the package 'nothing'")
        return [make(harness)]

    monkeypatch.setattr(run_all, "run_one", run_one)
    assert run_all.main(["--output", str(tmp_path / "out"), "--scratch", str(tmp_path / "scratch")]) == 0
    assert "absent: skipped: needs the package 'nothing'" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["toy.json"]
