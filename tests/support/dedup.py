"""Run a deduplication stage on tables, cut into shards at will."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.counters import StageCounters, add_up
from mathcode_data.core.manifest import Result
from mathcode_data.core.stage import GlobalOutcome
from mathcode_data.stages.dedup import rows
from support.stages import make_result, run_global

COUNTED = ("clusters", "near_duplicates", "duplicate_groups")


def sharded(table: pa.Table, cuts: Sequence[int], folder: Path) -> Result:
    """The rows as shards cut at these places, in a finished result."""
    bounds = [0, *sorted(cuts), table.num_rows]
    return make_result(folder, [table.slice(low, high - low) for low, high in itertools.pairwise(bounds)])


def survivors(outcome: GlobalOutcome) -> pa.Table:
    """All documents of the result, by doc_id."""
    paths = [record.path(shard.name) for record in outcome.records for shard in record.shards if shard.name.startswith("documents-")]
    return pa.concat_tables(pq.read_table(path) for path in paths).sort_by("doc_id")


def clusters(outcome: GlobalOutcome) -> dict[str, str]:
    """The cluster of each document that is in one, from clusters.parquet."""
    table = pq.read_table(outcome.records[-1].path("clusters.parquet"))
    return dict(zip(table["doc_id"].to_pylist(), table["cluster"].to_pylist(), strict=True))


def dedup(
    name: str, table: pa.Table, cuts: Sequence[int] = (), rows_per_task: int = 1 << 24, **values: Any
) -> tuple[pa.Table, StageCounters, dict[str, str]]:
    """Run a stage; returns the survivors, its counters and (MinHash) the clusters."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "MAX_ROWS_PER_TASK", rows_per_task)
        outcome = run_global(name, [sharded(table, cuts, Path(folder) / "input")], Path(folder) / "work", **values)
        counters = add_up(record.counters for record in outcome.counted)[0]
        counters.facts.clear()
        counters.facts.update({name: outcome.facts[name] for name in COUNTED if name in outcome.facts})
        return survivors(outcome), counters, clusters(outcome) if name == "dedup.minhash" else {}
