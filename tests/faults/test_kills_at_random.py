"""A short seeded round of `kill_at_random.py`: two hundred kills by hand, with their figures in CHANGELOG.md, are the same program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.engine import TESTS


def campaign(scratch: Path, target: str, kills: int, seed: int) -> dict[str, object]:
    command = [
        sys.executable,
        TESTS / "faults" / "kill_at_random.py",
        target,
        "--scratch",
        scratch,
        "--kills",
        str(kills),
        "--seed",
        str(seed),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_drivers_and_workers_killed_at_random_times_change_no_byte(tmp_path: Path):
    found = campaign(tmp_path, "pool", 3, seed=4)
    assert found["differing"] == []
    assert found["jobs"] == found["equal"]
    assert found["kills"] >= 3
    assert found["lives"].keys() <= {"0", "killed"}, "nobody ends with an error because others were killed"


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)
def test_drivers_ray_workers_and_nodes_killed_at_random_times_change_no_byte(tmp_path: Path):
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    found = campaign(tmp_path, "ray", 2, seed=2)
    assert found["differing"] == []
    assert found["jobs"] == found["equal"]
    assert found["kills"] >= 2
