"""Tables of block hashes (`blocks.xxh3`)."""

from mathcode_data.core.blocks import hash_file, pack_blocks, unpack_blocks
from support.fuzzing import written


def seeds() -> list[bytes]:
    small = hash_file(written("blocks", "a", b"abc" * 5000), 4096)[1]
    return [pack_blocks({}), pack_blocks({"a": small}), pack_blocks({"a": small, "b.parquet": small})]


def read(data: bytes) -> None:
    for blocks in unpack_blocks(data, "x").values():
        for block in range(min(len(blocks.hashes), 10)):
            blocks.span(block)
        blocks.differing(blocks)
