"""Who waits for the compiler is told so once; nobody else hears of it, and a folder that cannot be written is read all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mathcode_data.core import first_compile
from mathcode_data.core.first_compile import KEPT, NOT_KEPT, compiling, done_compiling, seconds_compiling, tell_compiling, told_by, words

PACKAGE = Path(first_compile.__file__).parents[1]
CALL = """
import sys
from numba.core.caching import _CacheLocator
if sys.argv[1]:  # as on a file system that cannot be written: root may write where the mode says no
    def refuse(self, ensure=_CacheLocator.ensure_cache_path):
        if self.get_cache_path().startswith(sys.argv[1]):
            raise PermissionError(13, "read-only")
        ensure(self)
    _CacheLocator.ensure_cache_path = refuse
from mathcode_data.core.first_compile import tell_compiling, words
from mathcode_data.core.machine_code import as_variable
tell_compiling(lambda is_kept: print(words(is_kept)))
print(*[as_variable(eval(number)) for number in sys.argv[2:]])
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_compile, "_listener", None)
    monkeypatch.setattr(first_compile, "_was_told", False)
    monkeypatch.setattr(first_compile, "_depth", 0)
    monkeypatch.setattr(first_compile, "_spent_s", 0.0)


def test_the_word_comes_once_and_goes_where_the_run_talks():
    heard: list[str] = []
    compiling(True)
    assert heard == [], "a library says nothing"
    tell_compiling(lambda is_kept: heard.append(words(is_kept)))
    with told_by(lambda text: heard.append(f"note: {text}")):
        compiling(False)
    compiling(True)
    assert heard == [f"note: {NOT_KEPT}"]
    tell_compiling(lambda is_kept: heard.append(words(is_kept)))
    compiling(True)
    assert heard[1:] == [KEPT]


def test_compiling_is_timed_while_it_goes_on_and_inner_compilations_count_once(monkeypatch: pytest.MonkeyPatch):
    times = iter([10.0, 13.0, 14.0, 20.0])
    monkeypatch.setattr(first_compile.time, "monotonic", lambda: next(times))
    compiling(True)  # at 10
    assert seconds_compiling() == 3.0
    compiling(True)
    done_compiling()
    assert seconds_compiling() == 4.0
    done_compiling()  # at 20
    assert seconds_compiling() == 10.0


def test_a_quiet_run_stays_quiet():
    heard: list[str] = []
    with told_by(heard.append):
        compiling(True)
    assert heard == []


def call(folder: Path, read_only: Path | str, *numbers: str, package: Path = PACKAGE.parent) -> list[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "HOME": str(folder.parent / "home"), "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", CALL, str(read_only), *numbers]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder.parent)
    return done.stdout.splitlines()


def test_only_a_cold_folder_is_announced_and_a_warm_one_serves_where_it_cannot_be_written(tmp_path: Path):
    folder = tmp_path / "kept"
    assert call(folder, "", "1") == [KEPT, "1"]
    assert call(folder, "", "1") == ["1"], "warm: nothing is compiled, nothing said"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert call(folder, folder, "1") == ["1"]
    assert call(folder, folder, "1", "2.5") == [KEPT, "1 2.5"], "what the folder lacks is kept in the user's cache"
    assert call(folder, folder, "1", "2.5") == ["1 2.5"]
    assert call(folder, tmp_path, "1", "2.5") == [NOT_KEPT, "1 2.5"], "no folder at all: compiled, and no error"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_checkouts_of_the_same_sources_share_machine_code_and_others_do_not(tmp_path: Path):
    folder = tmp_path / "kept"
    copies = [tmp_path / name for name in ("one", "two", "changed")]
    for copy in copies:
        for name in ("__init__.py", "core"):
            source, target = PACKAGE / name, copy / "mathcode_data" / name
            copy.joinpath("mathcode_data").mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__")) if source.is_dir() else shutil.copy(
                source, target
            )
    with (copies[2] / "mathcode_data" / "core" / "gram_hash.py").open("a") as file:
        file.write("\nOTHER = 1\n")
    assert [call(folder, "", "1", package=copy) for copy in copies] == [[KEPT, "1"], ["1"], [KEPT, "1"]]
