"""Statistics of a path of any kind, as plain data: documents, token shards, mixtures, training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.manifest import Result, read_result
from mathcode_data.core.storage import read_json
from mathcode_data.inspect.document_statistics import document_statistics
from mathcode_data.inspect.kinds import identify, named_results, ordered_results
from mathcode_data.inspect.mixture_statistics import mixture_statistics
from mathcode_data.inspect.sampling import Look
from mathcode_data.inspect.shard_statistics import shard_statistics
from mathcode_data.inspect.training import training_statistics
from mathcode_data.shards.resolve import resolve_shards


def statistics(path: Path, look: Look | None = None) -> dict[str, Any]:
    """Look at a path of any kind (see `kinds.identify`).

    Args:
        path: a result, a pipeline's output, shards, a mixture, a training run or a checkpoint.
        look: how much to read; by default headers, tables, and a sample where there is much.

    Returns:
        A map with `kind` and `path`; what else it holds depends on the kind.
    """
    look = look or Look()
    kind = identify(path)
    data: dict[str, Any] = {"kind": kind, "path": str(path)}
    if kind == "result":
        return data | _of_result(read_result(path), look)
    if kind == "output":
        results = [manifest_facts(result) | {"id": result.folder.name} for result in ordered_results(path)]
        finished = {result["id"] for result in results}
        return data | {"results": results, "unfinished": [name for name in named_results(path) if name not in finished]}
    if kind == "shards":
        return data | shard_statistics(resolve_shards(path), look)
    if kind == "mixture":
        return data | mixture_statistics(path, look)
    if kind == "checkpoint":
        return data | {"checkpoint": read_json(path / "checkpoint.json")}
    return data | training_statistics(path)


def manifest_facts(result: Result) -> dict[str, Any]:
    """What a manifest says, without its hashes."""
    manifest = result.manifest
    return {
        "result": manifest.kind,
        "fingerprint": manifest.fingerprint,
        "stages": [stage["name"] for stage in manifest.stages],
        "documents": manifest.num_rows,
        "tokens": manifest.num_tokens,
        "bytes": sum(shard.bytes for shard in manifest.shards),
        "shards": len([shard for shard in manifest.shards if shard.rows or shard.tokens]),
        "counters": [stage.to_json() for stage in manifest.counters],
        "facts": manifest.facts,
        "damage": manifest.damage,
        "quarantined": manifest.quarantined,
    }


def _of_result(result: Result, look: Look) -> dict[str, Any]:
    data = manifest_facts(result)
    if result.manifest.kind == "tokens":
        data |= shard_statistics(resolve_shards(result.folder), look)
    elif result.manifest.kind == "documents":
        data |= document_statistics(result.document_shards(), look)
    return data
