"""What a shard's bytes are called: fast for a terabyte, or over every byte.

The fast fingerprint covers the whole `.idx`, the size of the `.bin` and a fixed sample of its blocks, so a `.bin` up to
1 MiB is covered whole. It finds a shard that was written again; a single flipped byte in a large `.bin` needs `full`.
"""

from __future__ import annotations

import hashlib

from mathcode_data.core.errors import DataError
from mathcode_data.shards.format import bin_path, idx_path
from mathcode_data.shards.remote import Place, file_size

NUM_BLOCKS = 16
BLOCK_BYTES = 1 << 16
READ_BYTES = 1 << 20
DIGEST_BYTES = 16


def fingerprint_shard(prefix: Place, *, full: bool = False) -> str:
    """Name a shard by its bytes; 32 hexadecimal digits of BLAKE2b-128. The two kinds never give the same name.

    Args:
        prefix: path without `.bin` or `.idx`; it does not count, only the bytes do.
        full: read the whole `.bin` (about a second per gigabyte) instead of 16 blocks of 64 KiB.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES, person=b"shard-full" if full else b"shard-sampled")
    path = idx_path(prefix)
    try:
        _hash_spans(digest, path, [(0, file_size(path))])
        path = bin_path(prefix)
        size = file_size(path)
        digest.update(size.to_bytes(8, "little"))
        _hash_spans(digest, path, [(0, size)] if full else sampled_spans(size))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the path and the rights") from error
    return digest.hexdigest()


def sampled_spans(num_bytes: int) -> list[tuple[int, int]]:
    """Start and stop of the blocks that are read: first, last and evenly between; the whole file if it is no larger.

    >>> sampled_spans(1000), len(sampled_spans(10**12)), sampled_spans(10**12)[-1]
    ([(0, 1000)], 16, (999999934464, 1000000000000))
    """
    if num_bytes <= NUM_BLOCKS * BLOCK_BYTES:
        return [(0, num_bytes)]
    starts = [(num_bytes - BLOCK_BYTES) * block // (NUM_BLOCKS - 1) for block in range(NUM_BLOCKS)]
    return [(start, start + BLOCK_BYTES) for start in starts]


def _hash_spans(digest: hashlib.blake2b, path: Place, spans: list[tuple[int, int]]) -> None:
    with path.open("rb", buffering=0) as file:
        for start, stop in spans:
            file.seek(start)
            while start < stop:
                block = file.read(min(READ_BYTES, stop - start))
                if not block:
                    raise DataError(f"{path}: ends at byte {start:,} while it is read; somebody writes here, try again when it is finished")
                digest.update(block)
                start += len(block)
