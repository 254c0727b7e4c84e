"""Cold processes do not compile the same function beside one another, and no dead one holds the others up."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mathcode_data.core import compile_turn, first_compile
from mathcode_data.core.compile_turn import Turn
from support.waiting import wait_until

HOLD = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); print(); sys.stdin.read()"
CALL = """
import sys, time
from pathlib import Path
from numba.core.event import Listener, register
from mathcode_data.core.machine_code import as_variable
from mathcode_data.core.first_compile import seconds_compiling

class Slow(Listener):
    def on_start(self, event):
        Path(sys.argv[1]).touch()
        time.sleep(float(sys.argv[2]))
    def on_end(self, event):
        pass

register("numba:compile", Slow())
as_variable(1)
print(sum(as_variable.stats.cache_misses.values()), seconds_compiling() > 0.2)
"""


def start(folder: Path, begun: Path, wait_s: float) -> subprocess.Popen[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", CALL, str(begun), str(wait_s)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_of_two_cold_processes_one_compiles_and_the_other_waits_and_counts_that_as_compiling(tmp_path: Path):
    first = start(tmp_path / "code", tmp_path / "first", 3.0)
    wait_until((tmp_path / "first").exists, "the compiler at work", first)
    second = start(tmp_path / "code", tmp_path / "second", 0.0)
    assert first.communicate(timeout=120)[0].split() == ["1", "True"]
    assert second.communicate(timeout=120)[0].split()[0] == "0", "compiled a second time"
    assert not (tmp_path / "second").exists()


@pytest.mark.slow
def test_a_process_killed_while_it_compiles_leaves_the_turn_to_the_next(tmp_path: Path):
    first = start(tmp_path / "code", tmp_path / "first", 600.0)
    wait_until((tmp_path / "first").exists, "the compiler at work", first)
    first.kill()
    first.communicate()
    second = start(tmp_path / "code", tmp_path / "second", 0.0)
    assert second.communicate(timeout=100)[0].split()[0] == "1"


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def is_free(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def kill_after_a_while(process: subprocess.Popen[str], waited_s: float) -> None:
    wait_until(lambda: first_compile.seconds_compiling() > waited_s, "a wait for the turn")
    process.kill()


def test_a_turn_is_waited_for_until_its_holder_dies_and_the_wait_is_counted(tmp_path: Path):
    path, before = tmp_path / "f.turn", first_compile.seconds_compiling()
    turn = Turn(path)
    with held_by_another(path) as other:
        threading.Thread(target=kill_after_a_while, args=(other, before + 0.2)).start()
        with turn:
            assert turn.take()
            assert not is_free(path)
        assert is_free(path)
    assert first_compile.seconds_compiling() - before >= 0.2


def test_patience_ends_and_errors_give_the_turn_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compile_turn, "PATIENCE_S", 0.2)
    path = tmp_path / "f.turn"
    turn = Turn(path)
    with held_by_another(path), turn:
        assert turn.take(), "it goes on and looks again"
    with pytest.raises(ValueError, match="does not compile"), turn:
        assert turn.take()
        raise ValueError("does not compile")
    assert is_free(path)


def test_a_function_that_needs_itself_takes_its_turn_once(tmp_path: Path):
    turn = Turn(tmp_path / "deeper" / "f.turn")
    with turn:
        assert turn.take()
        with turn:
            assert not turn.take(), "it would wait for itself"
        assert not is_free(tmp_path / "deeper" / "f.turn")
    assert is_free(tmp_path / "deeper" / "f.turn")


def test_where_no_file_can_be_made_everybody_compiles(tmp_path: Path):
    (tmp_path / "file").touch()
    turn = Turn(tmp_path / "file" / "f.turn")
    with turn:
        assert not turn.take()
