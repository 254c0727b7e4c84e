"""What no manifest refers to any more: found with its size and age, and taken away only when the user says so.

Known by what the engine itself gives names to, and nothing else: attempts of killed tasks, temporary files, work on results
that their pipeline no longer makes, such results themselves, and checkpoints beyond the newest. A folder in which a run is at
work is left alone, and so is what a YAML file, a mixture or another result of the project refers to. Files of other programs
are never looked at.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.lock import locked
from mathcode_data.core.manifest import MANIFEST_NAME, read_result
from mathcode_data.core.object_store import is_store_url
from mathcode_data.core.storage import TEMPORARY_PREFIX, read_json, remove_tree
from mathcode_data.runtime.failures import plan_folders
from mathcode_data.runtime.graph import PIPELINE_NAME, WORK_NAME
from mathcode_data.runtime.holder import find_holder
from mathcode_data.runtime.places import is_output
from mathcode_data.runtime.references import MIXTURE_NAME, References, find_references, project_of

CHECKPOINT = re.compile(r"step-[0-9]{8,}")
OWNED_TEMPORARY = re.compile(re.escape(TEMPORARY_PREFIX) + r"(?:([0-9]+)-.+|step-[0-9]{8,}.*)")
MAX_DEPTH = 6


@dataclass(frozen=True)
class Garbage:
    """A file or folder that nothing needs."""

    path: Path
    kind: str
    """attempt, temporary, work, result or checkpoint."""
    why: str
    owner: Path
    """The folder whose lock guards it."""
    bytes: int
    age_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": str(self.path), "kind": self.kind, "why": self.why, "bytes": self.bytes, "age_s": round(self.age_s, 1)}


def find_garbage(
    root: Path, *, refer: Sequence[Path] = (), keep_checkpoints: int | None = None, unfinished: bool = False
) -> tuple[list[Garbage], list[str]]:
    """List what nothing needs in a folder and below.

    Args:
        root: an output folder, a mixture, a training run, or a folder that holds such.
        refer: further folders whose YAML files and mixtures count as references.
        keep_checkpoints: list the checkpoints of training runs beyond so many newest; None lists none.
        unfinished: list also unfinished work that the next run would go on with.

    Returns:
        What was found, in order of path, and notes on what was left alone.

    Raises:
        ConfigError: nothing below the folder was made by this program.
    """
    if is_store_url(root):
        raise ConfigError(
            f"{root}: gc looks at folders of this machine. On the store a finished result removes the work behind it; what a killed run "
            f"left lies below .work/ of its output and goes with the next run, or may be removed there while nobody works"
        )
    if not root.is_dir():
        raise ConfigError(f"{root}: no such folder; name an output folder, a mixture, a training run, or a folder that holds such")
    outputs, mixtures, trainings = _ours(root)
    if not (outputs or mixtures or trainings):
        raise ConfigError(
            f"{root}: holds no output of a pipeline, no mixture and no training run, to {MAX_DEPTH} levels below; nothing here is ours, "
            "so nothing was looked at"
        )
    references = find_references([project_of(root), *refer])
    found: list[Garbage] = []
    notes: list[str] = []
    for folder in (*outputs, *mixtures, *trainings):
        holder = find_holder(folder)
        if holder.is_at_work:
            notes.append(f"{folder}: process {holder.pid} on {holder.host} works there; left alone")
            continue
        if folder in outputs:
            found += _of_output(folder, references, notes, unfinished=unfinished)
        elif folder in mixtures:
            found += _temporaries(folder, folder)
            found += (item for item in _temporaries(folder.parent, folder) if _is_beside(item.path, folder))
        else:
            found += _of_training(folder, references, keep_checkpoints, notes)
    return sorted(found, key=lambda item: item.path), notes


def delete_garbage(found: Sequence[Garbage]) -> tuple[list[Garbage], list[str]]:
    """Take away what was found, each part under the lock of its folder; returns what went, and notes on what did not.

    Raises:
        LockedError: a run began in one of the folders meanwhile; what lies there stays.
    """
    gone: list[Garbage] = []
    notes: list[str] = []
    for owner in dict.fromkeys(item.owner for item in found):
        with locked(owner, remove_if_unused=True):
            for item in found:
                if item.owner != owner or not _exists(item.path):
                    continue
                if item.kind != "attempt" and _changed_since(item):
                    notes.append(f"{item.path}: was written to meanwhile; left alone")
                    continue
                _remove(item.path)
                gone.append(item)
    return gone, notes


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        doomed = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")  # renamed first: a kill here leaves no half result
        remove_tree(path.rename(doomed))
    else:
        path.unlink()


def _changed_since(item: Garbage) -> bool:
    return time.time() - _newest(item.path) < item.age_s - 1.0


def _ours(root: Path) -> tuple[list[Path], list[Path], list[Path]]:
    outputs, mixtures, trainings = [], [], []
    for folder in _folders(root, MAX_DEPTH):
        if is_output(folder):
            outputs.append(folder)
        elif _is_mixture(folder):
            mixtures.append(folder)
        elif (folder / "checkpoints").is_dir() and any(CHECKPOINT.fullmatch(path.name) for path in (folder / "checkpoints").iterdir()):
            trainings.append(folder)
    return outputs, mixtures, trainings


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth and not is_output(folder):
        for entry in sorted(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
                yield from _folders(entry, depth - 1)


def _is_mixture(folder: Path) -> bool:
    try:
        data = read_json(folder / MIXTURE_NAME)
    except (DataError, OSError):
        return False
    return isinstance(data, dict) and data.get("kind") == "mixture"


def _of_output(output: Path, references: References, notes: list[str], *, unfinished: bool) -> Iterator[Garbage]:
    named = _named(output)
    yield from _temporaries(output, output)
    newest: set[str] = set()
    works = sorted((output / WORK_NAME).iterdir(), key=_newest, reverse=True) if (output / WORK_NAME).is_dir() else []
    for work in works:
        name = work.name[:-17]
        why = _why_superseded(output, work, named, newest)
        newest.add(name)
        if work.name.startswith(TEMPORARY_PREFIX) or why:
            yield _item(work, "work", why or "left by a gc that was killed", output)
        elif unfinished:
            yield _item(work, "work", "unfinished", output)
        else:
            yield from _dead_attempts(work, output)
            notes.append(f"{work}: kept, the next run goes on with it (--unfinished lists it)")
    stale = {folder: fingerprint for folder, fingerprint in _results(output) if named is not None and folder.name not in named}
    for folder in _unreferenced(stale, references, notes):
        yield _item(folder, "result", f"pipeline {output.name} makes no result of that name any more", output)
    for folder, _ in _results(output):
        if folder not in stale:
            yield from _temporaries(folder, output)


def _named(output: Path) -> list[str] | None:
    """Ids of the results that the last run named; None where that cannot be read, and then no result is taken for stale."""
    try:
        names = read_json(output / PIPELINE_NAME)["results"]
    except (DataError, KeyError, TypeError):
        return None
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _why_superseded(output: Path, work: Path, named: list[str] | None, newer: set[str]) -> str:
    """Why nobody goes on with some work; empty where the next run would."""
    name = work.name[:-17]
    if named is not None and name not in named:
        return "the pipeline makes no result of that name any more"
    if name in newer:
        return "newer work on the same result stands beside it"
    manifest = output / name / MANIFEST_NAME
    try:
        is_part = bool(read_result(output / name).manifest.quarantined) if manifest.exists() else True
    except (DataError, VerificationError):
        is_part = True
    return "" if is_part or _newest(work) > manifest.stat().st_mtime else "the result was finished after it"


def _dead_attempts(work: Path, output: Path) -> Iterator[Garbage]:
    for folder in plan_folders(work):
        attempts = folder / "attempts"
        for attempt in sorted(attempts.iterdir()) if attempts.is_dir() else ():
            if attempt.suffix == ".tmp" or attempt.name != _committed(folder, attempt.name.partition(".")[0]):
                yield _item(attempt, "attempt", "a task that was killed, or came too late", output)


def _committed(folder: Path, number: str) -> str | None:
    try:
        return str(read_json(folder / "done" / f"{number}.json")["attempt"])
    except (DataError, KeyError, TypeError):
        return None


def _results(output: Path) -> list[tuple[Path, str]]:
    """Finished results with their fingerprints; a folder with a manifest of another program is none."""
    found = []
    for path in sorted(output.glob(f"*/{MANIFEST_NAME}")):
        try:
            found.append((path.parent, read_result(path.parent).fingerprint))
        except (DataError, VerificationError):
            continue
    return found


def _unreferenced(stale: dict[Path, str], references: References, notes: list[str]) -> list[Path]:
    """Those of some results that nothing needs, but perhaps others that nothing needs either."""
    left = dict(stale)
    while True:
        needed = {}
        for folder, fingerprint in left.items():
            users = [str(path) for path in references.made_from(fingerprint) if path.resolve() not in {p.resolve() for p in left}]
            if who := [*references.of(folder), *users]:
                needed[folder] = who[0]
        if not needed:
            return sorted(left)
        for folder, user in needed.items():
            notes.append(f"{folder}: no pipeline makes it any more, but {user} refers to it; left alone")
            del left[folder]


def _of_training(folder: Path, references: References, keep: int | None, notes: list[str]) -> Iterator[Garbage]:
    checkpoints = folder / "checkpoints"
    yield from _temporaries(checkpoints, folder)
    whole = sorted(path for path in checkpoints.iterdir() if CHECKPOINT.fullmatch(path.name) and (path / "checkpoint.json").is_file())
    if keep is None:
        return
    for path in whole[: max(0, len(whole) - max(1, keep))]:
        if who := references.of(path):
            notes.append(f"{path}: {who[0]} refers to it; left alone")
        else:
            yield _item(path, "checkpoint", f"older than the newest {max(1, keep)}", folder)


def _temporaries(folder: Path, owner: Path) -> Iterator[Garbage]:
    for path in sorted(folder.iterdir()):
        match = OWNED_TEMPORARY.fullmatch(path.name)
        if match and not (match[1] and _is_alive(int(match[1]))):
            yield _item(path, "temporary", "a write that was cut off", owner)


def _is_beside(path: Path, mixture: Path) -> bool:
    """Whether a build that was to replace this mixture wrote there."""
    pattern = re.escape(TEMPORARY_PREFIX) + "[0-9]+-" + re.escape(mixture.name)
    return path.is_dir() and bool(re.fullmatch(pattern, path.name))


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _item(path: Path, kind: str, why: str, owner: Path) -> Garbage:
    return Garbage(path, kind, why, owner, _tree_bytes(path), max(0.0, time.time() - _newest(path)))


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _tree(path: Path) -> Iterator[os.stat_result]:
    yield path.lstat()
    for root, folders, names in os.walk(path):
        for name in (*folders, *names):
            try:
                yield (Path(root) / name).lstat()
            except FileNotFoundError:
                continue


def _newest(path: Path) -> float:
    try:
        return max(status.st_mtime for status in _tree(path))
    except FileNotFoundError:
        return 0.0


def _tree_bytes(path: Path) -> int:
    """Bytes that become free: those of files with no second name elsewhere."""
    return sum(status.st_size for status in _tree(path) if status.st_nlink == 1 and stat.S_ISREG(status.st_mode))
