"""Result files of kills, faults of the disk and fuzzing: parts add up, and what is committed says what CHANGELOG.md says of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.campaign import numbers, ranges
from support.engine import TESTS

RESULTS = TESTS / "bench" / "results"


def program(folder: str, name: str) -> ModuleType:
    sys.path.insert(0, str(TESTS / folder))
    spec = importlib.util.spec_from_file_location(f"campaign_{name}", TESTS / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def facts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["facts"]
    return found


def test_numbers_are_written_as_runs_and_read_back():
    assert ranges(set()) == ""
    for found in ({1}, {1, 2, 3}, {5, 1, 2, 9, 10, 12}):
        assert numbers(ranges(found)) == found
    assert ranges({5, 1, 2, 9, 10, 12}) == "1-2,5,9-10,12"


def test_campaigns_of_other_seeds_are_added_and_the_same_seed_is_replaced(tmp_path: Path):
    keep, path = program("faults", "kill_at_random").keep, tmp_path / "kills.json"
    run = {"target": "pool", "seed": 1, "kills": 5, "killed": {"driver": 2, "worker": 3}, "jobs": 2, "equal": 2,
           "lives": {"0": 2, "killed": 2}, "files": 9, "undisturbed_s": 1.0, "seconds": 9.0, "differing": [], "said": []}  # fmt: skip
    keep(path, run)
    keep(path, run | {"seed": 2, "killed": {"driver": 1, "ray worker": 4}})
    keep(path, run | {"seed": 2, "kills": 7, "killed": {"driver": 3, "ray worker": 4}, "equal": 1})
    found = json.loads(path.read_text())
    assert found["facts"] == {
        "kills": 12, "killed": {"driver": 5, "ray worker": 4, "worker": 3}, "kills_of_target": {"pool": 12}, "jobs": 4,
        "jobs_with_equal_bytes": 3, "lives": {"0": 4, "killed": 4}, "seconds": 18.0,
    }  # fmt: skip
    with pytest.raises(SystemExit, match="holds 'kills', not 'fuzz'"):
        program("fuzz", "run").keep(path, {})


def test_parts_of_an_enumeration_fill_up_the_operations_and_a_changed_job_begins_anew(tmp_path: Path):
    keep, path = program("faults", "enumerate_faults").keep, tmp_path / "faults.json"
    operations = [["write", "a"], ["fsync", "a"], ["write", "b"]]
    keep(path, "build", operations, {"ENOSPC once": {"fine": {1, 3}, "problem": {2}}})
    keep(path, "build", operations, {"ENOSPC once": {"fine": {2}}, "EIO once": {"fine": {1}}})
    found = json.loads(path.read_text())
    assert found["runs"]["build"]["cases"] == {"ENOSPC once": {"fine": "1-3"}, "EIO once": {"fine": "1"}}
    assert found["runs"]["build"]["outcomes_by_kind"] == {"write": {"fine": 3}, "fsync": {"fine": 1}}
    assert found["facts"]["operations_that_failed"] == {"build": 3}
    assert (found["facts"]["all_faults"], found["facts"]["problems"]) == (4, 0)
    keep(path, "build", operations[:2], {"EIO once": {"fine": {1}}})
    assert json.loads(path.read_text())["facts"]["faults"] == {"build": 1}


def test_figures_of_readers_are_kept_by_reader_and_seed(tmp_path: Path):
    pytest.importorskip("atheris", reason="the extra 'dev' is not installed")
    keep, path = program("fuzz", "run").keep, tmp_path / "fuzz.json"
    for seed, edges in ((1, 40), (2, 50)):
        keep(path, {"warc": {"executions": 100, "edges": edges, "features": 1, "findings": 0, "seconds": 2, "seed": seed}})
    assert json.loads(path.read_text())["facts"] == {
        "readers": 1, "executions": {"warc": 200}, "edges": {"warc": 50}, "all_executions": 200, "findings": 0, "seconds": 4,
    }  # fmt: skip


BEFORE_CHILDREN_STARTED_AGAIN = {"quickstart, seed 81"}
"""Three of its lives ended with exit code 6: a child of the extractor was killed at its start; it starts again now."""


def test_two_hundred_kills_of_the_whole_quickstart_changed_no_byte():
    found = facts("kills")
    assert sum(number for target, number in found["kills_of_target"].items() if target.startswith("quickstart")) >= 200
    assert found["kills"] == sum(found["killed"].values()) >= 200
    assert found["jobs"] == found["jobs_with_equal_bytes"]
    assert {"driver", "worker", "ray worker", "raylet"} <= found["killed"].keys()
    for name, run in json.loads((RESULTS / "kills.json").read_text(encoding="utf-8"))["runs"].items():
        legal = {"0", "killed"} | ({"6"} if name in BEFORE_CHILDREN_STARTED_AGAIN else set())
        assert run["lives"].keys() <= legal, f"{name}: nobody ends with an error because others were killed"


def test_every_operation_of_a_build_failed_once_and_none_was_a_problem():
    found = facts("faults")
    assert found["problems"] == 0
    assert found["operations_that_failed"]["build"] == found["operations"]["build"] > 1000


def test_fuzzing_left_no_finding():
    found = facts("fuzz")
    assert found["findings"] == 0
    assert min(found["executions"].values()) > 0
    assert found["readers"] == len(list((TESTS / "fuzz").glob("fuzz_*.py")))
