"""The source files of a git commit, with their licences; what is dropped is counted.

Links and submodules are not followed (`link`, `submodule`), and a path that leaves the repository is refused (`unsafe_path`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mathcode_data.core.counters import Ledger
from mathcode_data.stages.read.git_objects import BlobReader, TreeFile, blob_reader, list_files
from mathcode_data.stages.read.licenses import MAX_LICENSE_BYTES, tells_license
from mathcode_data.stages.read.licenses_tree import LicenseTree
from mathcode_data.stages.read.member_names import is_hidden, is_text_name, safe_name

MAX_LICENSE_FILES = 2000


def wanted_files(folder: Path, commit: str, wanted: Callable[[str], bool]) -> tuple[list[TreeFile], list[TreeFile]]:
    """The licence files and the source files of a commit, each in git's order; links and unsafe names are still among the latter."""
    licenses, files = [], []
    for file in list_files(folder, commit):
        shown = safe_name(file.name) or file.name.rsplit("/", 1)[-1]
        if is_hidden(shown):
            continue
        if file.kind == "submodule":
            files.append(file)
        elif file.kind == "file" and tells_license(shown):
            licenses.append(file)
        elif wanted(shown):
            files.append(file)
    return licenses, files


def read_commit(
    head: Path, options: dict[str, Any], wanted: Callable[[str], bool], max_file_bytes: int, ledger: Ledger
) -> Iterator[tuple[str, bytes, str]]:
    """Name, content and licence of the files `first` to `last` of a commit.

    Args:
        head: the HEAD file of the repository.
        options: `commit`, and the numbers `first` and `last` (excluded) of the files to read.
        wanted: which names count.
        max_file_bytes: larger ones are dropped.
        ledger: counts what is dropped.

    Raises:
        DataError: the repository is damaged, or lacks a content.
    """
    folder, commit = head.parent, options["commit"]
    licenses, files = wanted_files(folder, commit, wanted)
    with blob_reader(folder, commit) as reader:
        tree = _licenses(licenses, reader)
        for file in files[options["first"] : options["last"]]:
            ledger.saw()
            reason = _why_not(file, max_file_bytes)
            if reason is not None:
                ledger.drop_unread(reason, path=file.name, repository=options["repository"])
                continue
            name = safe_name(file.name) or ""
            yield name, reader.read(file.blob), tree.of(name)


def _why_not(file: TreeFile, max_file_bytes: int) -> str | None:
    if file.kind != "file":
        return file.kind
    if safe_name(file.name) is None:
        return "unsafe_path"
    if not is_text_name(file.name):
        return "name_not_utf8"
    return "too_large" if file.bytes > max_file_bytes else None


def _licenses(files: list[TreeFile], reader: BlobReader) -> LicenseTree:
    tree = LicenseTree()
    for file in files[:MAX_LICENSE_FILES]:
        name = safe_name(file.name)
        if name is not None and file.bytes <= MAX_LICENSE_BYTES:
            tree.add(name, reader.read(file.blob).decode("utf-8", "replace"))
    return tree
