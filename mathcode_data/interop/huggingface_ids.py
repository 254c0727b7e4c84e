"""Token ids as Parquet that `datasets.load_dataset("parquet", ...)` reads: `input_ids` and where each row came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import atomic_writer
from mathcode_data.shards.documents_table import TEXT_COLUMNS, read_documents_table
from mathcode_data.shards.format import documents_path, token_dtype
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter

if TYPE_CHECKING:
    import pyarrow as pa

IDS = "input_ids"
GROUP_TOKENS = 1 << 22
GROUP_DOCUMENTS = 1 << 14


def export_parquet(prefixes: list[Path], output: Path) -> list[Path]:
    """Write each shard as `NAME.parquet`, one row per document: `input_ids`, and doc_id, url, path ... where they are known.

    Ids are stored as int32, the type that trainers ask for. Memory: about 4 M tokens.
    """
    import pyarrow.parquet as pq

    output.mkdir(parents=True, exist_ok=True)
    written = []
    for prefix in prefixes:
        path = output / f"{prefix.name}.parquet"
        with TokenShard(prefix) as shard, atomic_writer(path) as file, pq.ParquetWriter(file, _schema(), compression="zstd") as writer:
            for first, stop in _groups(shard):
                writer.write_table(_table(shard, first, stop))
        written.append(path)
    return written


def import_parquet(path: Path, prefix: Path, *, column: str = IDS) -> int:
    """Write a Parquet file of id lists as `PREFIX.bin/.idx`, one sequence per row; returns the number of tokens.

    Raises:
        ConfigError: no such column of whole-number lists.
        DataError: the file is damaged, or holds null rows or ids that are negative or above int32.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check_column(path, file.schema_arrow, column)
            lows_highs = [_bounds(path, batch) for batch in file.iter_batches(GROUP_DOCUMENTS, columns=[column])]
            dtype = token_dtype(max((high for _, high in lows_highs), default=0))
            with ShardWriter(prefix, dtype) as writer:
                for batch in file.iter_batches(GROUP_DOCUMENTS, columns=[column]):
                    writer.add_many(_flat(batch), np.asarray(batch.column(0).value_lengths(), dtype=np.int64))
                return writer.num_tokens
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())}); check the file") from error


def _check_column(path: Path, schema: pa.Schema, column: str) -> None:
    import pyarrow as pa

    if column not in schema.names:
        raise ConfigError(f"{path}: no column {column!r}; it has {', '.join(schema.names)}: name the column of ids")
    kind = schema.field(column).type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_integer(kind.value_type):
        raise ConfigError(f"{path}: column {column!r} is {kind}; ids are lists of whole numbers")


def _flat(batch: pa.RecordBatch) -> Any:
    return batch.column(0).flatten().to_numpy(zero_copy_only=False)


def _bounds(path: Path, batch: pa.RecordBatch) -> tuple[int, int]:
    if batch.column(0).null_count or batch.column(0).flatten().null_count:
        raise DataError(f"{path}: a null among the ids; drop such rows first")
    ids = _flat(batch)
    if not ids.size:
        return 0, 0
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= 2**31:
        raise DataError(f"{path}: id {low if low < 0 else high:,}; token ids are 0..{2**31 - 1:,}")
    return low, high


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(IDS, pa.large_list(pa.int32())), *(pa.field(name, pa.string()) for name in TEXT_COLUMNS)])


def _groups(shard: TokenShard) -> Iterator[tuple[int, int]]:
    """Runs of documents of at most a group's tokens and rows; a longer document is a run of its own."""
    first = 0
    while first < shard.num_documents:
        limit = shard.document_start(first) + GROUP_TOKENS
        stop = first + 1
        while stop < shard.num_documents and stop - first < GROUP_DOCUMENTS and shard.document_start(stop + 1) <= limit:
            stop += 1
        yield first, stop
        first = stop


def _table(shard: TokenShard, first: int, stop: int) -> pa.Table:
    import pyarrow as pa

    starts = np.array([shard.document_start(number) for number in range(first, stop + 1)], dtype=np.int64)
    ids = np.asarray(shard.tokens(int(starts[0]), int(starts[-1]))).astype(np.int32)
    rows = pa.LargeListArray.from_arrays(pa.array(starts - starts[0]), pa.array(ids))
    table = documents_path(shard.prefix)
    known = read_documents_table(table, first, stop) if table.is_file() else [{}] * (stop - first)
    columns = [pa.array([row.get(name) for row in known], pa.string()) for name in TEXT_COLUMNS]
    return pa.table([rows, *columns], schema=_schema())
