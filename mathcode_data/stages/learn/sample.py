"""Draw a sample of documents that depends on the seed and the documents, not on how they lie in shards.

Each document gets a keyed hash of its `doc_id`; the sample is the documents with the smallest hashes, up to a number of
documents or bytes of text. Three phases of tasks, whose settings all travel in the items, so that any stage can run them:
`NAME-rank` (one task per shard), `NAME-cut` (one task), `NAME-texts` (one task per shard: the texts of the chosen).

`texts.bin` of a shard holds the texts one after the other; `texts.npy` one row per text: key, doc_id (high, low), offset, bytes.
"""

# N documents of one shard

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.manifest import Result
from mathcode_data.core.stage import GlobalContext, Task, TaskRecord, document_items
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.ids import Words, id_words
from mathcode_data.stages.learn.crops import example_lines
from mathcode_data.stages.learn.texts import texts_of
from mathcode_data.stages.select.rank import Cut, find_cut, keyed_hashes, save_part

ROW_WORDS = 5


def draw_sample(
    context: GlobalContext,
    name: str,
    inputs: Sequence[Result],
    *,
    budget: int,
    unit: Literal["documents", "bytes"],
    lines: dict[str, Any] | None = None,
) -> tuple[list[TaskRecord], dict[str, int]]:
    """Run the three phases. A shard that could not be ranked is left out; of the other two phases no task may be missing.

    Args:
        context: of the stage that needs a sample.
        name: of the sample; also makes its order independent of other samples' orders.
        inputs: results of kind documents.
        budget: how many documents, or bytes of text, the sample may hold (all if there are fewer).
        unit: what `budget` counts.
        lines: store each text as lines for a classifier, by `example_lines` with these arguments; None: as it is.

    Returns:
        The records that hold the texts, and how many documents and units were chosen.
    """
    items = [item | {"purpose": f"sample {name}", "unit": unit, "budget": budget} for item in document_items(inputs)]
    ranked = context.map(f"{name}-rank", rank_shard, items)
    parts = [str(record.path("rank.npy")) for record in ranked]
    cut = map_one(context, f"{name}-cut", cut_ranking, {"parts": parts, "budget": budget})
    chosen = cut.values["cut"]
    more = {"cut": chosen, "lines": lines}
    texts = map_all(context, f"{name}-texts", write_texts, [items[record.index] | more for record in ranked])
    return texts, {"num_documents": chosen["num_documents"], unit: chosen["total"]}


def rank_shard(task: Task) -> None:
    """Write the key, id and weight of each document of a shard; counted in documents, only the first `budget` of them."""
    path, item = Path(task.item["path"]), task.item
    columns = ["doc_id"] if item["unit"] == "documents" else ["doc_id", "text"]
    require_columns(read_schema(path), {"doc_id": pa.string(), "text": pa.large_string()}, f"{task.ledger.counters.stage}: {path}")
    ids, weights = [np.empty((0, 2), np.uint64)], [np.empty(0, np.uint64)]
    for table in read_documents(path, columns):
        ids.append(id_words(table["doc_id"], str(path)))
        sizes = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy() if "text" in columns else np.ones(table.num_rows)
        weights.append(sizes.astype(np.uint64))
    ids_N2, weights_N = np.concatenate(ids), np.concatenate(weights)
    keys_N = keyed_hashes(ids_N2, task.seed, item["purpose"])
    if item["unit"] == "documents" and keys_N.size > item["budget"] > 0:
        near = keys_N <= np.partition(keys_N, item["budget"])[item["budget"]]  # one more, so that the cut sees the next
        ids_N2, weights_N, keys_N = ids_N2[near], weights_N[near], keys_N[near]
    save_part(task.folder / "rank.npy", keys_N, ids_N2, weights_N)


def cut_ranking(task: Task) -> None:
    """Find the last document of the sample."""
    task.values["cut"] = find_cut([Path(part) for part in task.item["parts"]], task.item["budget"]).to_json()


def write_texts(task: Task) -> None:
    """Write the chosen texts of a shard in the order of their keys."""
    path, cut, lines = Path(task.item["path"]), Cut.from_json(task.item["cut"]), task.item["lines"]
    texts: list[bytes] = []
    rows: list[Words] = []
    for table in read_documents(path, ["doc_id", "text"]):
        ids_N2 = id_words(table["doc_id"], str(path))
        keys_N = keyed_hashes(ids_N2, task.seed, task.item["purpose"])
        mask = cut.keeps(keys_N, ids_N2)
        num_chosen = int(mask.sum())
        task.ledger.saw(table.num_rows)
        task.ledger.counters.kept += num_chosen
        task.ledger.drop_unread("not_drawn", table.num_rows - num_chosen)
        chosen = texts_of(table["text"].filter(pa.array(mask)))
        if lines:
            chosen = example_lines(chosen, ids_N2[mask], task.seed, lines)
        texts += [text.encode() for text in chosen]
        rows.append(np.column_stack([keys_N, ids_N2])[mask])
    keys = np.concatenate([np.empty((0, 3), np.uint64), *rows])
    order = np.lexsort((keys[:, 2], keys[:, 1], keys[:, 0]))
    sizes = np.array([len(texts[i]) for i in order], dtype=np.uint64)
    with (task.folder / "texts.bin").open("wb") as file:
        file.writelines(texts[i] for i in order)
    np.save(task.folder / "texts.npy", np.column_stack([keys[order], np.cumsum(sizes, dtype=np.uint64) - sizes, sizes]))


def read_sample(groups: Sequence[Sequence[Path]], seed: int, purpose: str) -> Iterator[tuple[int, Words, bytes]]:
    """Yield (group, doc_id words, text) of one or more samples, all mixed in the order of a keyed hash of the doc_id.

    A doc_id that comes again is left out, so a document of two groups belongs to the first.
    """
    folders = [(group, folder) for group, members in enumerate(groups) for folder in members]
    tables = [np.load(folder / "texts.npy") for _, folder in folders]
    files = [_map(folder / "texts.bin") for _, folder in folders]
    rows = np.concatenate([np.empty((0, ROW_WORDS), np.uint64), *tables])
    source = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    keys = keyed_hashes(rows[:, 1:3], seed, purpose)
    order = np.lexsort((source, rows[:, 2], rows[:, 1], keys))
    previous: tuple[int, int] | None = None
    for row, number in zip(rows[order], source[order], strict=True):
        _, high, low, offset, size = (int(word) for word in row)
        if (high, low) != previous:
            yield folders[number][0], row[1:3], files[number][offset : offset + size].tobytes()
        previous = (high, low)


def _map(path: Path) -> Any:
    """Map a file; an empty one cannot be mapped."""
    return np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
