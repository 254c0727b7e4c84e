"""Statistics of documents, token shards, mixtures and training runs, as plain data and as text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents, read_schema
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.core.storage import read_json
from mathcode_data.inspect.kinds import identify, sub_results
from mathcode_data.inspect.tables import human_bytes, mixture_table, table
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards

PERCENTILES = (0, 10, 50, 90, 99, 100)
TOP = 10


def statistics(path: Path) -> dict[str, Any]:
    """Look at a path of any kind (see `kinds.identify`).

    Returns:
        A map with `kind` and `path`; what else it holds depends on the kind.
    """
    kind = identify(path)
    data: dict[str, Any] = {"kind": kind, "path": str(path)}
    if kind == "result":
        return data | _of_result(read_result(path))
    if kind == "output":
        results = [_of_manifest(read_result(folder)) | {"id": folder.name} for folder in sub_results(path)]
        return data | {"results": results}
    if kind == "shards":
        return data | _of_shards(resolve_shards(path))
    if kind == "mixture":
        return data | {"mixture": read_json(path / "mixture.json")}
    if kind == "checkpoint":
        return data | {"checkpoint": read_json(path / "checkpoint.json")}
    lines = [orjson.loads(line) for line in (path / "metrics.jsonl").read_bytes().splitlines()]
    return data | {"records": len(lines), "last": lines[-1] if lines else None}


def _of_manifest(result: Result) -> dict[str, Any]:
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


def _of_result(result: Result) -> dict[str, Any]:
    data = _of_manifest(result)
    if result.manifest.kind == "tokens":
        data |= _of_shards(resolve_shards(result.folder))
    elif result.manifest.kind == "documents":
        data |= _of_documents(result.document_shards())
    return data


def _of_documents(paths: list[Path]) -> dict[str, Any]:
    characters: list[NDArray[np.int64]] = []
    categories: dict[str, Counter[str]] = {"source": Counter(), "language": Counter(), "license": Counter(), "repository": Counter()}
    scores: dict[str, list[NDArray[np.float64]]] = {}
    for path in paths:
        names = read_schema(path).names
        columns = [name for name in names if name in ("text", *categories) or name.startswith("score_")]
        for batch in read_documents(path, columns):
            if "text" in columns:
                characters.append(np.fromiter(map(len, batch["text"].to_pylist()), np.int64, batch.num_rows))
            for name in categories:
                if name in columns:
                    categories[name].update(value or "" for value in batch[name].to_pylist())
            for name in columns:
                if name.startswith("score_"):
                    scores.setdefault(name, []).append(batch[name].to_numpy())
    data: dict[str, Any] = {"characters": _spread(np.concatenate(characters)) if characters else None}
    data["groups"] = {name: dict(counter.most_common(TOP)) for name, counter in categories.items() if counter}
    data["scores"] = {name: _histogram(np.concatenate(values)) for name, values in scores.items()}
    return data


def _spread(values: NDArray[Any]) -> dict[str, float] | None:
    if not values.size:
        return None
    spread = {f"p{p}": float(np.percentile(values, p)) for p in PERCENTILES}
    return spread | {"mean": float(values.mean()), "sum": float(values.sum())}


def _histogram(values: NDArray[np.float64]) -> dict[str, int]:
    counts, _ = np.histogram(values, bins=10, range=(0.0, 1.0))
    return {f"{index / 10:.1f}-{(index + 1) / 10:.1f}": int(count) for index, count in enumerate(counts)}


def _of_shards(prefixes: list[Path]) -> dict[str, Any]:
    rows, lengths = [], []
    for prefix in prefixes:
        with TokenShard(prefix) as shard:
            sizes = np.array(shard.lengths, dtype=np.int64)
            rows.append(
                {"name": prefix.name, "documents": shard.num_documents, "tokens": shard.num_tokens, "dtype": str(shard.dtype),
                 "bytes": shard.num_tokens * shard.dtype.itemsize}
            )  # fmt: skip
            lengths.append(sizes)
    every = np.concatenate(lengths)
    return {
        "token_shards": rows,
        "documents": sum(row["documents"] for row in rows),
        "tokens": sum(row["tokens"] for row in rows),
        "document_tokens": _spread(every),
        "length_histogram": _lengths_histogram(every),
    }


def _lengths_histogram(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Documents by length in powers of two."""
    powers = np.bincount(np.floor(np.log2(np.maximum(lengths, 1))).astype(np.int64)) if lengths.size else np.zeros(0, np.int64)
    return {f"{2**power:,}-{2 ** (power + 1) - 1:,}": int(count) for power, count in enumerate(powers) if count}


def statistics_text(data: dict[str, Any]) -> str:
    """The same for people."""
    kind = data["kind"]
    if kind == "output":
        rows = [
            [r["id"], r["result"], r["documents"], r["tokens"] or None, human_bytes(r["bytes"]), " ".join(r["stages"])]
            for r in data["results"]
        ]
        return table(["result", "kind", "documents", "tokens", "size", "stages"], rows)
    if kind == "mixture":
        return f"{mixture_table(data['mixture'])}\n{data['mixture']['rounding']}"
    if kind in ("checkpoint", "training"):
        return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    parts = [data["path"]]
    if "fingerprint" in data:
        parts.append(f"{data['result']} of {', '.join(data['stages'])}; fingerprint {data['fingerprint']}")
        parts.append(_counters_text(data["counters"]))
    if data.get("characters"):
        parts.append(_spread_text("characters per document", data["characters"]))
    parts += [_groups_text(name, counts) for name, counts in (data.get("groups") or {}).items()]
    parts += [_bars(name, counts) for name, counts in (data.get("scores") or {}).items()]
    if "token_shards" in data:
        rows = [[row["name"], row["documents"], row["tokens"], row["dtype"], human_bytes(row["bytes"])] for row in data["token_shards"]]
        parts.append(table(["shard", "documents", "tokens", "dtype", "size"], rows))
        if data["document_tokens"]:
            parts.append(_spread_text("tokens per document", data["document_tokens"]))
        parts.append(_bars("tokens per document", data["length_histogram"]))
    return "\n\n".join(part for part in parts if part)


def _counters_text(counters: list[dict[str, Any]]) -> str:
    rows = [
        [stage["stage"], stage["read"], stage["kept"], ", ".join(f"{reason} {n:,}" for reason, n in stage["dropped"].items()) or "-"]
        for stage in counters
    ]
    return table(["stage", "in", "kept", "dropped"], rows) if rows else ""


def _spread_text(title: str, spread: dict[str, float]) -> str:
    names = [f"p{p}" for p in PERCENTILES]
    return table([title, *names, "mean", "sum"], [["", *(int(spread[name]) for name in names), spread["mean"], int(spread["sum"])]])


def _groups_text(name: str, counts: dict[str, int]) -> str:
    return table([name, "documents"], [[key or "(none)", number] for key, number in counts.items()])


def _bars(title: str, counts: dict[str, int]) -> str:
    """A histogram in text."""
    most = max(counts.values(), default=0)
    rows = [[key, number, "#" * round(30 * number / most) if most else ""] for key, number in counts.items()]
    return table([title, "documents", ""], rows)
