"""The inline runner: every task in this process, one after the other. For debugging, and the yardstick of the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from mathcode_data.core.runner import TaskOutcome
from mathcode_data.runtime.worker import execute


class InlineRunner:
    """Runs tasks in the driver's own process; a task that never ends is not stopped (`timeout_s` has no effect)."""

    name = "inline"
    num_workers = 1

    def __init__(self, stop: Callable[[], bool] = lambda: False) -> None:
        self._stop = stop

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:  # noqa: ARG002
        """Run the queue from the left."""
        while queue and not self._stop():
            yield execute(plan, queue.popleft())

    def close(self) -> None:
        """Nothing to stop."""
