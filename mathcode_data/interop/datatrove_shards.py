"""datatrove's token files: `NAME.ds` (ids, little-endian), `NAME.ds.index` (uint64 end of each document, in tokens) and
`NAME.ds.metadata` (tokenizer|bytes per token, tokens, tokens for people). Written and read here without datatrove itself.

nanotron and datatrove's loaders read the first two; the third is for people, and may be absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.storage import atomic_writer, write_bytes
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.writer import ShardWriter

BLOCK_TOKENS = 1 << 22
MAX_UINT16 = 2**16 - 1
MAX_INT32 = 2**31 - 1
TYPES: dict[int, np.dtype[Any]] = {2: np.dtype("<u2"), 4: np.dtype("<u4")}


def export_ds(prefixes: list[Path], output: Path, *, tokenizer: str = "Unknown Tokenizer") -> list[Path]:
    """Write each shard as a `.ds` file with its index and metadata.

    Args:
        prefixes: shards to write; one `NAME.ds` each.
        output: folder of the files.
        tokenizer: name for the metadata.

    Returns:
        The `.ds` files. Shards of uint16 ids are written with 2 bytes per token, others with 4, as their builder stored them.

    Raises:
        DataError: a shard's documents leave gaps, or hold negative ids.
    """
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for prefix in prefixes:
        path = output / f"{prefix.name}.ds"
        with TokenShard(prefix) as shard:
            stored = TYPES[2 if shard.dtype.itemsize <= 2 else 4]
            with atomic_writer(path) as file:
                for ids in _blocks(shard):
                    if ids.size and int(ids.min()) < 0:
                        raise DataError(f"{prefix}.bin: id {int(ids.min())}; token ids are 0 or more, check which program wrote the shard")
                    file.write(np.ascontiguousarray(ids, dtype=stored).data)
            ends = np.array([shard.document_start(number + 1) for number in range(shard.num_documents)], dtype="<u8")
            write_bytes(path.with_name(f"{path.name}.index"), ends.tobytes())
            text = f"{tokenizer}|{stored.itemsize}\n{shard.num_tokens}\n{_for_people(shard.num_tokens)}"
            write_bytes(path.with_name(f"{path.name}.metadata"), text.encode())
        written.append(path)
    return written


def import_ds(path: Path, prefix: Path) -> int:
    """Write a `.ds` file as `PREFIX.bin/.idx`, one document per sequence; returns the number of tokens.

    The bytes per token come from the sizes of file and index, and must agree with the metadata where there are some.

    Raises:
        ConfigError: no index beside the file.
        DataError: sizes and index do not belong together, or an id is above what Megatron's format stores.
    """
    index = path.with_name(f"{path.name}.index")
    if not path.is_file() or not index.is_file():
        missing = path if not path.is_file() else index
        raise ConfigError(f"{missing}: not there; a datatrove token file is NAME.ds with NAME.ds.index beside it")
    if index.stat().st_size % 8:
        raise DataError(f"{index}: {index.stat().st_size:,} bytes are no whole number of 8-byte document ends; the file is cut off")
    ends = np.fromfile(index, dtype="<u8").astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    if lengths.size and int(lengths.min()) < 0:
        raise DataError(f"{index}: document {int(lengths.argmin())} ends before it begins; the index is of another file, or damaged")
    stored = _stored_type(path, int(ends[-1]) if ends.size else 0)
    ids = np.memmap(path, dtype=stored, mode="r") if ends.size and ends[-1] else np.zeros(0, dtype=stored)
    with ShardWriter(prefix, np.uint16 if stored.itemsize == 2 else np.int32) as writer:
        for first, stop in _document_blocks(ends):
            start = int(ends[first - 1]) if first else 0
            block = np.asarray(ids[start : int(ends[stop - 1])])
            if block.size and int(block.max()) > MAX_INT32:
                raise DataError(f"{path}: id {int(block.max()):,}; Megatron's format stores ids up to {MAX_INT32:,}")
            writer.add_many(block, lengths[first:stop])
    return int(ids.size)


def _stored_type(path: Path, num_tokens: int) -> np.dtype[Any]:
    num_bytes = path.stat().st_size
    itemsize = num_bytes // num_tokens if num_tokens else 0
    if itemsize not in TYPES or itemsize * num_tokens != num_bytes:
        raise DataError(
            f"{path}: {num_bytes:,} bytes for {num_tokens:,} tokens by the index; a token has 2 or 4 bytes, so the two files do not "
            "belong together or one is cut off"
        )
    metadata = path.with_name(f"{path.name}.metadata")
    if metadata.is_file():
        said = metadata.read_text(encoding="utf-8", errors="replace").split("\n")[0].rpartition("|")[2]
        if said.isdigit() and int(said) != itemsize:
            raise DataError(f"{metadata}: says {said} bytes per token, file and index have {itemsize}; the files do not belong together")
    return TYPES[itemsize]


def _blocks(shard: TokenShard) -> Iterator[NDArray[np.integer]]:
    for start in range(0, shard.num_tokens, BLOCK_TOKENS):
        yield shard.tokens(start, min(start + BLOCK_TOKENS, shard.num_tokens))


def _document_blocks(ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of documents of about a block; a longer document is a run of its own."""
    first = 0
    while first < ends.size:
        start = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, start + BLOCK_TOKENS, side="right")))
        yield first, stop
        first = stop


def _for_people(num_tokens: int) -> str:
    for name, size in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if num_tokens >= size:
            return f"{num_tokens / size:.2f} {name}"
    return str(num_tokens)
