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
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.stages.read.files import InputFile, file_bytes, input_names, walk_folder
from mathcode_data.stages.read.git_commit import checked_out_commit
from mathcode_data.stages.read.languages import language_of
from mathcode_data.stages.read.languages_content import SIGNS, is_nameless
from mathcode_data.stages.read.licenses import METADATA_FILES, RECORD_FILES, is_license_file, tells_license

STDLIB = "stdlib"
STDLIB_LICENSE = "PSF-2.0"
"""For installations that left the licence file out."""
NEVER_SOURCE = ("site-packages", "dist-packages", "__pycache__")


@dataclass(frozen=True)
class Repository:
    """A tree: its name, its licence files, and its source files; names are relative to the tree, in name order."""

    name: str
    licenses: tuple[InputFile, ...]
    files: tuple[InputFile, ...]
    commit: str = ""
    """What is checked out there, if it is a git working tree."""
    declared: str = ""
    """The licence, where it is known without a file."""

    @property
    def bytes(self) -> int:
        """Size of all source files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class FileFilter:
    """Which files of a tree count: those of a known language that no pattern excludes."""

    exclude: tuple[str, ...]
    languages: frozenset[str] | None
    more_languages: dict[str, str] = field(default_factory=dict)
    """Languages by extension, beside those that are always known."""

    def __call__(self, name: str) -> bool:
        """Accept a name relative to the tree; a file without extension may be a script, a shared one may be another language."""
        extension = name.lower().rpartition(".")[2]
        language = language_of(name) or self.more_languages.get(extension)
        if language is None:
            return is_nameless(name) and not tells_license(name) and self.enters(name)
        if self.languages is not None and language not in self.languages and extension not in SIGNS:
            return False
        return self.enters(name)

    def enters(self, name: str) -> bool:
        """Accept a folder or file of a tree by the patterns alone."""
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


def find_folders(
    inputs: Sequence[str], depth: int, wanted: FileFilter, skipped: Counter[str], own: Callable[[str], str | None], others: frozenset[str]
) -> Iterator[Repository]:
    """Trees under the given folders: the folders themselves (depth 0), the folders in them (1), or deeper.

    Args:
        inputs: absolute paths of folders and files.
        depth: how far below a folder its repositories lie.
        wanted: which files count.
        skipped: counts what is left out.
        own: the reason why a file, by its path in the repository, is nobody's own work; such files are counted and not read.
        others: folders that are read another way.
    """
    names = input_names(inputs)
    seen: set[str] = set()
    for path in inputs:
        if Path(path).is_file():
            found: Iterable[InputFile] = [InputFile(Path(path).name, path, file_bytes(path))]
            label = names[path] or Path(path).parent.name
        else:
            enters = functools.partial(_enters, wanted, path, others)
            found = walk_folder(path, _or_license(wanted), skipped, enters)
            label = names[path] or Path(path).name
        trees: dict[str, list[InputFile]] = {}
        tops: dict[str, Path] = {}
        for file in found:
            top = "/".join(file.name.split("/")[:-1][:depth])
            name = file.name[len(top) + 1 :] if top else file.name
            repository = "/".join(part for part in (names[path], top) if part) or label
            is_license = tells_license(name)
            reason = None if is_license else "link" if Path(file.path).is_symlink() else own(name)  # what it names is read where it lies
            if reason is not None:
                skipped[reason] += 1
            elif file.path not in seen:
                trees.setdefault(repository, []).append(InputFile(name, file.path, file.bytes))
                tops.setdefault(repository, Path(path, top))
            seen.add(file.path)
        for repository, files in sorted(trees.items()):
            yield _repository(repository, files, commit=checked_out_commit(tops[repository]))


def _enters(wanted: FileFilter, root: str, others: frozenset[str], name: str) -> bool:
    return wanted.enters(name) and (not others or str(Path(root, name)) not in others)


def _or_license(wanted: FileFilter) -> Callable[[str], bool]:
    """Accept licence files as well, wherever they lie: each counts for its folder."""
    return lambda name: wanted(name) or (tells_license(name) and wanted.enters(name))


def _repository(
    name: str, files: Iterable[InputFile], licenses: Sequence[InputFile] = (), commit: str = "", declared: str = ""
) -> Repository:
    own: list[InputFile] = []
    rest: list[InputFile] = []
    for file in files:
        (own if tells_license(file.name) else rest).append(file)
    return Repository(name, tuple(sorted([*own, *licenses])), tuple(sorted(rest)), commit, declared)


def check_names(repositories: Sequence[Repository], others: Sequence[str] = ()) -> None:
    """Refuse two files of one name in trees of one name: documents are identified by both.

    Args:
        repositories: trees whose files are known.
        others: names of repositories in archives and git, whose files are not known yet.

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
    counts = Counter([*others, *{repository.name for repository in repositories}])
    twice = sorted(name for name in set(others) if counts[name] > 1)
    if twice:
        raise ConfigError(f"paths: {counts[twice[0]]} inputs would be a repository {twice[0]!r}; rename one, or read them as two sources")


def find_packages(
    packages: Sequence[str], wanted: FileFilter, skipped: Counter[str], own: Callable[[str], str | None]
) -> Iterator[Repository]:
    """Trees of installed packages, found without importing them; `stdlib` is the running interpreter's library.

    A package of the standard library stands under the same licence as all of it.

    Raises:
        ConfigError: no such package, or one without Python source.
    """
    root = sysconfig.get_paths()["stdlib"]
    for package in packages:
        if package == STDLIB:
            found: Iterable[InputFile] = walk_folder(root, wanted, skipped, wanted.enters)
            is_standard = True
        else:
            spec = _spec(package)
            found, is_standard = _package_files(package, spec, wanted, skipped), _is_standard(spec, root)
        files = [file for file in found if not _is_left_out(file, own, skipped)]
        if is_standard:
            licenses = _stdlib_licenses(root)
            yield _repository(package, files, licenses, declared="" if licenses else STDLIB_LICENSE)
        else:
            yield _repository(package, files, _package_licenses(package))


def _is_left_out(file: InputFile, own: Callable[[str], str | None], skipped: Counter[str]) -> bool:
    reason = own(file.name)
    if reason is not None:
        skipped[reason] += 1
    return reason is not None


def _spec(package: str) -> ModuleSpec:
    spec = None if "." in package else importlib.util.find_spec(package)
    if spec is None:
        hint = "; name the top package" if "." in package else nearest(package, [STDLIB, *sys.stdlib_module_names])
        raise ConfigError(f"packages: {package!r} is not installed here{hint}")
    return spec


def _is_standard(spec: ModuleSpec, root: str) -> bool:
    """Whether a package was found in the folder of the standard library, and not among the installed ones."""
    origin = Path(spec.origin or "")
    return spec.name in sys.stdlib_module_names and origin.is_relative_to(root) and not set(NEVER_SOURCE) & set(origin.parts)


def _package_files(package: str, spec: ModuleSpec, wanted: FileFilter, skipped: Counter[str]) -> Iterator[InputFile]:
    if spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            for file in walk_folder(folder, lambda name: wanted(f"{package}/{name}"), skipped, wanted.enters):
                yield InputFile(f"{package}/{file.name}", file.path, file.bytes)
    elif spec.origin is not None and Path(spec.origin).suffix == ".py":
        yield InputFile(Path(spec.origin).name, spec.origin, file_bytes(spec.origin))
    else:
        raise ConfigError(f"packages: {package!r} is {spec.origin or 'built in'}, it has no Python source; take it out")


def _stdlib_licenses(root: str) -> list[InputFile]:
    """The licence file of Python, where the installation has it."""
    found = [Path(root, name) for name in ("LICENSE.txt", "LICENSE")]
    return [InputFile(path.name, str(path), file_bytes(str(path))) for path in found if path.is_file()][:1]


def _package_licenses(package: str) -> list[InputFile]:
    """Licence files and metadata of the distributions that hold a package, as pip recorded them."""
    found = []
    for distribution in importlib.metadata.packages_distributions().get(package, []):
        for file in importlib.metadata.files(distribution) or []:
            path = Path(str(file.locate()))
            if (
                ".dist-info" in str(file)
                and (is_license_file(file.name) or file.name in (*METADATA_FILES, *RECORD_FILES))
                and path.is_file()
            ):
                found.append(InputFile(str(file).replace("\\", "/"), str(path), file_bytes(str(path))))
    return list(dict.fromkeys(found))
