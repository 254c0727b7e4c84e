"""datatrove writers as a global stage of kind `export`: one file per input shard, which become the result's files.

datatrove opens its files under their final name; here each is written in a task's own folder and appears when it is
whole, with the same bytes every time (the clock in gzip's header is set to zero).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, Task, document_items
from mathcode_data.interop.datatrove_config import WriterConfig
from mathcode_data.interop.datatrove_documents import METADATA, naming_block, silence_log, to_documents
from mathcode_data.interop.datatrove_maps import NEEDED

GZIP_MAGIC = b"\x1f\x8b"
GZIP_TIME = slice(4, 8)


class WriterExport:
    """Writes every document shard of the inputs with a datatrove writer."""

    kind = "export"

    def __init__(self, config: WriterConfig) -> None:
        """Remember the configuration; the writer is made in the task, for its folder."""
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """One task per document shard.

        Raises:
            DataError: the inputs hold no documents.
        """
        items = document_items(context.inputs)
        if not items:
            raise DataError(f"{context.stage}: its inputs hold no document shard; name a result of documents in `from`")
        records = context.map("write", write_shard, items)
        return GlobalOutcome(records, records, {"format": type(self.config).block.cls.__name__})


def write_shard(task: Task) -> None:
    """Write one shard's documents.

    Raises:
        DataError: a column that is not text or numbers, or a document that the writer cannot take.
    """
    silence_log()
    path, stage = Path(task.item["path"]), task.ledger.counters.stage
    where = f"{stage}: {path.name}"
    schema = read_schema(path)
    require_columns(schema, NEEDED, where)
    for field in schema:
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            raise DataError(f"{where}: column {field.name!r} is {field.type}, which this writer cannot hold; put extract.html before")
    writer = _writer(task, schema)
    rows: Counter[str] = Counter()
    with naming_block(stage, path.name), writer:
        for table in read_documents(path):
            for document in to_documents(table, where, expand=not _is_parquet(writer)):
                writer.write(document, rank=task.index)
                rows[_file_name(writer, document, task.index)] += 1
            task.ledger.saw(table.num_rows)
            task.ledger.counters.kept += table.num_rows
    for name, number in sorted(rows.items()):
        if not (task.folder / name).is_file():
            raise DataError(f"{where}: the writer left no file {name}; output_filename may use only ${{rank}}")
        _forget_time(task.folder / name)
        task.declare(name, rows=number)


def _writer(task: Task, schema: pa.Schema) -> Any:
    config: WriterConfig = task.config
    writer = config.make_block(output_folder=str(task.folder))
    if _is_parquet(writer):
        writer.schema = _parquet_schema(schema, expand=writer.expand_metadata)
    return writer


def _is_parquet(writer: Any) -> bool:
    return hasattr(writer, "schema")


def _parquet_schema(schema: pa.Schema, *, expand: bool) -> pa.Schema:
    """Columns of an exported Parquet file, from our columns: datatrove would guess them from the first document alone.

    The JSON column `metadata` stays text, which datatrove's own reader takes apart again.
    """
    others = [field for field in schema if field.name not in NEEDED]
    fields = [pa.field("text", pa.large_string()), pa.field("id", pa.string())]
    if others and not expand:  # Parquet knows no struct without a field
        others = [pa.field(METADATA, pa.struct(others))]
    return pa.schema(fields + others)


def _file_name(writer: Any, document: Any, rank: int) -> str:
    """Name of the file that a document went to."""
    name: str = writer._get_output_filename(document, rank)
    if writer.max_file_size > 0:
        name = writer._get_filename_with_file_id(name)
    return name


def _forget_time(path: Path) -> None:
    with path.open("r+b") as file:
        if file.read(len(GZIP_MAGIC)) == GZIP_MAGIC:
            file.seek(GZIP_TIME.start)
            file.write(bytes(GZIP_TIME.stop - GZIP_TIME.start))
