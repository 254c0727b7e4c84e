"""What a run did and does, from its records on the disk: nothing is locked, written or hashed, so it is safe beside a run.

A run that works may take any file away between two of our looks, and a killed one leaves anything half done; what cannot be
read counts as not there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import DataError, VerificationError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, read_result
from mathcode_data.runtime.driver import task_name
from mathcode_data.runtime.failures import FAILURES_NAME, is_to_be_retried, plan_folders, read_failures
from mathcode_data.runtime.graph import PIPELINE_NAME, WORK_NAME
from mathcode_data.runtime.holder import Holder, find_holder
from mathcode_data.runtime.plan import PLAN_NAME, Plan, StageSpec
from mathcode_data.runtime.stage_note import stage_at_work

MAX_RECORDS = 20_000
"""Done records that are read; of more, so many spread evenly, and the sums are scaled."""
MAX_RUNNING_NAMED = 32


def output_status(
    output: Path, ids: Sequence[str] | None = None, *, holder: Holder | None = None, max_records: int = MAX_RECORDS
) -> dict[str, Any]:
    """Say how far the results of a pipeline's output folder are.

    Args:
        output: the folder; it may be half written, or not there yet.
        ids: results that are looked for; None for those that the last run named, and what else lies there.
        holder: who works there, where the caller knows; None to look at the folder's lock.
        max_records: done records that are read for each plan.

    Returns:
        Plain data: `folder`, `pipeline`, `lock` (state, pid, host, since), `results` (a list in the order of work, each with
        `state`: finished, partial, running, stopped, failed, damaged or waiting) and `disk` (bytes: results, work, free).
    """
    holder = holder or find_holder(output)
    marker = _read(output / PIPELINE_NAME)
    named = [str(name) for name in marker.get("results", [])] if isinstance(marker, dict) else []
    works = _works(output)
    present = {path.parent.name for path in output.glob(f"*/{MANIFEST_NAME}")}
    wanted = list(ids) if ids is not None else [*named, *sorted((set(works) | present) - set(named))]
    results = [result_status(output, name, works.get(name, []), holder, max_records) for name in wanted]
    return {
        "folder": str(output),
        "pipeline": marker.get("name") if isinstance(marker, dict) else None,
        "lock": asdict(holder),
        "results": results,
        "disk": {
            "results": sum(result["bytes"] or 0 for result in results),
            "work": sum(_tree_bytes(folder) for name in wanted for folder in works.get(name, [])),
            "free": _free(output),
        },
    }


def result_status(output: Path, name: str, works: Sequence[Path], holder: Holder, max_records: int) -> dict[str, Any]:
    """Say how far one result is; `works` are the folders in which it is or was made, the newest first."""
    finished, damage = _finished(output / name)
    work = works[0] if works else None
    phases = [found for folder in plan_folders(work) if (found := plan_status(folder, holder, max_records)) is not None] if work else []
    left_aside = [line for phase in phases for line in phase["set_aside"]]
    manifest = finished.manifest if finished else None
    return {
        "id": name,
        "state": _state(finished, damage, work, phases, holder),
        "fingerprint": manifest.fingerprint if manifest else None,
        "kind": manifest.kind if manifest else None,
        "documents": manifest.num_rows if manifest else None,
        "tokens": (manifest.num_tokens or None) if manifest else None,
        "bytes": sum(shard.bytes for shard in manifest.shards) if manifest else None,
        "finished_at": _mtime(output / name / MANIFEST_NAME) if manifest else None,
        "seconds": _seconds(output, name, manifest.fingerprint) if manifest else None,
        "phases": phases,
        "quarantined": list(manifest.quarantined) if manifest and not left_aside else [_line(entry) for entry in left_aside],
        "damage": [*(manifest.damage if manifest else []), *([damage] if damage else [])],
    }


def _state(finished: Result | None, damage: str, work: Path | None, phases: list[dict[str, Any]], holder: Holder) -> str:
    if work is not None and not (finished and finished.manifest.quarantined and not is_to_be_retried(work)):
        if holder.is_at_work and _last_change(work, phases) >= (holder.since or 0.0) - 1.0:
            return "running"
        has_ended = any(phase["has_ended"] and phase["set_aside"] for phase in phases)
        if not finished or has_ended or phases:
            return "failed" if has_ended else "stopped"
    if finished:
        return "partial" if finished.manifest.quarantined else "finished"
    return "damaged" if damage else "waiting"


def plan_status(folder: Path, holder: Holder, max_records: int = MAX_RECORDS) -> dict[str, Any] | None:
    """Count the tasks of one plan; None where no plan was written yet."""
    plan = _plan(folder)
    if plan is None:
        return None
    done = _done(folder / "done")
    log = read_failures(folder)
    set_aside = {number: failure for number, failure in (log.set_aside if log else {}).items() if number not in done}
    attempts = {number: since for number, since in _attempts(folder).items() if number not in done and number not in set_aside}
    is_alive = holder.is_at_work
    failed = {failure.index for failure in (log.failures if log else ())} - done.keys() - set_aside.keys()
    running = sorted(attempts) if is_alive else []
    waiting = max(0, len(plan.tasks) - len(done) - len(set_aside) - len(running))
    now = time.time()
    started = max(_mtime(folder / PLAN_NAME) or 0.0, holder.since or 0.0) if is_alive else min(done.values(), default=0.0)
    ended = now if is_alive else max(done.values(), default=0.0)
    fresh = [when for when in done.values() if when >= started]
    rate = len(fresh) / (ended - started) if fresh and ended - started > 0.5 else None
    sums = _sums(folder / "done", sampled(done, max_records), len(done))
    return {
        "phase": folder.name if plan.shape == "phase" else "",
        "tasks": len(plan.tasks),
        "done": len(done),
        "running": len(running),
        "failed": len(failed),
        "waiting": waiting,
        "set_aside": [asdict(failure) for _, failure in sorted(set_aside.items())],
        "has_ended": log.has_ended if log else False,
        **sums,
        "tasks_per_s": round(rate, 4) if rate else None,
        "documents_per_s": round(rate * sums["documents"] / len(done), 2) if rate and done else None,
        "seconds_left": round((waiting + len(running)) / rate, 1) if rate and is_alive else None,
        "running_tasks": [
            {
                "index": number,
                "name": _task_name(plan, number),
                "stage": stage_at_work(folder, plan, number) or "",
                "seconds": round(now - attempts[number], 1),
            }
            for number in running[:MAX_RUNNING_NAMED]
        ],
        "interrupted": 0 if is_alive else len(attempts),
        "last_change": max([*done.values(), *attempts.values(), _mtime(folder / PLAN_NAME) or 0.0]),
    }


def _task_name(plan: Plan, number: int) -> str:
    return task_name(plan, number) if number < len(plan.tasks) else "?"


def _line(entry: dict[str, Any]) -> str:
    return f"{entry['stage']}, task {entry['index']} ({entry['name']}): {entry['kind']}: {entry['message']}"


def _plan(folder: Path) -> Plan | None:
    data = _read(folder / PLAN_NAME)
    try:
        return Plan(**data | {"stages": [StageSpec(**stage) for stage in data["stages"]]})
    except (TypeError, KeyError):
        return None


def _works(output: Path) -> dict[str, list[Path]]:
    """Folders in which results are made, by id, the newest first."""
    found: dict[str, list[Path]] = {}
    for folder in sorted(_children(output / WORK_NAME), key=lambda path: _mtime(path) or 0.0, reverse=True):
        found.setdefault(folder.name[:-17], []).append(folder)
    return found


def _finished(folder: Path) -> tuple[Result | None, str]:
    if not (folder / MANIFEST_NAME).exists():
        return None, ""
    try:
        return read_result(folder), ""
    except (DataError, VerificationError) as error:
        return None, str(error)


def _last_change(work: Path, phases: Iterable[dict[str, Any]]) -> float:
    return max(*(float(phase["last_change"]) for phase in phases), _mtime(work) or 0.0, 0.0)


def _done(folder: Path) -> dict[int, float]:
    return {int(path.stem): when for path in _children(folder, ".json") if path.stem.isdigit() and (when := _mtime(path)) is not None}


def _attempts(folder: Path) -> dict[int, float]:
    """Tasks that were begun and not committed, with when they began: the oldest time in the attempt's folder."""
    found: dict[int, float] = {}
    for attempt in _children(folder / "attempts", ".tmp"):
        number = attempt.name.partition(".")[0]
        times = [when for path in (attempt, *_children(attempt)) if (when := _mtime(path)) is not None]
        if number.isdigit() and times:
            found[int(number)] = max(found.get(int(number), 0.0), min(times))
    return found


def sampled(done: Iterable[int], max_records: int) -> list[int]:
    """Of the finished tasks at most so many, spread evenly."""
    numbers = sorted(done)
    return numbers[:: max(1, -(-len(numbers) // max_records))]


def _sums(folder: Path, chosen: list[int], num_done: int) -> dict[str, int]:
    """Documents read and kept, tokens and bytes of the finished tasks, from the records of some of them."""
    sums = {"documents": 0, "kept": 0, "tokens": 0, "bytes": 0}
    for number in chosen:
        record = _read(folder / f"{number:05d}.json")
        if not isinstance(record, dict):
            continue
        counters, shards = record.get("counters") or [], record.get("shards") or []
        sums["documents"] += max((stage["read"] for stage in counters), default=0)
        sums["kept"] += counters[-1]["kept"] if counters else 0
        sums["tokens"] += sum(shard["tokens"] for shard in shards)
        sums["bytes"] += sum(shard["bytes"] for shard in shards)
    scale = num_done / len(chosen) if chosen else 1.0
    return {name: round(value * scale) for name, value in sums.items()}


def _seconds(output: Path, name: str, fingerprint: str) -> float | None:
    """How long the run took that made a result, from the log of runs."""
    from mathcode_data.runtime.update import RUNS_NAME

    try:
        lines = (output / RUNS_NAME).read_bytes().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            run = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(run, dict) and (run.get("id"), run.get("fingerprint")) == (name, fingerprint):
            return float(run["seconds"])
    return None


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None


def _mtime(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _children(folder: Path, suffix: str = "") -> list[Path]:
    try:
        return [folder / entry.name for entry in os.scandir(folder) if entry.name.endswith(suffix)]
    except OSError:
        return []


def _tree_bytes(folder: Path) -> int:
    """Bytes of the files below that have no second name elsewhere (finished files of a part have one in its result)."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = (Path(root) / name).lstat()
            except OSError:
                continue
            total += status.st_size if status.st_nlink == 1 or name == FAILURES_NAME else 0
    return total


def _free(folder: Path) -> int | None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
