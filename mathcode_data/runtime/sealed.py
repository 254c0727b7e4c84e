"""The files of a finished task: their sizes, sha256 and block hashes, found in one read, and put together for the result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mathcode_data.core.arrays import is_whole_array
from mathcode_data.core.blocks import BLOCKS_NAME, FileBlocks, hash_file, pack_blocks, unpack_blocks
from mathcode_data.core.errors import DataError, MathcodeError, ResourceError
from mathcode_data.core.manifest import Shard
from mathcode_data.core.stage import TaskRecord
from mathcode_data.core.storage import free_space, fsync_file, sha256_bytes, write_bytes

TASK_BLOCKS_NAME = f".{BLOCKS_NAME}"
"""In the folder of a task, beside its files."""


def seal_files(folder: Path, shards: Iterable[Shard]) -> tuple[Shard, ...]:
    """Force a task's files to the disk, say what is in them, and leave their block hashes beside them."""
    sealed = []
    blocks: dict[str, FileBlocks] = {}
    for shard in shards:
        path = folder / shard.name
        if path.suffix == ".npy" and not is_whole_array(path):
            raise ResourceError(f"{path}: not all of the array got to the disk ({free_space(path)}); make room, then run again")
        fsync_file(path)
        sha256, blocks[shard.name] = hash_file(path)
        sealed.append(Shard(shard.name, path.stat().st_size, sha256, shard.rows, shard.tokens))
    write_bytes(folder / TASK_BLOCKS_NAME, pack_blocks(blocks))
    return tuple(sealed)


def write_result_blocks(folder: Path, records: Sequence[TaskRecord]) -> dict[str, Any]:
    """Write the `blocks.xxh3` of a result whose files some tasks made; gives what the manifest says of it.

    Raises:
        MathcodeError: a task has a file of that name.
    """
    blocks: dict[str, FileBlocks] = {}
    for record in records:
        known = _task_blocks(record.folder / TASK_BLOCKS_NAME)
        for shard in record.shards:
            found = known.get(shard.name)
            if found is None or found.num_bytes != shard.bytes:  # a task of an earlier version, or a damaged table: read again
                found = hash_file(record.path(shard.name))[1]
            blocks[shard.name] = found
    if BLOCKS_NAME in blocks:
        raise MathcodeError(f"{folder}: a task wrote {BLOCKS_NAME}; that name is the engine's, a stage takes another")
    content = pack_blocks(blocks)
    write_bytes(folder / BLOCKS_NAME, content)
    return {"name": BLOCKS_NAME, "bytes": len(content), "sha256": sha256_bytes(content)}


def _task_blocks(path: Path) -> dict[str, FileBlocks]:
    try:
        return unpack_blocks(path.read_bytes(), path)
    except (FileNotFoundError, DataError):
        return {}
