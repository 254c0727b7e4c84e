"""Which stage of a fused pass a worker is in, kept where the worker's death does not take it away.

A stage that raises is known by the exception. One that kills its process, never ends or eats the memory says nothing any more, so the
worker notes the number of the stage in a file of the attempt's folder before each stage gets a table: two bytes, one call of the
system. The driver reads it when the worker is gone, `status` while it runs. On a cluster of several hosts whose results go to an object
store the folder is on the worker's own disk, and what it notes is seen by nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mathcode_data.runtime.chain import at_work, tell_changes
from mathcode_data.runtime.plan import Plan, StageSpec

NOTE_NAME = ".stage"
NUM_BYTES = 2
NO_STAGE = 0
"""The task reads the plan, checks its input or writes its output."""


@contextmanager
def noted(folder: Path, specs: Sequence[StageSpec]) -> Iterator[None]:
    """Keep the note while a pass of these stages runs; it goes with the block, and stays where an error or a death ends the block.

    Args:
        folder: of the attempt.
        specs: of the plan, whose numbers are noted from 1.
    """
    numbers = {spec.label: number for number, spec in enumerate(specs, 1)}
    path = folder / NOTE_NAME
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def note() -> None:
        number = numbers.get(at_work[-1].label, NO_STAGE) if at_work else NO_STAGE
        os.pwrite(file, number.to_bytes(NUM_BYTES, "little"), 0)

    try:
        note()
        with tell_changes(note):
            yield
    finally:
        os.close(file)
    path.unlink()


def stage_at_work(work: Path, plan: Plan, index: int) -> str | None:
    """Label of the stage that the newest unfinished attempt of a task is in, or was in when its worker died.

    Returns:
        "" where it was in none of them, None where nothing tells.
    """
    if plan.shape != "pass":
        return plan.stages[0].label
    found: list[tuple[float, int]] = []
    for path in (work / "attempts").glob(f"{index:05d}.*.tmp/{NOTE_NAME}"):
        try:
            found.append((path.stat().st_mtime, int.from_bytes(path.read_bytes(), "little")))
        except OSError:  # the attempt just ended
            continue
    if not found:
        return None
    number = max(found)[1]
    return plan.stages[number - 1].label if 0 < number <= len(plan.stages) else ""
