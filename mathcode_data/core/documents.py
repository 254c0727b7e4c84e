"""Documents: rows of Parquet shards, their columns, their identity.

A document has `doc_id`, `text`, `source`, `url` and then typed columns. Pages that are not extracted yet carry `content`
(the bytes of the response body) and `content_type`; the extractor replaces them by `text`, `title` and `language`.
Scores are columns named `score_*` (float64).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.core.errors import DataError, SetupError, is_out_of_resource

DOC_ID_BYTES = 16
COMPRESSION_LEVEL = 3
ROW_GROUP_BYTES = 32 << 20
READ_BATCH_ROWS = 1024

IDENTITY = [pa.field("doc_id", pa.string()), pa.field("source", pa.string()), pa.field("url", pa.string())]
PROVENANCE = [
    pa.field("warc_file", pa.string()),
    pa.field("warc_offset", pa.int64()),
    pa.field("warc_length", pa.int64()),
    pa.field("payload_digest", pa.string()),
    pa.field("fetched_at", pa.string()),
    pa.field("http_status", pa.int32()),
]
PAGE_SCHEMA = pa.schema([*IDENTITY, pa.field("content", pa.large_binary()), pa.field("content_type", pa.string()), *PROVENANCE])
"""A fetched page before extraction."""
TEXT_SCHEMA = pa.schema([*IDENTITY, pa.field("text", pa.large_string())])
"""The columns that every document has."""
CODE_SCHEMA = pa.schema(
    [
        *TEXT_SCHEMA,
        pa.field("repository", pa.string()),
        pa.field("path", pa.string()),
        pa.field("language", pa.string()),
        pa.field("license", pa.string()),
        pa.field("commit", pa.string()),
    ]
)
"""A source file."""


def document_id(source: str, identity: str) -> str:
    """Name a document by its source and the identity of its record in that source; 32 hexadecimal digits of BLAKE2b-128.

    Independent of file names, positions and shard counts, so adding or renaming an input file renames no document.

    >>> document_id("web", "https://example.org/ 2026-01-01T00:00:00Z")
    '5210bc08ada425062fb815b87b140e64'
    """
    digest = hashlib.blake2b(digest_size=DOC_ID_BYTES)
    encoded = source.encode("utf-8", "surrogatepass")
    digest.update(len(encoded).to_bytes(4, "little") + encoded + identity.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def write_documents(path: Path, tables: Iterator[pa.Table], schema: pa.Schema) -> int:
    """Write tables as one Parquet shard (zstd, page checksums on). Returns the number of rows.

    Row groups close before 32 MB; a table that is larger by itself is cut in halves until its parts fit.
    """
    rows = 0
    with _open_parquet(path, schema) as writer:
        pending: list[pa.Table] = []
        pending_bytes = 0
        for table in tables:
            for piece in _one_row_group_each(table):
                if pending and pending_bytes + piece.nbytes > ROW_GROUP_BYTES:
                    writer.write_table(pa.concat_tables(pending))
                    pending, pending_bytes = [], 0
                pending.append(piece)
                pending_bytes += piece.nbytes
                rows += piece.num_rows
        if pending:
            writer.write_table(pa.concat_tables(pending))
    return rows


@contextmanager
def _open_parquet(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=COMPRESSION_LEVEL, write_page_checksum=True)
    try:
        yield writer
        writer.close()
    except BaseException:
        writer.is_open = False  # when it is collected it would try once more to close, and print a traceback about that
        raise


def _one_row_group_each(table: pa.Table) -> Iterator[pa.Table]:
    if table.nbytes <= ROW_GROUP_BYTES or table.num_rows <= 1:
        if table.num_rows:
            yield table
        return
    half = table.num_rows // 2
    yield from _one_row_group_each(table.slice(0, half))
    yield from _one_row_group_each(table.slice(half))


def read_documents(path: Path, columns: list[str] | None = None, batch_rows: int = READ_BATCH_ROWS) -> Iterator[pa.Table]:
    """Read a Parquet shard in batches, page checksums verified.

    Page checksums do not cover page headers: the engine therefore checks the sha256 of a shard before a task reads it.

    Raises:
        DataError: the file is no Parquet file, a page is damaged, or rows are missing; names the row group.
    """
    row_group = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for row_group in range(file.num_row_groups):
                missing = file.metadata.row_group(row_group).num_rows
                for batch in file.iter_batches(batch_rows, row_groups=[row_group], columns=columns):
                    missing -= batch.num_rows
                    yield pa.Table.from_batches([batch])
                if missing:
                    raise DataError(
                        f"{path}: row group {row_group}: {missing:,} rows are missing; the shard is damaged, run the pipeline again"
                    )
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such shard; run the pipeline again") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if is_out_of_resource(error):
            raise
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: row group {row_group}: {reason}; the shard is damaged, remove its result and run again") from error


def read_schema(path: Path) -> pa.Schema:
    """Schema of a Parquet shard."""
    try:
        schema = pq.read_schema(path)
        list(schema.names)  # decoded here, where a name that is no UTF-8 is told with its file
        return schema
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if is_out_of_resource(error):
            raise
        raise DataError(f"{path}: not a Parquet shard ({' '.join(str(error).split())})") from error


def require_columns(schema: pa.Schema, columns: dict[str, pa.DataType], where: str) -> None:
    """Check that a stage finds the columns it works on.

    Raises:
        SetupError: a column is missing or has another type; says which stage adds it.
    """
    for name, kind in columns.items():
        if name not in schema.names:
            raise SetupError(f"{where}: no column {name!r} (columns: {', '.join(schema.names)}); put the stage that adds it before")
        found = schema.field(name).type
        if found != kind:
            raise SetupError(f"{where}: column {name!r} is {found}, needs {kind}")
