"""Remove near-duplicates: documents whose sets of n-grams overlap, found by MinHash and locality-sensitive hashing.

Shingles are runs of grams as core/text.py defines them: numbers and operators count, so two exercises that differ in their
equation are not the same text. Two documents of Jaccard similarity s share at least one band with probability
1 - (1 - s**rows_per_band) ** num_bands:

    num_bands x rows_per_band   s = 0.5    0.7    0.8    0.9    used by
    14 x 8 (default)              0.053  0.565  0.924  1.000    datatrove, FineWeb
    11 x 10                       0.011  0.269  0.679  0.986    MegaMath's best ablation
    20 x 13                       0.002  0.177  0.677  0.997    Nemotron-CC-Math (with 24-character shingles)

Documents that share a band are joined, chains are merged, and one document of each cluster survives. With `min_similarity`
a cluster is split again so that each dropped document resembles the one that stands for it.

Phases: `sign` (per shard: band keys), `band` (per band and range of keys: equal keys are edges), `cluster` (one task: connected
components and survivors, memory linear in the duplicates), `filter` (per shard: write the survivors), `report` (clusters.parquet).
A text shorter than one shingle is one shingle of all its grams; an empty one is never a duplicate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from mathcode_data.core import text as core_text
from mathcode_data.core.documents import read_documents
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, Task
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.components import Components
from mathcode_data.stages.dedup.signatures import HashFunctions, band_keys, estimate_jaccard, shingles
from mathcode_data.stages.ids import hex_ids, id_words

VERSION = f"2.{core_text.VERSION}"
LIBRARIES = ("unicodedata",)

CLUSTERS = "clusters.parquet"
REASON = "near_duplicate"


class Config(rows.SurvivorConfig):
    """How alike two documents must be, and which of them stays."""

    shingle_grams: int = Field(default=5, ge=1, le=100)
    """Length of a shingle in grams."""
    num_bands: int = Field(default=14, ge=1, le=1000)
    """Bands of a signature; more bands find more pairs."""
    rows_per_band: int = Field(default=8, ge=1, le=100)
    """Hash functions in a band; more of them find fewer pairs that are not alike."""
    min_similarity: float | None = Field(default=None, gt=0.0, le=1.0)
    """Drop a document only if its estimated Jaccard similarity to the document that stands for it is at least this."""
    seed: int = Field(default=1, ge=0, lt=2**64)
    """Seed of the hash functions."""


def build(config: Config) -> MinhashDedup:
    """Make the stage."""
    return MinhashDedup(config)


class MinhashDedup:
    """Drops near-duplicates."""

    kind = "documents"

    def __init__(self, config: Config) -> None:
        self._config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Sign, join, cluster, filter, report."""
        items = rows.numbered_items(context.inputs)
        signed = context.map("sign", sign_shard, items)
        items = [items[record.index] for record in signed]  # without shards that were set aside
        if not items:
            return GlobalOutcome([], [])
        places = {"folders": [str(record.folder) for record in signed], "first": [item["first"] for item in items]}
        listing = str(map_one(context, "list", list_shards, places).path(rows.LISTING))
        parts = rows.num_parts(items)
        bands = [
            {"band": band, "part": part, "parts": parts, "listing": listing}
            for band in range(self._config.num_bands)
            for part in range(parts)
        ]
        joined = map_all(context, "band", join_equal_keys, bands)
        edges = {"edges": [str(record.path("edges.npy")) for record in joined], "listing": listing}
        clustered = map_one(context, "cluster", find_clusters, edges)
        drops = {REASON: [str(clustered.path(rows.DROPPED))]}
        dropped = str(map_one(context, "list_dropped", list_dropped, drops).path(rows.LISTING))
        filtered = context.map("filter", filter_shard, [{**item, "dropped": dropped} for item in items])
        report = map_all(context, "report", write_clusters, [{"clusters": str(clustered.path("clusters.npy"))}])
        return GlobalOutcome([*filtered, *report], filtered, dict(clustered.values))


def sign_shard(task: Task) -> None:
    """Phase 1: band keys of the documents of one shard that have a gram, and ids and preferences of all."""
    config: Config = task.config
    path = Path(task.item["path"])
    functions = HashFunctions(config.num_bands * config.rows_per_band, config.seed)
    ids, preferences, signed = [np.empty((0, 2), np.uint64)], [np.empty(0)], [np.empty(0, np.uint64)]
    keys, signatures = [np.empty((config.num_bands, 0), np.uint64)], [np.empty((0, functions.a_K.size), np.uint32)]
    first = 0
    for table in read_documents(path, rows.survivor_columns(config, path)):
        ids.append(id_words(table["doc_id"], str(path)))
        preferences.append(rows.preference(table, config))
        grams = [core_text.gram_hashes(text or "") for text in table["text"].to_pylist()]
        shingle, sizes = shingles(grams, config.shingle_grams)
        has_grams = np.flatnonzero(sizes)
        signature = functions.signatures(shingle, sizes[has_grams])
        keys.append(band_keys(signature, config.num_bands))
        signed.append((has_grams + first).astype(np.uint64))
        if config.min_similarity is not None:
            signatures.append((signature >> np.uint64(32)).astype(np.uint32))  # half the disk; chance agreement 2**-32
        first += table.num_rows
    np.save(task.folder / "ids.npy", np.concatenate(ids))
    np.save(task.folder / "preferences.npy", np.concatenate(preferences))
    np.save(task.folder / "signed.npy", np.concatenate(signed))
    np.save(task.folder / "keys.npy", np.concatenate(keys, axis=1))
    np.save(task.folder / "signatures.npy", np.concatenate(signatures))


def list_shards(task: Task) -> None:
    """Write the folders of phase 1 into one file."""
    rows.write_listing(task)


def list_dropped(task: Task) -> None:
    """Write the path of the dropped rows into a file."""
    rows.write_listing(task)


def join_equal_keys(task: Task) -> None:
    """Phase 2: edges between the rows that share a key of one band; each is joined to the first of them."""
    files = rows.ShardFiles(task.item["listing"])
    numbers, keys = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for (first, found), (_, signed) in zip(files.arrays("keys.npy"), files.arrays("signed.npy"), strict=True):
        key = found[task.item["band"]]
        here = np.flatnonzero(rows.in_part(key, task.item["part"], task.item["parts"]))
        keys.append(key[here])
        numbers.append(signed[here] + first)
    number, key = np.concatenate(numbers), np.concatenate(keys)
    order = np.argsort(key, kind="stable")
    number, key = number[order], key[order]
    starts = rows.starts_group(key)
    heads = number[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    np.save(task.folder / "edges.npy", np.stack([heads[~starts], number[~starts]]))


def find_clusters(task: Task) -> None:
    """Phase 3: connected components, and of each the survivor."""
    config: Config = task.config
    components = Components()
    for path in task.item["edges"]:
        components.add(*np.load(path))
    files = rows.ShardFiles(task.item["listing"])
    numbers, labels = components.nodes, components.labels
    ids, preferences = files.take("ids.npy", numbers), files.take("preferences.npy", numbers)
    order = rows.survivors_first(preferences, ids, numbers, labels)
    if config.min_similarity is None:
        starts = rows.starts_group(labels[order])
        survivor = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]  # of the cluster of each row in `order`
    else:
        signatures = take_signatures(files, numbers)
        survivor = split_clusters(labels[order], signatures[order], config.min_similarity, order)
    is_lost = survivor != order
    rows.write_dropped(task.folder, numbers[order[is_lost]], ids[order[is_lost]], ids[survivor[is_lost]])
    is_alone = np.bincount(survivor, minlength=order.size)[survivor] == 1
    np.save(task.folder / "clusters.npy", np.column_stack([ids[order], ids[survivor], ~is_lost])[~is_alone].astype(np.uint64))
    task.values.update(clusters=int(np.sum(~is_lost & ~is_alone)), near_duplicates=int(np.sum(is_lost)))


def take_signatures(files: rows.ShardFiles, numbers: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Signatures of rows by number (only rows with a signature have edges); `numbers` must be sorted."""
    found: list[NDArray[np.uint32]] = []
    for (first, signed), (_, signatures) in zip(files.arrays("signed.npy"), files.arrays("signatures.npy"), strict=True):
        if signed.size:
            low, high = np.searchsorted(numbers, [signed[0] + first, signed[-1] + first + np.uint64(1)])
            found.append(signatures[np.searchsorted(signed, numbers[low:high] - first)])
    return np.concatenate(found) if found else np.empty((0, 0), np.uint32)


def split_clusters(
    labels: NDArray[np.uint64], signatures: NDArray[np.uint32], min_similarity: float, order: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Split clusters so that all members resemble the one that stands for them.

    In each cluster the first row stands for the rows that are at least `min_similarity` like it; the first of the others
    stands for those like it, and so on. All clusters take a round at once.

    Args:
        labels: cluster of each row; rows of a cluster follow each other, survivor first.
        order: names of the rows, which the result is made of.
    """
    survivor = order.copy()
    left = np.arange(labels.size)
    while left.size:
        starts = rows.starts_group(labels[left])
        heads = left[np.flatnonzero(starts)][np.cumsum(starts) - 1]
        is_like = (heads == left) | (estimate_jaccard(signatures[left], signatures[heads]) >= min_similarity)
        survivor[left[is_like]] = order[heads[is_like]]
        left = left[~is_like]
    return survivor


def filter_shard(task: Task) -> None:
    """Phase 4: write one shard's survivors."""
    rows.write_survivors(task)


def write_clusters(task: Task) -> None:
    """Phase 5: clusters.parquet, one line for each document of a cluster: doc_id, the survivor's doc_id as `cluster`, kept."""
    found = np.load(task.item["clusters"])
    found = found[np.lexsort((found[:, 1], found[:, 0], found[:, 4] == 0, found[:, 3], found[:, 2]))]
    table = pa.table(
        {
            "doc_id": pa.array(hex_ids(found[:, 0:2]), pa.string()),
            "cluster": pa.array(hex_ids(found[:, 2:4]), pa.string()),
            "kept": pa.array(found[:, 4] == 1, pa.bool_()),
        }
    )
    pq.write_table(table, task.folder / CLUSTERS, compression="zstd", write_page_checksum=True)
    task.declare(CLUSTERS, rows=table.num_rows)
