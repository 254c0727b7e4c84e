"""Which tasks failed, and which were set aside: `failures.jsonl` beside a plan, one line per failed attempt.

A run that was killed or stopped and the run that takes up its work count as one: what the first set aside by the task's own
doing (its bytes, an error, no end, too much memory) the second leaves aside, so that a shard that hangs for an hour costs
that hour once. Deaths of workers and passing errors may come from outside; those tasks are tried again. Where a run came to
its end, the file says so in its last line, and the next run tries all that is missing anew.

`retry` writes the file again without the lines of some tasks and without the word that the run ended: the next run then does
these and leaves the others aside.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.runner import FailureKind
from mathcode_data.core.storage import write_bytes
from mathcode_data.runtime.plan import PLAN_NAME

FAILURES_NAME = "failures.jsonl"
OWN_DOING: tuple[FailureKind, ...] = ("data", "error", "timeout", "memory")
"""Kinds of failure that the task itself brought about: trying it again in the same run would give the same."""


@dataclass(frozen=True)
class Failure:
    """A failed attempt of a task."""

    key: str
    """Names plan and task, so that lines of another plan do not count."""
    index: int
    name: str
    """The input of the task, for people."""
    stage: str
    kind: str
    message: str
    attempt: int
    """1 for the first attempt of the run."""
    is_set_aside: bool
    at: str
    """When, in UTC, ISO 8601."""
    stays: bool = False
    """`retry` was asked for other tasks only: this one stays aside, whatever its kind."""
    details: str = ""
    """The traceback, where an exception was the failure."""

    def line(self) -> str:
        """The words that a manifest keeps."""
        return f"{self.stage}, task {self.index} ({self.name}): {self.kind}: {self.message}"


@dataclass(frozen=True)
class FailureLog:
    """What the file says. Lines that are cut (a kill while one was written) or no lines of ours are passed over."""

    failures: tuple[Failure, ...] = ()
    has_ended: bool = False

    @property
    def set_aside(self) -> dict[int, Failure]:
        """The tasks that were given up, by number."""
        return {failure.index: failure for failure in self.failures if failure.is_set_aside}


def read_failures(work: Path) -> FailureLog | None:
    """The log of a plan's folder; None where there is none."""
    try:
        lines = (work / FAILURES_NAME).read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    failures: list[Failure] = []
    has_ended = False
    for line in lines:
        found = _parse(line)
        if found is not None:
            failures.append(found)
        elif line == _line({"ended": True}).strip():
            has_ended = True
    return FailureLog(tuple(failures), has_ended)


def _parse(line: bytes) -> Failure | None:
    try:
        return Failure(**orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError):
        return None


def _line(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data) + b"\n"


def begin_failures(work: Path, keys: dict[str, int]) -> dict[int, Failure]:
    """Open the log for a run of the plan whose task keys are given: a new one, or that of the run which is taken up.

    Returns:
        The tasks that stay aside, by number.
    """
    log = read_failures(work)
    if log is None:
        return {}
    if log.has_ended:
        (work / FAILURES_NAME).unlink()
        return {}
    return {
        index: failure
        for index, failure in log.set_aside.items()
        if keys.get(failure.key) == index and (failure.stays or failure.kind in OWN_DOING)
    }


def add_failure(work: Path, failure: Failure) -> None:
    """Append a line and force it to the disk."""
    _append(work, _line(asdict(failure)))


def end_failures(work: Path) -> None:
    """Say that the run came to its end."""
    _append(work, _line({"ended": True}))


def _append(work: Path, line: bytes) -> None:
    with (work / FAILURES_NAME).open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        is_whole = file.read(1) in (b"", b"\n")  # else a kill cut the last line
        file.write(line if is_whole else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())


def forget_failures(work: Path, log: FailureLog, tasks: set[int]) -> None:
    """Write the log again without these tasks; those that were set aside beside them stay so in the next run."""
    left = [replace(failure, stays=failure.is_set_aside) for failure in log.failures if failure.index not in tasks]
    write_bytes(work / FAILURES_NAME, b"".join(_line(asdict(failure)) for failure in left))


def plan_folders(work: Path) -> list[Path]:
    """Folders of the plans of a result that is being made: `work` itself for a pass, one folder per phase for a global stage."""
    if (work / PLAN_NAME).exists() or not work.is_dir():
        return [work]
    phases = [(int(number), folder) for folder in work.iterdir() if (number := folder.name.partition("-")[0]).isdigit()]
    return [folder for _, folder in sorted(phases)]


def is_to_be_retried(work: Path) -> bool:
    """Whether `retry` opened the work on a partial result again."""
    logs = [read_failures(folder) for folder in plan_folders(work)]
    return any(log is not None and not log.has_ended for log in logs)


def now() -> str:
    """This moment in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
