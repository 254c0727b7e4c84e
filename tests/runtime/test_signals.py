"""Signals where the driver itself is at work: planning, and tasks of the inline runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mathcode_data.core.errors import InterruptedRunError, PartialResultError
from mathcode_data.core.interrupt import SIGNALS, Interrupt, Stopped
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.session import run_pipeline, run_session
from support.engine import TESTS, make_toy, run, start_driver, tree_hashes
from support.waiting import said_by, wait_until

AT_ONCE_S = 25.0
"""Far more than a busy machine takes, and less than what is slept here."""


def signal_when(condition: Callable[[], object], number: int) -> None:
    """Send this process a signal as soon as something is there."""

    def watch() -> None:
        wait_until(condition, "a moment for the signal")
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_breaks_into_a_task_of_the_inline_runner_and_the_next_run_goes_on(tmp_path: Path, number: int):
    path = make_toy(tmp_path / "cut", wait_s=30.0)
    start = time.monotonic()
    with pytest.raises(InterruptedRunError), run_session(runner="inline", quiet=True) as settings:
        signal_when(lambda: list((tmp_path / "cut" / "out" / ".work").glob("*/attempts/*.tmp")), number)
        run_pipeline(path, settings)
    assert time.monotonic() - start < AT_ONCE_S
    assert not list((tmp_path / "cut" / "out" / ".work").glob("*/attempts/*")), "the task that was cut leaves nothing"
    path.write_text(path.read_text().replace("wait_s: 30.0", "wait_s: 0.0"))
    run(path)
    run(make_toy(tmp_path / "whole"))
    assert tree_hashes(tmp_path / "cut" / "out") == tree_hashes(tmp_path / "whole" / "out")


def test_a_signal_breaks_into_planning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def add(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30.0)

    monkeypatch.setattr(Graph, "add", add)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), run_session(runner="inline", quiet=True) as settings:
        run_pipeline(make_toy(tmp_path), settings)
    assert time.monotonic() - start < AT_ONCE_S


def test_a_signal_outside_work_that_may_be_cut_only_makes_a_note():
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.came
        with pytest.raises(KeyboardInterrupt), interrupt.at_once():
            pytest.fail("the signal came before the work began")
        with pytest.raises(InterruptedRunError):
            interrupt.check()


@pytest.mark.parametrize("name", ["torch.library", "pyarrow", "ray._private"])
def test_a_signal_does_not_break_into_a_library_that_is_being_loaded_but_comes_right_after(name: str):
    """An exception inside ended in a crash (-6, -11) or in an error of the library's own."""
    after: list[str] = []
    names = {"__name__": name, "os": os, "number": signal.SIGTERM, "after": after}
    with Interrupt() as interrupt, pytest.raises(Stopped, match="stopped by SIGTERM"), interrupt.at_once():
        exec(compile("os.kill(os.getpid(), number)\nafter.append('loaded')", "<library>", "exec"), names)
        time.sleep(AT_ONCE_S)
        pytest.fail("it never came")
    assert after == ["loaded"]


def test_neither_does_a_second_signal():
    after: list[str] = []
    names = {"__name__": "torch", "os": os, "numbers": (signal.SIGTERM, signal.SIGINT), "after": after}
    with Interrupt(), pytest.raises(InterruptedRunError, match="stopped by SIGTERM"):
        exec(compile("for number in numbers: os.kill(os.getpid(), number)\nafter.append('loaded')", "<library>", "exec"), names)
        time.sleep(AT_ONCE_S)
        pytest.fail("it never came")
    assert after == ["loaded"]


def test_what_comes_too_late_to_stop_a_session_stops_what_follows_it():
    """A signal while Ray went down was forgotten, and the quickstart went on with its training."""
    with Interrupt() as outside, pytest.raises(Stopped), outside.at_once():
        with Interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the work goes on")


def test_a_handler_that_was_put_to_rest_changes_nothing():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    interrupt = Interrupt()
    try:
        interrupt.listen()
        interrupt.deafen()
        for number in (*SIGNALS, *SIGNALS):
            os.kill(os.getpid(), number)
        assert not interrupt.came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


HELD = """
import os, signal, subprocess, sys, threading
from mathcode_data.core.interrupt import SIGNALS, Interrupt, waiting
told, masks = threading.Event(), []
with Interrupt() as interrupt:
    with waiting(told.set):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Ray does
        thread = threading.Thread(target=lambda: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        thread.start()
        thread.join()
        os.kill(os.getpid(), signal.SIGTERM)
        assert told.wait(60), "a word while it waits"
        assert not interrupt.came
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=lambda: None)
        child.terminate()
        assert child.wait(60) == -signal.SIGTERM, "what is started meanwhile can be ended"
        interrupt.listen_again()
    assert interrupt.received == "SIGTERM"
    assert set(SIGNALS) <= masks[0], "threads of the library never get one"
"""


def test_signals_wait_while_a_library_has_handlers_of_its_own_and_then_come():
    """In a process of its own, without threads of other libraries."""
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.ray
@pytest.mark.slow
def test_a_signal_while_ray_goes_down_does_not_kill(tmp_path: Path):
    """Ray gives SIGTERM back to the system when it goes, which takes a second or two: -15 without a word."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    driver = start_driver(make_toy(tmp_path), "--runner", "ray", "--workers", "1", "--quiet")
    wait_until(lambda: (tmp_path / "out" / "sorted" / "manifest.json").exists(), "the last result", driver)
    time.sleep(0.5)
    driver.send_signal(signal.SIGTERM)
    said = said_by(driver)
    assert driver.returncode in (0, 7), said
    assert said.count("\n") == (driver.returncode == 7)


@pytest.mark.slow
def test_control_c_ends_an_inline_run_with_code_7(tmp_path: Path):
    driver = start_driver(make_toy(tmp_path, wait_s=30.0), "--runner", "inline", "--quiet")
    wait_until(lambda: list((tmp_path / "out" / ".work").glob("*/attempts/*.tmp")), "a task", driver)
    start = time.monotonic()
    driver.send_signal(signal.SIGINT)
    said = said_by(driver)
    assert driver.returncode == 7
    assert time.monotonic() - start < AT_ONCE_S
    assert said.count("\n") == 1
    assert "stopped by SIGINT" in said


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_on_ray_with_code_7_and_one_line(tmp_path: Path, number: int):
    """Ray puts handlers of its own in place: SIGTERM ended with 15, 1 or a stack of C++ and 134, without a word."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    driver = start_driver(make_toy(tmp_path, wait_s=2.0), "--runner", "ray", "--workers", "1", "--quiet")
    wait_until(lambda: list((tmp_path / "out" / ".work").glob("*/attempts/*.tmp")), "a task", driver)
    driver.send_signal(number)
    said = said_by(driver)
    assert (driver.returncode, said.count("\n")) == (7, 1), said
    assert f"stopped by {signal.Signals(number).name}" in said


@pytest.mark.ray
@pytest.mark.slow
def test_a_signal_to_the_whole_group_while_ray_starts_ends_the_run(tmp_path: Path):
    """As from a terminal that closes: Ray's own server died of it, and the driver waited for that for a minute, deaf to Control-C."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    command = [sys.executable, "-m", "mathcode_data.cli", "run", str(make_toy(tmp_path)), "--runner", "ray", "--workers", "1", "--quiet"]
    options = {"env": os.environ | {"PYTHONPATH": str(TESTS)}, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, **options) as driver:  # type: ignore[call-overload]
        wait_until(lambda: any("gcs_server" in child.name() for child in psutil.Process(driver.pid).children()), "Ray's server", driver)
        os.killpg(driver.pid, signal.SIGTERM)
        said = said_by(driver)
    assert driver.returncode == 7, said
    assert "stopped by" in said


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_a_stage_that_interrupts_itself_is_set_aside_by_name_and_the_others_go_on(tmp_path: Path, runner: str):
    path = make_toy(tmp_path, poison="interrupt")
    words = r"task 2 .*error: .*poison\.py:[0-9]+: KeyboardInterrupt; it asked the whole process to exit"
    with pytest.raises(PartialResultError, match=words), run_session(runner=runner, workers=1, quiet=True) as settings:
        run_pipeline(path, settings)
