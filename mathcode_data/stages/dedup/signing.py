"""From texts to shingles and band keys, batch by batch: what `dedup.minhash` compares documents by."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mathcode_data.core import text as core_text
from mathcode_data.core.documents import read_documents
from mathcode_data.core.errors import DataError
from mathcode_data.core.gram_scanner import gram_hashes_of
from mathcode_data.core.stage import Task
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.signatures import HashFunctions, band_keys, shingles
from mathcode_data.stages.ids import hex_ids, id_words

Words = NDArray[np.uint64]

KEYS_PREFIX = "band_keys-"


def shingles_of(column: pa.ChunkedArray, unit: str, size: int) -> tuple[Words, NDArray[np.int64]]:
    """Shingles of each text, one after the other, and how many each has."""
    if unit == "words":
        hashes, ends = gram_hashes_of(column)
        return shingles(hashes, np.diff(ends), size)
    encoded = [core_text.normalise(text or "").encode("utf-32-le", "surrogatepass") for text in column.to_pylist()]
    codes = np.frombuffer(b"".join(encoded), "<u4").astype(np.uint64)
    return shingles(codes, np.array([len(text) // 4 for text in encoded], np.int64), size)


def sign_shard(task: Task) -> None:
    """Band keys of the documents of one shard that have a shingle, and ids and preferences of all."""
    if task.item.get("remembered"):
        _recall(task)
        return
    config, path, earlier = task.config, Path(task.item["path"]), bool(task.item.get("earlier"))
    functions = HashFunctions(config.num_bands * config.rows_per_band, config.seed)
    ids, preferences, signed = [np.empty((0, 2), np.uint64)], [np.empty((0, 2))], [np.empty(0, np.uint64)]
    keys = [np.empty((config.num_bands, 0), np.uint64)]
    first = 0
    for table in read_documents(path, rows.survivor_columns(config, path, earlier=earlier)):
        ids.append(id_words(table["doc_id"], str(path)))
        preferences.append(rows.preference(table, config, earlier=earlier))
        shingle, sizes = shingles_of(table["text"], config.shingle_unit, config.shingle_size)
        has_shingles = np.flatnonzero(sizes)
        keys.append(band_keys(functions.signatures(shingle, sizes[has_shingles]), config.num_bands))
        signed.append((has_shingles + first).astype(np.uint64))
        first += table.num_rows
    _save(task.folder, np.concatenate(ids), np.concatenate(preferences), np.concatenate(signed), np.concatenate(keys, axis=1))


def _save(folder: Path, ids: Words, preferences: NDArray[np.float64], signed: Words, keys: Words) -> None:
    np.save(folder / "ids.npy", ids)
    np.save(folder / "preferences.npy", preferences)
    np.save(folder / "signed.npy", signed)
    np.save(folder / "keys.npy", keys)


def signature_identity(config: Any) -> str:
    """What two runs must share for their band keys to be comparable."""
    shape = f"{config.num_bands}x{config.rows_per_band}, {config.shingle_size} {config.shingle_unit}, seed {config.seed}"
    return f"{shape}, text {core_text.VERSION}"


def remember_shard(task: Task) -> None:
    """Write the band keys of one shard's documents, those that were dropped as well, for later runs."""
    folder, dropped = Path(task.item["signed"]), rows.dropped_in_shard(task.item)
    ids, signed, keys = (np.load(folder / f"{name}.npy") for name in ("ids", "signed", "keys"))
    is_kept = np.ones(len(ids), bool)
    for found in dropped.values():
        is_kept[found[:, 0]] = False
    name = f"{KEYS_PREFIX}{task.index:05d}.parquet"
    packed = np.ascontiguousarray(keys.T).astype("<u8").tobytes()
    table = pa.table(
        {
            "doc_id": pa.array(hex_ids(ids[signed]), pa.string()),
            "kept": pa.array(is_kept[signed]),
            "keys": pa.FixedSizeBinaryArray.from_buffers(pa.binary(8 * len(keys)), len(signed), [None, pa.py_buffer(packed)]),
        }
    )
    pq.write_table(table, task.folder / name, compression="zstd", write_page_checksum=True)
    task.declare(name, rows=table.num_rows)


def _recall(task: Task) -> None:
    """Read what `remember_shard` of an earlier run wrote. Its dropped documents are known, but stand for no other."""
    path = Path(task.item["path"])
    ids, keys, kept = [np.empty((0, 2), np.uint64)], [np.empty((task.config.num_bands, 0), np.uint64)], [np.empty(0, bool)]
    for table in read_documents(path):
        ids.append(id_words(table["doc_id"], str(path)))
        kept.append(table["kept"].to_numpy())
        packed = b"".join(itertools.chain.from_iterable(chunk.to_pylist() for chunk in table["keys"].chunks))
        if len(packed) != table.num_rows * 8 * task.config.num_bands:
            raise DataError(f"{path}: band keys of another length than {task.config.num_bands} bands; remove the result and run again")
        keys.append(np.frombuffer(packed, "<u8").astype(np.uint64).reshape(-1, task.config.num_bands).T)
    is_kept = np.concatenate(kept)
    preferences = np.zeros((is_kept.size, 2))
    preferences[:, 0] = np.where(is_kept, np.inf, np.finfo(np.float64).max)
    _save(task.folder, np.concatenate(ids), preferences, np.arange(is_kept.size, dtype=np.uint64), np.concatenate(keys, axis=1))
