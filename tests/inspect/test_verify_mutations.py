"""Every flipped byte of a small result, of a mixture and of foreign shards is found by `verify --full`, or said not to be findable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_data.core.counters import StageCounters
from mathcode_data.core.errors import MathcodeError
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file
from mathcode_data.inspect.verify import limits_of, verify_path
from mathcode_data.shards.documents_table import write_documents_table
from mathcode_data.shards.format import Layout, documents_path
from mathcode_data.shards.reader import TokenShard

PATTERNS = (0x01, 0x80, 0xFF)


def add_tables(folder: Path) -> None:
    for path in sorted(folder.glob("*.idx")):
        prefix = path.with_suffix("")
        with TokenShard(prefix) as shard:
            ids = [f"{number:032x}" for number in range(shard.num_documents)]
            write_documents_table(documents_path(prefix), [(pa.table({"doc_id": ids, "url": ids}), np.array(shard.lengths))])


@pytest.fixture
def ours(foreign: Path, tokenizer) -> Path:
    """The shards with tables, tokenizer and a manifest that knows the ids."""
    add_tables(foreign)
    tokenizer.save(str(foreign / "tokenizer.json"))
    shards = []
    for path in sorted(foreign.iterdir()):
        rows, tokens = {"toy-00000.bin": (2, 12), "toy-00001.bin": (1, 3)}.get(path.name, (0, 0))
        shards.append(Shard(path.name, path.stat().st_size, sha256_file(path), rows, tokens))
    stages = [{"name": "tokenize", "version": "2", "config": {"append_eos": True}}]
    facts = {"max_id": tokenizer.get_vocab_size() - 1, "eos_id": 0}
    write_manifest(foreign, Manifest("tokens", stages, "f" * 32, [], shards, [StageCounters("tokenize", 3, 3)], facts))
    return foreign


def flips(path: Path, stride: int = 1, patterns: tuple[int, ...] = PATTERNS) -> Iterator[tuple[int, int]]:
    """Write the file with one byte changed, again and again; the sound file is back at the end."""
    sound = path.read_bytes()
    try:
        for offset in range(0, len(sound), stride):
            for pattern in patterns if len(sound) < 400 else patterns[offset % len(patterns) :][:1]:
                path.write_bytes(sound[:offset] + bytes([sound[offset] ^ pattern]) + sound[offset + 1 :])
                yield offset, pattern
    finally:
        path.write_bytes(sound)


def problems_of(path: Path) -> list[str]:
    """What the command line would say: a refusal to look at a thing counts as found."""
    try:
        return verify_path(path, full=True)[1]
    except MathcodeError as error:
        return [str(error)]


@pytest.mark.parametrize(
    ("name", "stride"),
    [("toy-00000.bin", 1), ("toy-00001.bin", 1), ("toy-00000.idx", 1), ("toy-00000.documents.parquet", 31), ("manifest.json", 23),
     ("tokenizer.json", 101)],
)  # fmt: skip
def test_every_flipped_byte_of_a_result_is_found_and_its_file_named(ours: Path, name: str, stride: int):
    assert verify_path(ours, full=True) == ("result", [])
    for offset, pattern in flips(ours / name, stride):
        problems = problems_of(ours)
        assert problems, f"byte {offset} ^ {pattern:#x} of {name}"
        assert any(name in problem for problem in problems), problems


@pytest.mark.slow
@pytest.mark.parametrize("name", ["toy-00000.documents.parquet", "toy-00001.idx", "manifest.json", "tokenizer.json"])
def test_every_byte_of_the_larger_files_of_a_result_too(ours: Path, name: str):
    for offset, pattern in flips(ours / name, 7 if name == "tokenizer.json" else 1):
        assert any(name in problem for problem in problems_of(ours)), f"byte {offset} ^ {pattern:#x} of {name}"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_flipped_byte_of_our_index_is_located_to_the_byte(ours: Path, pattern: int):
    """The `.idx` follows from the table of documents, so it is made again and compared."""
    for offset, _ in flips(ours / "toy-00000.idx", 1, (pattern,)):
        first = problems_of(ours)[0]
        assert f"toy-00000.idx: sha256 differs from the manifest: byte {offset:,}: " in first


def test_an_id_beyond_the_vocabulary_and_an_open_end_are_located(ours: Path):
    path = ours / "toy-00000.bin"
    sound = np.fromfile(path, "<u2")
    for place, value, expected in ((2, 40_000, "byte 4: token 2 (document 0) is 40,000"), (3, 5, "byte 6: document 0 ends with id 5")):
        damaged = sound.copy()
        damaged[place] = value
        damaged.tofile(path)
        assert any(expected in problem for problem in problems_of(ours)), problems_of(ours)
    sound.tofile(path)
    assert problems_of(ours) == []


def test_white_space_in_a_record_counts(ours: Path):
    """orjson reads a tab where a space stood and the manifest hashes its values, so this passed."""
    path = ours / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'": ', b'":\t', 1))
    (problem,) = verify_path(ours, full=False)[1]
    assert re.search(r"manifest\.json: byte \d+: not in the form that a run writes", problem)


@pytest.mark.parametrize("name", ["mixture.json", "dataset_index.npy", "dataset_sample_index.npy"])
def test_every_flipped_byte_of_a_mixture_is_found_and_its_row_named(mixture: Path, name: str):
    header = len((mixture / name).read_bytes()) - 3 * {"dataset_index.npy": 2, "dataset_sample_index.npy": 8}.get(name, 0)
    for offset, pattern in flips(mixture / name, 1 if name.endswith(".npy") else 11):
        problems = problems_of(mixture)
        assert any(name in problem for problem in problems), f"byte {offset} ^ {pattern:#x} of {name}"
        if name.endswith(".npy") and offset >= header:
            sample = (offset - header) // (2 if name == "dataset_index.npy" else 8)
            assert any(f"{name}: sample {sample}" in problem for problem in problems), problems


@pytest.mark.parametrize("has_tables", [False, True])
def test_flipped_bytes_of_a_foreign_index_are_found_and_placed(foreign: Path, has_tables: bool):
    """A length of 2 that becomes 3 leaves an overlap: `plan` refused it, and `verify --full` passed it.

    Without a manifest or a table a document edge may move between two sequences: that is legal, and `verify` says so.
    """
    if has_tables:
        add_tables(foreign)
    path = foreign / "toy-00000.idx"
    layout = Layout(2, 3)
    inner_edge = range(layout.document_index + 8, layout.document_index + 16)
    unseen = []
    for offset, _ in flips(path):
        problems = problems_of(foreign)
        if not problems:
            unseen.append(offset)
        elif offset >= layout.lengths:
            assert re.search(r"toy-00000\.(idx: byte \d+|bin: |documents\.parquet: row|documents\.parquet: 2 rows)", problems[0]), problems
    assert all(offset in inner_edge for offset in unseen) if not has_tables else unseen == [], unseen
    assert any("document edge" in line for line in limits_of(foreign, full=True))


def test_a_length_that_grew_is_placed_at_its_byte(foreign: Path):
    path = foreign / "toy-00000.idx"
    content = bytearray(path.read_bytes())
    content[34] ^= 1
    path.write_bytes(content)
    (problem,) = verify_path(foreign, full=False)[1]
    assert "toy-00000.idx: byte 50: sequence 1 begins at byte 8 of the .bin, the one before it ends at 10: its length at byte 34" in problem


def test_ids_of_foreign_shards_are_checked_against_the_tokenizer_that_is_named(foreign: Path, tokenizer, tmp_path: Path):
    tokenizer.save(str(tmp_path / "t.json"))
    path = foreign / "toy-00001.bin"
    tokens = np.fromfile(path, "<u2")
    tokens[1] = 60_000
    tokens.tofile(path)
    assert verify_path(foreign, full=True)[1] == []
    assert any("no tokenizer known" in line for line in limits_of(foreign, full=True))
    (problem,) = verify_path(foreign, full=True, tokenizer=tmp_path / "t.json")[1]
    assert "toy-00001.bin: byte 2: token 1 (document 0) is 60,000; the tokenizer's ids are 0..256" in problem
    assert not any("no tokenizer known" in line for line in limits_of(foreign, full=True, tokenizer=tmp_path / "t.json"))


def test_negative_ids_are_found_without_a_tokenizer(tmp_path: Path):
    from mathcode_data.shards.writer import ShardWriter

    with ShardWriter(tmp_path / "s", np.int32) as writer:
        writer.add([5, 6, 7])
    tokens = np.fromfile(tmp_path / "s.bin", "<i4")
    tokens[2] = -7
    tokens.tofile(tmp_path / "s.bin")
    (problem,) = verify_path(tmp_path / "s", full=True)[1]
    assert "s.bin: byte 8: token 2 (document 0) is -7; ids are 0 or more" in problem


def test_a_table_of_another_shard_is_found(foreign: Path):
    add_tables(foreign)
    assert verify_path(foreign, full=True)[1] == []
    (foreign / "toy-00001.documents.parquet").write_bytes((foreign / "toy-00000.documents.parquet").read_bytes())
    (problem,) = verify_path(foreign, full=False)[1]
    assert "toy-00001.documents.parquet: 2 rows, the shard has 1 documents" in problem


def test_what_a_short_look_leaves_out_is_said(ours: Path, mixture: Path):
    assert limits_of(ours, full=True) == []
    assert limits_of(mixture, full=True) == []
    assert "--full" in limits_of(ours, full=False)[0]
    assert "name the folder of their result" in limits_of(ours / "toy-00000", full=True)[0]
