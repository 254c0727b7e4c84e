"""Remove near-duplicates: documents whose sets of n-grams overlap, found by MinHash and locality-sensitive hashing.

Shingles are runs of grams as core/text.py defines them (`words`: numbers, operators, LaTeX commands and single CJK characters
count, so two exercises that differ in their equation are not the same text), or runs of characters of the normalised text.
Two documents of Jaccard similarity s share at least one band with probability 1 - (1 - s**rows_per_band) ** num_bands:

    preset           s = 0.5    0.7    0.8    0.9    used by
    14x8 (default)     0.053  0.565  0.924  1.000    datatrove, FineWeb
    11x10              0.011  0.269  0.679  0.986    MegaMath's best ablation
    20x13              0.002  0.177  0.677  0.997    Nemotron-CC-Math (with 24-character shingles)

Documents that share a band are joined, chains are merged, and one document of each cluster survives. With `min_similarity`
candidates are verified: each dropped document has at least this exact Jaccard similarity to the one kept in its place.

Phases: `sign` (per shard: band keys), `band` (per band and range of keys: equal keys are edges), `join` (connected components,
see joining.py), `sets` (with `min_similarity`: shingle sets of candidates), `cluster` (survivors), `filter` (per shard: write
them), `report`. Every task's memory is linear in its share. A text shorter than one shingle is one shingle of all it has; an
empty one is never a duplicate. What is dropped is named by doc_id, and its place is checked against the id.

`against` compares with results of earlier runs, which stay as they are. If those were made with `remember: true` their band
keys are read instead of their texts, those of documents they dropped as well: a chain that leads over a dropped document is
then seen as in one run over everything. The kept documents of all runs are then those of one run over all dumps that prefers
the older ones (`sources: [dump-1, dump-2]`), but for one case: a new document that joins two clusters of an earlier result
would let one run drop a document that is already out. With `min_similarity`, or against results without keys, documents that
were dropped earlier are not known, and a new document that resembles only such a one is kept.

`unit: repository` joins the shingles of all files of a repository (column `repository`) and drops whole repositories. Files
without a repository are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from mathcode_data.core import text as core_text
from mathcode_data.core.manifest import Result
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, Task, TaskRecord
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import report, repositories, rows
from mathcode_data.stages.dedup.clusters import find_clusters, write_clusters, write_sets
from mathcode_data.stages.dedup.joining import join, list_folders
from mathcode_data.stages.dedup.signing import KEYS_PREFIX, remember_shard, sign_shard, signature_identity

VERSION = f"6.{core_text.VERSION}"
LIBRARIES = ("unicodedata",)

REASON = "near_duplicate"
PRESETS = {"14x8": (14, 8), "11x10": (11, 10), "20x13": (20, 13)}
CHARACTERS_PER_SHINGLE = 24


class Config(rows.SurvivorConfig):
    """How alike two documents must be, and which of them stays."""

    unit: Literal["document", "repository"] = "document"
    """Compare documents, or all files of a repository together."""
    shingle_unit: Literal["words", "characters"] = "words"
    """What shingles are runs of: grams, or characters of the normalised text."""
    shingle_size: int = Field(default=5, ge=1, le=100)
    """Length of a shingle in grams or characters; with `characters` 24 unless given."""
    preset: Literal["14x8", "11x10", "20x13"] | None = None
    """Bands x rows under the names of the literature; or give num_bands and rows_per_band."""
    num_bands: int = Field(default=14, ge=1, le=1000)
    """Bands of a signature; more bands find more pairs."""
    rows_per_band: int = Field(default=8, ge=1, le=100)
    """Hash functions in a band; more of them find fewer pairs that are not alike."""
    min_similarity: float | None = Field(default=None, gt=0.0, le=1.0)
    """Drop a document only if its exact Jaccard similarity to the document that stands for it is at least this."""
    remember: bool = False
    """Write the band keys of all documents (8 bytes a band) into the result, for later runs `against` it."""
    report_similarity: float = Field(default=0.8, gt=0.0, le=1.0)
    """Similarity from which a pair counts as a true one in the report's estimates of precision and recall."""
    seed: int = Field(default=1, ge=0, lt=2**64)
    """Seed of the hash functions."""

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("shingle_unit") == "characters":
            data = {"shingle_size": CHARACTERS_PER_SHINGLE} | data
        if data.get("preset") in PRESETS:
            bands, per_band = PRESETS[data["preset"]]
            given = (data.get("num_bands", bands), data.get("rows_per_band", per_band))
            if given != (bands, per_band):
                found = f"{given[0]} of {given[1]}"
                raise ValueError(f"preset {data['preset']} has {bands} bands of {per_band} rows, found {found}; give one or the other")
            data = data | {"num_bands": bands, "rows_per_band": per_band}
        return data

    @model_validator(mode="after")
    def _repositories_as_a_whole(self) -> Config:
        if self.unit == "repository" and (self.min_similarity is not None or self.against or self.remember):
            raise ValueError("unit: repository goes without min_similarity, against and remember; run it without them")
        return self


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
        config: Config = context.config
        if config.unit == "repository":
            return self._drop_repositories(context)
        items = self._items(context)
        signed = context.map("sign", sign_shard, items)
        items = [items[record.index] for record in signed]  # without shards that were set aside
        own = [item for item in items if not item["earlier"]]
        if not own:
            return GlobalOutcome([], [])
        clustered = self._cluster(context, items, [str(record.folder) for record in signed])
        drops = {REASON: [str(record.path(rows.DROPPED)) for record in clustered]}
        dropped = str(map_one(context, "list_dropped", list_dropped, drops).path(rows.LISTING))
        own = [{**item, "dropped": dropped} for item in own]
        filtered = context.map("filter", filter_shard, own)
        remembered: list[TaskRecord] = []
        if config.remember:
            kept = [{**item, "signed": str(record.folder)} for item, record in zip(own, signed, strict=False)]  # our own come first
            remembered = context.map("remember", remember_shard, kept)
        clusters = map_all(context, "report", write_clusters, [{"clusters": [str(r.path("clusters.npy")) for r in clustered]}])
        examples, facts = report.examine(context, items, clustered, filtered)
        facts |= {"signature": signature_identity(config)}
        return GlobalOutcome([*filtered, *remembered, *examples, *clusters], filtered, facts)

    def _items(self, context: GlobalContext) -> list[dict[str, Any]]:
        """Shards to sign: our own, then those of earlier results or what these remember of them."""
        config: Config = context.config
        earlier: list[Result] = []
        remembered: list[dict[str, Any]] = []
        for result in rows.earlier_results(config):
            keys = [shard for shard in result.manifest.shards if shard.name.startswith(KEYS_PREFIX)]
            is_known = config.min_similarity is None and result.manifest.facts.get("signature") == signature_identity(config)
            if keys and is_known:
                names = [(str(result.folder / shard.name), shard) for shard in sorted(keys, key=lambda shard: shard.name)]
                remembered += [
                    {"path": path, "rows": shard.rows, "bytes": shard.bytes, "sha256": shard.sha256, "earlier": True, "remembered": True}
                    for path, shard in names
                ]
            else:
                earlier.append(result)
        return rows.numbered(rows.numbered_items(context.inputs, earlier) + remembered)

    def _cluster(self, context: GlobalContext, items: Sequence[dict[str, Any]], folders: list[str]) -> list[TaskRecord]:
        """From band keys to the rows to drop; `folders` hold what phase `sign` left for each item."""
        config: Config = context.config
        places = {"folders": folders, "first": [item["first"] for item in items]}
        listing = str(map_one(context, "list", list_shards, places).path(rows.LISTING))
        parts = rows.num_parts(items)
        places_of_keys = [(band, part) for band in range(config.num_bands) for part in range(parts)]
        bands = [{"band": band, "part": part, "parts": parts, "listing": listing} for band, part in places_of_keys]
        joined = map_all(context, "band", join_equal_keys, bands)
        labels = [str(record.folder) for record in join(context, joined, sum(item["rows"] for item in items))]
        found = [{"labels": label, "listing": listing, "num_own": _num_own(items)} for label in labels]
        if config.min_similarity is not None:
            members = str(map_one(context, "list_labels", list_folders, {"folders": labels}).path(rows.LISTING))
            sets = map_all(context, "sets", write_sets, [{**item, "labels": members} for item in items])
            listed = {"folders": [str(record.folder) for record in sets], "first": places["first"]}
            compared = str(map_one(context, "list_sets", list_shards, listed).path(rows.LISTING))
            found = [item | {"sets": compared} for item in found]
        return map_all(context, "cluster", find_clusters, found)

    def _drop_repositories(self, context: GlobalContext) -> GlobalOutcome:
        items = rows.numbered_items(context.inputs)
        signed = context.map("sign", repositories.sign_shard, items)
        items = [items[record.index] for record in signed]
        if not items:
            return GlobalOutcome([], [])
        gathered = repositories.gather(context, signed)
        units = rows.numbered([{"rows": record.values["rows"], "earlier": False} for record in gathered])
        clustered = self._cluster(context, units, [str(record.folder) for record in gathered])
        drops = {"dropped": [str(record.path(rows.DROPPED)) for record in clustered], "names": [str(r.folder) for r in gathered]}
        listing = str(map_one(context, "list_dropped", list_dropped, drops).path(rows.LISTING))
        filtered = context.map("filter", repositories.filter_shard, [{**item, "dropped": listing} for item in items])
        clusters = {"clusters": [str(record.path("clusters.npy")) for record in clustered], "names": [str(r.folder) for r in gathered]}
        written = map_one(context, "report", repositories.write_clusters, clusters)
        examples, facts = report.examine_repositories(context, items, gathered, clustered, filtered)
        return GlobalOutcome([*filtered, *examples, written], filtered, facts)


def _num_own(items: Sequence[dict[str, Any]]) -> int:
    """Rows with smaller numbers are our own; shards that were set aside leave gaps."""
    return max(int(item["first"] + item["rows"]) for item in items if not item["earlier"])


def list_shards(task: Task) -> None:
    """Write the folders of phase 1 into one file."""
    rows.write_listing(task)


def list_dropped(task: Task) -> None:
    """Write the paths of the dropped rows into a file."""
    rows.write_listing(task)


def join_equal_keys(task: Task) -> None:
    """Edges between the rows that share a key of one band; each is joined to the first of them."""
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
    task.values["edges"] = int(np.sum(~starts))


def filter_shard(task: Task) -> None:
    """Write one shard's survivors."""
    rows.write_survivors(task)
