"""The files of one repository, as imports look them up: by path, by folder, by the end of a path, by the name of a package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_NAMESAKES = 1000
"""Of more files with one name none can be meant, and looking through them for every import would take long."""


def folder_of(path: str) -> str:
    """The folder of a path; "" is the top.

    >>> folder_of("a/b.py"), folder_of("b.py")
    ('a', '')
    """
    return path.rpartition("/")[0]


def join(folder: str, name: str) -> str | None:
    """A name relative to a folder, without `.` and `..`; None if it leaves the repository.

    >>> join("a/b", "../c.h"), join("", "../c.h")
    ('a/c.h', None)
    """
    parts = folder.split("/") if folder else []
    for part in name.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def nearest(candidates: Sequence[str], path: str) -> str | None:
    """The candidate that shares most folders with a path, then the one least deep, then the first by name.

    >>> nearest(["x/util.h", "a/util.h"], "a/b/main.c")
    'a/util.h'
    """
    own = folder_of(path).split("/")

    def rank(candidate: str) -> tuple[int, int, str]:
        folders = folder_of(candidate).split("/")
        shared = next((i for i, (one, two) in enumerate(zip(own, folders, strict=False)) if one != two), min(len(own), len(folders)))
        return -shared, len(folders), candidate

    return min(candidates, key=rank, default=None)


class Tree:
    """Paths of a repository. Paths are compared as they are spelt; `ending` can look away from case."""

    def __init__(self, paths: Iterable[str], names: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Index the paths.

        Args:
            paths: of all files, relative to the repository.
            names: of its packages: by manifest file (`go.mod`), by name, the folder it stands in; and by the manifest file
                with `/`, by folder, the name, for several folders may bear one name.
        """
        self.paths = frozenset(paths)
        self.names = names or {}
        self.cache: dict[Any, Any] = {}
        """What a family of languages wants to look up once."""
        self._ends: dict[str, list[str]] = {}
        self._folder_ends: dict[str, list[str]] = {}
        self._files: dict[str, list[str]] = {}
        for path in sorted(self.paths):
            parts = path.rsplit("/", 2)
            self._ends.setdefault(parts[-1].lower(), []).append(path)
            if len(parts) > 1:
                self._ends.setdefault("/".join(parts[-2:]).lower(), []).append(path)
            self._files.setdefault(folder_of(path), []).append(path)
        for folder in sorted(self._files):
            self._folder_ends.setdefault(folder.rpartition("/")[2], []).append(folder)

    def __contains__(self, path: object) -> bool:
        """Whether there is such a file."""
        return path in self.paths

    def files_in(self, folder: str) -> list[str]:
        """Files that lie in a folder, not deeper, in the order of their paths."""
        return self._files.get(folder, [])

    def first(self, candidates: Iterable[str | None]) -> str | None:
        """The first of some paths that is there."""
        return next((path for path in candidates if path is not None and path in self.paths), None)

    def ending(self, end: str, *, any_case: bool = False) -> list[str]:
        """Files whose path is `end` or ends with `/end`, in the order of their paths.

        >>> Tree(["a/b.h", "b.h", "ab.h"]).ending("b.h")
        ['a/b.h', 'b.h']
        """
        found = self._ends.get("/".join(end.rsplit("/", 2)[-2:]).lower(), [])
        if len(found) > MAX_NAMESAKES:
            return []
        exact = [path for path in found if path == end or path.endswith(f"/{end}")]
        if exact or not any_case:
            return exact
        low = end.lower()
        return [path for path in found if path.lower() == low or path.lower().endswith(f"/{low}")]

    def folders_ending(self, end: str) -> list[str]:
        """Folders with files whose path is `end` or ends with `/end`."""
        found = self._folder_ends.get(end.rpartition("/")[2], [])
        if len(found) > MAX_NAMESAKES:
            return []
        return [folder for folder in found if folder == end or folder.endswith(f"/{end}")]
