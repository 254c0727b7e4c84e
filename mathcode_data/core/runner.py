"""The protocol between the driver and whatever runs tasks: inline, a process pool, or Ray.

A runner is given the path of a frozen plan and task numbers, nothing else; workers read the plan and their inputs from
files and leave their outputs in files. So a runner carries ids and outcomes only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

FailureKind = Literal["config", "data", "error", "transient", "memory", "resource", "crash", "timeout"]
"""Why a task failed.

config: the user's configuration; data: the input's bytes; error: a bug or an unforeseen exception; transient: an OSError that
may go away; memory: out of memory; resource: the disk is full; crash: the worker died; timeout: no end within the limit.
"""


@dataclass(frozen=True)
class TaskOutcome:
    """End of one attempt: `failure` is None when the task is committed."""

    index: int
    failure: FailureKind | None = None
    message: str = ""
    details: str = ""
    """Traceback, for the log."""
    stage: str = ""
    """Label of the stage that raised, where one did."""


class Runner(Protocol):
    """Runs tasks of a plan."""

    name: str
    num_workers: int

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
        """Run the tasks of the queue and yield outcomes as they end. Never raises for a task's failure; never retries.

        Takes from the left of `queue` while workers are free and ends when it is empty and nothing runs; a task that is
        appended while others run (a retry) is run too.
        """
        ...

    def rows_at_work(self) -> int:
        """Documents that the tasks now running have read so far, for the display; 0 where nobody knows."""
        ...

    def close(self) -> None:
        """Stop all workers."""
        ...
