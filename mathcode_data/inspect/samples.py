"""Which samples of a mixture hold some tokens of a shard: the way back of `trace`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.inspect.find import Wanted, find_rows
from mathcode_data.mixture.index_files import SOURCES_NAME, WINDOWS_NAME, open_index
from mathcode_data.mixture.opened import read_mixture, shard_prefix
from mathcode_data.mixture.order import all_rows
from mathcode_data.mixture.packed import Packing
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.format import documents_path

BLOCK_ROWS = 1 << 20
MAX_SAMPLES = 1000
"""Sample numbers that are listed; of more only the number is given."""


def drawn_samples(folder: Path, wanted: Wanted) -> list[dict[str, Any]]:
    """Find documents in the tables beside a mixture's shards, and the samples that hold them.

    Returns:
        One entry per document of a source: `result` (the source), `verdict` ("drawn", "held out" or "not drawn"), `document`,
        `tokens` (shard, document, span), `samples` (their numbers, ascending, at most a thousand), `num_samples`, and `stages`
        (name: samples).

    Raises:
        DataError: a table is damaged.
    """
    info = read_mixture(folder)
    plan = Plan(info)
    packing = Packing(folder, [source.num_windows for source in plan.sources]) if plan.packing == "best_fit" else None
    entries = []
    for number, source in enumerate(info["sources"]):
        first_window = 0
        for shard in source["shards"]:
            prefix = shard_prefix(folder, shard)
            table = documents_path(prefix)
            for row, document in find_rows(table, wanted) if table.is_file() else ():
                start = int(document["token_start"])
                span = (start, start + int(document["num_tokens"]))
                if packing is None:
                    windows = windows_of(span, int(shard["windows"]), plan.sequence_length) + first_window
                else:
                    windows = packing.windows_with(number, first_window, int(shard["windows"]), row)
                found = _draws(folder, plan, number, windows)
                entries.append(
                    {"result": source["name"], "verdict": "drawn" if found["num_samples"] else _undrawn(plan, number, windows),
                     "stage": ", ".join(found["stages"]), "reason": "", "document": document,
                     "tokens": {"shard": prefix.name, "document": row, "span": list(span)}} | found
                )  # fmt: skip
            first_window += int(shard["windows"])
    return entries


def windows_of(span: tuple[int, int], num_windows: int, sequence_length: int) -> NDArray[np.int64]:
    """Windows of a shard that hold a token of the span: each has one token more than the step between them.

    >>> windows_of((4, 6), 3, 4), windows_of((5, 6), 3, 4), windows_of((11, 40), 3, 4)
    (array([0, 1]), array([1]), array([2]))
    """
    if span[0] >= span[1]:
        return np.zeros(0, dtype=np.int64)
    first = max(0, -(-(span[0] - sequence_length) // sequence_length))
    return np.arange(first, max(first, min(num_windows, (span[1] - 1) // sequence_length + 1)), dtype=np.int64)


def _undrawn(plan: Plan, source: int, windows: NDArray[np.int64]) -> str:
    if not windows.size:
        return "in no window"
    held = plan.draws(0, source).holdout()
    return "held out" if bool(np.isin(windows, held).all()) else "not drawn"


def _draws(folder: Path, plan: Plan, source: int, windows: NDArray[np.int64]) -> dict[str, Any]:
    """Samples that hold one of the windows, over all stages."""
    stages: dict[str, int] = {}
    samples: list[int] = []
    first = 0
    for sources, entries in _rows(folder, plan) if windows.size else ():
        here = sources == source
        if here.any():
            number = plan.stage_at(first)
            wanted = windows if plan.blend != "megatron" else _counts(plan, number, source, entries[here], windows)
            found = (np.flatnonzero(here & np.isin(entries, wanted)) + first).tolist()
            name = plan.stages[number].name
            stages |= {name: stages.get(name, 0) + len(found)} if found else {}
            samples += found[: MAX_SAMPLES - len(samples)]
        first += sources.size
    return {"samples": samples, "num_samples": sum(stages.values()), "stages": stages}


def _rows(folder: Path, plan: Plan) -> Iterator[tuple[NDArray[np.int16], NDArray[np.int64]]]:
    """Source and entry of every sample, in blocks of one stage: out of the index, or computed where none was written."""
    if not (folder / SOURCES_NAME).is_file():
        yield from all_rows(plan)
        return
    sources, entries = (open_index(folder, name, plan.num_samples) for name in (SOURCES_NAME, WINDOWS_NAME))
    for stage in plan.stages:
        end = stage.first_sample + stage.num_samples
        for low in range(stage.first_sample, end, BLOCK_ROWS):
            high = min(low + BLOCK_ROWS, end)
            yield sources[low:high], entries[low:high]


def _counts(plan: Plan, stage: int, source: int, entries: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts of a source within a stage that give one of the windows, among those of a block: Megatron's index holds counts."""
    low, high = int(entries.min()), int(entries.max()) + 1
    first = plan.stages[stage].first_draws[source]
    drawn = plan.draws(stage, source).windows(first + low, first + high)
    return np.flatnonzero(np.isin(drawn, windows)) + low
