"""From a path in a configuration to shards: a prefix, one of the two files, a folder, or a finished result of ours."""

from __future__ import annotations

from pathlib import Path

import orjson

from mathcode_data.core.errors import DataError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, check_shards, read_result
from mathcode_data.shards.format import bin_path, idx_path

SUFFIXES = (".bin", ".idx")


def resolve_shards(path: Path) -> list[Path]:
    """List the prefixes of the shards that a path means, in name order.

    A prefix (`data/foo_text_document`), a `.bin` or `.idx` file, or a folder: all pairs in it, not in its subfolders.
    Where a pair and a folder have the same name the pair is meant (Megatron puts a cache folder beside its prefix). In a
    finished result of ours the manifest says which shards there are, and their sizes are checked.

    Raises:
        DataError: nothing is there, a pair lacks one half, or a result of ours is not of token shards or damaged.
    """
    if path.suffix in SUFFIXES and (path.exists() or not path.is_dir()):
        return [_pair(path.with_name(path.name.removesuffix(path.suffix)))]
    if bin_path(path).exists() or idx_path(path).exists():
        return [_pair(path)]
    if not path.is_dir():
        raise DataError(f"{path}: no shard there: neither {path.name}.bin and {path.name}.idx nor a folder of that name; check the path")
    result = token_result(path)
    if result is not None:
        return _prefixes_of_result(result)
    names = {file.name.removesuffix(file.suffix) for file in path.iterdir() if file.suffix in SUFFIXES and not file.name.startswith(".")}
    if not names:
        raise DataError(f"{path}: a folder without .bin/.idx pairs (subfolders are not searched); name the folder that holds the shards")
    return [_pair(path / name) for name in sorted(names)]


def token_result(folder: Path) -> Result | None:
    """The finished result of ours in this folder, or None for a folder of foreign shards.

    Raises:
        DataError: the result is not one of token shards, or its manifest cannot be read.
        VerificationError: the manifest was edited.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return None
    try:
        data = orjson.loads(path.read_bytes())
    except (orjson.JSONDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error}); remove it if the shards are not ours, else run the pipeline again") from error
    if not isinstance(data, dict) or "self_hash" not in data:
        return None  # another program's manifest
    result = read_result(folder)
    if result.manifest.kind != "tokens":
        raise DataError(
            f"{folder}: a result of kind {result.manifest.kind!r}; a mixture is made of token shards, "
            "so name the result of the tokenize stage"
        )
    return result


def _prefixes_of_result(result: Result) -> list[Path]:
    problem = next(iter(check_shards(result, full=False)), None)
    if problem is not None:
        raise DataError(f"{problem}; run its pipeline again")
    stems = {path.name.removesuffix(path.suffix) for path in result.paths() if path.suffix in SUFFIXES}
    if not stems:
        raise DataError(f"{result.folder}: its manifest names no .bin/.idx pair; the pipeline gave no token, check what it keeps")
    return [_pair(result.folder / stem) for stem in sorted(stems)]


def _pair(prefix: Path) -> Path:
    for path, other in ((bin_path(prefix), idx_path(prefix)), (idx_path(prefix), bin_path(prefix))):
        if not path.is_file():
            there = f"{other.name} is there without it" if other.is_file() else f"nor is {other.name}"
            raise DataError(f"{path}: not there, {there}; a shard is a pair of .bin and .idx of the same name")
    return prefix
