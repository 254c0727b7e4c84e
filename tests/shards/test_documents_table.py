"""The table of documents beside a shard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.shards import documents_table
from mathcode_data.shards.documents_table import COLUMNS, DocumentsTableWriter, read_documents_table, write_documents_table


def table(first: int, count: int) -> pa.Table:
    ids, urls = [f"{k:032x}" for k in range(first, first + count)], [f"https://example.org/{k}" for k in range(count)]
    return pa.table({"doc_id": ids, "url": urls, "warc_offset": list(range(count)), "text": ["x"] * count})


@pytest.mark.parametrize("group", [2, 100])
def test_rows_come_back_in_order_with_their_token_spans(monkeypatch, tmp_path: Path, group: int):
    monkeypatch.setattr(documents_table, "ROW_GROUP_ROWS", group)
    path = tmp_path / "code-00000.documents.parquet"
    assert write_documents_table(path, [(table(0, 3), [5, 0, 2]), (table(3, 0), []), (table(3, 2), [1, 4])]) == 5
    rows = read_documents_table(path)
    assert [row["token_start"] for row in rows] == [0, 5, 5, 7, 8]
    assert [row["num_tokens"] for row in rows] == [5, 0, 2, 1, 4]
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["license"] is None
    assert read_documents_table(path, 2, 4) == rows[2:4]
    with pytest.raises(DataError, match="rows 4..6 of 5"):
        read_documents_table(path, 4, 6)


def test_a_wrong_column_or_count_is_refused_and_leaves_nothing(tmp_path: Path):
    path = tmp_path / "a.documents.parquet"
    with pytest.raises(DataError, match="2 token counts for 3"), DocumentsTableWriter(path) as writer:
        writer.add(table(0, 3), [1, 2])
    with pytest.raises(DataError, match="warc_offset"), DocumentsTableWriter(path) as writer:
        writer.add(pa.table({"warc_offset": ["x"]}), [1])
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_or_missing_table_is_named(tmp_path: Path):
    path = tmp_path / "a.documents.parquet"
    with pytest.raises(DataError, match="no such table"):
        read_documents_table(path)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a readable table"):
        read_documents_table(path)


def test_reading_shards_does_not_load_pyarrow():
    code = "import mathcode_data.shards.documents_table, mathcode_data.shards.reader, sys; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
