"""A mixture for other trainers: Megatron-LM's own arguments, or the samples themselves, in the order of the mixture.

Arguments keep the budgets, as weights and a number of samples; Megatron then makes its own order, epochs and shuffles. Where
the order must be ours, the samples are written out: one sequence of `sequence_length + 1` tokens each, so that a reader which
takes sequences one after the other gets exactly this mixture.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.storage import write_bytes, write_json
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.opened import read_mixture, shard_prefix
from mathcode_data.shards.writer import ShardWriter

BATCH_TOKENS = 1 << 22


def megatron_arguments(folder: Path) -> list[dict[str, Any]]:
    """What Megatron-LM needs to draw each stage's budgets from the same shards.

    Returns:
        One entry per stage: `name`, `train_samples`, `seq_length`, `data_path` (weight and prefix, in turns; the weight of a
        shard is its source's samples times its share of the source's windows), `per_split` (the content of a
        `--per-split-data-args-path` file), and `arguments` (a command line).
    """
    info = read_mixture(folder)
    entries = []
    done = 0
    for stage in info["stages"]:
        path: list[str] = []
        for source in info["sources"]:
            samples = stage["sources"].get(source["name"], {"num_samples": 0})["num_samples"]
            for shard in source["shards"]:
                weight = samples * shard["windows"] / source["windows"] if source["windows"] else 0.0
                if weight:
                    path += [f"{weight:.12g}", os.path.normpath(shard_prefix(folder, shard))]
        done += stage["num_samples"]
        arguments = ["--seq-length", str(info["sequence_length"]), "--train-samples", str(done), "--split", "100,0,0", "--data-path", *path]
        entries.append({
            "name": stage["name"], "train_samples": done, "seq_length": info["sequence_length"], "data_path": path,
            "per_split": {"train": path, "valid": None, "test": None}, "arguments": arguments,
        })  # fmt: skip
    return entries


def lost_in_arguments(folder: Path) -> list[str]:
    """What of this mixture Megatron-LM's arguments cannot say, one line each."""
    info = read_mixture(folder)
    held = [source["name"] for source in info["sources"] if source["holdout_windows"]]
    lines = [f"held-out windows of {', '.join(held)} are in those shards, so Megatron trains on them"] if held else []
    if len(info["stages"]) > 1:
        lines.append("each stage is drawn from whole shards, so Megatron may repeat in one what it had in another")
    if any("replay" in stage or "anneal" in stage for stage in info["stages"]):
        lines.append("replays count as fresh samples of their sources, and weights that change over a stage as their mean")
    if info["packing"] != "concat":
        lines.append(f"samples are packed by {info['packing']} here, one document after the other there")
    return lines


def export_megatron_arguments(folder: Path, output: Path) -> list[Path]:
    """Write `STAGE.args` (one argument a line, for `$(cat STAGE.args)`) and `STAGE.per-split.json` for each stage.

    Train the stages one after the other from the same checkpoint; `--train-samples` counts from the beginning of the first,
    as Megatron does. Held-out windows of ours are no documents of Megatron's, so they are not kept out there.
    """
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for number, entry in enumerate(megatron_arguments(folder)):
        stem = f"{number}-{_file_name(entry['name'])}"
        if any(character.isspace() for argument in entry["arguments"] for character in argument):
            raise ConfigError(f"{folder}: a shard's path holds white space, which no --data-path can carry; move or link the shards")
        written += [output / f"{stem}.args", output / f"{stem}.per-split.json"]
        write_bytes(written[-2], ("\n".join(entry["arguments"]) + "\n").encode())
        write_json(written[-1], entry["per_split"])
    return written


def export_samples(folder: Path, prefix: Path, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Write every sample of a mixture, in order, as one sequence of a `.bin/.idx` pair; returns the number of tokens.

    The shard takes `num_samples * (sequence_length + 1)` tokens on disk. Memory: about 4 M tokens.
    """
    with MixtureDataset(folder) as dataset:
        length = dataset.sequence_length + 1
        step = max(1, BATCH_TOKENS // length)
        dtype = dataset.batch([0])[0].dtype
        with ShardWriter(prefix, dtype) as writer:
            for first in range(0, len(dataset), step):
                stop = min(first + step, len(dataset))
                tokens = dataset.batch(np.arange(first, stop, dtype=np.int64))[0]
                writer.add_many(tokens.reshape(-1), np.full(stop - first, length, dtype=np.int64))
                if progress is not None:
                    progress(stop, len(dataset))
            return writer.num_tokens


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "-" for character in name)[:100]
