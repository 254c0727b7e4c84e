"""read.code on git repositories at a commit, also those that would like to run something."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mathcode_data.core.errors import ConfigError
from support.stages import run_source

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

CODE = "def add(left, right):\n    return left + right\n"
MIT = "Permission is hereby granted, free of charge, to any person ... without restriction, including ..."


def git(where, *arguments):
    options = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *options, *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    top = tmp_path_factory.mktemp("git") / "one"
    (top / "src").mkdir(parents=True)
    (top / "LICENSE").write_text(MIT)
    (top / "src/a.py").write_text(CODE)
    (top / "src/big.py").write_text("x = 1\n" * 200_000)
    (top / "link.py").symlink_to("/etc/passwd")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "one")
    git(top, "tag", "-a", "v1", "-m", "first")
    (top / "src/a.py").write_text(CODE.replace("add", "subtract"))
    git(top, "commit", "-q", "-a", "-m", "two")
    git(top.parent, "clone", "-q", "--bare", "one", "bare.git")
    (top / "src/a.py").write_text(CODE.replace("add", "unsaved"))
    return top


def read(folder, **values):
    table, ledger = run_source("read.code", folder, **values)
    return {row["path"]: row for row in table.to_pylist()}, ledger


def test_a_bare_repository_is_read_at_head_and_a_working_tree_as_it_lies(repository):
    head = git(repository, "rev-parse", "HEAD")
    rows, ledger = read(repository.parent, paths="bare.git")
    assert {name: (row["repository"], row["commit"], row["license"]) for name, row in rows.items()} == {"src/a.py": ("bare", head, "MIT")}
    assert "subtract" in rows["src/a.py"]["text"]
    assert dict(ledger.counters.dropped) == {"link": 1, "too_large": 1}
    rows, _ = read(repository.parent, paths="one")
    assert "unsaved" in rows["src/a.py"]["text"]


@pytest.mark.parametrize("revision", ["v1", "HEAD~1", "short", "main"])
def test_a_revision_is_a_tag_a_branch_or_the_beginning_of_a_commit(repository, revision):
    first = git(repository, "rev-parse", "v1^{commit}")
    name = first[:8] if revision == "short" else revision
    if revision == "HEAD~1":
        with pytest.raises(ConfigError, match="no commit 'HEAD~1'"):
            read(repository.parent, paths="one", revision=name)
        return
    rows, _ = read(repository.parent, paths="one", revision=name)
    assert rows["src/a.py"]["commit"] == (first if revision != "main" else git(repository, "rev-parse", "main"))
    assert ("def add" in rows["src/a.py"]["text"]) == (revision != "main")


def test_repositories_below_a_folder_are_found_and_not_walked_into(repository):
    rows, _ = run_source("read.code", repository.parent, paths=".", repository_depth=1)
    assert sorted({row["repository"] for row in rows.to_pylist()}) == ["bare", "one"]


def test_nothing_of_a_hostile_repository_is_run(repository, tmp_path):
    copy = tmp_path / "hostile.git"
    shutil.copytree(repository.parent / "bare.git", copy)
    marker = tmp_path / "was_run"
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change"):
        (copy / "hooks").mkdir(exist_ok=True)
        shutil.copy(script, copy / "hooks" / hook)
    (copy / "config").write_text(
        f"[core]\n\trepositoryformatversion = 1\n\tbare = true\n\tfsmonitor = {script}\n\thooksPath = {copy}/hooks\n\tpager = {script}\n"
        f"\talternateRefsCommand = {script}\n\tsshCommand = {script}\n[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = ext::{script}\n\tpromisor = true\n[protocol "ext"]\n\tallow = always\n'
        f'[filter "x"]\n\tsmudge = {script}\n'
        f"[alias]\n\tls-tree = !{script}\n[include]\n\tpath = {tmp_path}/none\n"
    )
    rows, _ = read(tmp_path, paths="hostile.git")
    assert set(rows) == {"src/a.py"}
    blob = git(copy.parent, "--git-dir", str(repository / ".git"), "rev-parse", "HEAD:src/a.py")
    for pack in (copy / "objects/pack").glob("*"):
        pack.chmod(0o644)
    target = copy / "objects" / blob[:2] / blob[2:]
    if target.exists():  # a promised content that is missing is an error here, never a fetch
        target.unlink()
        with pytest.raises(Exception, match="not in the repository"):
            read(tmp_path, paths="hostile.git")
    assert not marker.exists()


def test_replaced_objects_are_not_followed(repository, tmp_path):
    copy = tmp_path / "copy.git"
    shutil.copytree(repository.parent / "bare.git", copy)
    old, new = (git(copy, "rev-parse", f"{name}:src/a.py") for name in ("HEAD", "v1"))
    git(copy, "replace", old, new)
    rows, _ = read(tmp_path, paths="copy.git")
    assert "subtract" in rows["src/a.py"]["text"]


def test_a_path_that_leaves_the_repository_is_refused(tmp_path):
    top = tmp_path / "r"
    top.mkdir()
    git(top, "init", "-q", "--bare")
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=top, input=CODE, capture_output=True, text=True, check=True
    ).stdout.strip()
    inner = subprocess.run(
        ["git", "mktree"], cwd=top, input=f"100644 blob {blob}\tevil.py\n", capture_output=True, text=True, check=True
    ).stdout.strip()
    raw = b"40000 ..\0" + bytes.fromhex(inner) + b"100644 ok.py\0" + bytes.fromhex(blob)
    tree = subprocess.run(
        ["git", "hash-object", "-t", "tree", "--literally", "-w", "--stdin"], cwd=top, input=raw, capture_output=True, check=True
    )
    commit = git(top, "commit-tree", tree.stdout.decode().strip(), "-m", "x")
    git(top, "update-ref", "refs/heads/main", commit)
    rows, ledger = read(tmp_path, paths="r", licenses="any")
    assert set(rows) == {"ok.py"}
    assert dict(ledger.counters.dropped) == {"unsafe_path": 1}
