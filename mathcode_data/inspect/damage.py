"""What lies in a span of bytes of a file of a result: documents of a shard, row groups of a Parquet file."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from mathcode_data.core.blocks import FileBlocks, say_spans
from mathcode_data.inspect.find import UNREADABLE
from mathcode_data.shards.damage import Span, say_changed


def changed_place(path: Path, known: FileBlocks, found: FileBlocks) -> str:
    """The blocks of a file that differ and what they hold, in words that follow on `PATH: sha256 differs`."""
    spans = known.differing(found)
    if path.suffix != ".parquet" or not spans:
        return say_changed(path, known, found)
    inside = _row_groups(path, spans[0])
    return f": {say_spans(spans)}{f' ({inside})' if inside else ''}"


def _row_groups(path: Path, span: Span) -> str:
    """Row groups, their rows and columns, in a span of bytes of a Parquet file; empty if its footer is damaged."""
    parts = []
    end = row = 0
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                columns = []
                for place in range(group.num_columns):
                    column = group.column(place)
                    start = column.dictionary_page_offset or column.data_page_offset
                    stop = start + column.total_compressed_size
                    end = max(end, stop)
                    if start < span[1] and span[0] < stop:
                        columns.append(column.path_in_schema)
                if columns:
                    parts.append(f"row group {number}, rows {row:,} to {row + group.num_rows - 1:,}, columns {', '.join(columns)}")
                row += group.num_rows
    except UNREADABLE:
        return ""
    return "; ".join([*parts, *(["the footer"] if span[1] > end else [])])
