"""First half of `tokenize`: one task per document shard encodes its texts and sorts the documents by a keyed hash of their ids.

What a task leaves, all in the order (key, doc_id):

    ids.bin          token ids of all documents, one after the other, in the dtype of the shards
    keys.npy         (N,) keys              words.npy   (N, 2) doc_id as two numbers
    edges.npy        (N + 1,) places in ids.bin, in tokens
    text_sizes.npy   (N,) UTF-8 bytes of the texts
    documents.arrow  provenance columns (Arrow IPC, not compressed, so that a slice is read without the rest)

A part of the keys is then one stretch of each file, which is all that the second half reads. Memory: twice SPOOL_BYTES of ids (what
is more goes to a file first) and the documents' columns but `text`.
"""

# N documents of a shard, T tokens

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Task
from mathcode_data.shards.documents_table import documents_table_schema
from mathcode_data.shards.format import token_dtype
from mathcode_data.stages.arrange.marks import MARK_TYPE, SPECIAL_TOKENS
from mathcode_data.stages.ids import id_words
from mathcode_data.stages.learn.texts import texts_of
from mathcode_data.stages.select.rank import keyed_hashes
from mathcode_data.stages.tokenize.backends import difference, load_encoder
from mathcode_data.stages.tokenize.encoder import Ids, Lengths
from mathcode_data.stages.tokenize.special_pieces import cut_at_marks
from mathcode_data.stages.tokenize.stretches import Spool, in_order

BATCH_BYTES = 1 << 20  # libraries are a quarter faster on it than on four times as much
FIRST_CHARACTERS = 1 << 16
MAX_COMPARED = 1 << 20
PURPOSE = "order of documents"
SPOT_CHECK = "spot check"


def first_documents(paths: list[Path]) -> tuple[list[str], list[str]]:
    """First texts of the corpus, FIRST_CHARACTERS of them, and their doc_ids. None where a shard is damaged: `encode` reports that."""
    texts: list[str] = []
    doc_ids: list[str] = []
    left = FIRST_CHARACTERS
    try:
        for table in itertools.chain.from_iterable(read_documents(path, ["doc_id", "text"], batch_rows=16) for path in paths):
            for text, doc_id in zip(texts_of(table["text"]), table["doc_id"].to_pylist(), strict=True):
                texts.append(text[:left])
                doc_ids.append(str(doc_id))
                left -= len(text)
                if left <= 0:
                    return texts, doc_ids
    except DataError:
        return [], []
    return texts, doc_ids


def encode_shard(task: Task) -> None:
    """Phase `encode`: encode one document shard."""
    path, facts = Path(task.item["path"]), task.item["facts"]
    where = f"{task.ledger.counters.stage}: {path}"
    schema = read_schema(path)
    marked = {SPECIAL_TOKENS: MARK_TYPE} if SPECIAL_TOKENS in schema.names else {}
    require_columns(schema, {"doc_id": pa.string(), "text": pa.large_string()} | marked, where)
    checked = _Checked(task, where)
    words, lengths, provenance, text_sizes = [np.empty((0, 2), np.uint64)], [np.empty(0, np.int64)], [], [np.empty(0, np.int64)]
    with Spool(task.folder / "spool.bin", token_dtype(facts["max_id"])) as spool:
        for table, texts, all_text_sizes in _batches(path, task):
            marks = table[SPECIAL_TOKENS] if SPECIAL_TOKENS in table.column_names else None
            ids, sizes = checked.encode(texts, table["doc_id"], marks)
            spool.add(ids)
            kept = sizes > 0
            _drop(task, table, ~kept, "no_tokens")
            table = table if kept.all() else table.filter(pa.array(kept))
            words.append(id_words(table["doc_id"], where))
            lengths.append(sizes[kept])
            provenance.append(_provenance(table))
            text_sizes.append(all_text_sizes[kept])
            task.ledger.counters.kept += table.num_rows
        words_N2, lengths_N = np.concatenate(words), np.concatenate(lengths)
        keys_N = keyed_hashes(words_N2, task.seed, PURPOSE)
        order = np.lexsort((words_N2[:, 1], words_N2[:, 0], keys_N))
        np.save(task.folder / "keys.npy", keys_N[order])
        np.save(task.folder / "words.npy", words_N2[order])
        np.save(task.folder / "text_sizes.npy", np.concatenate(text_sizes)[order])
        np.save(task.folder / "edges.npy", np.concatenate([[0], np.cumsum(lengths_N[order])]).astype(np.int64))
        with (task.folder / "ids.bin").open("wb") as file:
            for ids, _ in in_order(spool.ids(), lengths_N, order):
                file.write(ids.data)
    table = pa.concat_tables(provenance) if provenance else _provenance(documents_table_schema().empty_table())
    with pa.ipc.new_file(task.folder / "documents.arrow", table.schema) as writer:
        writer.write_table(table.take(pa.array(order)))
    task.values |= {"num_tokens": int(lengths_N.sum()), "compared": checked.compared}


class _Checked:
    """Encodes batches, compares some documents with the truth, adds end and begin tokens, refuses ids that must not be there."""

    def __init__(self, task: Task, where: str) -> None:
        facts, config = task.item["facts"], task.config
        self.truth, self.encoder = load_encoder(Path(task.item["tokenizer"]), facts["backend"], tuple(facts["control_tokens"]))
        self.placed: dict[str, int] = facts["placed_tokens"]
        self.where, self.seed = where, task.seed
        self.dtype = token_dtype(facts["max_id"])
        self.is_forbidden = np.zeros(facts["max_id"] + 1, dtype=bool)
        self.is_forbidden[facts["special_ids"]] = True
        special = facts["special_ids"] or [facts["max_id"] + 1]
        self.first_special, self.special_range = np.uint32(min(special)), np.uint32(max(special) - min(special))
        self.begin = facts["bos_id"] if config.prepend_bos else None
        self.end = facts["eos_id"] if config.append_eos else None
        self.share = 0.0 if self.truth is self.encoder else config.spot_check
        self.compared = {"documents": 0, "tokens": 0}

    def encode(self, texts: list[str], doc_ids: pa.ChunkedArray, marks: pa.ChunkedArray | None) -> tuple[NDArray[Any], Lengths]:
        """Ids of texts in the dtype of the shards, and how many each has; 0 for a text without a token, which gets no end token.

        Texts with `marks` are encoded in the pieces between these, and the special ids put there.
        """
        if marks is None or not pc.any(pc.greater(pc.fill_null(pc.list_value_length(marks), 0), 0)).as_py():
            ids, lengths = self._encode_text(texts, doc_ids)
            return _wrap(ids, lengths, self.begin, self.end)
        pieces = cut_at_marks(texts, marks.to_pylist(), self.placed, doc_ids.to_pylist(), self.where)
        ids, lengths = self._encode_text(pieces.texts, doc_ids.take(pa.array(pieces.owners)))
        ids, lengths = pieces.put_in(ids, lengths)
        return _wrap(ids, lengths, self.begin, self.end)

    def _encode_text(self, texts: list[str], doc_ids: pa.ChunkedArray) -> tuple[NDArray[Any], Lengths]:
        ids, lengths = self.encoder.encode(texts)
        if self.share:
            self._compare(texts, doc_ids, ids, lengths)
        if ids.size and int(ids.max()) >= self.is_forbidden.size:
            at = int(np.flatnonzero(ids >= self.is_forbidden.size)[0])
            raise DataError(
                f"{self.where}: {self._document(at, lengths, doc_ids)}: {self.encoder.name} gives token id {int(ids[at])}, above the "
                f"tokenizer's largest id {self.is_forbidden.size - 1}; set backend: hf"
            )
        if ((ids - self.first_special) <= self.special_range).any() and self.is_forbidden[ids].any():
            at = int(np.flatnonzero(self.is_forbidden[ids])[0])
            raise DataError(
                f"{self.where}: {self._document(at, lengths, doc_ids)}: special id {int(ids[at])} inside the text; text must not become "
                "control tokens, set backend: hf or use another tokenizer"
            )
        return ids.astype(self.dtype), lengths

    def _compare(self, texts: list[str], doc_ids: pa.ChunkedArray, ids: Ids, lengths: Lengths) -> None:
        """Compare the documents whose keyed hash is below the share, and the first one of the shard; not those of MAX_COMPARED."""
        hashes_N = keyed_hashes(id_words(doc_ids, self.where), self.seed, SPOT_CHECK)
        is_chosen = hashes_N <= np.uint64(min(int(self.share * 2**64), 2**64 - 1))
        is_chosen[0] |= not self.compared["documents"]
        chosen = [i for i in np.flatnonzero(is_chosen).tolist() if len(texts[i]) < MAX_COMPARED]
        if not chosen:
            return
        expected, sizes = self.truth.encode([texts[i] for i in chosen])
        ends = np.cumsum(lengths)
        for i, right in zip(chosen, np.split(expected, np.cumsum(sizes)[:-1]), strict=True):
            found = ids[ends[i] - lengths[i] : ends[i]]
            if not np.array_equal(right, found):
                place = f"{self.where}: document {doc_ids[i].as_py()} {texts[i][:40]!r}"
                raise difference(right, found, self.truth, self.encoder, place)
        self.compared["documents"] += len(chosen)
        self.compared["tokens"] += int(expected.size)

    def _document(self, at: int, lengths: Lengths, doc_ids: pa.ChunkedArray) -> str:
        return f"document {doc_ids[int(np.searchsorted(np.cumsum(lengths), at, side='right'))].as_py()}"


def _wrap(ids_T: NDArray[Any], lengths_N: Lengths, begin: int | None, end: int | None) -> tuple[NDArray[Any], Lengths]:
    """Put a begin and an end token around every document that has tokens."""
    num_added = (begin is not None) + (end is not None)
    if not num_added:
        return ids_T, lengths_N
    sizes_N = np.where(lengths_N > 0, lengths_N + num_added, 0)
    ends_N = np.cumsum(sizes_N)
    has_tokens = sizes_N > 0
    wrapped = np.empty(int(sizes_N.sum()), dtype=ids_T.dtype)
    is_text = np.ones(wrapped.size, dtype=bool)
    for token, places in ((begin, (ends_N - sizes_N)[has_tokens]), (end, (ends_N - 1)[has_tokens])):
        if token is not None:
            wrapped[places], is_text[places] = token, False
    wrapped[is_text] = ids_T
    return wrapped, sizes_N


def _batches(path: Path, task: Task) -> Iterator[tuple[pa.Table, list[str], Lengths]]:
    """Yield documents with text (rows, texts, UTF-8 bytes of each) in batches of about BATCH_BYTES; empty ones are dropped."""
    names = read_schema(path).names
    wanted = ["text", *(name for name in (*documents_table_schema().names, SPECIAL_TOKENS) if name in names)]
    for table in read_documents(path, wanted):
        task.ledger.saw(table.num_rows)
        all_sizes = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy()
        is_empty = all_sizes == 0
        _drop(task, table, is_empty, "empty_text")
        table = table.filter(pa.array(~is_empty)) if is_empty.any() else table
        sizes = all_sizes[~is_empty]
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
