"""read.code on Parquet files in the shape of The Stack."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.documents import CODE_SCHEMA
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.stages.read import code_stack
from support.stages import run_source

CODE = "def add(left, right):\n    return left + right\n"
V1 = {
    "hexsha": ["a1", "a2", "a3", "a4"],
    "ext": ["py", "py", "cs", "py"],
    "lang": ["Python", "Python", "C#", "Python"],
    "max_stars_repo_path": ["src/a.py", "../up.py", "B.cs", "node_modules/x.py"],
    "max_stars_repo_name": ["o/one"] * 4,
    "max_stars_repo_head_hexsha": ["c" * 40] * 4,
    "max_stars_repo_licenses": [["MIT"], ["MIT", "Apache-2.0"], ["GPL-3.0-or-later"], ["MIT"]],
    "content": [CODE, CODE, "class B { int field; }\n", CODE],
}
V2 = {
    "blob_id": ["b1", "b2", "b3", "b4", "b5"],
    "path": ["/src/a.py", "/b.rs", "/gen.py", "/c.py", "/d.py"],
    "repo_name": ["o/two"] * 5,
    "revision_id": ["d" * 40] * 5,
    "language": ["Python", "Rust", "Python", "Python", "Python"],
    "detected_licenses": [["BSD-3-Clause"], [], ["MIT"], ["MIT"], ["MIT"]],
    "is_vendor": [False, False, False, True, False],
    "is_generated": [False, False, True, False, False],
    "content": [CODE, "fn main() { println!(); }\n", CODE, CODE, None],
}


def read(folder, **values):
    return run_source("read.code", folder, **values)


def write(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_version_one_gives_documents_with_their_origin(tmp_path):
    write(tmp_path / "data/python/train-0.parquet", V1)
    table, ledger = read(tmp_path, paths="data")
    assert table.schema == CODE_SCHEMA
    assert [(row["repository"], row["path"], row["language"], row["license"], row["commit"]) for row in table.to_pylist()] == [
        ("o/one", "src/a.py", "Python", "MIT", "c" * 40),
        ("o/one", "a2.py", "Python", "Apache-2.0 AND MIT", "c" * 40),
    ]
    assert dict(ledger.counters.dropped) == {"license_copyleft": 1, "vendored": 1}


def test_version_two_with_contents_added_believes_its_flags(tmp_path):
    write(tmp_path / "x.parquet", V2)
    table, ledger = read(tmp_path, paths="x.parquet")
    assert table["path"].to_pylist() == ["src/a.py"]
    assert dict(ledger.counters.dropped) == {"license_unknown": 1, "generated": 1, "vendored": 1, "empty": 1}


def test_ids_without_contents_and_damaged_files_say_what_to_do(tmp_path):
    write(tmp_path / "x.parquet", {name: values for name, values in V2.items() if name != "content"})
    with pytest.raises(SetupError, match="fetch the contents and add them as `content`"):
        read(tmp_path, paths="x.parquet")
    (tmp_path / "y.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"y\.parquet"):
        read(tmp_path, paths="y.parquet")


@pytest.mark.parametrize("max_held", [0, 1 << 20])
def test_row_groups_that_can_be_read_are_saved_from_a_damaged_file(max_held, tmp_path, monkeypatch):
    monkeypatch.setattr(code_stack, "MAX_HELD_BYTES", max_held)
    path = tmp_path / "x.parquet"
    columns = {name: values[:1] * 6 for name, values in V1.items()} | {"max_stars_repo_path": [f"{number}.py" for number in range(6)]}
    pq.write_table(pa.table(columns), path, row_group_size=2, write_page_checksum=True)
    column = pq.read_metadata(path).row_group(1).column(columns_in(path).index("content"))
    content = bytearray(path.read_bytes())
    begin = column.dictionary_page_offset
    content[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)
    table, ledger = read(tmp_path, paths="x.parquet")
    assert table["path"].to_pylist() == ["0.py", "1.py", "4.py", "5.py"]
    assert dict(ledger.counters.dropped) == {"damaged_row_group": 2}
    assert len(ledger.damage) == 1
    assert ledger.damage[0].startswith("x.parquet: byte ")
    assert "row group 1: " in ledger.damage[0]
    assert "1 of 3 row groups are lost" in ledger.damage[0]


def columns_in(path):
    return pq.read_schema(path).names


def test_equal_ids_mean_equal_documents(tmp_path):
    write(tmp_path / "x.parquet", {**V1, "max_stars_repo_path": ["a.py"] * 4, "hexsha": ["h"] * 4, "lang": ["Python"] * 4})
    table, _ = read(tmp_path, paths="x.parquet", licenses="any", rules={"preset": "none"})
    by_id = dict(zip(table["doc_id"].to_pylist(), table["text"].to_pylist(), strict=True))
    assert len(by_id) == len(set(by_id.values())) == 2


def test_a_parquet_file_in_a_folder_of_source_is_test_data_and_not_read(tmp_path):
    write(tmp_path / "r/tests_data/x.parquet", {"number": [1]})
    (tmp_path / "r/a.py").write_text(CODE)
    assert read(tmp_path, paths="r", licenses="any")[0]["path"].to_pylist() == ["a.py"]
