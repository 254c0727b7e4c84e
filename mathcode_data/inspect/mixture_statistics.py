"""Statistics of a mixture: from `mixture.json` in closed form, then tables of documents, then a sample of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import DataError
from mathcode_data.inspect.prefix_share import prefix_share
from mathcode_data.inspect.repeats import Repeats
from mathcode_data.inspect.sampling import SEED, Look, Read
from mathcode_data.inspect.shard_runs import DEEP_IDX_BYTES, open_shard
from mathcode_data.inspect.shard_statistics import shard_groups
from mathcode_data.mixture.opened import check_shard, read_mixture, shard_prefix
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.reader import TokenShard

SHORT_READ_TOKENS = 8_000_000
"""Sources up to this size have all their windows read."""
MIN_WINDOWS = 64
"""Windows of a source that a sample takes at least."""


def mixture_statistics(folder: Path, look: Look) -> dict[str, Any]:
    """Look at a finished mixture; nothing of its index is read.

    Returns:
        `mixture` (the content of mixture.json), `sources` (asked, got, epochs, unique tokens, by source), `prefix_share`,
        `repeated_windows` (by source, and of all), `groups` (by source: domains, licences ... of its documents) and `unknown`.
    """
    info = read_mixture(folder)
    plan = Plan(info)
    unknown = [str(notice) for notice in info.get("notices", [])]
    groups: dict[str, Any] = {}
    groups_read: dict[str, Any] = {}
    readable: list[str] = []
    for source in info["sources"]:
        prefixes = [shard_prefix(folder, shard) for shard in source["shards"]]
        problem = _changed(folder, source, full=look.full)
        if problem:
            unknown.append(f"source {source['name']!r}: {problem}")
            continue
        readable.append(source["name"])
        try:
            groups[source["name"]], groups_read[source["name"]] = shard_groups(prefixes, look)
        except DataError as error:
            unknown.append(f"source {source['name']!r}: {error}")
            continue
        if not groups[source["name"]]:
            unknown.append(f"source {source['name']!r}: no table of documents beside its shards, so domains and licences are not known")
    windows, problems = _repeated_windows(folder, info, plan, readable, look)
    return {
        "mixture": info, "sources": source_rows(info, plan), "prefix_share": prefix_share(folder, plan, full=look.full),
        "repeated_windows": windows, "groups": groups, "groups_read": groups_read, "unknown": [*unknown, *problems],
    }  # fmt: skip


def _changed(folder: Path, source: dict[str, Any], *, full: bool) -> str | None:
    """Whether the shards of a source are no longer those of the build: sizes, and content where that is quick or asked for."""
    try:
        if full or sum(shard["idx_bytes"] for shard in source["shards"]) <= DEEP_IDX_BYTES:
            for shard in source["shards"]:
                check_shard(folder, source["name"], shard)
    except DataError as error:
        return str(error)
    return None


def source_rows(info: dict[str, Any], plan: Plan) -> list[dict[str, Any]]:
    """What was asked of each source and what it gives, over all stages.

    `tokens` are those trained on; `unique_tokens` those of different windows, at least: with `across_stages: repeat` two stages
    draw in different orders, so only the larger one's windows are sure to differ. What is replayed was seen before.
    """
    rows = []
    length = plan.sequence_length
    for number, source in enumerate(info["sources"]):
        parts = [stage["sources"][source["name"]] for stage in info["stages"] if source["name"] in stage["sources"]]
        anew = [stage.quotas[number] for stage in plan.stages]
        replayed = sum(replay.num_samples for stage in plan.stages for replay in stage.replays if replay.source == number)
        training = int(source["training_windows"])
        unique = min(sum(anew) if plan.is_disjoint else max(anew, default=0), training)
        rows.append(
            {
                "name": source["name"], "tokens_held": source["num_tokens"], "tokens_asked": sum(part["tokens_asked"] for part in parts),
                "tokens": sum(part["tokens"] for part in parts), "num_samples": sum(anew) + replayed,
                "epochs": (sum(anew) + replayed) / training if training else None,
                "epochs_anew": sum(anew) / training if training else None, "max_epochs": source.get("max_epochs"),
                "unique_tokens": unique * length, "repeated_tokens": (sum(anew) - unique) * length, "replayed_tokens": replayed * length,
                "holdout_tokens": int(source["holdout_windows"]) * length, "unused_tokens": (training - unique) * length,
                "bytes_per_token": source.get("bytes_per_token"), "shards": len(source["shards"]), "is_ours": source.get("is_ours", False),
            }
        )  # fmt: skip
    return rows


def _repeated_windows(folder: Path, info: dict[str, Any], plan: Plan, readable: list[str], look: Look) -> tuple[dict[str, Any], list[str]]:
    """Windows of equal content, among all or some of each source."""
    if info.get("packing", "concat") != "concat":
        return {}, [f"repeated windows: samples are packed by {info['packing']}, so windows are not compared"]
    every = Repeats()
    found: dict[str, Any] = {}
    problems = []
    num_read = num_windows = 0
    for number, source in enumerate(info["sources"]):
        if source["name"] not in readable:
            continue
        windows = plan.sources[number].num_windows
        share = source["num_tokens"] / max(1, sum(entry["num_tokens"] for entry in info["sources"]))
        limit = look.limit(is_small=source["num_tokens"] <= SHORT_READ_TOKENS)
        wanted = windows if limit is None else max(MIN_WINDOWS, int(limit * share))
        picked = range(windows) if windows <= wanted else _some(windows, wanted)
        try:
            repeats = _hash_windows(folder, source, plan, number, picked)
        except DataError as error:
            problems.append(f"repeated windows of source {source['name']!r}: {error}")
            continue
        every.merge(repeats)
        num_read, num_windows = num_read + len(picked), num_windows + windows
        found[source["name"]] = repeats.to_json() | {"windows_read": Read(len(picked), windows).to_json()}
    if not found:
        return {}, problems
    return {"by_source": found, "all": every.to_json() | {"windows_read": Read(num_read, num_windows).to_json()}}, problems


def _some(num_windows: int, limit: int) -> list[int]:
    """Windows by chance, ascending, none twice."""
    picked = np.random.default_rng(SEED).integers(0, num_windows, size=limit)
    return [int(window) for window in np.unique(picked)]


def _hash_windows(folder: Path, source: dict[str, Any], plan: Plan, number: int, windows: range | list[int]) -> Repeats:
    """Hash windows of one source, in ascending order, one shard open at a time."""
    repeats = Repeats()
    opened: dict[int, TokenShard] = {}
    try:
        for window in windows:
            place, start = plan.sources[number].windows.locate_one(window)
            if place not in opened:
                while opened:
                    opened.popitem()[1].close()
                opened[place] = open_shard(shard_prefix(folder, source["shards"][place]), full=False)
            repeats.add(opened[place].tokens(start, start + plan.sequence_length))
    finally:
        while opened:
            opened.popitem()[1].close()
    return repeats
