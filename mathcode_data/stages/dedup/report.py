"""What a deduplication did, for people: cluster sizes, examples side by side, and how far the preset can be trusted.

Facts of the manifest (shown by `inspect`), `examples.parquet` and `report.html` of the result. Estimates at `report_similarity`:

- **sampled**: up to 200 dropped documents, drawn by a hash of their ids, are compared exactly with those kept in their place.
  Precision is the share of them that are at least so similar. Recall weighs each such pair by 1 / p, where p is the
  probability that a pair of its similarity shares a band (Horvitz and Thompson 1952): found / sum(1 / p).
- **uniform**: the same two as integrals of the S-curve p(s) if similarities of pairs were uniform between 0 and 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.core.documents import read_documents
from mathcode_data.core.stage import GlobalContext, Task, TaskRecord
from mathcode_data.core.storage import read_json, write_bytes, write_json
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import kernels, rows
from mathcode_data.stages.dedup.clusters import NUM_SAMPLED
from mathcode_data.stages.dedup.report_page import report_page
from mathcode_data.stages.dedup.signatures import share_found
from mathcode_data.stages.dedup.signing import shingles_of

EXAMPLES, PAGE, NAMES = "examples.parquet", "report.html", "names.json"
TEXTS = pa.schema([("doc_id", pa.string()), ("text", pa.large_string()), ("number", pa.int64()), ("file", pa.string())])
MAX_CHARACTERS = 2000
NUM_POINTS = 1000
MAX_REPOSITORY_PAIRS = 50
"""Of so many the files are read and compared; they are whole repositories."""


def cluster_facts(clustered: Sequence[TaskRecord]) -> dict[str, Any]:
    """Clusters, dropped documents, and how many clusters have 2-3, 4-7, 8-15 ... members."""
    sizes: Counter[int] = Counter()
    for record in clustered:
        sizes.update({int(bits): count for bits, count in record.values["sizes"].items()})
    names = {bits: "2-3" if bits == 1 else f"{2**bits}-{2 ** (bits + 1) - 1}" for bits in sizes}
    return {
        "clusters": sum(record.values["clusters"] for record in clustered),
        "near_duplicates": sum(record.values["near_duplicates"] for record in clustered),
        "largest_cluster": max(record.values["largest_cluster"] for record in clustered),
        "cluster_sizes": [[names[bits], sizes[bits]] for bits in sorted(sizes)],
    }


def examine(
    context: GlobalContext, items: Sequence[dict[str, Any]], clustered: Sequence[TaskRecord], filtered: Sequence[TaskRecord]
) -> tuple[list[TaskRecord], dict[str, Any]]:
    """Compare a sample of dropped documents with those kept; the files to add to the result, and facts."""
    facts = cluster_facts(clustered) | rows.token_facts(filtered)
    chosen = map_one(context, "choose", choose_sample, {"samples": [str(record.path("sample.npy")) for record in clustered]})
    listing = str(chosen.path("sample.npy"))
    readable = [item for item in items if not item.get("remembered")]
    texts = map_all(context, "texts", read_texts, [{**item, "sample": listing} for item in readable]) if facts["near_duplicates"] else []
    found = {"sample": listing, "texts": [str(record.path("texts.parquet")) for record in texts], "facts": facts}
    compared = map_one(context, "compare", compare_sample, found)
    return [compared], facts | {"estimates": compared.values["estimates"]}


def examine_repositories(
    context: GlobalContext, items: Sequence[dict[str, Any]], gathered: Sequence[TaskRecord], clustered: Sequence[TaskRecord],
    filtered: Sequence[TaskRecord],
) -> tuple[list[TaskRecord], dict[str, Any]]:  # fmt: skip
    """The same for repositories, whose texts are all their files."""
    facts = cluster_facts(clustered) | rows.token_facts(filtered)
    facts["near_duplicate_repositories"] = facts.pop("near_duplicates")
    samples = {"samples": [str(record.path("sample.npy")) for record in clustered], "names": [str(record.folder) for record in gathered]}
    chosen = map_one(context, "choose", choose_repositories, samples)
    names = str(chosen.path(NAMES))
    texts = map_all(context, "texts", read_repositories, [{**item, "names": names} for item in items])
    found = {"sample": str(chosen.path("sample.npy")), "texts": [str(record.path("texts.parquet")) for record in texts], "facts": facts}
    compared = map_one(context, "compare", compare_sample, found)
    return [compared], facts | {"estimates": compared.values["estimates"]}


def choose_repositories(task: Task) -> None:
    """The first of all parts' samples, and the numbers of their repositories by name."""
    choose_sample(task)
    pairs = np.load(task.folder / "sample.npy")[:MAX_REPOSITORY_PAIRS]
    np.save(task.folder / "sample.npy", pairs)
    names = [name for folder in task.item["names"] for name in read_json(Path(folder) / NAMES)]  # in order of their numbers
    write_json(task.folder / NAMES, {names[number]: number for number in np.unique(pairs).tolist()})


def read_repositories(task: Task) -> None:
    """Texts of the files of the sampled repositories in one shard; the name of the repository is their `doc_id`."""
    numbers, found = read_json(Path(task.item["names"])), []
    for table in read_documents(Path(task.item["path"]), ["doc_id", "text", "repository"]) if numbers else ():
        number = pa.array([numbers.get(name) for name in table["repository"].to_pylist()], pa.int64())
        columns = {"doc_id": table["repository"], "text": table["text"], "number": number, "file": table["doc_id"]}
        found.append(pa.table(columns).filter(number.is_valid()).cast(TEXTS))
    pq.write_table(pa.concat_tables(found) if found else TEXTS.empty_table(), task.folder / "texts.parquet")


def choose_sample(task: Task) -> None:
    """The first of all parts' samples."""
    found = np.concatenate([np.load(path) for path in task.item["samples"]])
    np.save(task.folder / "sample.npy", found[np.argsort(found[:, 0], kind="stable")][:NUM_SAMPLED, 1:])


def read_texts(task: Task) -> None:
    """Texts of the sampled documents of one shard."""
    first, num_rows = task.item["first"], task.item["rows"]
    numbers = np.unique(np.load(task.item["sample"]))
    wanted = (numbers[(numbers >= first) & (numbers < first + num_rows)] - np.uint64(first)).astype(np.int64)
    tables, row = [], 0
    if wanted.size:
        for table in read_documents(Path(task.item["path"]), ["doc_id", "text"]):
            here = wanted[(wanted >= row) & (wanted < row + table.num_rows)]
            found = table.take(pa.array(here - row))
            numbered = found.append_column("number", pa.array(here + first, pa.int64()))
            tables.append(numbered.append_column("file", found["doc_id"]).cast(TEXTS))
            row += table.num_rows
    pq.write_table(pa.concat_tables(tables) if tables else TEXTS.empty_table(), task.folder / "texts.parquet")


def compare_sample(task: Task) -> None:
    """Exact similarities of the sampled pairs, both texts side by side, and the estimates."""
    config = task.config
    texts: dict[int, tuple[str, list[str]]] = {}
    found = [pq.read_table(path) for path in task.item["texts"]]
    table = pa.concat_tables(found or [TEXTS.empty_table()]).sort_by([("number", "ascending"), ("file", "ascending")])
    for number, name, text in zip(*(table[column].to_pylist() for column in ("number", "doc_id", "text")), strict=True):
        texts.setdefault(number, (name, []))[1].append(text or "")
    pairs = [(texts[a], texts[b]) for a, b in np.load(task.item["sample"]).tolist() if a in texts and b in texts]
    column = pa.chunked_array([pa.array([text for pair in pairs for _, parts in pair for text in parts], pa.large_string())])
    shingles, sizes = shingles_of(column, config.shingle_unit, config.shingle_size)
    firsts = np.cumsum([0, *(len(parts) for pair in pairs for _, parts in pair)])
    left = kernels.sorted_sets(shingles, np.add.reduceat(sizes, firsts[:-1]) if pairs else sizes)
    similarities = np.empty(len(pairs))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(left)])
    kernels.jaccards(shingles, offsets, np.arange(0, 2 * len(pairs), 2), np.arange(1, 2 * len(pairs), 2), similarities)
    order = np.argsort(similarities, kind="stable")
    shown = [(pair[0][0], _own(pair[0], pair[1]), pair[1][0], _own(pair[1], pair[0])) for pair in pairs]
    rows_ = [(*shown[i], float(similarities[i])) for i in order.tolist()]
    names = ("doc_id", "text", "kept_doc_id", "kept_text", "similarity")
    columns = {name: [row[k][:MAX_CHARACTERS] if "text" in name else row[k] for row in rows_] for k, name in enumerate(names)}
    kinds = [pa.string(), pa.large_string(), pa.string(), pa.large_string(), pa.float64()]
    table = pa.table([pa.array(columns[name], kind) for name, kind in zip(names, kinds, strict=True)], names=list(names))
    pq.write_table(table, task.folder / EXAMPLES, compression="zstd", write_page_checksum=True)
    task.declare(EXAMPLES, rows=table.num_rows)
    estimated = estimates(similarities, config.report_similarity, config.num_bands, config.rows_per_band, config.min_similarity)
    task.values["estimates"] = estimated
    write_bytes(task.folder / PAGE, report_page(task.item["facts"], estimated, table.to_pylist()).encode("utf-8", "replace"))


def _own(one: tuple[str, list[str]], other: tuple[str, list[str]]) -> str:
    """The text of one of a pair to show; of a repository, the files that the other has not."""
    known = set(other[1])
    return "\n\n".join([part for part in one[1] if part not in known] or one[1])


def estimates(similarities: Any, threshold: float, num_bands: int, rows_per_band: int, least: float | None = None) -> dict[str, Any]:
    """Precision and recall at a threshold, from sampled pairs and under a uniform prior; see the head of this file.

    >>> estimates(np.array([0.9, 0.9, 0.5]), 0.8, 14, 8)["sampled"]
    {'pairs': 3, 'precision': 0.667, 'recall': 1.0}
    """
    grid = (np.arange(NUM_POINTS) + 0.5) / NUM_POINTS
    chance = np.array([share_found(s, num_bands, rows_per_band) if s >= (least or 0.0) else 0.0 for s in grid.tolist()])
    true = grid >= threshold
    uniform = {
        "precision": round(float(chance[true].sum() / chance.sum()), 3) if chance.any() else None,  # none at a least similarity of 1
        "recall": round(float(chance[true].mean()), 3) if true.any() else None,
    }
    is_true = similarities >= threshold
    weights = sum(1.0 / share_found(s, num_bands, rows_per_band) for s in similarities[is_true].tolist())
    sampled = {
        "pairs": len(similarities),
        "precision": round(float(is_true.mean()), 3) if len(similarities) else None,
        "recall": round(float(is_true.sum() / weights), 3) if weights else None,
    }
    return {"similarity": threshold, "sampled": sampled, "uniform": uniform}
