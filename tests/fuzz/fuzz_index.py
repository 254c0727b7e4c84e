"""Token shards: a damaged `.idx` or `.bin` is refused before anything is mapped."""

import numpy as np

from mathcode_data.shards.fingerprint import fingerprint_shard
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter
from support.fuzzing import scratch, written


def seeds() -> list[bytes]:
    found = []
    for dtype, lengths in ((np.uint16, (3, 1, 9)), (np.int32, (5,)), (np.uint16, (1,) * 40)):
        prefix = scratch("index") / "seed"
        with ShardWriter(prefix, dtype) as writer:
            for length in lengths:
                writer.add(np.arange(length))
        idx, content = prefix.with_name("seed.idx").read_bytes(), prefix.with_name("seed.bin").read_bytes()
        found.append(len(idx).to_bytes(2, "little") + idx + content)
    return found


def read(data: bytes) -> None:
    size = int.from_bytes(data[:2], "little")
    prefix = written("index", "x.idx", data[2 : 2 + size]).with_name("x")
    written("index", "x.bin", data[2 + size :])
    fingerprint_shard(prefix)
    with TokenShard(prefix) as shard:
        for number in range(min(shard.num_documents, 50)):
            shard.document(number)
        if shard.index.is_contiguous and shard.num_tokens:
            shard.boundaries(0, min(shard.num_tokens, 64))
