"""The driver: runs a plan's tasks through a runner, retries, sets aside, and settles what was committed.

Retries and quarantine live here and nowhere else: runners (Ray too) run every task once. A task that fails for good is set
aside with its reason; the others go on, and the run then ends with exit code 3 and no manifest, unless the user allowed
that many failed shards.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from mathcode_data.core.blame import at_place
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, PartialResultError, ResourceError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.runner import FailureKind, Runner, TaskOutcome
from mathcode_data.core.secrets import masked
from mathcode_data.core.stage import TaskRecord
from mathcode_data.core.storage import fsync_folder, remove_tree
from mathcode_data.runtime.failures import FAILURES_NAME, Failure, add_failure, begin_failures, end_failures, now
from mathcode_data.runtime.plan import Plan, done_path, out_folder, record_from_json, write_plan
from mathcode_data.runtime.progress import Progress
from mathcode_data.runtime.stage_note import stage_at_work
from mathcode_data.runtime.store import put_outline, take_done

MAX_RETRIES: dict[FailureKind, int] = {"transient": 3, "crash": 2, "memory": 1, "timeout": 1, "data": 0, "error": 0}
"""How often a failed task is tried again, by kind of failure; what is not listed ends the run."""
ENDED_FROM_OUTSIDE: tuple[FailureKind, ...] = ("crash", "timeout", "memory")
"""Failures after which the worker may be gone, so that it cannot say in which stage it was."""
RETRY_WAIT_S = 0.2


@dataclass
class RunSettings:
    """How tasks are run; nothing here may change a byte of what comes out."""

    runner: Runner
    progress: Progress
    interrupt: Interrupt
    max_failed_shards: int = 0
    task_timeout_s: float | None = None
    pipeline_timeout_s: float | None = None
    """What the pipeline file of the node at work says; `task_timeout_s` goes before."""
    places: dict[str, str] = field(default_factory=dict)
    """Where the stages of the node at work stand in their pipeline file, by label."""
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of work per stage, added over all workers."""


def run_plan(work: Path, plan: Plan, settings: RunSettings, title: str) -> list[TaskRecord]:
    """Carry out a plan in `work`; tasks that an earlier run finished are kept. Records come in task order.

    Raises:
        PartialResultError: more tasks failed for good than are allowed.
        ConfigError, ResourceError: the run cannot go on.
        InterruptedRunError: a signal came; what is committed stays.
    """
    path = write_plan(work, plan)
    put_outline(path, plan)
    _remove_dead_attempts(work)
    take_done(work, plan)
    records: dict[int, TaskRecord] = {}
    queue: deque[int] = deque()
    for index in range(len(plan.tasks)):
        record = settle(work, plan, index, settings)
        if record is None:
            queue.append(index)
        else:
            records[index] = record
    settings.progress.begin(title, len(plan.tasks), done=len(records), live=settings.runner.rows_at_work)
    failures: Counter[int] = Counter()
    set_aside = _left_aside(work, plan, queue, settings)
    for outcome in settings.runner.map_unordered(path, queue, settings.task_timeout_s or settings.pipeline_timeout_s):
        if outcome.failure is None:
            record = settle(work, plan, outcome.index, settings)
            if record is None:  # the record was linked and is gone or unreadable: make the task again
                queue.append(outcome.index)
                continue
            records[outcome.index] = record
            settings.progress.advance(record)
        else:
            _handle_failure(work, plan, outcome, failures, queue, set_aside, settings)
        settings.interrupt.check()
    settings.progress.end()
    settings.interrupt.check()  # a runner that was told to stop ends without an outcome for what it left
    if len(records) + len(set_aside) != len(plan.tasks):
        raise MathcodeError(f"{title}: the runner ended after {len(records)} of {len(plan.tasks)} tasks; run again, and report it")
    fsync_names(work)
    if (work / FAILURES_NAME).exists():
        end_failures(work)
    if set_aside:
        _quarantine([set_aside[index] for index in sorted(set_aside)], len(plan.tasks), settings)
    return [records[index] for index in sorted(records)]


def settle(work: Path, plan: Plan, index: int, settings: RunSettings) -> TaskRecord | None:
    """Move a committed attempt to its place and read its record; None if the task is not (or not validly) done."""
    path = done_path(work, index)
    if not path.exists():
        return None
    target = out_folder(work, index)
    try:
        data = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        data = None
    record = record_from_json(data, target, key=plan.key(index))
    if record is not None:
        attempt = work / "attempts" / str(data["attempt"])
        if attempt.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            remove_tree(target)
            attempt.rename(target)  # not forced to the disk one by one: the record finds the files under either name
        if all((target / shard.name).exists() and (target / shard.name).stat().st_size == shard.bytes for shard in record.shards):
            for stage, seconds in data["seconds"].items():
                settings.seconds[stage] = settings.seconds.get(stage, 0.0) + seconds
            return record
    path.unlink()
    remove_tree(target)
    return None


def fsync_names(work: Path) -> None:
    """Force the places of the finished tasks to the disk."""
    if (work / "out").exists():
        fsync_folder(work / "out")


def _left_aside(work: Path, plan: Plan, queue: deque[int], settings: RunSettings) -> dict[int, str]:
    """Take out of the queue what the run whose work is taken up set aside; gives the lines about these tasks."""
    left = begin_failures(work, {plan.key(index): index for index in queue})
    for index, failure in left.items():
        queue.remove(index)
        settings.progress.note(f"still set aside (`mathcode-data retry` tries again): {failure.line()}")
    return {index: failure.line() for index, failure in left.items()}


def _handle_failure(
    work: Path,
    plan: Plan,
    outcome: TaskOutcome,
    failures: Counter[int],
    queue: deque[int],
    set_aside: dict[int, str],
    settings: RunSettings,
) -> None:
    outcome = _with_stage(work, plan, replace(outcome, message=masked(outcome.message), details=masked(outcome.details)))
    stage = outcome.stage
    where = f"{stage}, task {outcome.index} ({task_name(plan, outcome.index)})"
    kind = outcome.failure
    if kind == "config":  # no other input would help: the run ends at once, nothing is set aside
        raise ConfigError(at_place(settings.places.get(stage, ""), outcome.message))
    if kind == "data" and _is_whole_phase(plan):  # nothing else could be kept
        raise DataError(at_place(settings.places.get(stage, ""), outcome.message))
    if kind == "resource":
        raise ResourceError(outcome.message)
    assert kind is not None, "a failed outcome has a kind"
    failures[outcome.index] += 1
    attempt = failures[outcome.index]
    name, is_last = task_name(plan, outcome.index), attempt > MAX_RETRIES[kind]
    failure = Failure(
        plan.key(outcome.index), outcome.index, name, stage, kind, outcome.message, attempt, is_last, now(), details=outcome.details
    )
    add_failure(work, failure)
    if not is_last:
        settings.progress.note(f"{where}: {kind}: {outcome.message}; trying again")
        if not queue:  # else the others that wait are pause enough, and the driver keeps the workers busy
            time.sleep(RETRY_WAIT_S * attempt)
        queue.append(outcome.index)
        return
    set_aside[outcome.index] = failure.line()
    settings.progress.note(f"set aside: {failure.line()}")
    if outcome.details and kind == "error":
        settings.progress.note(outcome.details)


def _with_stage(work: Path, plan: Plan, outcome: TaskOutcome) -> TaskOutcome:
    """Name the stage of a failure: the one that raised, or the one in which the worker was when it died or was ended."""
    if outcome.stage or len(plan.stages) == 1:
        return replace(outcome, stage=outcome.stage or plan.stages[0].label)
    found = stage_at_work(work, plan, outcome.index) if outcome.failure in ENDED_FROM_OUTSIDE else ""
    if found:
        return replace(outcome, stage=found)
    why = "in which of these stages is not known from here" if found is None else "while no stage was at work: it read or wrote files"
    message = f"{outcome.message} ({why})" if outcome.failure in ENDED_FROM_OUTSIDE else outcome.message
    return replace(outcome, stage=f"{plan.stages[0].label} to {plan.stages[-1].label}", message=message)


def _is_whole_phase(plan: Plan) -> bool:
    """Whether the plan is one task that prepares something for all (a tokenizer, a model), not the work on a shard."""
    return plan.shape == "phase" and len(plan.tasks) == 1 and "path" not in plan.tasks[0]


def task_name(plan: Plan, index: int) -> str:
    """Name a task by its input, for messages."""
    item = plan.tasks[index]
    if "names" in item:
        names = item["names"] or [item["options"].get("name", "a part of the source")]
        return str(names[0]) if len(names) == 1 else f"{names[0]} and {len(names) - 1} more files"
    return Path(item["path"]).name if "path" in item else plan.function.partition(":")[2]


def _quarantine(set_aside: list[str], num_tasks: int, settings: RunSettings) -> None:
    settings.failed += set_aside
    if len(settings.failed) <= settings.max_failed_shards:
        return
    more = f" (and {len(set_aside) - 1} more)" if len(set_aside) > 1 else ""
    raise PartialResultError(
        f"{len(set_aside)} of {num_tasks} tasks were set aside, the others are kept: {set_aside[0]}{more}; "
        f"mend the input (or the stage) and run again, or allow it with --max-failed-shards {len(settings.failed)}"
    )


def _remove_dead_attempts(work: Path) -> None:
    """Remove what killed attempts left, unless a done record still names it."""
    attempts = work / "attempts"
    if not attempts.exists():
        return
    for folder in attempts.iterdir():
        index = folder.name.split(".")[0]
        if folder.suffix == ".tmp" or not (work / "done" / f"{index}.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
