"""`status`, `plan`, `retry` and `gc` of results on an object store, from a machine whose mirror is missing or old."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from mathcode_data.core.object_store import STORE, mirror_of
from support.command import call
from support.engine import make_toy, start_driver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def make(folder: Path, output: str) -> Path:
    path = make_toy(folder, wait_s=0.2)
    path.write_text(path.read_text().replace("output: out", f"output: {output}"))
    return path


def done_on(bucket: str) -> int:
    return sum(path.parent.name == "done" for path in STORE.sizes(mirror_of(f"s3://{bucket}/out")))


def status(place: object) -> dict[str, Any]:
    done = call("status", place, "--json")
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = orjson.loads(done.stdout)["outputs"][0]
    return data


def plan(path: Path) -> list[dict[str, Any]]:
    done = call("plan", path, "--json")
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = orjson.loads(done.stdout)["results"]
    return results


def test_what_another_machine_did_is_told_without_a_mirror_and_with_an_old_one(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, path = f"s3://{bucket}/out", make(tmp_path / "p", f"s3://{bucket}/out")
    driver = start_driver(path, "-q", "--workers", "1")
    deadline = time.monotonic() + 100
    while done_on(bucket) < 2 and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.send_signal(signal.SIGSTOP)
    assert status(url)["lock"]["state"] == "held", "the run of this machine is seen at work"
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    here = os.environ["MATHCODE_DATA_CACHE"]
    monkeypatch.setenv("MATHCODE_DATA_CACHE", str(tmp_path / "elsewhere"))

    for place in (url, path):  # by its address and by its file, nothing is here
        seen = status(place)
        assert (seen["folder"], seen["lock"]["state"]) == (url, "free")
        begun = next(result for result in seen["results"] if result["phases"])
        assert begun["state"] == "stopped"
        assert begun["phases"][0]["done"] == done_on(bucket) >= 2
        assert begun["phases"][0]["tasks"] > begun["phases"][0]["done"]
        assert begun["phases"][0]["documents"] > 0
        assert seen["disk"]["work"] > 0
        assert str(tmp_path) not in str(seen)
    unfinished = [node for node in plan(path) if node["state"] != "up to date"]
    assert (unfinished[0]["state"], unfinished[0]["tasks_done"]) == ("begun", done_on(bucket))
    refused = call("retry", path)
    assert refused.returncode == 2
    assert f"{url}: `retry` works on the mirror of the machine that ran the pipeline" in refused.stderr
    assert not (tmp_path / "elsewhere" / "s3" / bucket).exists(), "to look takes no mirror"

    assert call("run", path, "-q", "--workers", "1").returncode == 0
    monkeypatch.setenv("MATHCODE_DATA_CACHE", here)  # back where a killed run is all that is known
    seen = status(url)
    assert {result["state"] for result in seen["results"]} == {"finished"}
    assert sum(result["documents"] for result in seen["results"]) > 0
    assert [node["state"] for node in plan(path)] == ["up to date"] * len(seen["results"])
    assert status(f"{url}/{seen['results'][-1]['id']}")["results"][0]["state"] == "finished"
    assert len(status(f"s3://{bucket}")["results"]) == len(seen["results"]), "the output below is found"
    assert call("retry", url).returncode == 2, "the mirror is older than the store"
    shutil.rmtree(here)
    assert [node["state"] for node in plan(path)] == ["up to date"] * len(seen["results"])
    assert not Path(here).exists()
    collected = call("gc", url)
    assert collected.returncode == 2
    assert "gc looks at folders of this machine" in collected.stderr
    nothing = call("status", f"s3://{bucket}/nothing")
    assert nothing.returncode == 2
    assert f"s3://{bucket}/nothing: no result of a pipeline" in nothing.stderr
