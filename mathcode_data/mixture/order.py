"""Rows of a plan, in blocks or at any positions: source and index entry."""

# N positions

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mathcode_data.mixture import lattice
from mathcode_data.mixture.megatron import exhaustive_blocks
from mathcode_data.mixture.plan import Plan, PlannedStage
from mathcode_data.mixture.stream_windows import windows_of_streams

BLOCK_ROWS = 1 << 17
"""Rows that are sorted at a time."""
MIN_SPAN_ROWS, MAX_SPAN_ROWS = 1 << 20, 1 << 22
"""Rows that one thread makes at a time, about 30 bytes each."""
SPAN_ROWS_PER_STREAM = 1 << 16
"""A permutation costs half a millisecond per call, so each stream should have many of the rows."""
COMPILED_ROWS = 1 << 24
"""A mixture of more rows is made by machine code: half the time, but seconds to compile it once per installation."""
MAX_THREADS = 8
WARM_UP_BYTES = 30 << 20
LONG_RUN = 1 << 12
"""So many neighbouring rows cost less as a block, stream by stream; a block of 64 streams takes 5 ms to begin."""

Rows = tuple[NDArray[np.int16], NDArray[np.int64]]


def lattice_rows(plan: Plan, stage: int, start: int, stop: int, compiled: bool = False) -> Rows:
    """Sources and windows of the rows start..stop-1 of a stage, in closed form.

    The windows of each stream are made for all rows at once, for a permutation has a price per call, and are then laid out
    by the order of one block after the other, small enough for the processor's second-level cache.
    """
    planned = plan.stages[stage]
    sources, windows = np.empty(stop - start, dtype=np.int16), np.empty(stop - start, dtype=np.int64)
    blocks = list(_blocks(planned, start, stop, compiled))
    if not blocks:
        return sources, windows
    lows, highs = blocks[0][1], blocks[-1][2]
    drawn: list[NDArray[np.int64] | None] = []
    for stream, (low, high) in enumerate(zip(lows, highs, strict=True)):
        draws, first = plan.stream(stage, stream) if low < high else (None, 0)
        drawn.append(None if draws is None else draws.windows(first + low, first + high, compiled))
    done = 0
    for order, befores, afters in blocks:
        parts = [
            found[before - low : after - low]
            for found, low, before, after in zip(drawn, lows, befores, afters, strict=True)
            if found is not None and before < after
        ]
        counts = np.subtract(afters, befores)
        rows = slice(done, done + order.size)
        np.take(np.repeat(planned.stream_sources, counts), order, out=sources[rows], mode="clip")  # "raise" would copy once more
        np.take(np.concatenate(parts), order, out=windows[rows], mode="clip")
        done += order.size
    return sources, windows


def _span_rows(planned: PlannedStage) -> int:
    return min(max(planned.stream_sources.size * SPAN_ROWS_PER_STREAM, MIN_SPAN_ROWS), MAX_SPAN_ROWS)


def _blocks(planned: PlannedStage, start: int, stop: int, compiled: bool) -> Iterator[tuple[NDArray[np.int64], list[int], list[int]]]:
    """Order of each block of rows, and how often each stream was drawn in the stage before and after it."""
    row = start
    while row < stop:
        segment = planned.segment_at(row)
        first = segment.first_sample
        end = min(stop, first + segment.num_samples)
        for _, _, block in lattice.blocks(segment.quotas, row - first, end - first, BLOCK_ROWS, compiled):
            before = [count + drawn for count, drawn in zip(segment.before, block.before, strict=True)]
            yield block.order, before, [count + drawn for count, drawn in zip(segment.before, block.after, strict=True)]
        row = end


def entries_at(plan: Plan, positions_N: NDArray[np.int64]) -> Rows:
    """Sources and windows of any positions (see `Plan.entries`).

    Raises:
        IndexError: a position is not one of the mixture's.
    """
    positions = np.asarray(positions_N, dtype=np.int64)
    if positions.size and (int(positions.min()) < 0 or int(positions.max()) >= plan.num_samples):
        raise IndexError(
            f"samples {positions.min():,}..{positions.max():,} of a mixture of {plan.num_samples:,}; positions are "
            f"0..{plan.num_samples - 1:,}"
        )
    sources, windows = np.empty(positions.size, dtype=np.int16), np.empty(positions.size, dtype=np.int64)
    stages = np.searchsorted([stage.first_sample for stage in plan.stages], positions, side="right") - 1
    for number in np.unique(stages).tolist():
        chosen = np.flatnonzero(stages == number)
        rows = positions[chosen] - plan.stages[number].first_sample
        if rows.size >= LONG_RUN and bool((np.diff(rows) == 1).all()):
            sources[chosen], windows[chosen] = lattice_rows(plan, number, int(rows[0]), int(rows[-1]) + 1)
        else:
            sources[chosen], windows[chosen] = _scattered(plan, number, rows)
    return sources, windows


def _scattered(plan: Plan, stage: int, rows: NDArray[np.int64]) -> Rows:
    """Sources and windows of any rows of one stage."""
    planned = plan.stages[stage]
    streams, counts = np.empty(rows.size, dtype=np.int64), np.empty(rows.size, dtype=np.int64)
    segments = np.searchsorted([segment.first_sample for segment in planned.segments], rows, side="right") - 1
    for number in np.unique(segments).tolist():
        segment = planned.segments[number]
        chosen = np.flatnonzero(segments == number)
        found, drawn = lattice.at_many(segment.quotas, rows[chosen] - segment.first_sample)
        streams[chosen] = found
        counts[chosen] = drawn + np.array(segment.before, dtype=np.int64)[found]
    present, which = np.unique(streams, return_inverse=True)
    known = [plan.stream(stage, stream) for stream in present.tolist()]
    firsts = np.array([first for _, first in known], dtype=np.int64)
    windows = windows_of_streams([draws for draws, _ in known], which, counts + firsts[which])
    return planned.stream_sources[streams], windows


def all_rows(plan: Plan, block_rows: int | None = None) -> Iterator[Rows]:
    """Rows of all stages, in order. With `blend: megatron` the second part holds Megatron's counts, from 0 in each stage."""
    # glibc returns freed megabytes to the system, and takes them back page by page, until it has freed one larger
    # block: without this line the arrays of a block cost three times their arithmetic (no effect elsewhere)
    np.empty(WARM_UP_BYTES, dtype=np.uint8)
    if plan.blend == "megatron":
        for stage in plan.stages:
            yield from exhaustive_blocks(stage.quotas, block_rows or BLOCK_ROWS)
        return
    spans = (
        (number, start, min(start + size, stage.num_samples))
        for number, stage in enumerate(plan.stages)
        for size in [block_rows or _span_rows(stage)]
        for start in range(0, stage.num_samples, size)
    )
    compiled = plan.num_samples >= COMPILED_ROWS
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads, thread_name_prefix="mixture-order") as pool:
        pending: deque[Future[Rows]] = deque()
        for span in spans:
            pending.append(pool.submit(lattice_rows, plan, *span, compiled))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
