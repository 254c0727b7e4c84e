"""A signal ends every command with one line and code 7, wherever it is met: while modules are imported, in planning, at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.engine import TESTS, make_toy
from support.waiting import said_by, wait_until

WAITS = """
import os, signal, sys, time

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a suite that was started with nohup hands on that it is ignored
signal.signal(signal.SIGINT, signal.default_int_handler)

def wait(event, arguments):
    if event == "import" and arguments[0] == os.environ["WAITS_AT"] and not os.path.exists(os.environ["IS_THERE"]):
        open(os.environ["IS_THERE"], "w").close()
        while True:
            time.sleep(1)

sys.addaudithook(wait)
"""
"""Halts a program where it imports a module: commands import their rooms where they need them."""


WRAPS = WAITS.replace(
    "        while True:\n            time.sleep(1)\n",
    """        try:
            time.sleep(600)
        except BaseException as error:
            raise RuntimeError("the library makes something else of it") from error
""",
)
"""The same, but what breaks in becomes another error, as in the libraries that do so."""
LINGERS = (
    WAITS
    + """
import atexit

def linger():
    open(os.environ["IS_THERE"] + "-end", "w").close()
    for _ in range(6000):
        if os.path.exists(os.environ["IS_THERE"] + "-go"):
            return
        time.sleep(0.01)

atexit.register(linger)
"""
)
"""The same, and the program stays in its last moments, when all else has been cleared up, until it is told to go."""


def stopped(
    folder: Path, module: str, number: int, *words: str | Path, hook: str = WAITS, program: str = "mathcode_data.cli"
) -> tuple[int, str]:
    """Exit code and standard error of a command that gets a signal while it imports a module."""
    (folder / "sitecustomize.py").write_text(hook)
    there = folder / "there"
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{TESTS}", "WAITS_AT": module, "IS_THERE": str(there)}
    command = [sys.executable, "-m", program, *map(str, words)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        wait_until(there.exists, f"the import of {module}", process)
        process.send_signal(number)
        if hook is LINGERS:
            wait_until(there.with_name("there-end").exists, "the last moments", process)
            for late in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(late)
            there.with_name("there-go").touch()
        said = said_by(process)
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "module", "words"),
    [
        (signal.SIGTERM, "typer", ("run", "toy.yaml")),
        (signal.SIGHUP, "mathcode_data.runtime.session", ("run", "toy.yaml", "-q")),
        (signal.SIGINT, "mathcode_data.inspect.verify", ("verify", "out/sorted", "--full")),
        (signal.SIGTERM, "mathcode_data.trainer.config", ("train", "toy.yaml")),
    ],
)
def test_a_signal_ends_a_command_with_code_7_and_a_word(tmp_path: Path, number: int, module: str, words: tuple[str, ...]):
    path = make_toy(tmp_path)
    code, said = stopped(tmp_path, module, number, *(path if word == "toy.yaml" else word for word in words))
    assert code == 7, said
    assert said == f"error: stopped by {signal.Signals(number).name}; what was finished is kept, run the same command again\n"


def test_signals_in_the_last_moments_change_no_exit_code(tmp_path: Path):
    """Control-C twice ended with -2: the handlers had been given back before Python was done."""
    code, said = stopped(tmp_path, "mathcode_data.inspect.verify", signal.SIGINT, "verify", tmp_path, hook=LINGERS)
    assert (code, said) == (7, "error: stopped by SIGINT; what was finished is kept, run the same command again\n")


def test_a_library_that_makes_another_error_of_a_signal_changes_neither_code_nor_line(tmp_path: Path):
    """torch did: `internal error: RuntimeError ... please report it`, with a traceback and code 1."""
    code, said = stopped(tmp_path, "mathcode_data.inspect.verify", signal.SIGTERM, "verify", tmp_path, hook=WRAPS)
    assert (code, said) == (7, "error: stopped by SIGTERM; what was finished is kept, run the same command again\n")


def test_the_trainer_alone_ends_with_code_7_and_a_word(tmp_path: Path):
    path = tmp_path / "train.yaml"
    path.write_text("{mixture: mixture, output: training, model: dsm-0.5m, global_batch_samples: 2, max_tokens: 1k}\n")
    code, said = stopped(tmp_path, "mathcode_data.trainer.loop", signal.SIGTERM, path, program="mathcode_data.trainer")
    assert (code, said) == (7, "error: stopped by SIGTERM; the newest checkpoint is kept, the same command goes on from there\n")


def test_a_signal_before_the_first_module_of_ours_is_loaded_ends_with_code_7(tmp_path: Path):
    code, said = stopped(tmp_path, "mathcode_data.core.errors", signal.SIGTERM, "doctor")
    assert (code, said) == (7, "error: stopped by SIGTERM; nothing was begun, run the same command again\n")


def test_a_signal_in_the_middle_of_planning_ends_with_code_7_and_one_line(tmp_path: Path):
    code, said = stopped(tmp_path, "support.poison", signal.SIGTERM, "run", make_toy(tmp_path))
    assert (code, said.count("\n")) == (7, 1), said
    assert "stopped by SIGTERM; finished tasks are kept" in said


def test_controls_and_secrets_in_what_a_stage_says_do_not_reach_the_terminal(tmp_path: Path):
    path = make_toy(tmp_path)
    text = "\\x1b]0;owned\\x07\\x1b[31m \\x9b1m ghp_0123456789abcdefghij password=hunter2"
    (tmp_path / "rude").mkdir()
    (tmp_path / "rude" / "stage.py").write_text(f"from support.toy_map import *\ndef build(config):\n    raise ValueError('{text}')\n")
    path.write_text(path.read_text().replace("support.toy_map", "rude.stage"))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{TESTS}"}
    done = subprocess.run(
        [sys.executable, "-m", "mathcode_data.cli", "run", str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert r"\x1b]0;owned\x07\x1b[31m \x9b1m *** password=***" in done.stderr
    assert not set(done.stderr) & {"\x1b", "\x07", "\x9b"}
