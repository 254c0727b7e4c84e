"""Find the input files of a source, name them, and group them into splits.

Order, names and grouping depend only on relative names and sizes, never on where the inputs lie nor on the machine, so a
moved input folder, or any number of workers, gives the same splits and the same fingerprints.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.stage import Split

SKIPPED = "skipped"
"""Key of `Split.options` under which the first split carries what was left out, by reason."""


SPLITS_OF_SMALL_INPUT = 16
"""Splits that an input of less than 16 full ones is cut into, so that more than one core has something to do."""
MIN_SPLIT_BYTES = 1_000_000
"""A task costs about 20 ms beside its work; 1 MB of pages or code takes ten times that and more."""


@dataclass(frozen=True, order=True)
class InputFile:
    """A file, its name relative to the input it was found in (with `/`), and its size."""

    name: str
    path: str
    bytes: int


@dataclass(frozen=True)
class Listing:
    """Files in name order, and how many were left out, by reason."""

    files: tuple[InputFile, ...]
    skipped: dict[str, int]


def list_inputs(inputs: Sequence[str], wanted: Callable[[str], bool], what: str) -> Listing:
    """List files that `wanted` accepts under the given folders; a file that is given itself is always taken.

    Left out and counted: links that lead out of their folder (`link_outside`), names that are no UTF-8
    (`name_not_utf8`). Left out without a count: names that begin with a dot (version control, unfinished downloads).

    Args:
        inputs: absolute paths of files and folders.
        wanted: tells by its relative name whether a file in a folder is taken.
        what: names the kind of file in errors, as in "WARC files (*.warc, *.warc.gz)".

    Raises:
        ConfigError: nothing was found; a source that reads nothing is a mistake in the paths.
    """
    skipped: Counter[str] = Counter()
    names = input_names(inputs)
    files: dict[str, InputFile] = {}  # by path: inputs may overlap, and a file is read once
    for path in inputs:
        is_folder = Path(path).is_dir()
        found = walk_folder(path, wanted, skipped) if is_folder else iter([InputFile(Path(path).name, path, file_bytes(path))])
        prefix = names[path] + "/" if names[path] else ""
        for file in found:
            files.setdefault(file.path, InputFile(prefix + file.name, file.path, file.bytes))
    if not files:
        raise ConfigError(f"paths {', '.join(inputs)}: no {what} there; check the path or give a pattern")
    return Listing(tuple(sorted(files.values())), dict(skipped))


def input_names(inputs: Sequence[str]) -> dict[str, str]:
    """Prefix that each input's files bear: "" for one input; for several, what tells them apart.

    >>> input_names(["/data/a/warc", "/data/b/warc"])
    {'/data/a/warc': 'a/warc', '/data/b/warc': 'b/warc'}
    """
    folders = {path: path if Path(path).is_dir() or not Path(path).exists() else str(Path(path).parent) for path in inputs}
    different = sorted(set(folders.values()))
    if len(different) < 2:
        return dict.fromkeys(inputs, "")
    common = os.path.commonpath(different)
    relative = {folder: os.path.relpath(folder, common).replace(os.sep, "/") for folder in different}
    return {path: relative[folder] if relative[folder] != "." else "" for path, folder in folders.items()}


def walk_folder(
    root: str, wanted: Callable[[str], bool], skipped: Counter[str], enters: Callable[[str], bool] | None = None
) -> Iterator[InputFile]:
    """Yield the regular files under a folder, in no order; linked folders, and those `enters` refuses, are not entered.

    Raises:
        DataError: a folder may not be read, so that files would be missing without a word.
    """
    real_root = os.path.realpath(root)
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        for entry in _entries(folder):
            name = prefix + entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if enters is None or enters(name):
                    waiting.append((entry.path, name + "/"))
            elif not wanted(name) or (entry.is_symlink() and Path(entry.path).is_dir()):
                continue
            elif not _is_utf8(name):
                skipped["name_not_utf8"] += 1
            elif entry.is_symlink() and not os.path.realpath(entry.path).startswith(real_root + os.sep):
                skipped["link_outside"] += 1
            elif entry.is_symlink() and not Path(entry.path).exists():  # a circle, or what it names is gone
                skipped["link_broken"] += 1
            elif entry.is_file():
                yield InputFile(name, entry.path, entry.stat().st_size)
            else:
                skipped["special_file"] += 1


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror or error}; give the rights to read it, or leave it out") from error


def _is_utf8(name: str) -> bool:
    """Tell a name that is text from one that Python could only read as raw bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def file_bytes(path: str) -> int:
    """Size of a file.

    Raises:
        DataError: the file is gone or may not be looked at.
    """
    try:
        return Path(path).stat().st_size
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; check the path and the rights") from error


def by_suffix(*suffixes: str) -> Callable[[str], bool]:
    """Accept names that end so, in any case."""
    return lambda name: name.lower().endswith(suffixes)


def one_split_each(listing: Listing) -> list[Split]:
    """One split per file."""
    return with_skipped([Split((file.path,), (file.name,)) for file in listing.files], listing.skipped)


def split_target(total_bytes: int, split_bytes: int) -> int:
    """Bytes that a split of small files should hold: `split_bytes`, or less where that would leave cores without work.

    >>> split_target(100, 64_000_000), split_target(160_000_000, 64_000_000), split_target(10**12, 64_000_000)
    (1000000, 10000000, 64000000)
    """
    return min(split_bytes, max(MIN_SPLIT_BYTES, total_bytes // SPLITS_OF_SMALL_INPUT))


def group_by_bytes(files: Iterable[InputFile], split_bytes: int) -> Iterator[list[InputFile]]:
    """Cut a list of files into runs of about `split_bytes`; a larger file stands alone or ends a run."""
    group: list[InputFile] = []
    size = 0
    for file in files:
        if group and size + file.bytes > split_bytes:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.bytes
    if group:
        yield group


def with_skipped(splits: list[Split], skipped: dict[str, int]) -> list[Split]:
    """Let the first split carry the counts of what was left out, so that they reach the counters of the result."""
    if not skipped or not splits:
        return splits
    first = splits[0]
    return [Split(first.files, first.names, {**first.options, SKIPPED: dict(sorted(skipped.items()))}), *splits[1:]]


def count_skipped(options: dict[str, Any], ledger: Ledger) -> None:
    """Enter what the listing left out into the counters."""
    for reason, number in options.get(SKIPPED, {}).items():
        ledger.saw(number)
        ledger.drop_unread(reason, number)


def read_whole(path: str, max_bytes: int) -> bytes | None:
    """Read a file, or None if it holds more than `max_bytes`.

    Raises:
        DataError: the file is gone or may not be read.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(max_bytes + 1)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise DataError(f"{path}: {error.strerror}; it was there when the run was planned: put it back or plan anew") from error
    return None if len(content) > max_bytes else content
