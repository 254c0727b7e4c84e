"""Block hashes: the same whatever the pieces that come, small beside the file, and a changed byte is in the block that differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.blocks import LIST_OFFSET, BlockHasher, block_bytes_for, hash_file, pack_blocks, unpack_blocks
from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import sha256_file


@given(st.binary(max_size=20_000), st.lists(st.integers(1, 6000), max_size=6))
def test_hashes_do_not_depend_on_the_pieces_that_are_written(content: bytes, pieces: list[int]):
    hasher = BlockHasher(len(content))
    left = memoryview(content)
    for piece in [*pieces, len(content)]:
        hasher.update(left[:piece])
        left = left[piece:]
    expected = [xxhash.xxh3_64_intdigest(content[low : low + 4096]) for low in range(0, len(content), 4096)]
    assert hasher.finish().hashes.tolist() == expected


@pytest.mark.parametrize(
    ("num_bytes", "block"), [(1, 1 << 12), (1 << 24, 1 << 12), (1 << 30, 1 << 18), (1 << 32, 1 << 20), (10**15, 1 << 20)]
)
def test_tables_stay_small_beside_their_files(num_bytes: int, block: int):
    assert block_bytes_for(num_bytes) == block
    assert -(-num_bytes // block) * 8 <= max(4096 * 8, num_bytes / 2**17 + 8)


@given(st.integers(1, 30_000), st.data())
def test_a_changed_byte_lies_in_the_span_that_differs(size: int, data: st.DataObject):
    content = bytearray(np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes())
    at = data.draw(st.integers(0, size - 1))
    tables = []
    for flip in (0, 1 << data.draw(st.integers(0, 7))):
        content[at] ^= flip
        hasher = BlockHasher(size)
        hasher.update(bytes(content))
        tables.append(hasher.finish())
    ((start, stop),) = tables[0].differing(tables[1])
    assert start <= at < stop <= size
    assert stop - start <= 4096


def test_a_table_is_read_back_and_damage_in_it_is_refused(tmp_path: Path):
    files = {}
    for name, size in (("b.bin", 10_000), ("a.idx", 0), ("ü.parquet", 4096)):
        (tmp_path / name).write_bytes(b"x" * size)
        sha256, files[name] = hash_file(tmp_path / name)
        assert sha256 == sha256_file(tmp_path / name)
    content = pack_blocks(files)
    assert content == pack_blocks(dict(reversed(files.items())))
    found = unpack_blocks(content, "t")
    assert {name: (one.num_bytes, one.block_bytes, one.hashes.tolist()) for name, one in found.items()} == {
        name: (one.num_bytes, one.block_bytes, one.hashes.tolist()) for name, one in files.items()
    }
    for broken in (
        content[:-1],
        content + b"\0",
        b"x" + content[1:],
        content[:LIST_OFFSET],
        b"",
        content[:LIST_OFFSET] + b"}" + content[LIST_OFFSET + 1 :],
    ):
        with pytest.raises(DataError, match="no table of block hashes"):
            unpack_blocks(broken, "t")


def test_files_of_other_lengths_differ_to_the_longer_end():
    tables = []
    for size in (5000, 9000):
        hasher = BlockHasher(size)
        hasher.update(b"\0" * size)
        tables.append(hasher.finish())
    assert tables[0].differing(tables[1]) == [(4096, 9000)]
