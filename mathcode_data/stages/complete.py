"""Phases of which no task may be missing.

A task that fails for good is set aside, and where the user allows it the run goes on with the others. The phase that reads
the input shards first may lose shards: each is left out as a whole. A phase in the middle may not: what follows it would be
wrong and not merely smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mathcode_data.core.errors import PartialResultError
from mathcode_data.core.stage import GlobalContext, Task, TaskRecord


def map_all(context: GlobalContext, phase: str, function: Callable[[Task], None], items: Sequence[dict[str, Any]]) -> list[TaskRecord]:
    """Run a phase of which no task may be missing; one record per item, in order.

    Raises:
        PartialResultError: a task was set aside.
    """
    records = context.map(phase, function, items)
    if len(records) < len(items):
        raise PartialResultError(
            f"{context.stage}: {len(items) - len(records)} of {len(items)} tasks of phase {phase!r} were set aside; the rest of the "
            "stage needs all of them, so no result is written: mend the cause and run again"
        )
    return records


def map_one(context: GlobalContext, phase: str, function: Callable[[Task], None], item: dict[str, Any]) -> TaskRecord:
    """Run a phase of one task.

    Raises:
        PartialResultError: it was set aside.
    """
    return map_all(context, phase, function, [item])[0]
