"""Source trees: folders on the disk, installed Python packages, the standard library; and which of their files count.

Found by looking at names and sizes only; nothing is imported and no source file is opened.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.stages.read.files import InputFile, file_bytes, input_names, walk_folder
from mathcode_data.stages.read.git_commit import checked_out_commit
from mathcode_data.stages.read.languages import language_of
from mathcode_data.stages.read.licenses import is_license_file

STDLIB = "stdlib"
NEVER_SOURCE = ("site-packages", "dist-packages", "__pycache__")


@dataclass(frozen=True)
class Repository:
    """A tree: its name, its licence files, and its source files; names are relative to the tree, in name order."""

    name: str
    licenses: tuple[InputFile, ...]
    files: tuple[InputFile, ...]
    commit: str = ""
    """What is checked out there, if it is a git working tree."""

    @property
    def bytes(self) -> int:
        """Size of all source files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class FileFilter:
    """Which files of a tree count: those of a known language that no pattern excludes."""

    exclude: tuple[str, ...]
    languages: frozenset[str] | None

    def __call__(self, name: str) -> bool:
        """Accept a name relative to the tree."""
        language = language_of(name)
        if language is None or (self.languages is not None and language not in self.languages):
            return False
        return self.enters(name)

    def enters(self, name: str) -> bool:
        """Accept a folder or file by the patterns alone."""
        return not is_excluded(name, self.exclude) and not is_excluded(name, NEVER_SOURCE)


def is_excluded(name: str, patterns: Sequence[str]) -> bool:
    """Match a name against patterns: one without `/` against every part of it, one with `/` against all of it.

    >>> is_excluded("json/tests/a.py", ["test*"]), is_excluded("json/tests/a.py", ["tests/*"])
    (True, False)
    """
    parts = name.split("/")
    return any(_matcher(pattern).match(name) if "/" in pattern else any(map(_matcher(pattern).match, parts)) for pattern in patterns)


@functools.cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def find_folders(inputs: Sequence[str], depth: int, wanted: FileFilter, skipped: Counter[str]) -> Iterator[Repository]:
    """Trees under the given folders: the folders themselves (depth 0), the folders in them (1), or deeper."""
    names = input_names(inputs)
    seen: set[str] = set()
    for path in inputs:
        if Path(path).is_file():
            found: Iterable[InputFile] = [InputFile(Path(path).name, path, file_bytes(path))]
            label = names[path] or Path(path).parent.name
        else:
            found = walk_folder(path, _or_license(wanted, depth), skipped, wanted.enters)
            label = names[path] or Path(path).name
        trees: dict[str, list[InputFile]] = {}
        tops: dict[str, Path] = {}
        for file in found:
            top = "/".join(file.name.split("/")[:-1][:depth])
            name = file.name[len(top) + 1 :] if top else file.name
            repository = "/".join(part for part in (names[path], top) if part) or label
            if file.path not in seen:
                trees.setdefault(repository, []).append(InputFile(name, file.path, file.bytes))
                tops.setdefault(repository, Path(path, top))
            seen.add(file.path)
        for repository, files in sorted(trees.items()):
            yield _repository(repository, files, commit=checked_out_commit(tops[repository]))


def _or_license(wanted: Callable[[str], bool], depth: int) -> Callable[[str], bool]:
    """Accept licence files on top of the trees as well."""
    return lambda name: wanted(name) or (name.count("/") <= depth and is_license_file(name.rsplit("/", 1)[-1]))


def _repository(name: str, files: list[InputFile], licenses: Sequence[InputFile] = (), commit: str = "") -> Repository:
    own = [file for file in files if "/" not in file.name and is_license_file(file.name)]
    rest = [file for file in files if "/" in file.name or not is_license_file(file.name)]
    return Repository(name, tuple(sorted([*own, *licenses])), tuple(sorted(rest)), commit)


def check_names(repositories: Sequence[Repository]) -> None:
    """Refuse two files of one name in trees of one name: documents are identified by both.

    Raises:
        ConfigError: a folder is called as a package is, say, and both hold that file.
    """
    seen: dict[tuple[str, str], str] = {}
    for repository in repositories:
        for file in repository.files:
            other = seen.setdefault((repository.name, file.name), file.path)
            if other != file.path:
                raise ConfigError(
                    f"{other} and {file.path} would both be {file.name} in a repository {repository.name!r}; "
                    "rename a folder, or read them as two sources"
                )


def find_packages(packages: Sequence[str], wanted: FileFilter, skipped: Counter[str]) -> Iterator[Repository]:
    """Trees of installed packages, found without importing them; `stdlib` is the running interpreter's library.

    Raises:
        ConfigError: no such package, or one without Python source.
    """
    for package in packages:
        if package == STDLIB:
            root = sysconfig.get_paths()["stdlib"]
            yield _repository(STDLIB, list(walk_folder(root, _or_license(wanted, 0), skipped, wanted.enters)))
        else:
            yield _repository(package, list(_package_files(package, wanted, skipped)), _package_licenses(package))


def _package_files(package: str, wanted: FileFilter, skipped: Counter[str]) -> Iterator[InputFile]:
    spec = None if "." in package else importlib.util.find_spec(package)
    if spec is None:
        hint = "; name the top package" if "." in package else nearest(package, [STDLIB, *sys.stdlib_module_names])
        raise ConfigError(f"packages: {package!r} is not installed here{hint}")
    if spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            for file in walk_folder(folder, lambda name: wanted(f"{package}/{name}"), skipped, wanted.enters):
                yield InputFile(f"{package}/{file.name}", file.path, file.bytes)
    elif spec.origin is not None and Path(spec.origin).suffix == ".py":
        yield InputFile(Path(spec.origin).name, spec.origin, file_bytes(spec.origin))
    else:
        raise ConfigError(f"packages: {package!r} is {spec.origin or 'built in'}, it has no Python source; take it out")


def _package_licenses(package: str) -> list[InputFile]:
    """Licence files of the distributions that hold a package, as pip recorded them."""
    found = []
    for distribution in importlib.metadata.packages_distributions().get(package, []):
        for file in importlib.metadata.files(distribution) or []:
            path = Path(str(file.locate()))
            if is_license_file(file.name) and ".dist-info" in str(file) and path.is_file():
                found.append(InputFile(file.name, str(path), file_bytes(str(path))))
    return found
