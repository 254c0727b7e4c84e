"""Token files of other programs: out and back again, read by their own programs, refused where they do not belong together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.interop.datatrove_shards import export_ds, import_ds
from mathcode_data.interop.huggingface_ids import export_parquet, import_parquet
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter
from support.command import call

DOCUMENTS = st.lists(st.lists(st.integers(0, 60_000), max_size=9), min_size=1, max_size=9).filter(any)


def write(prefix: Path, documents, dtype=np.uint16) -> Path:
    with ShardWriter(prefix, dtype) as writer:
        for document in documents:
            writer.add(np.array(document, dtype=np.int64))
    return prefix


def read(prefix: Path) -> list[list[int]]:
    with TokenShard(prefix) as shard:
        return [shard.document(number).tolist() for number in range(shard.num_documents)]


@given(documents=DOCUMENTS, dtype=st.sampled_from([np.uint16, np.int32]))
def test_shards_come_back_from_ds_and_parquet_as_they_went(tmp_path_factory, documents, dtype):
    folder = tmp_path_factory.mktemp("exchange")
    prefix = write(folder / "a", documents, dtype)
    (ds,) = export_ds([prefix], folder / "ds")
    import_ds(ds, folder / "from-ds")
    (parquet,) = export_parquet([prefix], folder / "parquet")
    import_parquet(parquet, folder / "from-parquet")
    assert read(folder / "from-ds") == read(folder / "from-parquet") == documents
    assert (folder / "from-ds.bin").read_bytes() == (folder / "a.bin").read_bytes()
    assert (folder / "from-ds.idx").read_bytes() == (folder / "a.idx").read_bytes()


def test_our_ds_files_are_those_that_datatrove_writes(tmp_path: Path):
    tokenizer = pytest.importorskip("datatrove.pipeline.tokens.tokenizer", reason="the extra datatrove is not installed")
    documents = [[1, 2, 3], [70_000, 5], [9]]
    theirs = tokenizer.TokenizedFile(str(tmp_path), "theirs.ds", token_size=4, tokenizer_name_or_path="toy", save_final_metadata=True)
    for document in documents:
        theirs.write(document, None)
    theirs.close()
    (ours,) = export_ds([write(tmp_path / "ours", documents, np.int32)], tmp_path, tokenizer="toy")
    for suffix in ("", ".index"):
        assert ours.with_name(ours.name + suffix).read_bytes() == (tmp_path / f"theirs.ds{suffix}").read_bytes()
    first, count, _ = (tmp_path / "ours.ds.metadata").read_text().split("\n")
    assert [first, count] == (tmp_path / "theirs.ds.metadata").read_text().split("\n")[:2]
    import_ds(tmp_path / "theirs.ds", tmp_path / "back")
    assert read(tmp_path / "back") == documents


def test_a_ds_file_of_another_index_is_refused(tmp_path: Path):
    (path,) = export_ds([write(tmp_path / "a", [[1, 2], [3]])], tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"5 bytes for 3 tokens"):
        import_ds(path, tmp_path / "b")
    path.with_name("a.ds.index").unlink()
    with pytest.raises(ConfigError, match=r"a\.ds\.index: not there"):
        import_ds(path, tmp_path / "b")
    assert not (tmp_path / "b.bin").exists()


def test_ids_that_no_shard_holds_are_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"input_ids": [[1, -2]], "text": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="id -2"):
        import_parquet(tmp_path / "a.parquet", tmp_path / "b")
    with pytest.raises(ConfigError, match="'text' is string"):
        import_parquet(tmp_path / "a.parquet", tmp_path / "b", column="text")
    with pytest.raises(ConfigError, match="no column 'ids'"):
        import_parquet(tmp_path / "a.parquet", tmp_path / "b", column="ids")


def test_export_and_import_by_the_command_line(tmp_path: Path):
    write(tmp_path / "shards" / "a", [[1, 2, 3], [4]])
    out = call("export", tmp_path / "shards", "--to", "datatrove", "--output", tmp_path / "ds", "--json")
    assert json.loads(out.stdout) == {"written": [str(tmp_path / "ds" / "a.ds")]}
    assert call("import", tmp_path / "ds", "--output", tmp_path / "back").returncode == 0
    assert read(tmp_path / "back" / "a") == [[1, 2, 3], [4]]
    again = call("import", tmp_path / "ds", "--output", tmp_path / "back")
    assert again.returncode == 2
    assert "not a new or empty folder" in again.stderr
    assert call("export", tmp_path / "nothing", "--to", "parquet", "--output", tmp_path / "p").returncode == 2
