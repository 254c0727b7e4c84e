"""Forget what a run set aside, so that the next run does these tasks again and keeps all that is finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.lock import locked
from mathcode_data.core.manifest import MANIFEST_NAME, read_result
from mathcode_data.runtime.failures import Failure, FailureLog, forget_failures, plan_folders, read_failures
from mathcode_data.runtime.graph import WORK_NAME
from mathcode_data.runtime.places import Place
from mathcode_data.runtime.store import refuse_old_mirror

Found = dict[Path, tuple[str, FailureLog, dict[int, Failure]]]
"""Folder of a plan -> id of its result, the log, and the tasks that are still set aside."""


def retry(place: Place, *, stage: str | None = None, shards: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Clear the failures of tasks that were set aside.

    Args:
        place: an output folder; nobody may be at work in it.
        stage: id of the result whose tasks are meant; None for all.
        shards: numbers of tasks; empty for all that were set aside.

    Returns:
        What was cleared, one entry per task: `result`, `phase`, and the fields of the failure. Empty where nothing was set aside.

    Raises:
        ConfigError: no such result, or no such task among those set aside; nothing was cleared.
        LockedError: a run is at work there.
    """
    refuse_old_mirror(place.output, "retry")
    if not place.output.is_dir():
        raise ConfigError(f"{place.output}: not there: the pipeline was not run yet, or with another --limit; nothing to try again")
    with locked(place.output, remove_if_unused=True):
        found = _set_aside(place, stage)
        _refuse_unknown_shards(found, shards, stage)
        cleared = []
        for folder, (name, log, tasks) in found.items():
            chosen = set(tasks) if not shards else set(tasks) & set(shards)
            if not chosen:
                continue
            forget_failures(folder, log, chosen)
            phase = folder.name if folder.parent.name != WORK_NAME else ""
            cleared += [{"result": name, "phase": phase, **asdict(tasks[number])} for number in sorted(chosen)]
    return cleared


def _set_aside(place: Place, stage: str | None) -> Found:
    works = sorted((place.output / WORK_NAME).iterdir()) if (place.output / WORK_NAME).is_dir() else []
    names = sorted(
        {work.name[:-17] for work in works} | set(place.ids or ()) | {p.parent.name for p in place.output.glob(f"*/{MANIFEST_NAME}")}
    )
    if stage is not None and stage not in names:
        raise ConfigError(f"--stage {stage}: {place.output} has no result of that name{nearest(stage, names)}")
    found: Found = {}
    for work in works:
        name = work.name[:-17]
        for folder in plan_folders(work) if stage in (None, name) else ():
            log = read_failures(folder)
            tasks = {n: failure for n, failure in log.set_aside.items() if not (folder / "done" / f"{n:05d}.json").exists()} if log else {}
            if log is not None and tasks:
                found[folder] = (name, log, tasks)
    for name in names if not found else ():
        _refuse_lost_work(place.output / name, stage)
    return found


def _refuse_lost_work(folder: Path, stage: str | None) -> None:
    """A partial result whose finished tasks are gone can only be made whole from the start, which `run` does by itself."""
    if stage not in (None, folder.name) or not (folder / MANIFEST_NAME).exists():
        return
    try:
        quarantined = read_result(folder).manifest.quarantined
    except (DataError, VerificationError):
        return
    if quarantined:
        raise ConfigError(
            f"{folder}: made without {len(quarantined)} task{'s'[: len(quarantined) > 1]}, and none is set aside any more: an earlier "
            "`retry` cleared it, gc removed what was kept apart, or another version made it; `mathcode-data run` makes what is missing"
        )


def _refuse_unknown_shards(found: Found, shards: Sequence[int], stage: str | None) -> None:
    for number in shards:
        owners = sorted({name for name, _, tasks in found.values() if number in tasks})
        if not owners:
            known = "; ".join(f"{name}: {', '.join(map(str, sorted(tasks)))}" for name, _, tasks in found.values())
            where = f" of {stage}" if stage else ""
            raise ConfigError(f"--shard {number}: no task{where} of that number is set aside ({known or 'none is'}); `status` shows them")
        if len(owners) > 1:
            raise ConfigError(f"--shard {number}: set aside in {' and '.join(owners)}; say which with --stage")
