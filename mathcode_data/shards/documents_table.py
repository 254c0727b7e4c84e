"""The table beside a shard: where each document came from and which tokens it became (provenance).

`NAME-00000.documents.parquet` has one row per document, in shard order. pyarrow is imported on first use, for the trainer
reads shards where it is not installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import atomic_writer

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_COLUMNS = ("doc_id", "source", "url", "repository", "path", "language", "warc_file")
COLUMNS = (*TEXT_COLUMNS, "warc_offset", "warc_length", "license", "token_start", "num_tokens")
ROW_GROUP_ROWS = 1 << 16


def documents_table_schema() -> pa.Schema:
    """Arrow schema of the table."""
    import pyarrow as pa

    types = dict.fromkeys(COLUMNS, pa.string()) | {
        "warc_offset": pa.int64(), "warc_length": pa.int64(), "token_start": pa.int64(), "num_tokens": pa.int32(),
    }  # fmt: skip
    return pa.schema([pa.field(name, types[name]) for name in COLUMNS])


class DocumentsTableWriter:
    """Writes the table while its shard is written; it appears when `close` succeeds. Memory: one row group."""

    def __init__(self, path: Path) -> None:
        """Start the table `NAME-00000.documents.parquet`."""
        import pyarrow.parquet as pq

        self.path = path
        self.num_rows = 0
        self._token_start = 0
        self._stack = ExitStack()
        file = self._stack.enter_context(atomic_writer(path))
        options: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}
        self._writer = self._stack.enter_context(pq.ParquetWriter(file, documents_table_schema(), **options))
        self._pending: list[Any] = []
        self._pending_rows = 0

    def add(self, documents: pa.Table, num_tokens: ArrayLike) -> None:
        """Add documents with the number of tokens that each became; columns they do not have are null.

        Raises:
            DataError: another number of counts than of documents, or a column of another type.
        """
        import pyarrow as pa

        counts = np.asarray(num_tokens, dtype=np.int64)
        if counts.shape != (documents.num_rows,):
            raise DataError(f"{self.path}: {counts.size} token counts for {documents.num_rows} documents; give one for each")
        ends = self._token_start + np.cumsum(counts, dtype=np.int64)
        values = {"token_start": pa.array(ends - counts, pa.int64()), "num_tokens": pa.array(counts, pa.int64()).cast(pa.int32())}
        columns = []
        for field in documents_table_schema():
            if field.name in values:
                columns.append(values[field.name])
                continue
            if field.name not in documents.column_names:
                columns.append(pa.nulls(documents.num_rows, field.type))
                continue
            try:
                columns.append(documents.column(field.name).cast(field.type))
            except pa.ArrowException as error:
                found = documents.schema.field(field.name).type
                raise DataError(f"{self.path}: column {field.name!r} is {found}, needs {field.type}; mend the stage before") from error
        self._pending.append(pa.table(columns, schema=documents_table_schema()))
        self._pending_rows += documents.num_rows
        self.num_rows += documents.num_rows
        self._token_start += int(counts.sum())
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._pending_rows:
            self._writer.write_table(pa.concat_tables(self._pending), row_group_size=ROW_GROUP_ROWS)
        self._pending, self._pending_rows = [], 0

    def close(self) -> None:
        """Finish the table."""
        self._flush()
        self._stack.close()

    def __enter__(self) -> DocumentsTableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)


def write_documents_table(path: Path, parts: Iterable[tuple[pa.Table, ArrayLike]]) -> int:
    """Write a whole table from (documents, token counts) parts. Returns the number of rows."""
    with DocumentsTableWriter(path) as writer:
        for documents, num_tokens in parts:
            writer.add(documents, num_tokens)
    return writer.num_rows


def read_documents_table(path: Path, first: int = 0, stop: int | None = None) -> list[dict[str, Any]]:
    """Rows first..stop-1 (documents by their number in the shard) as dicts; reads only the row groups they are in.

    Raises:
        DataError: no such table, damaged, or with fewer rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            num_rows = file.metadata.num_rows
            end = num_rows if stop is None else stop
            if not 0 <= first <= end <= num_rows:
                raise DataError(f"{path}: rows {first:,}..{end:,} of {num_rows:,}; the table is of another shard")
            rows: list[dict[str, Any]] = []
            begin = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                low, high = max(first - begin, 0), min(end - begin, count)
                if low < high:
                    rows += file.read_row_group(group).slice(low, high - low).to_pylist()
                begin += count
            return rows
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such table of documents") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # ValueError: text that is no UTF-8
        raise DataError(f"{path}: not a readable table of documents ({' '.join(str(error).split())}); run its pipeline again") from error
