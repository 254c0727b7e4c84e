"""Files of a git repository at a commit, bare or not, without a checkout and without trusting the repository.

Git runs in a folder of our own that only borrows the repository's object store: its configuration, hooks, attributes,
replacements and remotes are never looked at, so nothing in it can make git run a program or fetch over the network. References are
read from their files (`git_commit.py`). What git says is checked: lengths, types, names.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.read.git_commit import COMMIT, git_folder, named_commit

TIMEOUT_S = 600
SHA256_DIGITS = 64
FILE_MODES = ("100644", "100755", "100664")
LINK_MODE = "120000"
MODULE_MODE = "160000"


@dataclass(frozen=True)
class TreeFile:
    """A file of a commit: its path, the id of its content, its size, and `file`, `link` or `submodule`."""

    name: str
    blob: str
    bytes: int
    kind: str


def is_bare(folder: Path) -> bool:
    """Whether a folder is a bare git repository."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def has_git(folder: Path) -> bool:
    """Whether a folder is a git repository, bare or a working tree."""
    return (folder / ".git").exists() or is_bare(folder)


def resolve(folder: Path, revision: str | None) -> str:
    """The commit that a revision names: a branch, a tag, a commit or the beginning of one; None: what HEAD names.

    Raises:
        ConfigError: there is no such commit, or no git on this machine.
    """
    found = named_commit(folder, revision or "HEAD")
    wanted = found or (revision if revision and set(revision.lower()) <= set("0123456789abcdef") and len(revision) >= 4 else "")
    if wanted:
        with _borrowed(folder, is_sha256=_is_sha256(folder, wanted)) as git:
            done = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted}^{{commit}}")
        if COMMIT.fullmatch(done):
            return done
    raise ConfigError(f"{folder}: no commit {revision or 'HEAD'!r} in this git repository; name a branch, a tag or a commit that is there")


def list_files(folder: Path, commit: str) -> list[TreeFile]:
    """All files of a commit, in git's order.

    Raises:
        DataError: the repository is damaged.
    """
    with _borrowed(folder, is_sha256=len(commit) == SHA256_DIGITS) as git:
        listing = git.run_bytes("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    files = []
    for entry in listing.split(b"\0"):
        if not entry:
            continue
        head, _, name = entry.partition(b"\t")
        mode, _, blob, size = (head.decode("ascii", "replace").split() + [""] * 4)[:4]
        kind = "file" if mode in FILE_MODES else "link" if mode == LINK_MODE else "submodule"
        files.append(TreeFile(name.decode("utf-8", "surrogateescape"), blob, int(size) if size.isdigit() else 0, kind))
    return files


@contextmanager
def blob_reader(folder: Path, commit: str) -> Iterator[BlobReader]:
    """Read contents by their ids, through one git process."""
    with _borrowed(folder, is_sha256=len(commit) == SHA256_DIGITS) as git, git.process("cat-file", "--batch") as process:
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        yield BlobReader(folder, process.stdin, process.stdout)


class BlobReader:
    """Asks `git cat-file --batch` for one content after the other."""

    def __init__(self, folder: Path, questions: IO[bytes], answers: IO[bytes]) -> None:
        self._folder, self._questions, self._answers = folder, questions, answers

    def read(self, blob: str) -> bytes:
        """The content of an id.

        Raises:
            DataError: the repository lacks it (a shallow or partial clone lacks contents) or is damaged.
        """
        try:
            self._questions.write(blob.encode("ascii") + b"\n")
            self._questions.flush()
            head = self._answers.readline(256).split()
            if len(head) != 3 or head[1] != b"blob":
                raise DataError(f"{self._folder}: content {blob} is not in the repository; it is a partial clone or damaged: run git fsck")
            size = int(head[2])
            content = self._answers.read(size)
            if len(content) != size or self._answers.read(1) != b"\n":
                raise DataError(f"{self._folder}: content {blob} ends too early; the repository is damaged: run git fsck")
        except BrokenPipeError as error:
            raise DataError(f"{self._folder}: git stopped at content {blob}; the repository is damaged: run git fsck") from error
        return content


class _Git:
    """Git commands in a folder of our own that borrows an object store."""

    def __init__(self, folder: Path, home: Path, objects: Path) -> None:
        self._folder = folder
        self._command = ["git", "--no-replace-objects", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "--git-dir", str(home)]
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C", "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "none",
        }  # fmt: skip

    def run(self, *arguments: str) -> str:
        """What a command says, as one line of text; "" if it fails."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""

    def run_bytes(self, *arguments: str) -> bytes:
        """What a command says.

        Raises:
            DataError: it failed.
        """
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            reason = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
            raise DataError(f"{self._folder}: git {arguments[0]}: {reason}; the repository is damaged or incomplete: run git fsck")
        return done.stdout

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that runs while the block does."""
        process = subprocess.Popen(
            [*self._command, *arguments], env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # what was written last had no reader any more


@contextmanager
def _borrowed(folder: Path, *, is_sha256: bool) -> Iterator[_Git]:
    """An empty repository of our own over the object store of another.

    Raises:
        ConfigError: git is not installed, or the folder is no repository.
    """
    top = git_folder(folder)
    if top is None or not (top / "objects").is_dir():
        raise ConfigError(f"{folder}: no git repository with an object store here; name a working tree or a bare repository")
    with tempfile.TemporaryDirectory(prefix="mathcode-git-") as name:
        home = Path(name)
        (home / "refs").mkdir()
        (home / "objects").mkdir()
        (home / "HEAD").write_text("ref: refs/heads/none\n")
        version = "repositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256" if is_sha256 else "repositoryformatversion = 0"
        (home / "config").write_text(f"[core]\n\t{version}\n")
        try:
            yield _Git(folder, home, (top / "objects").absolute())
        except FileNotFoundError as error:
            if error.filename != "git":
                raise
            raise ConfigError(f"{folder}: there is no git on this machine; install it, or name a folder of files") from error


def _is_sha256(folder: Path, commit: str) -> bool:
    """Whether a repository names its objects by SHA-256; a short name alone does not tell."""
    if len(commit) >= 40:
        return len(commit) == SHA256_DIGITS
    return len(named_commit(folder, "HEAD")) == SHA256_DIGITS


def top_files(folder: Path) -> Sequence[Path]:
    """The file of a repository that stands for it in fingerprints (the commit does the rest)."""
    top = git_folder(folder)
    assert top is not None, "only repositories are asked"
    return (top / "HEAD",)
