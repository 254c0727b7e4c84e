"""A shard's name changes with its bytes and with nothing else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.shards.fingerprint import BLOCK_BYTES, NUM_BLOCKS, fingerprint_shard, sampled_spans
from mathcode_data.shards.format import bin_path, idx_path


def test_every_byte_of_a_small_shard_counts_and_its_path_does_not(write_shard, tmp_path: Path):
    documents = [[1, 2, 3], [4]]
    prefix = write_shard(tmp_path / "a", documents)
    assert fingerprint_shard(prefix) == fingerprint_shard(write_shard(tmp_path / "b", documents))
    seen = {fingerprint_shard(prefix), fingerprint_shard(prefix, full=True)}
    for path in (bin_path(prefix), idx_path(prefix)):
        sound = path.read_bytes()
        for offset in range(len(sound)):
            path.write_bytes(sound[:offset] + bytes([sound[offset] ^ 1]) + sound[offset + 1 :])
            seen.add(fingerprint_shard(prefix))
        path.write_bytes(sound)
    assert len(seen) == 2 + bin_path(prefix).stat().st_size + idx_path(prefix).stat().st_size


def test_a_large_shard_is_sampled_and_full_finds_what_lies_between(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [np.zeros(BLOCK_BYTES * NUM_BLOCKS, dtype=np.int64)])
    fast, full = fingerprint_shard(prefix), fingerprint_shard(prefix, full=True)
    spans = sampled_spans(bin_path(prefix).stat().st_size)
    between = (spans[0][1] + spans[1][0]) // 2
    with bin_path(prefix).open("r+b") as file:
        file.seek(between)
        file.write(b"\1")
    assert fingerprint_shard(prefix) == fast
    assert fingerprint_shard(prefix, full=True) != full
    with bin_path(prefix).open("r+b") as file:
        file.seek(spans[7][0])
        file.write(b"\1")
    assert fingerprint_shard(prefix) != fast


@pytest.mark.parametrize("size", [0, 1, NUM_BLOCKS * BLOCK_BYTES, NUM_BLOCKS * BLOCK_BYTES + 1, 10**13])
def test_the_sample_covers_both_ends_and_at_most_a_mebibyte(size: int):
    spans = sampled_spans(size)
    assert (spans[0][0], spans[-1][1]) == (0, size)
    assert sum(stop - start for start, stop in spans) == min(size, NUM_BLOCKS * BLOCK_BYTES)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_missing_shard_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"a\.idx: cannot be read"):
        fingerprint_shard(tmp_path / "a")
