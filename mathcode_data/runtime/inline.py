"""The inline runner: every task in this process, one after the other. For debugging, and the yardstick of the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mathcode_data.core.interrupt import Stopped
from mathcode_data.core.runner import TaskOutcome
from mathcode_data.runtime.worker import execute, rows_read


class InlineRunner:
    """Runs tasks in the driver's own process; a task that never ends is not stopped (`timeout_s` has no effect)."""

    name = "inline"
    num_workers = 1

    def __init__(self, stop: Callable[[], bool] = lambda: False, at_once: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """`at_once` lets a signal break into a task: nobody else could end it."""
        self._stop = stop
        self._at_once = at_once

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:  # noqa: ARG002
        """Run the queue from the left; a task that a signal broke into leaves nothing, and no outcome."""
        while queue and not self._stop():
            try:
                with self._at_once():
                    outcome = execute(plan, queue.popleft())
            except Stopped:
                if self._stop():
                    return
                raise
            yield outcome

    def rows_at_work(self) -> int:
        """Documents that the running task has read so far."""
        return rows_read()

    def close(self) -> None:
        """Nothing to stop."""
