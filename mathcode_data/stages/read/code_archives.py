"""Repositories inside archives: a wheel, a source distribution, any tar or zip is read as the folder that it would unpack to.

An archive is read twice: once for its names and licence files, once for its files. What is hostile or damaged is counted, never
followed: `unsafe_path` (leaves the folder), `link`, `special_file`, `encrypted`, `duplicate_member`, `damaged_member`,
`archive_refused` (a bomb, see `archive.py`), `archive_damaged`. What is lost by damage, or for want of a password, is also reported,
and the run ends with exit code 3. What a lost licence file governs counts as under an unknown licence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mathcode_data.core.counters import Ledger
from mathcode_data.stages.read.archive import ArchiveLimits, DamagedArchiveError, Member, RefusedArchiveError, members
from mathcode_data.stages.read.licenses import MAX_LICENSE_BYTES, tells_license
from mathcode_data.stages.read.licenses_tree import LicenseTree
from mathcode_data.stages.read.member_names import common_folder, is_hidden, is_text_name, safe_name

MAX_LICENSE_FILES = 2000


@dataclass
class Contents:
    """What the first pass finds."""

    top: str = ""
    """The one folder in which all lies, taken off the names."""
    licenses: LicenseTree = field(default_factory=LicenseTree)
    damage: str = ""
    """Why the archive could not be read to its end."""
    lost: list[str] = field(default_factory=list)
    """What is wrong with members that cannot be read, of all that were tried."""


def look_through(path: Path, limits: ArchiveLimits) -> Contents:
    """First pass: names and licence files.

    Raises:
        RefusedArchiveError: the archive holds more than the limits allow.
    """
    names: list[str] = []
    texts: list[tuple[str, str | None]] = []
    found = Contents()
    try:
        for member in members(path, limits):
            name = safe_name(member.name)
            if name is None or member.kind not in ("file", "encrypted"):
                continue
            names.append(name)
            if tells_license(name) and len(texts) < MAX_LICENSE_FILES:
                texts.append((name, _license_text(member, found.lost)))
    except DamagedArchiveError as error:
        found.damage = str(error)
    found.top = common_folder(names)
    for name, text in texts:
        if text is None:
            found.licenses.add_unreadable(name.removeprefix(found.top))
        else:
            found.licenses.add(name.removeprefix(found.top), text)
    return found


def _license_text(member: Member, lost: list[str]) -> str | None:
    """The text of a licence file; None if it cannot be read."""
    if member.kind == "encrypted":
        lost.append(_locked(member))
        return None
    try:
        return member.read(MAX_LICENSE_BYTES).decode("utf-8", "replace")
    except DamagedArchiveError as error:
        lost.append(str(error))
        return None


def _locked(member: Member) -> str:
    return f"byte {member.offset:,}: {member.name[:200]!r} is encrypted; unpack it with its password, or pack it without"


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
    yield from _files(path, contents, repository, limits, wanted, max_file_bytes, ledger)
    if contents.lost and not contents.damage:
        first = contents.lost[0].removeprefix(f"{path}: ")
        more = f" ({len(contents.lost):,} members are lost, this is the first)" if len(contents.lost) > 1 else ""
        ledger.damaged(f"{path.name}: {first}{more}")


def _files(
    path: Path,
    contents: Contents,
    repository: str,
    limits: ArchiveLimits,
    wanted: Callable[[str], bool],
    max_file_bytes: int,
    ledger: Ledger,
) -> Iterator[tuple[str, bytes, str]]:
    seen: set[str] = set()
    try:
        for member in members(path, limits):
            name = shown_name(member).removeprefix(contents.top)
            if is_hidden(name) or not (wanted(name) or member.kind == "special_file"):
                continue
            ledger.saw()
            found = _take(member, name, seen, max_file_bytes, contents.lost)
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


def _take(member: Member, inner: str, seen: set[str], max_file_bytes: int, lost: list[str]) -> bytes | str:
    """Content of a member, or the reason to drop it; one that cannot be read is added to what is lost."""
    if safe_name(member.name) is None:
        return "unsafe_path"
    if not is_text_name(member.name):
        return "name_not_utf8"
    if member.kind == "encrypted":
        lost.append(_locked(member))
    if member.kind != "file":
        return str(member.kind)
    if inner in seen:
        return "duplicate_member"
    if member.size > max_file_bytes:
        return "too_large"
    seen.add(inner)
    try:
        content = member.read(max_file_bytes + 1)
    except DamagedArchiveError as error:
        lost.append(str(error))
        return "damaged_member"
    except RefusedArchiveError as error:
        lost.append(str(error))
        return "archive_refused"
    return content if len(content) <= max_file_bytes else "too_large"
