"""A mixture takes the place of an earlier one in one step: whoever is killed at any moment leaves one of the two, whole."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from mathcode_data.core.errors import LockedError, ResourceError
from mathcode_data.core.lock import locked
from mathcode_data.core.storage import read_json, sha256_file, swap
from mathcode_data.mixture import publish
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.runtime.gc import find_garbage

FILES = ["blocks.xxh3", "dataset_index.npy", "dataset_sample_index.npy", "mixture.json"]


@pytest.fixture(autouse=True)
def can_exchange(tmp_path: Path) -> None:
    """Some file systems cannot; what then happens has a test of its own."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    if not swap(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system cannot exchange names")
    for name in ("one", "other"):
        (tmp_path / name).rmdir()


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.name != "mixture.json"}


def killed_at(call: int, act) -> bool:
    """Run in a child that is gone at the `call`-th operation on names or fsync, before or after it; whether it came so far."""
    child = os.fork()
    if child == 0:
        calls = 0

        def counted(operation):
            def run(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == call:
                    os._exit(9)
                done = operation(*arguments, **options)
                calls += 1
                if calls == call:
                    os._exit(9)
                return done

            return run

        for module, name in (
            (os, "fsync"),
            (os, "link"),
            (os, "unlink"),
            (os, "rmdir"),
            (publish, "swap"),
            (os, "rename"),
            (os, "replace"),
        ):
            setattr(module, name, counted(getattr(module, name)))
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
def test_killed_at_any_moment_the_earlier_or_the_new_mixture_stands_and_the_next_build_leaves_nothing_else(build, make_recipe, tmp_path):
    folder, one, other = tmp_path / "m" / "mixture", make_recipe(seed=1), make_recipe()
    old = build(one, folder)["fingerprint"]
    new = build(other, tmp_path / "alone")["fingerprint"]
    (folder / ".lock").touch()
    shutil.copytree(folder, tmp_path / "old")
    seen, call = [], 1
    while True:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "old", folder)
        for left in folder.parent.glob(".tmp-*"):
            shutil.rmtree(left)
        if not killed_at(call, lambda: build(other, folder)):
            break
        standing = read_json(folder / "mixture.json")["fingerprint"]
        assert standing in (old, new), f"killed at {call}"
        assert {name: part["sha256"] for name, part in read_json(folder / "mixture.json")["files"].items()} == {
            name: digest for name, digest in hashes(folder).items() if name in FILES
        }, f"killed at {call}: files of another mixture"
        seen.append(standing)
        call += 1
        if call % 3:
            continue
        build(other, folder)
        assert {name: digest for name, digest in hashes(folder).items() if name != ".lock"} == hashes(tmp_path / "alone")
        assert [path.name for path in folder.parent.iterdir()] == ["mixture"], f"killed at {call}: something is left beside"
    assert len(seen) > 30
    assert sorted(seen, key=[old, new].index) == seen, "first the old one, then the new one"
    assert {old, new} == set(seen)


def test_the_folder_stays_held_while_names_change(build, make_recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "mixture"
    build(make_recipe(seed=1), folder)
    tried = []

    def after(stage: Path, place: Path) -> bool:
        done = swap(stage, place)
        child = os.fork()  # a lock of flock is shared by the descriptors of one process, so another one asks
        if child == 0:
            code = 1
            try:
                with locked(folder):
                    pass
            except LockedError:
                code = 4
            finally:
                os._exit(code)
        tried.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return done

    monkeypatch.setattr(publish, "swap", after)
    with locked(folder):
        build(make_recipe(), folder)
        assert (folder / ".lock").exists()
    assert tried == [4]


def test_files_of_others_in_the_folder_stay_there(build, make_recipe, tmp_path: Path):
    folder = tmp_path / "mixture"
    build(make_recipe(seed=1), folder)
    (folder / "notes.txt").write_text("mine")
    info = build(make_recipe(), folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert read_json(folder / "mixture.json")["fingerprint"] == info["fingerprint"]
    assert verify_mixture(folder, full=True) == []


def test_a_link_to_a_folder_stays_a_link(build, make_recipe, tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "mixture").symlink_to(tmp_path / "disk")
    build(make_recipe(seed=1), tmp_path / "mixture")
    info = build(make_recipe(), tmp_path / "mixture")
    assert (tmp_path / "mixture").is_symlink()
    assert read_json(tmp_path / "disk" / "mixture.json")["fingerprint"] == info["fingerprint"]


@pytest.mark.parametrize("fails", [False, True])
def test_where_names_cannot_be_exchanged_files_change_one_by_one_and_come_back_if_that_fails(
    build, make_recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
):
    folder = tmp_path / "m" / "mixture"
    build(make_recipe(seed=1), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(publish, "swap", lambda *_: False)
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if fails and self.name == "mixture.json" and self.parent.name.startswith(".tmp-"):
            raise OSError(errno.EIO, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    if fails:
        with pytest.raises(ResourceError, match="Input/output error"):
            build(make_recipe(), folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    else:
        build(make_recipe(), folder)
        shutil.rmtree(folder.parent / "again", ignore_errors=True)
        build(make_recipe(), folder.parent / "again")
        assert hashes(folder) == hashes(folder.parent / "again")
    assert {path.name for path in folder.parent.iterdir()} <= {"mixture", "again"}


def test_what_a_killed_build_left_beside_the_mixture_is_listed_by_gc_and_taken_away_by_the_next_build(build, make_recipe, tmp_path: Path):
    folder = tmp_path / "m" / "mixture"
    build(make_recipe(seed=1), folder)
    left, theirs = folder.with_name(".tmp-999999999-mixture"), folder.with_name(".tmp-999999998-mixture")
    for stage, name in ((left, "dataset_index.npy"), (theirs, "thesis.txt")):
        stage.mkdir()
        (stage / name).write_bytes(b"half")
    found, _ = find_garbage(folder.parent)
    assert left in [item.path for item in found]
    assert left in [item.path for item in find_garbage(folder)[0]]
    build(make_recipe(), folder)
    assert (left.exists(), theirs.exists()) == (False, True), "only what holds nothing but files of a mixture"
