"""One cluster of ten million documents, a chain in random order: connected components as `dedup.minhash` finds them.

The worst shape for a cluster: each member is joined to the next alone, and numbers say nothing about the order. `one task` is what runs
while all rows fit in a task (16 million); `parts` is what runs beyond that, here with parts of a sixteenth of the members:
files are shuffled in rounds, and a task holds its share alone. Memory is that of this process above its start. `smaller parts` has a
tenth of the members, so that the cost of a member can be compared.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from harness import ROOT, Bench, Options, peak_memory

NUM_MEMBERS, NUM_TASKS, PARTS = 10_000_000, 14, 16


def write_edges(folder: Path, num_members: int) -> list[Any]:
    """The edges of a shuffled chain, dealt to the files of as many tasks as there are bands."""
    draw = np.random.default_rng(1)
    members = draw.permutation(num_members).astype(np.uint64)
    edges = np.stack([members[:-1], members[1:]])[:, draw.permutation(num_members - 1)]
    records = []
    for number, part in enumerate(np.array_split(edges, NUM_TASKS, axis=1)):
        (folder / str(number)).mkdir(parents=True)
        np.save(folder / str(number) / "edges.npy", part)
        records.append(SimpleNamespace(folder=folder / str(number), path=(folder / str(number)).joinpath, values={"edges": part.shape[1]}))
    return records


def joined(records: list[Any], num_members: int, rows_per_task: int, folder: Path) -> dict[str, Any]:
    """Join them; all members must have the smallest as their label."""
    from mathcode_data.stages.dedup import rows
    from mathcode_data.stages.dedup.joining import join
    from support.stages import InlineContext

    shutil.rmtree(folder, ignore_errors=True)
    rows.MAX_ROWS_PER_TASK = rows_per_task
    start = time.process_time()
    labelled = join(InlineContext("dedup.minhash", None, [], folder), records, num_members)
    cpu_seconds = time.process_time() - start
    found = [np.load(record.path("labels.npy"), mmap_mode="r") for record in labelled]
    assert sum(labels.shape[1] for labels in found) == num_members - 1, "every member but the smallest has a label"
    assert not any(labels[1].any() for labels in found), "the label of all is member 0"
    rounds = sum(1 for path in folder.glob("large_star_*"))
    return {"cpu_seconds": round(cpu_seconds, 1), "rounds": rounds, "parts": len(labelled)}


def run(options: Options) -> Bench:
    """Each way once; the one that needs most memory last."""
    sys.path.insert(0, str(ROOT / "tests"))
    bench = Bench("dedup_chain", {"members": options.scaled(NUM_MEMBERS), "shape": "chain in random order"})
    default = 1 << 24
    for label, share in (("smaller parts", 10), ("parts", 1), ("one task", 1)):
        num_members = options.scaled(NUM_MEMBERS) // share
        folder = options.scratch / "dedup_chain"
        records = write_edges(folder / "edges", num_members)
        start = time.perf_counter()
        with peak_memory() as peak:
            bench.facts[label] = joined(records, num_members, default if label == "one task" else -(-num_members // PARTS), folder / "work")
        bench.add(label, [time.perf_counter() - start], "member", num_members, peak_bytes=peak[0])
        shutil.rmtree(folder)
    return bench
