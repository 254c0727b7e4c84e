"""All rows of a plan, block by block: source and index entry of every position."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mathcode_data.mixture import lattice
from mathcode_data.mixture.megatron import exhaustive_blocks
from mathcode_data.mixture.plan import Plan

BLOCK_ROWS = 1 << 17
MAX_THREADS = 8
WARM_UP_BYTES = 30 << 20

Rows = tuple[NDArray[np.int16], NDArray[np.int64]]


def lattice_rows(plan: Plan, stage: int, start: int, stop: int) -> Rows:
    """Sources and windows of the rows start..stop-1 of a stage, in closed form."""
    planned = plan.stages[stage]
    block = lattice.block(planned.quotas, start, stop)
    windows = [
        plan.draws(stage, source).windows(first + low, first + high)
        for source, (first, low, high) in enumerate(zip(planned.first_draws, block.before, block.after, strict=True))
        if low < high
    ]
    sources = np.repeat(np.arange(len(planned.quotas), dtype=np.int16), block.counts)
    return sources[block.order], np.concatenate(windows)[block.order]


def all_rows(plan: Plan, block_rows: int = BLOCK_ROWS) -> Iterator[Rows]:
    """Rows of all stages, in order. With `blend: megatron` the second part holds Megatron's counts, from 0 in each stage."""
    # glibc returns freed megabytes to the system, and takes them back page by page, until it has freed one larger
    # block: without this line the arrays of a block cost three times their arithmetic (no effect elsewhere)
    np.empty(WARM_UP_BYTES, dtype=np.uint8)
    if plan.blend == "megatron":
        for stage in plan.stages:
            yield from exhaustive_blocks(stage.quotas, block_rows)
        return
    spans = (
        (number, start, min(start + block_rows, stage.num_samples))
        for number, stage in enumerate(plan.stages)
        for start in range(0, stage.num_samples, block_rows)
    )
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads, thread_name_prefix="mixture-order") as pool:
        pending: deque[Future[Rows]] = deque()
        for span in spans:
            pending.append(pool.submit(lattice_rows, plan, *span))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
