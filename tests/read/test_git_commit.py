"""The commit of a git working tree, from its files alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.read.git_commit import checked_out_commit
from support.stages import run_source

FIRST, SECOND = "1" * 40, "2" * 40


def tree(folder: Path, head: str = "ref: refs/heads/main\n", **files: str) -> Path:
    """A working tree whose `.git` holds these files; `__` in a name stands for `/`."""
    for name, content in {"HEAD": head, **files}.items():
        path = folder / ".git" / name.replace("__", "/").replace("packed_refs", "packed-refs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "a.py").write_text("x = 1  # some code\n")
    return folder


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({"refs__heads__main": f"{FIRST}\n"}, FIRST),
        ({"head": f"{SECOND}\n"}, SECOND),
        ({"head": "3" * 64}, "3" * 64),
        ({"packed_refs": f"# pack-refs with: peeled\n{SECOND} refs/heads/other\n{FIRST} refs/heads/main\n^{SECOND}\n"}, FIRST),
        ({"refs__heads__main": FIRST, "packed_refs": f"{SECOND} refs/heads/main\n"}, FIRST),
        ({"refs__heads__main": "ref: refs/heads/trunk", "refs__heads__trunk": FIRST}, FIRST),
        ({"refs__heads__main": "ref: refs/heads/main"}, ""),
        ({}, ""),
        ({"head": "ref: refs/heads/.invalid\n"}, ""),
        ({"head": "ref: refs/../../../secret"}, ""),
        ({"head": "ref: HEAD"}, ""),
        ({"head": "not a commit"}, ""),
        ({"head": ""}, ""),
    ],
    ids=["loose", "detached", "sha256", "packed", "loose_before_packed", "symbolic", "circle", "unborn", "reftable", "outside", "self",
         "words", "empty"],
)  # fmt: skip
def test_head_is_followed_to_its_commit(files, commit, tmp_path):
    (tmp_path / "secret").write_text(FIRST)
    assert checked_out_commit(tree(tmp_path / "repository", **files)) == commit


def test_a_worktree_and_a_submodule_are_followed_to_their_folder(tmp_path):
    tree(tmp_path / "main", refs__heads__main=FIRST, refs__heads__side=SECOND)
    folder = tmp_path / "main/.git/worktrees/side"
    folder.mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/side\n")
    (folder / "commondir").write_text("../..\n")
    for name, target in (("absolute", str(folder)), ("relative", "../main/.git/worktrees/side")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(f"gitdir: {target}\n")
        assert checked_out_commit(tmp_path / name) == SECOND
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/.git").write_text("gitdir: /nowhere/at/all\n")
    assert checked_out_commit(tmp_path / "broken") == ""


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git to compare with")
def test_it_is_what_git_says(tmp_path):
    def git(*arguments: str, where: Path = tmp_path / "a") -> str:
        options = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *options, *arguments], cwd=where, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (tmp_path / "a").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    assert checked_out_commit(tmp_path / "a") == git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "two")
    git("pack-refs", "--all")
    assert checked_out_commit(tmp_path / "a") == git("rev-parse", "HEAD")
    git("worktree", "add", "-q", "-b", "side", "../b", "HEAD~1")
    assert checked_out_commit(tmp_path / "b") == git("rev-parse", "HEAD", where=tmp_path / "b") != git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach", "HEAD~1")
    assert checked_out_commit(tmp_path / "a") == git("rev-parse", "HEAD")


@given(head=st.binary(max_size=60), packed=st.binary(max_size=80))
def test_whatever_stands_there_it_is_a_commit_or_nothing(head, packed, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "git"
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    (folder / ".git/HEAD").write_bytes(head)
    (folder / ".git/packed-refs").write_bytes(packed)
    assert len(checked_out_commit(folder)) in (0, 40, 64)


def test_documents_of_read_code_bear_the_commit_of_their_repository(tmp_path):
    tree(tmp_path / "all/one", refs__heads__main=FIRST)
    tree(tmp_path / "all/two", head=SECOND)
    (tmp_path / "all/three").mkdir()
    (tmp_path / "all/three/a.py").write_text("x = 1  # some code\n")
    table, _ = run_source("read.code", tmp_path, paths="all", repository_depth=1, licenses="any")
    found = dict(zip(table["repository"].to_pylist(), table["commit"].to_pylist(), strict=True))
    assert found == {"one": FIRST, "two": SECOND, "three": ""}
    table, _ = run_source("read.code", tmp_path, paths="all/one", licenses="any")
    assert table["commit"].to_pylist() == [FIRST]
