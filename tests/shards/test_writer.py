"""The writer's bytes are Megatron's, and a shard is whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError, ResourceError
from mathcode_data.shards import writer as writer_module
from mathcode_data.shards.format import bin_path, idx_path, token_dtype
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter

DOCUMENTS = st.lists(st.lists(st.integers(0, 65535), max_size=9), min_size=1, max_size=12).filter(lambda documents: any(documents))


@pytest.mark.slow  # imports torch
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # megatron-core on numpy 2
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64, np.uint8])
def test_the_bytes_are_those_of_megatrons_builder(indexed_dataset, tmp_path: Path, dtype):
    import torch

    generator = np.random.default_rng(3)
    documents = [generator.integers(0, 256, size) for size in [5, 0, 1, 300, 0, 17, *generator.integers(0, 60, 200)]]
    builder = indexed_dataset.IndexedDatasetBuilder(str(tmp_path / "theirs.bin"), dtype=dtype)
    for document in documents:
        builder.add_document(torch.tensor(document), [len(document)])
    builder.finalize(str(tmp_path / "theirs.idx"))
    with ShardWriter(tmp_path / "ours", dtype) as writer:
        for document in documents[:100]:
            writer.add(document)
        writer.add_many(np.concatenate(documents[100:]), [len(document) for document in documents[100:]])
    assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "theirs.bin").read_bytes()
    assert (tmp_path / "ours.idx").read_bytes() == (tmp_path / "theirs.idx").read_bytes()


@pytest.mark.slow  # imports torch
def test_megatrons_reader_reads_our_shard(indexed_dataset, write_shard, tmp_path: Path):
    documents = [[1, 2, 3], [], [40_000], list(range(100))]
    dataset = indexed_dataset.IndexedDataset(str(write_shard(tmp_path / "code-00000", documents)))
    assert [document.tolist() for document in dataset[0:4]] == documents
    assert dataset.document_indices.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.slow  # imports torch
def test_the_dtype_rule_is_megatrons(indexed_dataset):
    for size in (2, 65_499, 65_500, 65_501, 102_400):
        assert token_dtype(size - 1) == indexed_dataset.DType.optimal_dtype(size)


def test_the_bytes_of_a_small_shard_never_change(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1, 2], [], [65535]])
    assert bin_path(prefix).read_bytes() == bytes([1, 0, 2, 0, 255, 255])
    assert len(idx_path(prefix).read_bytes()) == 42 + 20 * 3
    expected = "4d4d4944494458000001000000000000000803000000000000000400000000000000"
    expected += "020000000000000001000000" + "000000000000000004000000000000000400000000000000"
    expected += "".join(f"{edge:02x}00000000000000" for edge in range(4))
    assert idx_path(prefix).read_bytes().hex() == expected


@hypothesis.settings(max_examples=8)  # each example syncs four files
@hypothesis.given(DOCUMENTS)
def test_what_is_written_is_read(tmp_path_factory, documents):
    folder = tmp_path_factory.mktemp("shard")
    with ShardWriter(folder / "one", np.uint16) as one, ShardWriter(folder / "many", np.uint16) as many:
        for document in documents:
            one.add(np.array(document, dtype=np.int64))
        flat = np.concatenate([np.array(document, dtype=np.int64) for document in documents])
        many.add_many(flat, [len(document) for document in documents])
    assert hashlib.sha256((folder / "one.idx").read_bytes()).digest() == hashlib.sha256((folder / "many.idx").read_bytes()).digest()
    with TokenShard(folder / "one") as shard:
        assert [shard.document(number).tolist() for number in range(shard.num_documents)] == documents


def test_the_index_is_written_in_blocks_without_a_seam(monkeypatch, write_shard, tmp_path: Path):
    documents = [[k] * (k % 4) for k in range(50)]
    whole = idx_path(write_shard(tmp_path / "whole", documents)).read_bytes()
    monkeypatch.setattr(writer_module, "INDEX_BLOCK", 7)
    assert idx_path(write_shard(tmp_path / "blocks", documents)).read_bytes() == whole


@pytest.mark.parametrize(("ids", "says"), [
    ([1, 70_000], "id 70000 is outside"), ([-1], "id -1 is outside"), ([1.5], "float64"), ([[1, 2]], "shape"), ([2**63], "is outside"),
])  # fmt: skip
def test_ids_that_do_not_fit_are_refused_before_a_cast_can_wrap_them(tmp_path: Path, ids, says):
    with pytest.raises(DataError, match=says), ShardWriter(tmp_path / "a", np.uint16) as writer:
        writer.add(np.array(ids))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lengths", [[1], [1, 1, 1], [3, -1], [1.0, 1.0]])
def test_lengths_that_do_not_add_up_are_refused(tmp_path: Path, lengths):
    with pytest.raises(DataError, match="lengths"), ShardWriter(tmp_path / "a", np.uint16) as writer:
        writer.add_many([5, 6], np.array(lengths))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("documents", [[], [[], []]])
def test_a_shard_without_a_token_is_refused_and_leaves_nothing(tmp_path: Path, write_shard, documents):
    with pytest.raises(DataError, match="no token"):
        write_shard(tmp_path / "a", documents)
    assert list(tmp_path.iterdir()) == []


def test_floats_are_no_tokens(tmp_path: Path):
    with pytest.raises(ConfigError, match="float32"):
        ShardWriter(tmp_path / "a", np.float32)


def test_a_failed_document_leaves_an_earlier_shard_as_it_was(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1, 2, 3]])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError), ShardWriter(prefix, np.uint16) as writer:
        writer.add([1])
        writer.add([99_999])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_never_leaves_a_pair_that_looks_whole(monkeypatch, tmp_path: Path, call: int):
    calls = []
    fsync = os.fsync

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    writer = ShardWriter(tmp_path / "a", np.uint16)
    writer.add([1, 2])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError):
        writer.close()
    assert not (tmp_path / "a.idx").exists()
    assert not list(tmp_path.glob(".tmp-*"))


def test_a_closed_shard_takes_no_more(tmp_path: Path):
    writer = ShardWriter(tmp_path / "a", np.uint16)
    writer.add([1])
    writer.close()
    writer.close()
    with pytest.raises(DataError, match="closed"):
        writer.add([2])
