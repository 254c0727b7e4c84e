"""Second half of `tokenize`: one task per token shard gathers its stretch of the keys from every encoded part and writes it.

Shard b of B holds the documents whose key k has floor(k * B / 2**64) == b, in the order (key, doc_id). B follows from the
number of tokens alone, so the shards' bytes depend on the documents and the seed, not on how the documents lay in shards.
Memory: the tokens of one shard.
"""

# N documents of the shard, T tokens

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Task
from mathcode_data.core.storage import read_json, to_json
from mathcode_data.shards.documents_table import DocumentsTableWriter
from mathcode_data.shards.format import bin_path, documents_path, token_dtype
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.stages.ids import Words
from mathcode_data.stages.tokenize.encoder import Lengths
from mathcode_data.stages.tokenize.stretches import in_order

PARTS_NAME = "parts.json"
KEY_RANGE = 1 << 64


def list_parts(task: Task) -> None:
    """Phase `parts`: write the list of encoded parts once, so that the items of the next phase stay small."""
    (task.folder / PARTS_NAME).write_bytes(to_json(task.item["parts"]))


def write_shard(task: Task) -> None:
    """Phase `shards`: write one token shard and its documents table."""
    item = task.item
    found = _read(read_json(Path(item["parts"])), item["bucket"], item["num_buckets"], token_dtype(item["max_id"]))
    task.values |= {"repeated_doc_ids": 0, "text_bytes": found.text_bytes}
    if not found.lengths.size:
        return
    order, task.values["repeated_doc_ids"] = _order(found)
    prefix = task.folder / f"{item['name']}-{item['bucket']:05d}"
    lengths = found.lengths[order]
    with ShardWriter(prefix, found.ids.dtype) as shard, DocumentsTableWriter(documents_path(prefix)) as table:
        first = 0
        for ids, num_documents in in_order(found.ids, found.lengths, order):
            shard.add_many(ids, lengths[first : first + num_documents])
            first += num_documents
        table.add(found.documents.take(pa.array(order)), lengths)
    task.declare(bin_path(prefix).name, rows=shard.num_documents, tokens=shard.num_tokens)


@dataclass(frozen=True)
class _Documents:
    """What one shard is made of, in the order of the parts: per document, but `ids`, which are those of all documents."""

    keys: Words
    words: Words
    lengths: Lengths
    ids: NDArray[Any]
    documents: pa.Table
    text_bytes: int
    """UTF-8 bytes of all texts."""


def _read(parts: Sequence[str], bucket: int, num_buckets: int, dtype: np.dtype[Any]) -> _Documents:
    """Read the bucket's stretch of every part, one file at a time (thousands of open files would not be allowed)."""
    low, high = (np.uint64(min(-(-edge * KEY_RANGE // num_buckets), KEY_RANGE - 1)) for edge in (bucket, bucket + 1))
    keys, words, lengths, tables, text_bytes = [np.empty(0, np.uint64)], [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)], [], 0
    stretches = []
    for folder in map(Path, parts):
        part_keys = np.load(folder / "keys.npy", mmap_mode="r")
        first = int(np.searchsorted(part_keys, low))
        stop = int(np.searchsorted(part_keys, high)) if bucket + 1 < num_buckets else part_keys.size
        if first == stop:
            continue
        edges = np.array(np.load(folder / "edges.npy", mmap_mode="r")[first : stop + 1])
        keys.append(np.array(part_keys[first:stop]))
        words.append(np.array(np.load(folder / "words.npy", mmap_mode="r")[first:stop]))
        lengths.append(np.diff(edges))
        text_bytes += int(np.load(folder / "text_sizes.npy", mmap_mode="r")[first:stop].sum())
        stretches.append((folder / "ids.bin", int(edges[0]), int(edges[-1] - edges[0])))
        with pa.memory_map(str(folder / "documents.arrow")) as file:
            tables.append(pa.ipc.open_file(file).read_all().slice(first, stop - first))
    documents = pa.concat_tables(tables) if tables else pa.table({})
    ids = _read_ids(stretches, dtype)
    return _Documents(np.concatenate(keys), np.concatenate(words), np.concatenate(lengths), ids, documents, text_bytes)


def _read_ids(stretches: Sequence[tuple[Path, int, int]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read (file, first token, number of tokens) of every part, one behind the other, without a second copy."""
    ids = np.empty(sum(count for _, _, count in stretches), dtype)
    start = 0
    for path, first, count in stretches:
        with path.open("rb", buffering=0) as file:
            file.seek(first * dtype.itemsize)
            target = ids[start : start + count].view(np.uint8).data
            while target:  # one call reads 2 GB at most
                num_read = file.readinto(target)
                if not num_read:
                    raise DataError(f"{path}: {len(target):,} bytes are missing; the part is damaged, remove the stage's work folder")
                target = target[num_read:]
        start += count
    return ids


def _order(found: _Documents) -> tuple[NDArray[np.int64], int]:
    """Sort by (key, doc_id). Documents that share a doc_id are sorted by their tokens, so that shards do not matter there either.

    Returns:
        The order, and how many documents repeat the doc_id of another one.
    """
    order = np.lexsort((found.words[:, 1], found.words[:, 0], found.keys))
    same = np.flatnonzero((found.words[order[1:]] == found.words[order[:-1]]).all(axis=1))
    starts = np.cumsum(found.lengths) - found.lengths

    def tokens(row: np.int64) -> bytes:
        return found.ids[starts[row] : starts[row] + found.lengths[row]].tobytes()

    for run in np.split(same, np.flatnonzero(np.diff(same) > 1) + 1) if same.size else []:
        places = slice(run[0], run[-1] + 2)
        order[places] = sorted(order[places], key=tokens)
    return order, int(same.size)
