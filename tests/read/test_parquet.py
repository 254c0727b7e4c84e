"""read.parquet: foreign tables whose columns are checked and whose damage is an error with a place."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from mathcode_data.core.documents import TEXT_SCHEMA
from mathcode_data.core.errors import ConfigError, DataError
from support.stages import run_source


def write(folder, name="a.parquet", rows_per_group=100, **columns):
    pq.write_table(pa.table(columns), folder / name, write_page_checksum=True, row_group_size=rows_per_group)
    return folder / name


def read(folder, **values):
    return run_source("read.parquet", folder, paths=".", **values)


def test_text_ids_urls_and_kept_columns_are_read(tmp_path):
    write(tmp_path, body=["a\r\nb", "c"], key=[7, 8], link=["https://example.org/1", None], stars=[1.5, None], tags=[["x"], []])
    table, _ = read(tmp_path, text_column="body", id_column="key", url_column="link", keep_columns=["stars", "tags"], source="s")
    assert table.schema.names == ["doc_id", "source", "url", "text", "stars", "tags"]
    assert table.drop(["doc_id"]).to_pylist() == [
        {"source": "s", "url": "https://example.org/1", "text": "a\nb", "stars": 1.5, "tags": ["x"]},
        {"source": "s", "url": "", "text": "c", "stars": None, "tags": []},
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_every_form_of_a_text_column_is_text(kind, tmp_path):
    write(tmp_path, text=pa.array(["a", "b"], pa.string()).cast(kind))
    table, _ = read(tmp_path)
    assert table.schema == TEXT_SCHEMA
    assert table.column("text").to_pylist() == ["a", "b"]


def test_rows_without_text_are_dropped_under_their_reason(tmp_path):
    invalid = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"\xff\xfe\xfd\xfc")])
    write(tmp_path, text=pa.concat_arrays([pa.array(["a", None, " "], pa.string()), invalid]))
    table, ledger = read(tmp_path)
    assert table.column("text").to_pylist() == ["a"]
    assert dict(ledger.counters.dropped) == {"text_is_null": 1, "empty": 1, "not_utf8": 1}


@pytest.mark.parametrize("values", [{"id_column": "id"}, {"url_column": "url"}])
def test_equal_ids_mean_equal_documents_though_every_file_counts_from_zero(values, tmp_path):
    write(tmp_path, "a.parquet", text=["x", "y"], id=[0, 1], url=["u", "u"])
    write(tmp_path, "b.parquet", text=["z", "y"], id=[0, 1], url=["u", "u"])
    table, _ = read(tmp_path, **values)
    ids = dict.fromkeys(zip(table.column("text").to_pylist(), table.column("doc_id").to_pylist(), strict=True))
    assert len(ids) == len({doc_id for _, doc_id in ids}) == 3


def test_an_input_without_a_row_is_an_error_and_an_empty_file_among_others_is_counted(tmp_path):
    write(tmp_path, "a.parquet", text=pa.array([], pa.string()))
    with pytest.raises(ConfigError, match=r"the input holds no row \(.*a\.parquet\)"):
        read(tmp_path)
    write(tmp_path, "b.parquet", text=["there"])
    table, ledger = read(tmp_path)
    assert table.column("text").to_pylist() == ["there"]
    assert ledger.counters.facts["empty_files"] == 1


def test_a_document_is_named_by_its_id_else_url_else_text_never_by_its_file(tmp_path):
    for folder, name in ((tmp_path / "one", "a.parquet"), (tmp_path / "two", "b.parquet")):
        folder.mkdir()
        write(folder, name, text=["x", "y"], id=["1", "2"], url=["u1", "u2"])
    for values in ({}, {"url_column": "url"}, {"id_column": "id"}):
        first, second = (read(tmp_path / folder, **values)[0].column("doc_id") for folder in ("one", "two"))
        assert first == second
        assert len(set(first.to_pylist())) == 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"text_column": "n"}, "column 'n' is int64, text_column needs text"),
        ({"text_column": "txt"}, "no column 'txt'; did you mean 'text'?"),
        ({"url_column": "n"}, "column 'n' is int64, url_column needs text"),
        ({"id_column": "x"}, "column 'x' is double, id_column needs text or integers"),
        ({"keep_columns": ["no"]}, "no column 'no'"),
    ],
)
def test_a_wrong_schema_is_an_error_that_names_file_and_column(values, text, tmp_path):
    path = write(tmp_path, text=["a"], n=[1], x=[0.5])
    with pytest.raises(DataError) as error:
        read(tmp_path, **values)
    assert str(path) in str(error.value)
    assert text in str(error.value)


def test_a_kept_column_of_two_types_is_an_error(tmp_path):
    write(tmp_path, "a.parquet", text=["a"], n=[1])
    write(tmp_path, "b.parquet", text=["a"], n=["1"])
    with pytest.raises(DataError, match="column 'n' is string, in the first file it is int64"):
        read(tmp_path, keep_columns=["n"])


def test_a_kept_column_cannot_take_a_name_of_ours(tmp_path):
    write(tmp_path, text=["a"])
    with pytest.raises(ValidationError, match="none of doc_id"):
        read(tmp_path, keep_columns=["url"])


def test_a_damaged_page_is_an_error_that_names_the_row_group(tmp_path):
    path = write(tmp_path, text=[f"text number {n}" for n in range(300)], rows_per_group=100)
    column = pq.read_metadata(path).row_group(2).column(0)
    content = bytearray(path.read_bytes())
    content[column.dictionary_page_offset + column.total_compressed_size // 3] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: row group 2: "):
        read(tmp_path)


def test_no_flipped_byte_in_a_file_loses_a_row_in_silence(tmp_path):
    path = write(tmp_path, text=[f"{n} is a number" for n in range(40)], rows_per_group=20)
    whole = path.read_bytes()
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            table, _ = read(tmp_path)
        except DataError as error:
            assert "a.parquet" in str(error)
            continue
        assert table.num_rows == 40, f"byte {at}"
        assert table.column("text").to_pylist() == [f"{n} is a number" for n in range(40)], f"byte {at}"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html></html>"])
def test_a_file_that_is_no_parquet_is_an_error(content, tmp_path):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match="no Parquet file, or a damaged one"):
        read(tmp_path)


def test_an_empty_folder_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="no Parquet files"):
        read(tmp_path)
