"""Damaged pairs are refused with file and byte, before anything is mapped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.shards import index as index_module
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.index import read_index


def test_no_flipped_bit_of_header_lengths_or_pointers_goes_unseen(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1, 2, 3], [], [4]])
    sound = idx_path(prefix).read_bytes()
    layout = read_index(prefix).layout
    for offset in range(layout.document_index):
        for bit in range(8):
            damaged = bytearray(sound)
            damaged[offset] ^= 1 << bit
            idx_path(prefix).write_bytes(damaged)
            try:
                # the pointer of an empty sequence can go anywhere: legal, but no longer one after the other
                assert not read_index(prefix).is_contiguous, f"byte {offset}, bit {bit}"
            except DataError as error:
                assert "byte" in str(error)


def test_a_flipped_document_edge_is_refused_or_is_another_legal_division(write_shard, tmp_path: Path):
    """Files of others may give a document no sequence or two, so an edge one off is legal; fingerprints find that."""
    prefix = write_shard(tmp_path / "a", [[1, 2, 3], [], [4], [5, 6]])
    sound = idx_path(prefix).read_bytes()
    layout = read_index(prefix).layout
    for offset in range(layout.document_index, layout.end):
        damaged = bytearray(sound)
        damaged[offset] ^= 255
        idx_path(prefix).write_bytes(damaged)
        with pytest.raises(DataError, match="document edge"):
            read_index(prefix)


@pytest.mark.parametrize("num_bytes", [0, 8, 9, 33, 34, 60, 101])
def test_an_index_that_is_cut_off_is_refused(write_shard, tmp_path: Path, num_bytes: int):
    prefix = write_shard(tmp_path / "a", [[1], [2], [3]])
    idx_path(prefix).write_bytes(idx_path(prefix).read_bytes()[:num_bytes])
    with pytest.raises(DataError, match=r"a\.idx"):
        read_index(prefix)


@pytest.mark.parametrize("change", [-2, -1, 1, 2])
def test_a_bin_of_another_size_is_refused(write_shard, tmp_path: Path, change: int):
    prefix = write_shard(tmp_path / "a", [[1], [2], [3]])
    content = bin_path(prefix).read_bytes()
    bin_path(prefix).write_bytes(content[:change] if change < 0 else content + bytes(change))
    with pytest.raises(DataError, match=r"a\.bin"):
        read_index(prefix)


def test_swapped_files_are_told_so(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1], [2], [3]])
    index, tokens = idx_path(prefix).read_bytes(), bin_path(prefix).read_bytes()
    idx_path(prefix).write_bytes(tokens)
    bin_path(prefix).write_bytes(index)
    with pytest.raises(DataError, match="swapped"):
        read_index(prefix)


def test_the_bin_of_another_shard_is_refused(write_shard, tmp_path: Path):
    one, other = write_shard(tmp_path / "a", [[1], [2, 3]]), write_shard(tmp_path / "b", [[1], [2, 3, 4]])
    bin_path(one).write_bytes(bin_path(other).read_bytes())
    with pytest.raises(DataError, match="its index ends at 6"):
        read_index(one)


@pytest.mark.parametrize("missing", [".bin", ".idx"])
def test_a_missing_half_is_named(write_shard, tmp_path: Path, missing: str):
    prefix = write_shard(tmp_path / "a", [[1]])
    (tmp_path / f"a{missing}").unlink()
    with pytest.raises(DataError, match=rf"a\{missing}: cannot be read"):
        read_index(prefix)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_no_tokens(write_raw, tmp_path: Path, dtype: str):
    with pytest.raises(DataError, match="byte 17: dtype code"):
        read_index(write_raw(tmp_path / "a", [2], dtype=dtype))


@pytest.mark.parametrize(("parts", "says"), [
    ({"lengths": [2, -1], "num_tokens": 1}, "byte 38: sequence 1 has -1 tokens"),
    ({"lengths": [2, 1], "pointers": [0, 2**62]}, "byte 50: sequence 1"),
    ({"lengths": [2, 1], "pointers": [0, -4]}, "byte 50: sequence 1"),
    ({"lengths": [2, 1], "pointers": [0, 3]}, "byte 50: sequence 1"),
    ({"lengths": [2, 1], "document_index": [1, 2]}, "document edge 0 is 1"),
    ({"lengths": [2, 1], "document_index": [0, 2, 1]}, "document edge 2 is 1"),
    ({"lengths": [2, 1], "document_index": [0, 1]}, "the last document edge is 1"),
    ({"lengths": [2, 1], "document_index": []}, "byte 26: no document indices"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused_with_its_byte(write_raw, tmp_path: Path, parts, says: str):
    with pytest.raises(DataError, match=says):
        read_index(write_raw(tmp_path / "a", **parts))


def test_multimodal_files_have_a_byte_more_per_sequence(write_raw, tmp_path: Path):
    assert read_index(write_raw(tmp_path / "a", [2, 1], modes=b"\0\1")).num_tokens == 3
    with pytest.raises(DataError, match="cut off, too long"):
        read_index(write_raw(tmp_path / "b", [2, 1], modes=b"\0"))


def test_blocks_meet_without_a_seam(monkeypatch, write_raw, tmp_path: Path):
    monkeypatch.setattr(index_module, "CHECK_BLOCK", 3)
    lengths = np.arange(10)
    assert read_index(write_raw(tmp_path / "a", lengths)).is_contiguous
    # sequences 3 and 4 are swapped in the .bin, one on each side of an edge between blocks
    prefix = write_raw(tmp_path / "b", [0, 1, 2, 4, 3, 5, 6, 7, 8, 9], pointers=[0, 0, 2, 12, 6, 20, 30, 42, 56, 72])
    assert not read_index(prefix).is_contiguous


def test_a_billion_sequences_in_the_header_alone_cost_nothing(write_raw, tmp_path: Path):
    prefix = write_raw(tmp_path / "a", [1])
    damaged = bytearray(idx_path(prefix).read_bytes())
    damaged[18:26] = (10**9).to_bytes(8, "little")
    idx_path(prefix).write_bytes(damaged)
    with pytest.raises(DataError, match="1,000,000,000 sequences"):
        read_index(prefix)
