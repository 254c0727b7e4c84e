"""Shards that no worker survives, attempts that end behind their run, workers of another version, wishes no machine can meet."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from mathcode_data.core.errors import PartialResultError, ResourceError
from mathcode_data.core.storage import remove_tree
from mathcode_data.runtime import ray as ray_runner
from mathcode_data.runtime.driver import MAX_RETRIES
from mathcode_data.runtime.failures import read_failures
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.pool import PoolRunner
from mathcode_data.runtime.status import output_status
from support.command import call
from support.engine import TESTS, Notes, make_toy, run, start_driver, tree_hashes
from support.waiting import DEADLINE_S, wait_until


@pytest.fixture(autouse=True)
def _toy_stages_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def assert_others_are_done(folder: Path) -> None:
    assert not (folder / "out" / "support.toy_map").exists(), "part of the shards never counts as a result"
    assert len(list((folder / "out" / ".work").glob("*/done/*.json"))) == 5


@pytest.mark.slow
@pytest.mark.parametrize(("poison", "kind", "options", "message"), [
    ("segfault", "crash", {}, r"crash: the worker process died \(signal 11, SIGSEGV\)"),
    ("spin", "timeout", {"task_timeout_s": 2.5}, r"timeout: no end after 2\.5 s"),
    ("swallow", "memory", {}, r"memory: the workers held .* GB they may use"),
    ("fork", "crash", {}, r"crash: the worker process died \(exit code 3, "),
])  # fmt: skip
def test_a_shard_that_no_worker_survives_is_set_aside_after_its_limit(tmp_path: Path, poison: str, kind: str, options: dict, message: str):
    path = make_toy(tmp_path, poison=poison)
    runner = PoolRunner(2, memory_bytes=1 << 30)
    with pytest.raises(PartialResultError, match=rf"1 of 6 tasks were set aside.*2\.txt.*{message}"):
        run(path, runner, **options)
    runner.close()
    assert MAX_RETRIES[kind] <= 2
    assert_others_are_done(tmp_path)


def poison_in_the_second_stage(folder: Path, kind: str) -> Path:
    path = make_toy(folder)
    path.write_text(path.read_text().replace("toy_map: {}", f"toy_map: {{poison: {kind}}}"))
    return path


@pytest.mark.parametrize(("poison", "options", "message"), [
    ("die", {}, r"crash: the worker process died \(exit code 139, from within: os\._exit, or exit in native code\)"),
    ("leave", {}, r"crash: the worker process died \(exit code 0, from within: os\._exit, or exit in native code\)"),
    ("exit", {}, r"error: .*poison\.py:[0-9]+: SystemExit: 0; it asked the whole process to exit"),
    ("cancel", {}, r"error: .*poison\.py:[0-9]+: CancelledError: no Exception, only a BaseException"),
    ("hang", {"task_timeout_s": 2.5}, r"timeout: no end after 2\.5 s"),
])  # fmt: skip
def test_the_stage_in_which_a_worker_died_is_named_not_the_first_one(tmp_path: Path, poison: str, options: dict, message: str):
    path, notes = poison_in_the_second_stage(tmp_path, poison), Notes()
    runner = PoolRunner(2)
    with pytest.raises(PartialResultError, match=rf"set aside, the others are kept: support\.toy_map, task 2 \(2\.txt\): {message}"):
        run(path, runner, progress=notes, **options)
    runner.close()
    assert {line.split(",")[0].removeprefix("set aside: ") for line in notes.lines if "task 2" in line} == {"support.toy_map"}
    [work] = (tmp_path / "out" / ".work").glob("support.toy_map-*")
    assert {failure.stage for failure in read_failures(work).failures} == {"support.toy_map"}
    told = call("status", tmp_path / "out")
    assert "  support.toy_map, task 2 (2.txt): " in told.stdout, told.stdout + told.stderr


def test_the_stage_that_a_running_task_is_in_is_shown_by_status(tmp_path: Path):
    def asleep() -> bool:
        phases = [phase for result in output_status(tmp_path / "out")["results"] for phase in result["phases"]]
        tasks = [(task["name"], task["stage"]) for phase in phases for task in phase["running_tasks"]]
        return ("2.txt", "support.toy_map") in tasks

    driver = start_driver(poison_in_the_second_stage(tmp_path, "hang"), "--workers", "1", "--quiet")
    try:
        wait_until(asleep, "the task in its second stage", driver)
        told = call("status", tmp_path / "out").stdout
    finally:
        driver.terminate()
        driver.communicate()
    assert "2.txt): in support.toy_map, " in told


def test_a_worker_that_dies_between_two_stages_blames_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_toy(tmp_path, num_files=1)
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'mathcode_data.runtime.pool' in sys.orig_argv:\n"
        "    import mathcode_data.runtime.worker as worker\n"
        "    worker._write_dropped = lambda *_: os._exit(1)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{TESTS}")
    runner = PoolRunner(1)
    words = r"support\.toy_source to support\.toy_map, task 0 .*crash: .*while no stage was at work: it read or wrote files"
    with pytest.raises(PartialResultError, match=words):
        run(path, runner)
    runner.close()


def test_an_allocation_that_cannot_be_is_set_aside_too(tmp_path: Path):
    with pytest.raises(PartialResultError, match=r"1 of 6 tasks were set aside.*2\.txt.*memory: .*MemoryError"):
        run(make_toy(tmp_path, poison="allocate"), InlineRunner())
    assert_others_are_done(tmp_path)


@pytest.mark.slow
def test_the_command_line_ends_with_code_3_and_names_the_shard(tmp_path: Path):
    done = call("run", make_toy(tmp_path, poison="segfault"), "--workers", "2", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "2.txt" in done.stderr.splitlines()[-1]
    assert "signal 11" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("runner", "poison"), [("pool", "cancel"), ("pool", "interrupt"), ("inline", "cancel")])
def test_a_quiet_run_says_one_line_whatever_a_stage_dies_of_and_keeps_the_rest_beside_the_plan(tmp_path: Path, runner: str, poison: str):
    done = call("run", poison_in_the_second_stage(tmp_path, poison), "--runner", runner, "--quiet")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "support.toy_map, task 2 (2.txt): " in done.stderr
    [work] = (tmp_path / "out" / ".work").glob("support.toy_map-*")
    if poison == "cancel":
        assert "Traceback (most recent call last)" in read_failures(work).failures[0].details


@pytest.mark.slow
def test_what_quiet_workers_print_is_kept_beside_their_plan(tmp_path: Path):
    done = call("run", poison_in_the_second_stage(tmp_path, "shout"), "--workers", "1", "--quiet")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    [work] = (tmp_path / "out" / ".work").glob("support.toy_map-*")
    assert (work / "workers.log").read_text().count("thread panicked") == 3


@pytest.mark.slow
def test_a_worker_that_wakes_after_its_run_was_finished_by_another_changes_nothing(tmp_path: Path):
    """A zombie: stopped in the middle of a task while its driver is killed, and going on when the result stands."""
    run(make_toy(tmp_path / "alone", num_files=3))
    path = make_toy(tmp_path / "job", num_files=3, wait_s=0.6)
    driver = start_driver(path, "--workers", "1", "--quiet")
    try:
        zombie = asleep_in_a_task(psutil.Process(driver.pid), tmp_path / "job" / "out")
    finally:
        driver.kill()
        driver.wait()  # not for its output, whose pipes the stopped worker holds too
    path.write_text(path.read_text().replace("wait_s: 0.6", "wait_s: 0.0"))
    try:
        finished = call("run", path, "--workers", "1", "--quiet")
        before = tree_hashes(tmp_path / "job" / "out")
    finally:
        zombie.resume()
        zombie.wait(DEADLINE_S)
        driver.communicate()
    assert finished.returncode == 0, finished.stderr
    assert tree_hashes(tmp_path / "job" / "out") == before == tree_hashes(tmp_path / "alone" / "out")


def command_of(process: psutil.Process) -> str:
    """Its command line; "" for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def asleep_in_a_task(driver: psutil.Process, output: Path) -> psutil.Process:
    wait_until(lambda: list(output.glob(".work/*/attempts/*.tmp")), f"a task in {output}", poll_s=0.01)
    worker = next(child for child in driver.children() if "mathcode_data.runtime.pool" in command_of(child))
    worker.send_signal(signal.SIGSTOP)
    return worker


@pytest.mark.slow
def test_a_worker_of_another_version_is_refused_with_code_2_and_both_versions(tmp_path: Path):
    """Workers find another package first, as on a node where another version is installed."""
    other = tmp_path / "node"
    other.mkdir()
    # Python runs this when it starts; the driver's own start is left alone
    (other / "sitecustomize.py").write_text(
        "import sys\nif 'mathcode_data.runtime.pool' in sys.orig_argv:\n    import mathcode_data\n    mathcode_data.__version__ = '99.0'\n"
    )
    done = call("run", make_toy(tmp_path / "job"), "--workers", "1", "--quiet", env={"PYTHONPATH": f"{other}{os.pathsep}{TESTS}"})
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "worker has mathcode-data 99.0, the plan was made by" in done.stderr


def test_more_workers_than_the_memory_holds_are_refused_at_once(tmp_path: Path):
    with pytest.raises(ResourceError, match=r"--workers 100000: that many processes take [0-9,.]+ GB .* use at most [0-9,]+"):
        PoolRunner(100_000)


def test_a_folder_in_which_somebody_still_writes_is_removed_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "work"
    (folder / "attempts").mkdir(parents=True)
    original, calls = shutil.rmtree, []

    def write_meanwhile(path: Path) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise OSError(39, "Directory not empty", str(path))
        original(path)

    monkeypatch.setattr(shutil, "rmtree", write_meanwhile)
    remove_tree(folder)
    assert len(calls) == 2
    assert not folder.exists()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("poison", "options"), [("segfault", {}), ("hang", {"task_timeout_s": 4.0})])
def test_on_ray_too_the_stage_in_which_a_worker_died_is_named(ray_cluster: None, tmp_path: Path, poison: str, options: dict):
    words = r"set aside, the others are kept: support\.toy_map, task 2 \(2\.txt\): (crash|timeout): "
    with pytest.raises(PartialResultError, match=words):
        run(poison_in_the_second_stage(tmp_path, poison), ray_runner.RayRunner(), **options)


@pytest.mark.slow
def test_compiling_is_no_part_of_the_time_that_a_task_may_take(tmp_path: Path):
    runner = PoolRunner(2)
    run(poison_in_the_second_stage(tmp_path, "compile"), runner, task_timeout_s=4.0)
    runner.close()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
def test_compiling_is_no_part_of_it_on_ray_either(ray_cluster: None, tmp_path: Path):
    run(poison_in_the_second_stage(tmp_path, "compile"), ray_runner.RayRunner(), task_timeout_s=4.0)
    assert not list((tmp_path / "out").rglob("clocks-*"))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
def test_what_a_cluster_cannot_give_is_named_within_ten_seconds(ray_cluster: None, monkeypatch: pytest.MonkeyPatch):
    """No CPU at all, and none that is free."""
    import ray

    with monkeypatch.context() as patch, pytest.raises(ResourceError, match=r"has no CPU for tasks \(each needs 1\); add worker nodes"):
        patch.setattr(ray, "cluster_resources", dict)
        ray_runner.RayRunner()

    @ray.remote(num_cpus=1)
    def hold() -> None:
        time.sleep(600)

    holders = [hold.remote() for _ in range(int(ray.cluster_resources()["CPU"]))]
    wait_until(lambda: ray.available_resources().get("CPU", 0) < 1, "a cluster without a free CPU", poll_s=0.1)
    start = time.monotonic()
    with pytest.raises(ResourceError, match=r"no Ray worker answered within 8 s: other programs hold all 2 CPUs of the cluster; wait"):
        ray_runner.RayRunner()
    assert ray_runner.BUSY_S < 9
    assert time.monotonic() - start < ray_runner.BUSY_S + 20, "the rest is the machine's"
    for holder in holders:
        ray.cancel(holder, force=True)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_lost_all_its_nodes_ends_a_run_with_code_6(ray_cluster: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    runner = ray_runner.RayRunner()
    monkeypatch.setattr(ray_runner, "LOST_S", 1.0)
    monkeypatch.setattr(runner._ray, "cluster_resources", dict)
    with pytest.raises(ResourceError, match=r"the Ray cluster has no CPU left .* add nodes and run again"):
        run(make_toy(tmp_path, wait_s=3.0), runner)
