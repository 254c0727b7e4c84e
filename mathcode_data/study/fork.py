"""Go on from the state of another arm's run: check that the two share all steps so far, then take its checkpoint as one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import StaleOutputError
from mathcode_data.core.storage import read_json, write_bytes
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.trainer.checkpoint import newest_checkpoint, save_checkpoint
from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.resume import describe_data
from mathcode_data.trainer.schedule import LearningRates

ROWS = 4096
"""Rows that are compared at a time."""
OWN_FIELDS = ("mixture", "output", "evaluate_every_steps")
"""Fields of a configuration that two arms may have of their own; none of them changes a step."""
WRITTEN_BY_SAVE = ("format", "files", "tensors", "sha256")
"""Keys of a checkpoint's record that saving sets."""


def fork_run(parent_folder: Path, config: TrainConfig, step: int) -> None:
    """Make the state of a finished run the beginning of another one.

    The result is what `train(config)` would have reached at `step` by itself, to the bit: rows, rates and settings up to there are
    compared, and the rest of a run is a function of them. Tensors are copied as they are; the record names the new mixture.

    Args:
        parent_folder: the run of the stage before.
        config: of the run that goes on.
        step: where the stage before ended.

    Raises:
        StaleOutputError: the two runs are not the same up to `step`.
    """
    found = newest_checkpoint(parent_folder / "checkpoints", use_previous=False)
    if found is None or int(found.record["step"]) != step:
        at = "no checkpoint" if found is None else f"step {found.record['step']}"
        raise StaleOutputError(f"{parent_folder}: {at}, the stage ends at step {step}; remove that folder and run the study again")
    theirs = TrainConfig.model_validate(found.record["config"])
    _check_settings(parent_folder, theirs, config)
    with MixtureDataset(config.mixture) as data, MixtureDataset(theirs.mixture) as other:
        _check_rows(other, data, step * config.batch_samples(data.sequence_length))
        _check_rates(theirs, config, other, data, step)
        record: dict[str, Any] = {name: value for name, value in found.record.items() if name not in WRITTEN_BY_SAVE}
        record |= {"mixture": describe_data(data), "config": config.model_dump(mode="json")}
    groups = {group: found.tensors(group) for group in ("model", "optimizer", "rng")}
    write_bytes(config.output / "metrics.jsonl", (parent_folder / "metrics.jsonl").read_bytes())
    save_checkpoint(config.output / "checkpoints", record, groups, keep=config.keep_checkpoints)


def _check_settings(parent_folder: Path, theirs: TrainConfig, ours: TrainConfig) -> None:
    there, here = (value.model_dump(mode="json", exclude=set(OWN_FIELDS)) for value in (theirs, ours))
    differing = sorted(name for name in here if there.get(name) != here[name])
    if differing:
        raise StaleOutputError(f"{parent_folder}: was trained with another {differing[0]}; remove that folder and run the study again")


def _check_rows(other: MixtureDataset, data: MixtureDataset, num_rows: int) -> None:
    """The first rows of two mixtures are the same windows of the same shards."""
    shards = [[source["shards"][number]["fingerprint"] for number in range(len(source["shards"]))] for source in data.info["sources"]]
    theirs = [[source["shards"][number]["fingerprint"] for number in range(len(source["shards"]))] for source in other.info["sources"]]
    same = shards == theirs and data.source_names == other.source_names and data.sequence_length == other.sequence_length
    for start in range(0, num_rows if same else 0, ROWS):
        positions = np.arange(start, min(start + ROWS, num_rows), dtype=np.int64)
        for ours, theirs_ in zip(index_rows(data, positions), index_rows(other, positions), strict=True):
            same = same and bool(np.array_equal(ours, theirs_))
    if not same:
        raise StaleOutputError(f"{data.folder} and {other.folder} differ within their first {num_rows:,} samples; run the study again")


def index_rows(data: MixtureDataset, positions: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[Any, Any]:
    """Source and window at some positions of a mixture with index files."""
    folder = Path(str(data.folder))
    sources = np.load(folder / "dataset_index.npy", mmap_mode="r", allow_pickle=False)
    windows = np.load(folder / "dataset_sample_index.npy", mmap_mode="r", allow_pickle=False)
    return sources[positions], windows[positions]


def _check_rates(theirs: TrainConfig, ours: TrainConfig, other: MixtureDataset, data: MixtureDataset, step: int) -> None:
    batch = ours.batch_samples(data.sequence_length) * data.sequence_length
    both = []
    for config, found in ((theirs, other), (ours, data)):
        stages = list(found.info["stages"])
        rates = LearningRates(
            config.schedule, config.optimizer.peak_lr, batch_tokens=batch, total_tokens=len(found) * found.sequence_length,
            sequence_length=found.sequence_length, stages=stages,
        )  # fmt: skip
        both.append([rates.at(number * batch) for number in range(step)])
    if both[0] != both[1]:
        raise StaleOutputError(f"{ours.output}: learning rates differ from {theirs.output} before step {step}; run the study again")


def read_trained(folder: Path, name: str, key: str) -> dict[str, Any] | None:
    """A record of a finished run, if it is that of this very key."""
    path = folder / name
    if not path.exists():
        return None
    data = read_json(path)
    return data if isinstance(data, dict) and data.get("key") == key else None
