"""Repositories inside archives: a wheel, a source distribution, any tar or zip is read as the folder that it would unpack to.

An archive is read twice: once for its names and licence files, once for its files. What is hostile or damaged is counted, never
followed: `unsafe_path` (leaves the folder), `link`, `special_file`, `encrypted`, `duplicate_member`, `damaged_member`,
`archive_refused` (a bomb, see `archive.py`), `archive_damaged`. The last two are also reported, and the run ends with exit code 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mathcode_data.core.counters import Ledger
from mathcode_data.stages.read.archive import ArchiveLimits, DamagedArchiveError, Member, RefusedArchiveError, members
from mathcode_data.stages.read.licenses import MAX_LICENSE_BYTES, LicenseTree, tells_license
from mathcode_data.stages.read.member_names import common_folder, is_hidden, is_text_name, safe_name

MAX_LICENSE_FILES = 2000


@dataclass
class Contents:
    """What the first pass finds."""

    top: str = ""
    """The one folder in which all lies, taken off the names."""
    licenses: LicenseTree = field(default_factory=LicenseTree)
    damage: str = ""


def look_through(path: Path, limits: ArchiveLimits) -> Contents:
    """First pass: names and licence files.

    Raises:
        RefusedArchiveError: the archive holds more than the limits allow.
    """
    names: list[str] = []
    texts: list[tuple[str, str]] = []
    found = Contents()
    try:
        for member in members(path, limits):
            name = safe_name(member.name)
            if name is None or member.kind != "file":
                continue
            names.append(name)
            if tells_license(name) and len(texts) < MAX_LICENSE_FILES:
                texts.append((name, member.read(MAX_LICENSE_BYTES).decode("utf-8", "replace")))
    except DamagedArchiveError as error:
        found.damage = str(error)
    found.top = common_folder(names)
    for name, text in texts:
        found.licenses.add(name.removeprefix(found.top), text)
    return found


def read_archive(
    path: Path, repository: str, limits: ArchiveLimits, wanted: Callable[[str], bool], max_file_bytes: int, ledger: Ledger
) -> Iterator[tuple[str, bytes, str]]:
    """Second pass: name, content and licence of each file that `wanted` accepts; what is dropped is counted and named."""
    try:
        contents = look_through(path, limits)
    except RefusedArchiveError as error:
        _give_up(str(error), "archive_refused", path, repository, ledger)
        return
    if contents.damage:
        _give_up(contents.damage, "archive_damaged", path, repository, ledger)
    seen: set[str] = set()
    try:
        for member in members(path, limits):
            name = shown_name(member).removeprefix(contents.top)
            if is_hidden(name) or not (wanted(name) or member.kind == "special_file"):
                continue
            ledger.saw()
            found = _take(member, name, seen, max_file_bytes)
            if isinstance(found, str):
                ledger.drop_unread(found, path=name, repository=repository)
            else:
                yield name, found, contents.licenses.of(name)
    except DamagedArchiveError:
        return  # reported after the first pass


def _give_up(message: str, reason: str, path: Path, repository: str, ledger: Ledger) -> None:
    ledger.saw()
    ledger.drop_unread(reason, path=path.name, repository=repository)
    ledger.damaged(message.replace(str(path.parent) + "/", ""))


def shown_name(member: Member) -> str:
    """The name of a member; of one that would leave its folder the last part."""
    return safe_name(member.name) or member.name.replace("\\", "/").rsplit("/", 1)[-1]


def _take(member: Member, inner: str, seen: set[str], max_file_bytes: int) -> bytes | str:
    """Content of a member, or the reason to drop it."""
    if safe_name(member.name) is None:
        return "unsafe_path"
    if not is_text_name(member.name):
        return "name_not_utf8"
    if member.kind != "file":
        return str(member.kind)
    if inner in seen:
        return "duplicate_member"
    if member.size > max_file_bytes:
        return "too_large"
    seen.add(inner)
    try:
        content = member.read(max_file_bytes + 1)
    except DamagedArchiveError:
        return "damaged_member"
    except RefusedArchiveError:
        return "archive_refused"
    return content if len(content) <= max_file_bytes else "too_large"
