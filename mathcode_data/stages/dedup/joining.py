"""From pairs to clusters: connected components as tasks that shuffle through files, each in memory linear in its share.

While all members fit in one task (16 million), it is `components` alone. Beyond that the graph is cut by node into parts that
take turns (large-star and small-star: Kiveris et al. 2014, Connected Components in MapReduce and Beyond): every node learns
its smallest neighbour and hands it on, until each node is joined to the smallest of its component and to nothing else. The
number of rounds grows with the logarithm of the longest chain, and a node of ten million neighbours is one task's array.

Either way a part leaves `labels.npy` (member and smallest member of its component, sorted by member; shape (2, members)) and
`roots.npy` (those smallest members, sorted). Nodes are row numbers; labels serve to gather a cluster and decide nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.stage import GlobalContext, Task, TaskRecord
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.components import Components

Nodes = NDArray[np.uint64]

MAX_ROUNDS = 100  # a chain of 10**15 members would need about 50


def join(context: GlobalContext, joined: Sequence[TaskRecord], num_rows: int) -> list[TaskRecord]:
    """Turn edges (`edges.npy` of each record) into labels; one record per part."""
    num_edges = sum(record.values["edges"] for record in joined)
    parts = max(1, -(-min(num_rows, 2 * num_edges) // rows.MAX_ROWS_PER_TASK))
    edges = [str(record.path("edges.npy")) for record in joined]
    if parts == 1:
        return [map_one(context, "join", join_here, {"edges": edges})]
    spread = map_all(context, "spread", spread_edges, [{"edges": path, "parts": parts} for path in edges])
    for turn in range(MAX_ROUNDS):
        large = _round(context, f"large_star_{turn}", large_star, spread, parts)
        spread = _round(context, f"small_star_{turn}", small_star, large, parts)
        if not any(record.values["changed"] for record in (*large, *spread)):
            return _round(context, "settle", settle, spread, parts)
    raise AssertionError(f"{MAX_ROUNDS} rounds did not join {num_edges:,} edges; each round must shorten every chain")


def _round(context: GlobalContext, phase: str, function: object, before: Sequence[TaskRecord], parts: int) -> list[TaskRecord]:
    listing = map_one(context, f"list_{phase}", list_folders, {"folders": [str(record.folder) for record in before]})
    items = [{"listing": str(listing.path(rows.LISTING)), "part": part, "parts": parts} for part in range(parts)]
    return map_all(context, phase, function, items)  # type: ignore[arg-type]


def list_folders(task: Task) -> None:
    """Write the folders of a phase into one file."""
    write_json(task.folder / rows.LISTING, task.item["folders"])


def join_here(task: Task) -> None:
    """All components at once."""
    components = Components()
    for path in task.item["edges"]:
        components.add(*np.load(path))
    nodes, labels = components.nodes, components.labels
    is_root = nodes == labels
    np.save(task.folder / "labels.npy", np.stack([nodes[~is_root], labels[~is_root]]))
    np.save(task.folder / "roots.npy", nodes[is_root])


def _spread(folder: Path, keys: Nodes, others: Nodes, parts: int) -> None:
    """Write pairs by the part of their key, without repetitions."""
    part = keys % np.uint64(parts)
    order = np.lexsort((others, keys, part))
    keys, others, part = keys[order], others[order], part[order]
    is_new = rows.starts_group(keys, others)
    np.save(folder / "pairs.npy", np.stack([keys[is_new], others[is_new]]))
    np.save(folder / "bounds.npy", np.searchsorted(part[is_new], np.arange(parts + 1, dtype=np.uint64)))


def _gather(task: Task) -> tuple[Nodes, Nodes]:
    """Pairs of this task's part, sorted by key, then by the other."""
    part, found = task.item["part"], [np.empty((2, 0), np.uint64)]
    for folder in map(Path, read_json(Path(task.item["listing"]))):
        bounds = np.load(folder / "bounds.npy")
        found.append(np.load(folder / "pairs.npy", mmap_mode="r")[:, bounds[part] : bounds[part + 1]])
    keys, others = np.concatenate(found, axis=1)
    order = np.lexsort((others, keys))
    keys, others = keys[order], others[order]
    is_new = rows.starts_group(keys, others)
    return keys[is_new], others[is_new]


def _both_ways(folder: Path, one: Nodes, other: Nodes, parts: int) -> None:
    _spread(folder, np.concatenate([one, other]), np.concatenate([other, one]), parts)


def spread_edges(task: Task) -> None:
    """Cut one task's edges by node."""
    one, other = np.load(task.item["edges"])
    is_edge = one != other
    _both_ways(task.folder, one[is_edge], other[is_edge], task.item["parts"])


def large_star(task: Task) -> None:
    """Each node hands its smallest neighbour (or itself) to its larger neighbours."""
    keys, others = _gather(task)
    smallest = np.minimum(others[_first_of_key(keys)], keys)
    is_larger = others > keys
    task.values["changed"] = bool(np.any(is_larger & (smallest != keys)))
    _spread(task.folder, others[is_larger], smallest[is_larger], task.item["parts"])


def small_star(task: Task) -> None:
    """Each node joins its smaller neighbours, and itself, to the smallest of them."""
    keys, others = _gather(task)
    smallest = others[_first_of_key(keys)]
    is_same = others == smallest
    task.values["changed"] = bool(np.any(~is_same))
    _both_ways(task.folder, np.where(is_same, keys, others), smallest, task.item["parts"])


def _first_of_key(keys: Nodes) -> NDArray[np.intp]:
    starts = rows.starts_group(keys)
    return np.asarray(np.flatnonzero(starts)[np.cumsum(starts) - 1])


def settle(task: Task) -> None:
    """Gather the stars whose centre belongs to this part."""
    part, parts, found = np.uint64(task.item["part"]), np.uint64(task.item["parts"]), [np.empty((2, 0), np.uint64)]
    for folder in map(Path, read_json(Path(task.item["listing"]))):
        pairs = np.load(folder / "pairs.npy", mmap_mode="r")
        found.append(pairs[:, (pairs[0] > pairs[1]) & (pairs[1] % parts == part)])
    labels = np.concatenate(found, axis=1)
    labels = labels[:, np.argsort(labels[0], kind="stable")]
    np.save(task.folder / "labels.npy", labels)
    np.save(task.folder / "roots.npy", np.unique(labels[1]))
