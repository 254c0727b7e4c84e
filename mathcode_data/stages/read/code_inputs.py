"""Sort what `read.code` is given into folders, git repositories, archives and Parquet files, and cut each kind into splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mathcode_data.core.stage import Split
from mathcode_data.stages.read.archive import archive_stem, is_archive
from mathcode_data.stages.read.code_git import wanted_files
from mathcode_data.stages.read.files import InputFile, file_bytes, group_by_bytes, input_names, split_target
from mathcode_data.stages.read.git_commit import git_folder
from mathcode_data.stages.read.git_objects import has_git, is_bare, resolve
from mathcode_data.stages.read.source_trees import FileFilter, Repository

BYTES_PER_PACKED_BYTE = 4
"""Source code that a byte of an archive holds, about."""


@dataclass(frozen=True)
class GitTree:
    """A git repository to read at a commit."""

    name: str
    path: str
    commit: str


@dataclass(frozen=True)
class Inputs:
    """What there is to read, by kind."""

    folders: tuple[str, ...]
    git: tuple[GitTree, ...]
    archives: tuple[InputFile, ...]
    """Named after the repository that each of them holds."""
    parquet: tuple[InputFile, ...]

    def read_otherwise(self) -> frozenset[str]:
        """Folders that are git repositories, which no walk enters."""
        return frozenset(tree.path for tree in self.git)

    def with_parquet_folders(self) -> Inputs:
        """The same, where no folder holds a source file: the Parquet files in them are what was meant."""
        folders = [Path(path) for path in self.folders if Path(path).is_dir()]
        found = [path for folder in folders for path in sorted(folder.rglob("*.parquet")) if path.is_file()]
        more = [InputFile(path.name, str(path), file_bytes(str(path))) for path in found]
        return replace(self, parquet=(*self.parquet, *more))

    def holds_archives(self) -> bool:
        """Whether archives lie on top of a folder."""
        return any(is_archive(path.name) for name in self.folders if Path(name).is_dir() for path in Path(name).iterdir())


def sort_inputs(paths: Sequence[str], depth: int, revision: str | None) -> Inputs:
    """Tell what each path is; opens nothing but the heads of git repositories.

    Raises:
        ConfigError: a git repository does not have the revision.
    """
    prefixes = input_names(paths)
    folders: list[str] = []
    git: list[GitTree] = []
    archives: list[InputFile] = []
    parquet: list[InputFile] = []
    for path in paths:
        place = Path(path)
        if place.is_file():
            if place.suffix.lower() == ".parquet":
                parquet.append(InputFile(place.name, path, file_bytes(path)))
            elif is_archive(place.name):
                archives.append(_archive(place, prefixes[path]))
            else:
                folders.append(path)
            continue
        candidates = list(_below(place, depth))
        for candidate, inner in candidates:
            label = "/".join(part for part in (prefixes[path], inner) if part) or candidate.name
            if candidate.is_file():
                archives.append(_archive(candidate, label.rpartition("/")[0]))
            elif is_bare(candidate) or (revision is not None and has_git(candidate)):
                git.append(GitTree(label.removesuffix(".git") or label, str(candidate), resolve(candidate, revision)))
        if not (depth == 0 and git and git[-1].path == path):
            folders.append(path)
    return Inputs(tuple(folders), tuple(sorted(git, key=lambda tree: tree.name)), tuple(sorted(archives)), tuple(sorted(parquet)))


def _archive(path: Path, prefix: str) -> InputFile:
    name = "/".join(part for part in (prefix, archive_stem(path.name)) if part)
    return InputFile(name, str(path), file_bytes(str(path)))


def _below(folder: Path, depth: int) -> Iterator[tuple[Path, str]]:
    """Folders and archives that lie `depth` below a folder, with their relative names; links are not followed."""
    if depth == 0:
        yield folder, ""
        return
    found = [(folder, "")]
    for level in range(depth):
        below = []
        for place, name in found:
            for entry in sorted(place.iterdir()):
                inner = f"{name}/{entry.name}" if name else entry.name
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir() or (level == depth - 1 and is_archive(entry.name)):
                    below.append((entry, inner))
        found = below
    yield from found


def folder_splits(repositories: Sequence[Repository], split_bytes: int) -> Iterator[Split]:
    """Put whole repositories together until a split is full; cut only those that are larger than a split."""
    waiting: list[tuple[Repository, list[InputFile]]] = []
    size = 0
    for repository in repositories:
        for group in group_by_bytes(repository.files, split_bytes):
            # a repository that fits whole is not begun in what is left of a split
            needed = repository.bytes if repository.bytes <= split_bytes else sum(file.bytes for file in group)
            if waiting and size + needed > split_bytes:
                yield _split(waiting)
                waiting, size = [], 0
            waiting.append((repository, group))
            size += sum(file.bytes for file in group)
    if waiting:
        yield _split(waiting)


def _split(parts: Sequence[tuple[Repository, list[InputFile]]]) -> Split:
    named = [(f"{repository.name}/{file.name}", file.path) for repository, group in parts for file in [*repository.licenses, *group]]
    counts = [
        [repository.name, len(repository.licenses), len(group), repository.commit, repository.declared] for repository, group in parts
    ]
    return Split(tuple(path for _, path in named), tuple(name for name, _ in named), {"repositories": counts})


def git_splits(trees: Iterable[GitTree], wanted: FileFilter, split_bytes: int) -> Iterator[Split]:
    """Runs of the files of each commit; the HEAD file stands for the repository, the commit for its contents."""
    for tree in trees:
        top = git_folder(Path(tree.path))
        assert top is not None, "it was one when its revision was looked up"
        _, files = wanted_files(Path(tree.path), tree.commit, wanted)
        sizes = [InputFile(str(number), "", file.bytes) for number, file in enumerate(files)]
        first = 0
        for group in group_by_bytes(sizes, split_target(sum(file.bytes for file in files), split_bytes)):
            options = {"kind": "git", "repository": tree.name, "commit": tree.commit, "first": first, "last": first + len(group)}
            yield Split((str(top / "HEAD"),), (f"{tree.name}/HEAD",), options)
            first += len(group)


def archive_splits(archives: Iterable[InputFile], split_bytes: int) -> Iterator[Split]:
    """Small archives together, a large one alone."""
    for group in group_by_bytes(archives, max(1, split_bytes // BYTES_PER_PACKED_BYTE)):
        names = [archive.name for archive in group]
        shown = tuple(f"{archive.name}/{Path(archive.path).name}" for archive in group)
        yield Split(tuple(archive.path for archive in group), shown, {"kind": "archives", "repositories": names})


def parquet_splits(files: Iterable[InputFile]) -> Iterator[Split]:
    """One split per file."""
    for file in files:
        yield Split((file.path,), (file.name,), {"kind": "parquet"})
