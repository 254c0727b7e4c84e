"""The share of each source in every prefix of a mixture: what a run has seen of it when it stops there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.mixture.index_files import SOURCES_NAME, open_index
from mathcode_data.mixture.plan import Plan

LINEAR_POINTS = 120
EARLY_POINTS = 16
"""Positions by doublings from 1 on: the beginning is where a prefix can differ most from what was asked."""
MAX_INDEX_ROWS = 1 << 24
"""Megatron's order has no closed form, so its index is counted: up to this many rows (32 MB), or all of them with --full."""


def prefix_share(folder: Path, plan: Plan, *, full: bool) -> dict[str, Any]:
    """Follow the shares of all sources through a mixture.

    Returns:
        `positions` (samples from the beginning, ascending, the last one all samples), `drawn` (by source name, samples of it up to
        each position), `shares` (the same divided by the position), `asked` (by stage, the share each source was asked to have) and
        `how`: closed form, or read off the index.
    """
    positions = _positions(plan)
    names = [source.name for source in plan.sources]
    how = "closed form; no index was read"
    if plan.blend == "megatron" and (full or plan.num_samples <= MAX_INDEX_ROWS):
        counts = _counted(folder, plan, positions)
        how = f"counted in {SOURCES_NAME}"
    elif plan.blend == "megatron":
        counts = np.array([_in_proportion(plan, position) for position in positions], dtype=np.float64)
        how = "quotas in proportion: Megatron's order has no closed form, --full counts it in the index"
    else:
        counts = np.array([drawn_before(plan, position) for position in positions], dtype=np.float64)
    shares = counts / np.array(positions, dtype=np.float64)[:, None]
    return {
        "positions": positions, "how": how,
        "drawn": {name: counts[:, number].astype(np.int64).tolist() for number, name in enumerate(names)},
        "shares": {name: np.round(shares[:, number], 6).tolist() for number, name in enumerate(names)},
        "asked": {
            stage.name: {name: total / stage.num_samples for name, total in zip(names, stage_totals(plan, number), strict=True) if total}
            for number, stage in enumerate(plan.stages) if stage.num_samples
        },
    }  # fmt: skip


def drawn_before(plan: Plan, position: int) -> list[int]:
    """How often each source was drawn in the samples 0..position-1, anew or replayed, in closed form."""
    drawn = [0] * len(plan.sources)
    for stage, streams in zip(plan.stages, plan.drawn_before(position), strict=True):
        for source, count in zip(stage.stream_sources.tolist(), streams, strict=True):
            drawn[source] += count
    return drawn


def stage_totals(plan: Plan, stage: int) -> list[int]:
    """Samples of each source in a stage, drawn anew or replayed."""
    planned = plan.stages[stage]
    totals = list(planned.quotas)
    for replay in planned.replays:
        totals[replay.source] += replay.num_samples
    return totals


def mix_in_force(plan: Plan) -> list[tuple[int, int, list[float]]]:
    """Runs of samples with one mix: (first, row after the last, share of each source)."""
    found = []
    for stage in plan.stages:
        for segment in stage.segments:
            total = sum(segment.quotas)
            shares = [0.0] * len(plan.sources)
            for source, quota in zip(stage.stream_sources.tolist(), segment.quotas, strict=True):
                shares[source] += quota / total if total else 0.0
            if total:
                first = stage.first_sample + segment.first_sample
                found.append((first, first + total, shares))
    return found


def _positions(plan: Plan) -> list[int]:
    """Where to look: evenly, at the edges of stages, and at doublings from the beginning of each stage."""
    total = plan.num_samples
    wanted = {total * number // LINEAR_POINTS for number in range(1, LINEAR_POINTS + 1)}
    for stage in plan.stages:
        wanted |= {stage.first_sample, stage.first_sample + stage.num_samples}
        wanted |= {stage.first_sample + (1 << power) for power in range(EARLY_POINTS) if 1 << power <= stage.num_samples}
    return sorted(position for position in wanted if 0 < position <= total)


def _in_proportion(plan: Plan, position: int) -> list[float]:
    drawn = [0.0] * len(plan.sources)
    for number, stage in enumerate(plan.stages):
        share = min(max(position - stage.first_sample, 0), stage.num_samples) / max(stage.num_samples, 1)
        drawn = [before + total * share for before, total in zip(drawn, stage_totals(plan, number), strict=True)]
    return drawn


def _counted(folder: Path, plan: Plan, positions: list[int]) -> NDArray[np.float64]:
    rows = open_index(folder, SOURCES_NAME, plan.num_samples)
    edges = [0, *positions]
    steps = [np.bincount(np.clip(rows[low:high], 0, len(plan.sources) - 1), minlength=len(plan.sources)) for low, high in pairwise(edges)]
    return np.cumsum(np.array(steps), axis=0).astype(np.float64)


def first_rows(folder: Path, plan: Plan, stage: int, count: int) -> list[int]:
    """Sources of the first samples of a stage."""
    first = plan.stages[stage].first_sample
    stop = first + min(count, plan.stages[stage].num_samples)
    if plan.blend == "megatron":
        return [int(source) for source in open_index(folder, SOURCES_NAME, plan.num_samples)[first:stop]]
    return [int(source) for source in plan.entries(np.arange(first, stop, dtype=np.int64))[0]]
