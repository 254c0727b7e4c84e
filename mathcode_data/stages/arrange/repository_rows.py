"""The file shuffle of `arrange.repository`: rows of many shards brought together by their repository, without their texts.

`scan` writes each input shard as Arrow IPC, not compressed, in batches that are sorted by the key of the repository (a hash). A
part of the keys is then one stretch of each batch. What decides the order (paths, imports, sizes) is read from there; a text is
read from its memory map when it is written, so no task holds more texts than one document.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import SetupError
from mathcode_data.core.stage import Task
from mathcode_data.stages.arrange.imports import find_imports
from mathcode_data.stages.arrange.marks import FILES, SPECIAL_TOKENS
from mathcode_data.stages.ids import id_words
from mathcode_data.stages.learn.texts import texts_of

ROWS, KEYS = "rows.arrow", "keys.npy"
BATCH_BYTES = 32 << 20
ROW_BYTES = 1024
"""What a file costs beside its text while its repository is put in order."""
MAX_OPEN = 16
KEY_RANGE = 1 << 64
IMPORTS, BYTES, DIGEST = "_imports", "_bytes", "_digest"
ADDED = [pa.field(IMPORTS, pa.list_(pa.string())), pa.field(BYTES, pa.int64()), pa.field(DIGEST, pa.uint64())]
NEEDED = {name: pa.string() for name in ("doc_id", "repository", "path", "language")} | {"text": pa.large_string()}


def scan_shard(task: Task) -> None:
    """Phase `scan`: the rows of one shard with what they import, in batches sorted by the key of their repository."""
    path = Path(task.item["path"])
    where = f"{task.ledger.counters.stage}: {path}"
    schema = read_schema(path)
    require_columns(schema, NEEDED, where)
    for name in (FILES, SPECIAL_TOKENS):
        if name in schema.names:
            raise SetupError(f"{where}: the documents have {name} already; put arrange.repository before arrange.fim, and only once")
    keys, num_bytes = [np.empty(0, np.uint64)], 0
    with pa.ipc.new_file(task.folder / ROWS, pa.schema([*schema, *ADDED])) as writer:
        for table in _batches(path):
            texts = texts_of(table["text"])
            rows = zip(table["language"].to_pylist(), table["path"].to_pylist(), texts, strict=True)
            digests = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts]
            added = [
                pa.array([find_imports(language, name or "", text) for language, name, text in rows], ADDED[0].type),
                pa.array([len(text.encode()) for text in texts], pa.int64()),
                pa.array(digests, pa.uint64()),
            ]
            for field, column in zip(ADDED, added, strict=True):
                table = table.append_column(field, column)
            num_bytes += sum(added[1].to_pylist())
            key = _keys(table, where)
            order = np.argsort(key, kind="stable")
            keys.append(key[order])
            writer.write_table(table.take(pa.array(order)).combine_chunks())
    np.save(task.folder / KEYS, np.concatenate(keys))
    task.values |= {"bytes": num_bytes, "rows": sum(map(len, keys))}


def _batches(path: Path) -> Iterator[pa.Table]:
    """Tables of about BATCH_BYTES, each in one chunk."""
    waiting: list[pa.Table] = []
    for table in read_documents(path):
        waiting.append(table)
        if sum(part.nbytes for part in waiting) >= BATCH_BYTES:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _keys(table: pa.Table, where: str) -> NDArray[np.uint64]:
    """A hash of source and repository; documents without a repository are alone with a hash of their id."""
    words = id_words(table["doc_id"], where)
    sources = table["source"].to_pylist() if "source" in table.column_names else [None] * table.num_rows
    keys = words[:, 0].copy()
    for row, (source, repository) in enumerate(zip(sources, table["repository"].to_pylist(), strict=True)):
        if repository:
            digest = hashlib.blake2b(f"{source or ''}\0{repository}".encode(), digest_size=8).digest()
            keys[row] = int.from_bytes(digest, "little")
    return keys


class RowReader:
    """Rows of scanned shards: what decides by ranges of keys, texts one by one. Few files are open at a time."""

    def __init__(self, folders: Sequence[str]) -> None:
        """Take the folders that `scan` wrote."""
        self._folders = [Path(folder) for folder in folders]
        self._open: OrderedDict[int, Any] = OrderedDict()

    def _file(self, shard: int) -> Any:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        if len(self._open) >= MAX_OPEN:
            self._open.popitem(last=False)
        self._open[shard] = pa.ipc.open_file(pa.memory_map(str(self._folders[shard] / ROWS)))
        return self._open[shard]

    def select(self, bucket: int, num_buckets: int) -> Iterator[dict[str, Any]]:
        """Rows of a bucket without their texts; `place` says where the text is."""
        low, high = -(-bucket * KEY_RANGE // num_buckets), -(-(bucket + 1) * KEY_RANGE // num_buckets)
        for shard, folder in enumerate(self._folders):
            keys = np.load(folder / KEYS, mmap_mode="r")
            first = 0
            for batch in range(self._file(shard).num_record_batches):
                table = pa.Table.from_batches([self._file(shard).get_batch(batch)])
                here = keys[first : first + table.num_rows]
                first += table.num_rows
                start = int(np.searchsorted(here, np.uint64(low)))
                stop = here.size if high >= KEY_RANGE else int(np.searchsorted(here, np.uint64(high)))
                rows = table.slice(start, stop - start).drop_columns(["text"]).to_pylist()
                yield from (row | {"place": (shard, batch, start + number)} for number, row in enumerate(rows))

    def text(self, place: tuple[int, int, int]) -> str:
        """A text; bytes that are no UTF-8 are replaced as `tokenize` does it."""
        shard, batch, row = place
        return texts_of(self._file(shard).get_batch(batch).column("text").slice(row, 1))[0]


def joint_schema(folders: Sequence[str]) -> pa.Schema:
    """The columns of all scanned shards, in the order in which they are met.

    Raises:
        SetupError: two inputs have a column of one name in two types.
    """
    fields: dict[str, pa.Field] = {}
    for folder in folders:
        with pa.memory_map(str(Path(folder) / ROWS)) as file:
            schema = pa.ipc.open_file(file).schema
        for field in schema:
            known = fields.setdefault(field.name, field.remove_metadata().with_nullable(True))
            if known.type != field.type:
                raise SetupError(f"arrange.repository: column {field.name!r} is {known.type} in one input and {field.type} in another")
    return pa.schema([field for field in fields.values() if field.name not in (IMPORTS, BYTES, DIGEST)])


def total_bytes(records: Sequence[Any]) -> int:
    """What the rows of scanned shards weigh, for cutting them into buckets."""
    return sum(int(record.values["bytes"]) + ROW_BYTES * int(record.values["rows"]) for record in records)
