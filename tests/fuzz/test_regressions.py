"""Bytes that once came through as an error of a library, or were taken for what they are not."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.blocks import unpack_blocks
from mathcode_data.core.documents import read_schema
from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import read_result, self_hash
from mathcode_data.core.storage import to_json
from mathcode_data.inspect.tokenizer_file import read_tokenizer
from mathcode_data.inspect.verify import verify_path
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.runtime.plan import record_from_json
from mathcode_data.shards.documents_table import read_documents_table, write_documents_table
from support.stages import documents, make_result
from support.tiny_job import byte_tokenizer


@pytest.mark.parametrize("content", [
    b"mcblock1" + (0xFB << 56 | 24).to_bytes(8, "little") + b'[["a",15000,4096]]      ',
    b"mcblock1" + (40).to_bytes(8, "little") + b'[["a",9000000000000000000,1]]'.ljust(40),
    b"mcblock1" + (24).to_bytes(8, "little") + b'[["a",-15000,4096]]'.ljust(24),
])  # fmt: skip
def test_a_table_of_block_hashes_that_cannot_be_so_long_is_a_data_error(content: bytes):
    """It was an OverflowError."""
    with pytest.raises(DataError, match="no table of block hashes"):
        unpack_blocks(content, "x")


def test_a_tokenizer_on_which_the_library_panics_is_a_data_error(tmp_path: Path):
    """It was a PanicException, which is no Exception: a prefix of subwords that is longer than the subwords."""
    tokenizer = byte_tokenizer()
    tokenizer["model"] |= {"merges": [["a", "b"]], "continuing_subword_prefix": "longer"}
    tokenizer["model"]["vocab"]["ab"] = 257
    path = tmp_path / "tokenizer.json"
    path.write_bytes(orjson.dumps(tokenizer))
    with pytest.raises(DataError, match=r"tokenizer\.json: not a tokenizer\.json \(range end index"):
        read_tokenizer(path)


def test_text_in_a_table_of_documents_that_is_no_utf8_is_a_data_error(tmp_path: Path):
    """It was a UnicodeDecodeError. Statistics of a column hold its text a second time, where no checksum guards it."""
    path = tmp_path / "x.documents.parquet"
    write_documents_table(path, [(documents(["a", "b"]), [1, 1])])
    content = path.read_bytes()
    seen = set()
    for at in range(4, len(content)):
        if content[at : at + 5] in (b"https", b"test\x15"):
            path.write_bytes(content[:at] + b"\xac\xff" + content[at + 2 :])
            try:
                read_documents_table(path)
            except DataError:
                seen.add(at)
    assert seen
    path.write_bytes(content)
    assert len(read_documents_table(path)) == 2


def test_a_schema_with_a_name_that_is_no_utf8_is_a_data_error(tmp_path: Path):
    path = tmp_path / "x.parquet"
    pq.write_table(documents(["a"]), path, store_schema=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"source", b"\xac\xffurce"))
    with pytest.raises(DataError, match="x.parquet"):
        read_schema(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("damage", True), ("stages", None), ("counters", [{"stage": "s"}]), ("shards", [{"name": "a"}]), ("facts", []), ("block_hashes", 5)],
)
def test_a_manifest_of_another_shape_with_the_right_hash_is_a_data_error(tmp_path: Path, key: str, value: object):
    """`damage: true` was a TypeError in verify."""
    folder = make_result(tmp_path / "r", [documents(["a"])]).folder
    data = orjson.loads((folder / "manifest.json").read_bytes()) | {key: value}
    (folder / "manifest.json").write_bytes(to_json(data | {"self_hash": self_hash(data)}))
    with pytest.raises(DataError, match=rf"manifest\.json: {key}.*not what a run writes"):
        read_result(folder)
    with pytest.raises((DataError, VerificationError)):
        problems = verify_path(folder, full=True)[1]
        assert problems
        raise VerificationError(problems[0])


@pytest.mark.parametrize("key", ["index", "shards", "values", "counters", "damage"])
def test_a_done_record_that_lacks_a_part_is_none(tmp_path: Path, key: str):
    """It was a KeyError that ended the run instead of making the task again."""
    body = {"key": "k", "index": 0, "shards": [], "values": {}, "counters": [], "damage": []}
    assert record_from_json(body | {"self_hash": fingerprint(body)}, tmp_path, key="k") is not None
    body.pop(key)
    assert record_from_json(body | {"self_hash": fingerprint(body)}, tmp_path, key="k") is None


def test_the_home_folder_of_nobody_is_a_config_error(tmp_path: Path):
    """It was a RuntimeError: `~name` in a path of a YAML file."""
    path = tmp_path / "m.yaml"
    path.write_text(
        "name: m\nseed: 1\nsequence_length: 8\nsources:\n  a: {shards: ~nobody-of-that-name/x}\nstages: [{name: x, tokens: {a: 8}}]\n"
    )
    with pytest.raises(ConfigError, match=r"m\.yaml:5:.*home folder of nobody"):
        load_recipe(path)
