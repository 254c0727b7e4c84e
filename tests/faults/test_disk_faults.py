"""Whatever operation on the disk fails, with whatever error: exit code 6, one line, the old or the new state, and the next run is whole.

A few operations are drawn here for each kind of error; all of them are tried with the environment variable FAULTS=all, or by
`enumerate_faults.py` itself, whose docstring says how.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError, ResourceError, exit_code_of
from mathcode_data.core.manifest import Shard
from mathcode_data.core.storage import naming_full_disk, swap
from mathcode_data.runtime import update
from mathcode_data.runtime.sealed import seal_files
from mathcode_data.runtime.worker import failure_kind
from mathcode_data.stages.read.lines import read_lines
from support.engine import TESTS
from support.faulty_storage import compile_library, enumerate_faults
from support.tiny_job import tree, write_inputs

HOW_MANY = {"build": "3", "rebuild": "3", "checkpoint": "4", "crawl": "2"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("library"))


@pytest.mark.slow
@pytest.mark.timeout(7200 if os.environ.get("FAULTS") == "all" else 600)
@pytest.mark.parametrize("scenario", ["build", "rebuild", "checkpoint", "crawl"])
def test_a_fault_of_the_disk_ends_with_code_6_and_leaves_the_old_state_or_the_new(tmp_path: Path, library: Path, scenario: str):
    how_many = "all" if os.environ.get("FAULTS") == "all" else HOW_MANY[scenario]
    cases, summary = enumerate_faults(library, scenario, tmp_path, "--numbers", how_many)
    bad = [case for case in cases if case["problems"]]
    assert not bad, f"{len(bad)} of {summary['faults']}: {bad[0]}"
    assert summary["faults"] >= 18
    assert {"make", "write", "fsync", "rename", "close"} <= summary["kinds"].keys(), "all these are counted"
    # what need not be removed at once; SQLite's shared memory, which it does without; and files of Arrow and numpy, who forget that
    # closing one failed, but we have forced its bytes to the disk, and check them, through a descriptor of our own
    harmless = re.compile(r"remove |.*sqlite|close .*\.(parquet|arrow|npy)$")
    unsaid = [name for name in summary["harmless"] if not harmless.match(name)]
    assert not unsaid, f"faults went unsaid: {unsaid}"


@pytest.mark.slow
@pytest.mark.timeout(7200 if os.environ.get("FAULTS") == "all" else 600)
@pytest.mark.parametrize("scenario", ["build", "rebuild"])
def test_a_file_that_the_disk_does_not_give_ends_with_code_6_and_leaves_the_old_state_or_the_new(
    tmp_path: Path, library: Path, scenario: str
):
    """EIO at the N-th opening or read, once or from then on. What is read through a map is not met: the kernel sends SIGBUS there."""
    how_many = "all" if os.environ.get("FAULTS") == "all" else "6"
    options = ("--errors", "EIO", "--modes", "read,unreadable", "--numbers", how_many)
    cases, summary = enumerate_faults(library, scenario, tmp_path, *options)
    bad = [case for case in cases if case["problems"]]
    assert not bad, f"{len(bad)} of {summary['faults']}: {bad[0]}"
    assert summary["faults"] >= 8
    assert {"open", "read"} <= summary["kinds"].keys(), "both are counted"


def test_what_is_damaged_and_what_the_disk_does_not_give_end_differently():
    """The one is set aside or refused, the other ends the run; also where a word of ours stands between."""
    for code, kind, ends in ((errno.EIO, "resource", 6), (errno.EACCES, "data", 2)):
        try:
            try:
                raise OSError(code, os.strerror(code))
            except OSError as error:
                raise DataError("a.parquet: no Parquet") from error
        except DataError as error:
            outer = DataError(f"source 'a': {error}")
            outer.__cause__ = error
            assert exit_code_of(outer) == ends
            assert (failure_kind(error), exit_code_of(error)) == (kind, ends)


def test_a_failed_read_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "in.jsonl").write_text("{}")
    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(OSError, match=r"Input/output error: '.*in\.jsonl'"):
        list(read_lines(tmp_path / "in.jsonl", 100))


def in_small_disk(folder: Path, size: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a disk of that size mounted at `folder`, seen by it alone."""
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc"]
    mount = f"mount -t tmpfs -o size={size} tiny {folder}; "
    if shutil.which("unshare") is None or subprocess.run([*prefix, mount], capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs of one's own here: user and mount namespaces are not allowed")
    environment = os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "COLUMNS": "200"}
    return subprocess.run([*prefix, mount + script], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
def test_a_disk_that_is_truly_full_ends_with_code_6_at_every_size_and_room_lets_the_run_end(tmp_path: Path):
    """The kernel's own ENOSPC, for Arrow, numpy and mapped files alike; the disk grows until the job fits."""
    write_inputs(tmp_path / "alone")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"{sys.executable} -m mathcode_data.cli build-mixture {disk}/mix.yaml --output {disk}/mixture --runner inline --quiet"
    script = f"""
        cp -r {tmp_path}/alone/. {disk}
        for size in 180k 220k 250k 280k 16m; do
            mount -o remount,size=$size {disk}
            code=0; {command} >/dev/null 2>{tmp_path}/said || code=$?
            echo $size $code $(wc -l <{tmp_path}/said) "$(cat {tmp_path}/said)"
        done
        cp -r {disk} {tmp_path}/end
    """
    done = in_small_disk(disk, "160k", script)
    assert done.returncode == 0, done.stderr
    *full, last = [line.split(" ", 3) for line in done.stdout.splitlines()]
    assert sum(code == "6" for _, code, *_ in full) >= 3, done.stdout
    for size, code, lines, said in full:
        assert code in ("0", "6"), f"{size}: {said}"
        assert code == "0" or (lines == "1" and str(disk) in said and "No space left on device" in said), said
    assert last[1] == "0", last
    command = [sys.executable, "-m", "mathcode_data.cli", "build-mixture", str(tmp_path / "alone" / "mix.yaml")]
    options = ["--output", str(tmp_path / "alone" / "mixture"), "--runner", "inline", "--quiet"]
    subprocess.run([*command, *options], check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(TESTS)})
    assert tree(tmp_path / "end") == tree(tmp_path / "alone")


@pytest.mark.parametrize("cut", [1, 40, 90])
def test_an_array_that_did_not_get_to_the_disk_whole_ends_its_task(tmp_path: Path, cut: int):
    """`np.save` ends without an error when closing its C file fails."""
    path = tmp_path / "ids.npy"
    np.save(path, np.arange(5))
    seal_files(tmp_path, [Shard(path.name, 0, "")])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ResourceError, match=r"ids\.npy: not all of the array got to the disk"):
        seal_files(tmp_path, [Shard(path.name, 0, "")])


def test_numpys_words_and_sqlites_errors_for_a_full_disk_are_understood(tmp_path: Path):
    import sqlite3

    with pytest.raises(ResourceError, match="requested and 3 written"), naming_full_disk(tmp_path):
        raise OSError("100 requested and 3 written")
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    with pytest.raises(ResourceError, match="disk is full"), naming_full_disk(tmp_path):
        raise full
    with pytest.raises(sqlite3.OperationalError), naming_full_disk(tmp_path):
        raise sqlite3.OperationalError("no such table: urls")


def test_two_folders_take_each_others_name_in_one_step(tmp_path: Path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not swap(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system cannot exchange names")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["other"]
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "one", tmp_path / "none")


def test_where_names_cannot_be_exchanged_a_failed_rename_brings_the_older_result_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    new, place = tmp_path / "work" / "result", tmp_path / "place"
    for folder, text in ((new, "new"), (place, "old")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
    monkeypatch.setattr(update, "swap", lambda *_: False)
    original = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self == new:
            raise OSError(errno.EIO, "Input/output error", str(self))
        return original(self, target)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="Input/output"):
        patch.setattr(Path, "rename", fails)
        update._take_place(new, place)
    assert (place / "file").read_text() == "old"
    update._take_place(new, place)
    assert (place / "file").read_text() == "new"
