"""kill -9 of workers and of the driver at random moments, then resume: the same bytes."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from mathcode_data.core.errors import LockedError
from mathcode_data.core.lock import locked
from mathcode_data.runtime.pool import PoolRunner
from support.engine import make_toy, run, start_driver, tree_hashes
from support.waiting import said_by, wait_until

NUM_FILES = 8
WAIT_S = 0.05


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        run(make_toy(folder, num_files=NUM_FILES, wait_s=WAIT_S))
    return tree_hashes(folder / "out")


def is_worker(process: psutil.Process) -> bool:
    try:
        return "mathcode_data.runtime.pool" in " ".join(process.cmdline())
    except psutil.Error:
        return False  # it just ended


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_workers_killed_at_random_change_nothing(tmp_path: Path, expected: dict[str, str], seed: int):
    path = make_toy(tmp_path, num_files=NUM_FILES, wait_s=WAIT_S)
    runner = PoolRunner(2)
    draw = random.Random(seed)
    stop = threading.Event()
    killed = []

    def kill_now_and_then() -> None:
        while not stop.wait(draw.uniform(0.3, 0.6)):
            children = [child for child in psutil.Process().children() if is_worker(child)]
            if children and len(killed) < 2:  # a task is set aside after three deaths of its worker
                victim = draw.choice(children)
                victim.kill()
                killed.append(victim.pid)

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    run(path, runner)
    stop.set()
    killer.join()
    runner.close()
    assert tree_hashes(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_driver_killed_at_random_resumes_to_the_same_bytes(tmp_path: Path, expected: dict[str, str], seed: int):
    path = make_toy(tmp_path, num_files=NUM_FILES, wait_s=WAIT_S)
    draw = random.Random(seed)
    killed = 0
    for _ in range(2):
        driver = start_driver(path, "--workers", "2", "--quiet")
        time.sleep(draw.uniform(0.4, 1.6))
        if driver.poll() is None:
            driver.kill()
            killed += 1
        driver.communicate()
    assert killed, "the driver was killed at least once"
    driver = start_driver(path, "--workers", "2", "--quiet")
    errors = said_by(driver)
    assert driver.returncode == 0, errors
    assert tree_hashes(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_with_code_7_and_the_next_run_goes_on(tmp_path: Path, expected: dict[str, str], number: signal.Signals):
    path = make_toy(tmp_path, num_files=NUM_FILES, wait_s=0.8)
    driver = start_driver(path, "--workers", "2", "--quiet")
    wait_until(lambda: list((tmp_path / "out").glob(".work/*/done/*.json")), "a finished task", driver)
    driver.send_signal(number)
    errors = said_by(driver)
    assert driver.returncode == 7, errors
    assert errors.count("\n") == 1
    assert "goes on from there" in errors
    done = len(list((tmp_path / "out").glob(".work/*/done/*.json")))
    assert 0 < done < NUM_FILES, "finished tasks are kept"


@pytest.mark.slow
def test_a_second_run_in_the_same_folder_ends_with_code_4_and_names_the_first(tmp_path: Path):
    path = make_toy(tmp_path, num_files=NUM_FILES, wait_s=0.5)
    first = start_driver(path, "--workers", "1", "--quiet")
    wait_until((tmp_path / "out" / "pipeline.json").exists, "the first run's lock", first)
    first.send_signal(signal.SIGSTOP)  # so that it is still there, however long the second takes to begin
    second = start_driver(path, "--workers", "1", "--quiet")
    errors = said_by(second)
    first.kill()
    said_by(first)
    assert second.returncode == 4, errors
    assert f"process {first.pid} on" in errors


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path):
    child = os.fork()
    if child == 0:
        with locked(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with locked(tmp_path):
        assert str(os.getpid()) in (tmp_path / ".lock").read_text()


def test_a_live_lock_is_respected(tmp_path: Path):
    with locked(tmp_path), pytest.raises(LockedError, match="works here"), locked(tmp_path):
        pass
