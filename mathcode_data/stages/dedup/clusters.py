"""Of each cluster the survivor; with `min_similarity`, clusters are split so that each dropped document resembles the one kept.

Similarities are exact: the shingle sets of all members are written once (`sets`, per shard) and compared pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents
from mathcode_data.core.stage import Task
from mathcode_data.core.storage import read_json
from mathcode_data.stages.dedup import kernels, rows
from mathcode_data.stages.dedup.signing import shingles_of
from mathcode_data.stages.ids import hex_ids
from mathcode_data.stages.select.rank import keyed_hashes

Words = NDArray[np.uint64]

CLUSTERS = "clusters.parquet"
PAIRS_AT_ONCE = 1 << 14
NUM_SAMPLED = 200
"""Dropped documents that are compared with the kept ones for the report."""
MAX_SIZE_BITS = 64


def write_sets(task: Task) -> None:
    """Write the shingle sets of those documents of a shard that are in a cluster."""
    config, item = task.config, task.item
    bounds = np.array([item["first"], item["first"] + item["rows"]], np.uint64)
    found = [np.empty(0, np.uint64)]
    for folder in map(Path, read_json(Path(item["labels"]))):
        for members in (np.load(folder / "labels.npy", mmap_mode="r")[0], np.load(folder / "roots.npy", mmap_mode="r")):
            low, high = np.searchsorted(members, bounds)
            found.append(members[low:high])
    members = np.unique(np.concatenate(found)) - bounds[0]
    sets, sizes, first = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], 0
    if members.size:
        for table in read_documents(Path(item["path"]), ["text"]):
            low, high = np.searchsorted(members, np.array([first, first + table.num_rows], np.uint64))
            here = (members[low:high] - np.uint64(first)).astype(np.int64)
            shingles, counts = shingles_of(table["text"].take(pa.array(here)), config.shingle_unit, config.shingle_size)
            left = kernels.sorted_sets(shingles, counts)
            sets.append(shingles[: int(left.sum())])
            sizes.append(left)
            first += table.num_rows
    np.save(task.folder / "members.npy", members + bounds[0])
    np.save(task.folder / "sets.npy", np.concatenate(sets))
    np.save(task.folder / "offsets.npy", np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes))]))


class Sets:
    """Shingle sets of members by their numbers, read from what `write_sets` left."""

    def __init__(self, folders: list[str], first: list[int]) -> None:
        """Open the files."""
        self._first = np.array(first, np.uint64)
        names = ("members", "sets", "offsets")
        self._files = [tuple(np.load(Path(folder) / f"{name}.npy", mmap_mode="r") for name in names) for folder in folders]

    def jaccards(self, left: Words, right: Words) -> NDArray[np.float64]:
        """Exact Jaccard similarity of documents, pair by pair."""
        out = np.empty(left.size)
        for start in range(0, left.size, PAIRS_AT_ONCE):
            here = slice(start, start + PAIRS_AT_ONCE)
            numbers, places = np.unique(np.concatenate([left[here], right[here]]), return_inverse=True)
            sets = list(self._sets(numbers))
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([part.size for part in sets], dtype=np.int64)])
            half = places.size // 2
            kernels.jaccards(np.concatenate(sets), offsets, places[:half], places[half:], out[here])
        return out

    def _sets(self, numbers: Words) -> Iterator[Words]:
        """Sets of sorted numbers, in order."""
        shards = np.searchsorted(self._first, numbers, side="right") - 1
        for shard in np.unique(shards).tolist():
            members, sets, offsets = self._files[shard]
            for row in np.searchsorted(members, numbers[shards == shard]).tolist():
                yield np.asarray(sets[offsets[row] : offsets[row + 1]])


def find_clusters(task: Task) -> None:
    """Survivors of the clusters of one part: rows to drop, the clusters, and a sample of dropped documents."""
    config, item = task.config, task.item
    nodes, labels_of_nodes = np.load(Path(item["labels"]) / "labels.npy")
    roots = np.load(Path(item["labels"]) / "roots.npy")
    numbers, labels = np.concatenate([nodes, roots]), np.concatenate([labels_of_nodes, roots])
    by_number = np.argsort(numbers)
    numbers, labels = numbers[by_number], labels[by_number]
    files = rows.ShardFiles(item["listing"])
    ids, preferences = files.take("ids.npy", numbers), files.take("preferences.npy", numbers)
    order = rows.survivors_first(preferences, ids, numbers, labels)
    if "sets" not in item:
        starts = rows.starts_group(labels[order])
        survivor = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]  # of the cluster of each row in `order`
    else:
        listing = read_json(Path(item["sets"]))
        stays = preferences[order, 0] == np.inf
        sets = Sets(listing["folders"], listing["first"])
        survivor = order[split_clusters(labels[order], numbers[order], stays, sets, config.min_similarity)]
    is_own = numbers[order] < np.uint64(item["num_own"])
    is_lost = (survivor != order) & is_own
    lost, kept = order[is_lost], survivor[is_lost]
    rows.write_dropped(task.folder, numbers[lost], ids[lost], ids[kept])
    size = np.bincount(survivor, minlength=order.size)
    found = np.column_stack([ids[order], ids[survivor], survivor == order])[size[survivor] > 1].astype(np.uint64)
    np.save(task.folder / "clusters.npy", found)
    first = np.lexsort((ids[lost][:, 1], keyed_hashes(ids[lost], 0, "report")))[:NUM_SAMPLED]
    np.save(task.folder / "sample.npy", np.column_stack([keyed_hashes(ids[lost], 0, "report"), numbers[lost], numbers[kept]])[first])
    histogram = np.bincount(np.floor(np.log2(size[size > 1])).astype(np.int64), minlength=1)
    task.values.update(
        clusters=int(np.sum(size > 1)),
        near_duplicates=int(np.sum(is_lost)),
        largest_cluster=int(size.max(initial=0)),
        sizes={str(bits): int(count) for bits, count in enumerate(histogram.tolist()) if count},
    )


def split_clusters(labels: Words, numbers: Words, stays: NDArray[np.bool_], sets: Any, min_similarity: float) -> NDArray[np.intp]:
    """Split clusters so that all members resemble the one that stands for them; returns its place for each row.

    In each cluster the first row stands for the rows that are at least `min_similarity` like it; the first of the others
    stands for those like it, and so on. All clusters take a round at once.

    Args:
        labels: cluster of each row; rows of a cluster follow each other, survivor first.
        numbers: of the rows, for `sets.jaccards`.
        stays: rows of earlier results, which always stand for themselves.
    """
    survivor = np.arange(labels.size)
    left = np.arange(labels.size)
    while left.size:
        starts = rows.starts_group(labels[left])
        heads = left[np.flatnonzero(starts)][np.cumsum(starts) - 1]
        is_like = heads == left
        asked = np.flatnonzero(~is_like & ~stays[left])
        is_like[asked] = sets.jaccards(numbers[left[asked]], numbers[heads[asked]]) >= min_similarity
        survivor[left[is_like]] = heads[is_like]
        left = left[~is_like]
    return survivor


def cluster_table(paths: list[str]) -> pa.Table:
    """One line for each document of a cluster: doc_id, the survivor's doc_id as `cluster`, and whether it was kept."""
    found = np.concatenate([np.load(path) for path in paths])
    found = found[np.lexsort((found[:, 1], found[:, 0], found[:, 4] == 0, found[:, 3], found[:, 2]))]
    names = {"doc_id": hex_ids(found[:, 0:2]), "cluster": hex_ids(found[:, 2:4])}
    columns = {name: pa.array(values, pa.string()) for name, values in names.items()}
    return pa.table(columns | {"kept": pa.array(found[:, 4] == 1, pa.bool_())})


def write_clusters(task: Task) -> None:
    """clusters.parquet of the result."""
    table = cluster_table(task.item["clusters"])
    pq.write_table(table, task.folder / CLUSTERS, compression="zstd", write_page_checksum=True)
    task.declare(CLUSTERS, rows=table.num_rows)
