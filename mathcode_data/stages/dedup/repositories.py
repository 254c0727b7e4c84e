"""`dedup.minhash` with `unit: repository`: all files of a repository are one set of shingles.

The minimum over a union is the minimum of the minima, so each shard signs its share of each repository and the shares are
merged. A repository is known by its name; of near-duplicates the preferred one stays (`longest`: the most characters; else the
best value among its files), ties go to the smallest hash of the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mathcode_data.core.documents import document_id, read_documents, read_schema, require_columns, write_documents
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import GlobalContext, Task, TaskRecord
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.clusters import CLUSTERS, cluster_table
from mathcode_data.stages.dedup.signatures import LARGEST, HashFunctions, band_keys
from mathcode_data.stages.dedup.signing import shingles_of
from mathcode_data.stages.ids import id_words

REASON = "near_duplicate_repository"
REPOSITORIES_PER_TASK = 1 << 20  # 900 MB of minima at 14 x 8


def repository_id(name: str) -> str:
    """The hexadecimal id that stands for a repository among numbers."""
    return document_id("repository", name)


def sign_shard(task: Task) -> None:
    """Minima of the files of each repository in one shard."""
    config, path = task.config, Path(task.item["path"])
    columns = rows.survivor_columns(config, path)
    require_columns(read_schema(path), {"repository": pa.string()}, str(path))
    functions = HashFunctions(config.num_bands * config.rows_per_band, config.seed)
    names: dict[str, int] = {}
    minima = np.empty((0, functions.a_K.size), np.uint64)
    preferences = np.empty((0, 2))
    for table in read_documents(path, [*columns, "repository"]):
        table = table.filter(pa.array([bool(name) for name in table["repository"].to_pylist()], pa.bool_()))
        places = np.array([names.setdefault(name, len(names)) for name in table["repository"].to_pylist()], np.int64)
        missing = len(names) - len(minima)
        minima = np.concatenate([minima, np.full((missing, functions.a_K.size), LARGEST)])
        preferences = np.concatenate([preferences, np.tile([0.0, 0.0 if config.keep == "longest" else -np.inf], (missing, 1))])
        shingle, sizes = shingles_of(table["text"], config.shingle_unit, config.shingle_size)
        has_shingles = np.flatnonzero(sizes)
        np.minimum.at(minima, places[has_shingles], functions.signatures(shingle, sizes[has_shingles]))
        merge_preferences(preferences, places, rows.preference(table, config), config.keep)
    ids = id_words(pa.array([repository_id(name) for name in names], pa.string()), str(path))
    np.save(task.folder / "ids.npy", ids.reshape(-1, 2))
    np.save(task.folder / "minima.npy", minima)
    np.save(task.folder / "preferences.npy", preferences)
    write_json(task.folder / "names.json", list(names))
    task.values["rows"] = len(names)


def merge_preferences(total: NDArray[np.float64], places: NDArray[np.int64], found: NDArray[np.float64], keep: str) -> None:
    """Add the preferences of files to those of their repositories."""
    np.maximum.at(total[:, 0], places, found[:, 0])
    (np.add if keep == "longest" else np.maximum).at(total[:, 1], places, found[:, 1])


def gather(context: GlobalContext, signed: Sequence[TaskRecord]) -> list[TaskRecord]:
    """Merge the shares of each repository; the records stand where those of `sign` stand for documents."""
    parts = max(1, -(-sum(record.values["rows"] for record in signed) // REPOSITORIES_PER_TASK))
    listing = str(map_one(context, "list_shares", list_shares, {"folders": [str(record.folder) for record in signed]}).path(rows.LISTING))
    return map_all(context, "gather", gather_part, [{"listing": listing, "part": part, "parts": parts} for part in range(parts)])


def list_shares(task: Task) -> None:
    """Write the folders of phase `sign` into one file."""
    write_json(task.folder / rows.LISTING, task.item["folders"])


def gather_part(task: Task) -> None:
    """Signatures of the repositories whose ids lie in one range, in order of their ids."""
    config = task.config
    num_hashes = config.num_bands * config.rows_per_band
    ids, minima, preferences = [np.empty((0, 2), np.uint64)], [np.empty((0, num_hashes), np.uint64)], [np.empty((0, 2))]
    names: list[str] = []
    for folder in map(Path, read_json(Path(task.item["listing"]))):
        found = np.load(folder / "ids.npy")
        here = np.flatnonzero(rows.in_part(found[:, 0], task.item["part"], task.item["parts"]))
        ids.append(found[here])
        minima.append(np.load(folder / "minima.npy", mmap_mode="r")[here])
        preferences.append(np.load(folder / "preferences.npy")[here])
        listed = read_json(folder / "names.json")
        names += [listed[row] for row in here.tolist()]
    id_, least, preferred = np.concatenate(ids), np.concatenate(minima), np.concatenate(preferences)
    order = np.lexsort((id_[:, 1], id_[:, 0]))
    starts = rows.starts_group(id_[order, 0], id_[order, 1])
    first, places = order[starts], np.empty(order.size, np.int64)
    places[order] = np.cumsum(starts) - 1
    merged = np.full((first.size, num_hashes), LARGEST)
    np.minimum.at(merged, places, least)
    total = np.tile([0.0, 0.0 if config.keep == "longest" else -np.inf], (first.size, 1))
    merge_preferences(total, places, preferred, config.keep)
    signed = np.flatnonzero(merged.min(axis=1, initial=LARGEST) < LARGEST)  # a repository of empty files has no shingle
    np.save(task.folder / "ids.npy", id_[first])
    np.save(task.folder / "preferences.npy", total)
    np.save(task.folder / "signed.npy", signed.astype(np.uint64))
    np.save(task.folder / "keys.npy", band_keys(merged[signed], config.num_bands))
    write_json(task.folder / "names.json", [names[row] for row in first.tolist()])
    task.values["rows"] = int(first.size)


def _names(folders: Sequence[str]) -> dict[str, str]:
    """Names of repositories by id."""
    return {repository_id(name): name for folder in folders for name in read_json(Path(folder) / "names.json")}


def filter_shard(task: Task) -> None:
    """Write one shard without the files of dropped repositories; `twin` names the repository that was kept."""
    path, listing = Path(task.item["path"]), read_json(Path(task.item["dropped"]))
    by_id = _names(listing["names"])
    clusters = [np.load(dropped) for dropped in listing["dropped"]]
    twins: dict[str, str] = {}
    for found in clusters:
        ids = np.ascontiguousarray(found[:, 1:]).astype(">u8").tobytes().hex()
        for start in range(0, len(ids), 64):
            twins[by_id[ids[start : start + 32]]] = by_id[ids[start + 32 : start + 64]]
    name = f"documents-{task.index:05d}.parquet"
    schema = read_schema(path)

    def survivors() -> Iterator[pa.Table]:
        seen = 0
        for table in read_documents(path):
            seen += table.num_rows
            task.ledger.saw(table.num_rows)
            found = [twins.get(repository or "") for repository in table["repository"].to_pylist()]
            is_lost = np.array([twin is not None for twin in found], bool)
            rows.count_bytes(task.ledger, table["text"], is_lost)
            lost = table.filter(pa.array(is_lost))
            twin = pa.array([value for value in found if value is not None], pa.string())
            task.ledger.drop(lost.select([column for column in lost.column_names if column != "twin"]).append_column("twin", twin), REASON)
            yield table.filter(pa.array(~is_lost))
        if seen != task.item["rows"]:
            raise DataError(f"{path}: {seen:,} rows, the manifest says {task.item['rows']:,}; remove its result and run again")

    kept = write_documents(task.folder / name, survivors(), schema)
    task.declare(name, rows=kept)
    task.ledger.counters.kept += kept


def write_clusters(task: Task) -> None:
    """clusters.parquet of the result, with names in the place of ids."""
    table, by_id = cluster_table(task.item["clusters"]), _names(task.item["names"])
    names = [pa.array([by_id[value] for value in table[column].to_pylist()], pa.string()) for column in ("doc_id", "cluster")]
    named = pa.table([*names, table["kept"]], names=["repository", "cluster", "kept"])
    pq.write_table(named, task.folder / CLUSTERS, compression="zstd", write_page_checksum=True)
    task.declare(CLUSTERS, rows=named.num_rows)
