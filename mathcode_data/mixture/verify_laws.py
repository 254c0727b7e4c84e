"""The laws that a plan's draws obey: epochs without repetition, replays of what was seen, nothing consumed drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import MathcodeError
from mathcode_data.mixture.continuing import read_parent
from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.index_files import MIXTURE_NAME, WINDOWS_NAME
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.mixture.order import BLOCK_ROWS
from mathcode_data.mixture.plan import Plan, ReplayStream

HELD_OUT = 255


def check_epochs(folder: Path, plan: Plan) -> Iterator[str]:
    """Within every epoch each training window comes once before any comes again, and no held-out window ever.

    Draws that a mixture before this one has consumed count as visits, so none of them comes again in its epoch.
    """
    for number, source in enumerate(plan.sources):
        visits = np.zeros(source.num_windows, dtype=np.uint8)
        for stage_number, stage in enumerate(plan.stages):
            draws = plan.draws(stage_number, number)
            if stage_number == 0 or not plan.is_disjoint:
                visits[:] = 0
                if plan.is_disjoint and plan.first_draws[number]:
                    _visit(visits, draws, plan.first_draws[number])
                visits[draws.holdout()] = HELD_OUT
            draw, end = stage.first_draws[number], stage.first_draws[number] + stage.quotas[number]
            while draw < end:
                epoch, slot = divmod(draw, draws.num_training)
                stop = min(end, draw + BLOCK_ROWS, draw + draws.num_training - slot)
                windows = draws.windows(draw, stop)
                before = epoch % HELD_OUT
                wrong = np.flatnonzero(visits[windows] != before)
                if wrong.size or np.unique(windows).size != windows.size:
                    at = draw + (int(wrong[0]) if wrong.size else 0)
                    where = f"{folder / WINDOWS_NAME}: stage {stage.name!r}: source {source.name!r}: near draw {at:,}"
                    yield f"{where}: epoch {epoch} repeats a window or trains on a held-out one"
                visits[windows] = (epoch + 1) % HELD_OUT
                draw = stop


def _visit(visits: np.ndarray[Any, np.dtype[np.uint8]], draws: Draws, consumed: int) -> None:
    """Mark the draws 0..consumed-1 as `check_epochs` would."""
    epoch, slot = divmod(consumed, draws.num_training)
    visits[:] = epoch % HELD_OUT
    for low in range(consumed - slot, consumed, BLOCK_ROWS):
        visits[draws.windows(low, min(low + BLOCK_ROWS, consumed))] = (epoch + 1) % HELD_OUT


def check_replays(folder: Path, plan: Plan) -> Iterator[str]:
    """What is replayed was seen, and comes once before any comes again."""
    for stage in plan.stages:
        for stream in stage.replays:
            yield from _check_replay(folder, plan, stage.name, stream)


def _check_replay(folder: Path, plan: Plan, stage: str, stream: ReplayStream) -> Iterator[str]:
    source = plan.sources[stream.source]
    seen = np.zeros(source.num_windows, dtype=np.bool_)
    for first, stop in stream.draws.ranges:
        for low in range(first, stop, BLOCK_ROWS):
            seen[stream.draws.draws.windows(low, min(low + BLOCK_ROWS, stop))] = True
    visits = np.zeros(source.num_windows, dtype=np.uint8)
    size = stream.draws.num_training
    draw, end = stream.first_draw, stream.first_draw + stream.num_samples
    while draw < end:
        stop = min(end, draw + BLOCK_ROWS, draw + size - draw % size)
        windows = stream.draws.windows(draw, stop)
        if draw % size == 0:
            visits[:] = 0
        if not seen[windows].all() or visits[windows].any() or np.unique(windows).size != windows.size:
            where = f"{folder / WINDOWS_NAME}: stage {stage!r}: replay of {stream.stage!r}: source {source.name!r}: near draw {draw:,}"
            yield f"{where}: a window that was not seen there, or one twice in a pass"
        visits[windows] = 1
        draw = stop


def check_continues(folder: Path, info: dict[str, Any]) -> list[str]:
    """The ledger of what was consumed is that of the mixture which is continued, where that is still there and the same."""
    record = info.get("continues")
    if record is None:
        return []
    path = folder / MIXTURE_NAME
    problems = [
        f"{path}: continues: source {entry['name']!r}: {known['windows']:,} windows, {entry['windows']:,} here; build the mixture again"
        for entry in info["sources"]
        if (known := record["sources"].get(entry["name"])) and known["windows"] != entry["windows"]
    ]
    parent = folder.resolve() / str(record["path"])
    try:
        found = read_mixture(parent)
        if found["fingerprint"] != record["fingerprint"]:
            return problems  # another mixture stands there by now
        ledger = read_parent(parent, found, record["consumed"]).ledger
    except MathcodeError:
        return problems  # gone or damaged: it is not this mixture's to answer for
    if any(record.get(key) != value for key, value in ledger.items()):
        problems.append(f"{path}: continues: not what {record['consumed']:,} samples of {parent} come to; build the mixture again")
    return problems
