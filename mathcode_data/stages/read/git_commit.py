"""The commit that is checked out in a git working tree, by reading its files: no git binary is needed.

`HEAD` names a commit, or a reference that stands in a file of its own or in `packed-refs`. In worktrees and submodules `.git`
is a file that names the folder. What cannot be read this way (the `reftable` format, a damaged repository) gives "".
"""

from __future__ import annotations

import re
from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
MAX_HEAD_BYTES = 4096
MAX_PACKED_BYTES = 64 << 20
MAX_LINKS = 5
"""References that name another reference in turn."""


def checked_out_commit(top: Path) -> str:
    """The commit of the working tree whose top folder this is; "" if it is none, or has no commit yet.

    Files that were changed since the commit are not told apart from those that were not.
    """
    try:
        folder = _metadata_folder(top)
        return "" if folder is None else _follow(_text(folder / "HEAD").strip(), _folders(folder))
    except (OSError, ValueError):  # ValueError: NUL in a name, bytes that are no text
        return ""


def named_commit(top: Path, name: str) -> str:
    """What HEAD, a branch or a tag of a repository (bare or not) points to; "" if there is none of that name."""
    folder = git_folder(top)
    if folder is None or ".." in name.split("/") or name.startswith("/"):
        return ""
    try:
        head = _metadata_folder(top) or folder
        if name == "HEAD":
            return _follow(_text(head / "HEAD").strip(), _folders(head))
        folders = _folders(head)
        places = (name,) if name.startswith("refs/") else (f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}")
        found = (_follow(_value(place, folders), folders) for place in places)
        return next((commit for commit in found if commit), "")
    except (OSError, ValueError):
        return ""


def git_folder(top: Path) -> Path | None:
    """The folder that holds the objects of a repository: a working tree's, or the bare repository itself; None if it is none."""
    try:
        folder = _metadata_folder(top)
        if folder is None:
            return top if (top / "HEAD").is_file() and (top / "objects").is_dir() else None
        return next((each for each in _folders(folder) if (each / "objects").is_dir()), None)
    except (OSError, ValueError):
        return None


def _folders(folder: Path) -> tuple[Path, ...]:
    """Where references lie: a work tree's own folder, then the one it shares with others."""
    common = _text(folder / "commondir").strip() if (folder / "commondir").is_file() else ""
    return (folder, folder / common) if common else (folder,)


def _follow(value: str, folders: tuple[Path, ...]) -> str:
    """The commit that the content of a reference leads to."""
    for _ in range(MAX_LINKS):
        if COMMIT.fullmatch(value):
            return value
        name = value.removeprefix("ref:").strip()
        if not value.startswith("ref:") or not name.startswith("refs/") or ".." in name.split("/"):
            return ""
        value = _value(name, folders)
    return ""


def _value(name: str, folders: tuple[Path, ...]) -> str:
    return next((found for each in folders if (found := _reference(each, name))), "")


def _metadata_folder(top: Path) -> Path | None:
    place = top / ".git"
    if place.is_dir():
        return place
    if not place.is_file():
        return None
    key, _, name = _text(place).strip().partition("gitdir:")
    return None if key or not name.strip() else top / name.strip()


def _reference(folder: Path, name: str) -> str:
    """The value of a reference: of its own file, else of the file of packed ones."""
    if (folder / name).is_file():
        return _text(folder / name).strip()
    packed = folder / "packed-refs"
    if not packed.is_file() or packed.stat().st_size > MAX_PACKED_BYTES:
        return ""
    with packed.open(encoding="utf-8") as lines:
        for line in lines:
            value, _, found = line.strip().partition(" ")
            if found == name:
                return value
    return ""


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_HEAD_BYTES).decode("utf-8")
