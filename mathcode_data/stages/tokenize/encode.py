"""First half of `tokenize`: one task per document shard encodes its texts and sorts the documents by a keyed hash of their ids.

What a task leaves, all in the order (key, doc_id):

    ids.bin          token ids of all documents, one after the other, in the dtype of the shards
    keys.npy         (N,) keys              words.npy   (N, 2) doc_id as two numbers
    edges.npy        (N + 1,) places in ids.bin, in tokens
    text_sizes.npy   (N,) UTF-8 bytes of the texts
    documents.arrow  provenance columns (Arrow IPC, not compressed, so that a slice is read without the rest)

A part of the keys is then one stretch of each file, which is all that the second half reads.
"""

# N documents of a shard, T tokens

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Task
from mathcode_data.shards.documents_table import documents_table_schema
from mathcode_data.shards.format import token_dtype
from mathcode_data.stages.ids import Words, id_words
from mathcode_data.stages.learn.texts import texts_of
from mathcode_data.stages.select.rank import keyed_hashes
from mathcode_data.stages.tokenize.encoder import Encoder, Ids, Lengths, compare, load_encoder

BATCH_BYTES = 4 << 20
COMPARED_BYTES = 1 << 18
COPY_TOKENS = 1 << 20
PURPOSE = "order of documents"


def encode_shard(task: Task) -> None:
    """Phase `encode`: encode one document shard."""
    path, facts = Path(task.item["path"]), task.item["facts"]
    where = f"{task.ledger.counters.stage}: {path}"
    require_columns(read_schema(path), {"doc_id": pa.string(), "text": pa.large_string()}, where)
    truth, encoder = load_encoder(Path(task.item["tokenizer"]), facts["backend"])
    batch_encoder = _Checked(task, truth, encoder, where)
    spool = task.folder / "spool.bin"
    words, lengths, provenance, text_sizes = [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)], [], [np.empty(0, np.int64)]
    with spool.open("wb") as file:
        for table, texts, all_text_sizes in _batches(path, task):
            sizes = batch_encoder.write(texts, file)
            kept = sizes >= 0
            _drop(task, table, ~kept, "no_tokens")
            table = table.filter(pa.array(kept))
            words.append(id_words(table["doc_id"], where))
            lengths.append(sizes[kept])
            provenance.append(_provenance(table))
            text_sizes.append(all_text_sizes[kept])
            task.ledger.counters.kept += table.num_rows
    lengths_N = np.concatenate(lengths)
    order = _write_sorted(task, np.concatenate(words), lengths_N, provenance, token_dtype(facts["max_id"]), spool)
    np.save(task.folder / "text_sizes.npy", np.concatenate(text_sizes)[order])
    task.values["num_tokens"] = int(lengths_N.sum())


class _Checked:
    """Encodes batches, adds end and begin tokens, and refuses ids that must not be there."""

    def __init__(self, task: Task, truth: Encoder, encoder: Encoder, where: str) -> None:
        facts = task.item["facts"]
        self.truth, self.encoder, self.where = truth, encoder, where
        self.dtype = token_dtype(facts["max_id"])
        self.is_forbidden = np.zeros(facts["max_id"] + 1, dtype=bool)
        self.is_forbidden[facts["special_ids"]] = True
        self.begin = facts["bos_id"] if task.config.prepend_bos else None
        self.end = facts["eos_id"] if task.config.append_eos else None
        self.is_compared = truth is encoder

    def write(self, texts: list[str], file: IO[bytes]) -> Lengths:
        """Append the ids of texts to a file. Returns the number of tokens of each, -1 for one that has none."""
        if not self.is_compared:
            compare(self.truth, self.encoder, _first(texts, COMPARED_BYTES), self.where)
            self.is_compared = True
        ids, lengths = self.encoder.encode(texts)
        if ids.size and int(ids.max()) >= self.is_forbidden.size:
            raise DataError(f"{self.where}: token id {int(ids.max())} is above the tokenizer's largest id {self.is_forbidden.size - 1}")
        if self.is_forbidden[ids].any():
            at = int(np.flatnonzero(self.is_forbidden[ids])[0])
            text = texts[int(np.searchsorted(np.cumsum(lengths), at, side="right"))]
            raise DataError(
                f"{self.where}: special id {int(ids[at])} inside the document that begins {text[:60]!r}; "
                "text must not become control tokens, use another tokenizer"
            )
        with_tokens = lengths > 0
        wrapped, sizes = _wrap(ids, lengths[with_tokens], self.begin, self.end)
        file.write(wrapped.astype(self.dtype).data)
        result = np.full(lengths.size, -1, dtype=np.int64)
        result[with_tokens] = sizes
        return result


def _first(texts: list[str], num_characters: int) -> list[str]:
    chosen: list[str] = []
    for text in texts:
        chosen.append(text[:num_characters])
        num_characters -= len(text)
        if num_characters <= 0:
            break
    return chosen


def _wrap(ids_T: Ids, lengths_N: Lengths, begin: int | None, end: int | None) -> tuple[Ids, Lengths]:
    """Put a begin and an end token around every document."""
    if begin is None and end is None:
        return ids_T, lengths_N
    sizes_N = lengths_N + (begin is not None) + (end is not None)
    ends_N = np.cumsum(sizes_N)
    wrapped = np.empty(int(sizes_N.sum()), dtype=np.uint32)
    is_text = np.ones(wrapped.size, dtype=bool)
    for token, places in ((begin, ends_N - sizes_N), (end, ends_N - 1)):
        if token is not None:
            wrapped[places], is_text[places] = token, False
    wrapped[is_text] = ids_T
    return wrapped, sizes_N


def _batches(path: Path, task: Task) -> Iterator[tuple[pa.Table, list[str], Lengths]]:
    """Yield documents with text (rows, texts, UTF-8 bytes of each) in batches of about BATCH_BYTES; empty ones are dropped."""
    wanted = ["text", *(name for name in documents_table_schema().names if name in read_schema(path).names)]
    for table in read_documents(path, wanted):
        task.ledger.saw(table.num_rows)
        all_sizes = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy()
        _drop(task, table, all_sizes == 0, "empty_text")
        table = table.filter(pa.array(all_sizes > 0))
        sizes = all_sizes[all_sizes > 0]
        batch_of_row = np.cumsum(sizes) // BATCH_BYTES
        starts = [*np.flatnonzero(np.diff(batch_of_row, prepend=-1)).tolist(), table.num_rows]
        for first, stop in itertools.pairwise(starts):
            part = table.slice(first, stop - first)
            yield part, texts_of(part["text"], task.ledger), sizes[first:stop]


def _drop(task: Task, table: pa.Table, mask: NDArray[np.bool_], reason: str) -> None:
    if mask.any():
        task.ledger.drop(table.filter(pa.array(mask)), reason)


def _provenance(table: pa.Table) -> pa.Table:
    """The columns of the documents table that are there, in one type, so that all shards fit together."""
    fields = [field for field in documents_table_schema() if field.name not in ("token_start", "num_tokens")]
    columns = []
    for field in fields:
        missing = field.name not in table.column_names
        columns.append(pa.nulls(table.num_rows, field.type) if missing else table[field.name].cast(field.type))
    return pa.table(columns, schema=pa.schema(fields))


def _write_sorted(
    task: Task, words_N2: Words, lengths_N: Lengths, provenance: list[pa.Table], dtype: np.dtype[Any], spool: Path
) -> NDArray[np.intp]:
    """Write all files but `text_sizes.npy`; returns the order of the documents."""
    keys_N = keyed_hashes(words_N2, task.seed, PURPOSE)
    order = np.lexsort((words_N2[:, 1], words_N2[:, 0], keys_N))
    edges = np.concatenate([[0], np.cumsum(lengths_N[order])]).astype(np.int64)
    starts_N = np.cumsum(lengths_N) - lengths_N
    ids = np.memmap(spool, dtype=dtype, mode="r") if spool.stat().st_size else np.empty(0, dtype)
    with (task.folder / "ids.bin").open("wb") as file:
        for first, stop in runs_of(edges, COPY_TOKENS):
            file.write(np.concatenate([ids[starts_N[i] : starts_N[i] + lengths_N[i]] for i in order[first:stop]]).data)
    del ids
    spool.unlink()
    np.save(task.folder / "keys.npy", keys_N[order])
    np.save(task.folder / "words.npy", words_N2[order])
    np.save(task.folder / "edges.npy", edges)
    table = pa.concat_tables(provenance) if provenance else _provenance(documents_table_schema().empty_table())
    with pa.ipc.new_file(task.folder / "documents.arrow", table.schema) as writer:
        writer.write_table(table.take(pa.array(order)))
    return order


def runs_of(edges: NDArray[np.int64], num_tokens: int) -> Iterator[tuple[int, int]]:
    """Cut documents 0..N-1 into runs of about `num_tokens`; `edges` holds N + 1 places."""
    first, last = 0, edges.size - 1
    while first < last:
        stop = max(first + 1, int(np.searchsorted(edges, edges[first] + num_tokens, side="right")) - 1)
        yield first, min(stop, last)
        first = stop
