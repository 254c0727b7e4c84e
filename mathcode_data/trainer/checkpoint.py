"""Checkpoints that are whole or absent: tensors and a record in a temporary folder, fsync, rename; the last few are kept.

checkpoints/step-00000120/
    model.safetensors       weights, under the model's parameter names
    optimizer.safetensors   <parameter>.exp_avg, .exp_avg_sq, .step
    rng.safetensors         state of torch's generators
    checkpoint.json         step, position, mixture, config; size and sha256 of the three files and of itself; written last
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.storage import TEMPORARY_PREFIX, fsync_folder, naming_full_disk, read_json, remove_tree, sha256_file, write_json
from mathcode_data.trainer.tensor_file import read_tensors, write_tensors

logger = logging.getLogger(__name__)

FORMAT = 1
RECORD_NAME = "checkpoint.json"
STEP_NAME = re.compile(r"step-([0-9]{8,})")
DAMAGED_PREFIX = ".damaged-"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose record and files were checked."""

    folder: Path
    record: dict[str, Any]

    def tensors(self, group: str) -> dict[str, Tensor]:
        """Read one group of tensors: model, optimizer or rng."""
        return read_tensors(self.folder / f"{group}.safetensors")


def save_checkpoint(root: Path, record: Mapping[str, Any], groups: Mapping[str, Mapping[str, Tensor]], *, keep: int) -> Path:
    """Write a checkpoint and remove old ones. Until the rename, nothing of it can be found; after it, all of it is on the disk.

    Args:
        root: folder of all checkpoints of the run.
        record: plain JSON data with `step`; goes into checkpoint.json.
        groups: tensors by file.
        keep: number of newest checkpoints that stay.

    Raises:
        ResourceError: the disk is full; the earlier checkpoints are as they were.
    """
    final = root / f"step-{record['step']:08d}"
    temporary = root / f"{TEMPORARY_PREFIX}{os.getpid()}-{final.name}"
    with naming_full_disk(temporary):
        root.mkdir(parents=True, exist_ok=True)
        remove_unfinished(root)
        temporary.mkdir()
        files = {}
        for group, tensors in groups.items():
            num_bytes, sha256 = write_tensors(temporary / f"{group}.safetensors", tensors)
            files[f"{group}.safetensors"] = {"bytes": num_bytes, "sha256": sha256}
        content = {**record, "format": FORMAT, "files": files}
        write_json(temporary / RECORD_NAME, {**content, "sha256": _hash(content)})
        temporary.rename(final)
        fsync_folder(root)
    for old in list_checkpoints(root)[:-keep]:
        remove_tree(old.rename(root / f"{TEMPORARY_PREFIX}{old.name}"))  # renamed first: a kill here leaves no half checkpoint
    return final


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(dict(content))).hexdigest()


def remove_unfinished(root: Path) -> None:
    """Remove what a killed save left."""
    for left in root.glob(f"{TEMPORARY_PREFIX}*"):
        remove_tree(left)


def list_checkpoints(root: Path) -> list[Path]:
    """Folders of the finished checkpoints, oldest first."""
    found = [path for path in root.glob("step-*") if STEP_NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def open_checkpoint(folder: Path) -> Checkpoint:
    """Check the record and the bytes of every file.

    Raises:
        VerificationError: a file is absent or changed; names it.
        ConfigError: the checkpoint was written by another version of this program.
    """
    path = folder / RECORD_NAME
    try:
        record = read_json(path)
    except DataError as error:
        raise VerificationError(f"{error}; the checkpoint cannot be used") from error
    claimed = record.pop("sha256", None) if isinstance(record, dict) else None
    if claimed is None or claimed != _hash(record):
        raise VerificationError(f"{path}: its content does not match its own sha256; the checkpoint is damaged")
    if record["format"] != FORMAT:
        raise ConfigError(f"{path}: format {record['format']}, this program reads {FORMAT}; use the version that wrote it")
    for name, expected in record["files"].items():
        file = folder / name
        if not file.exists():
            raise VerificationError(f"{file}: missing; the checkpoint is damaged")
        if file.stat().st_size != expected["bytes"] or sha256_file(file) != expected["sha256"]:
            raise VerificationError(f"{file}: size or sha256 differs from {RECORD_NAME}; the checkpoint is damaged")
    return Checkpoint(folder, record)


def newest_checkpoint(root: Path, *, use_previous: bool) -> Checkpoint | None:
    """Open the newest checkpoint of a run; None if there never was one.

    Args:
        root: folder of all checkpoints of the run.
        use_previous: set a damaged one aside (renamed, never deleted) and take the one before it.

    Raises:
        VerificationError: the newest is damaged and `use_previous` is false, or all are damaged, now or in an earlier run.
    """
    for folder in reversed(list_checkpoints(root)):
        try:
            return open_checkpoint(folder)
        except VerificationError as error:
            if not use_previous:
                raise VerificationError(
                    f"{error}; set damaged_checkpoint: use_previous to go on from the one before it, or remove {folder}"
                ) from error
            logger.warning("%s; set aside, the one before it is tried", error)
            aside = root / f"{DAMAGED_PREFIX}{folder.name}"
            remove_tree(aside)
            folder.rename(aside)
    set_aside = sorted(path.name for path in root.glob(f"{DAMAGED_PREFIX}step-*"))
    if set_aside:
        raise VerificationError(
            f"{root}: all {len(set_aside)} checkpoints are damaged and set aside ({', '.join(set_aside)}) and none is left to go on from; "
            "remove them to train from the start, or choose another output folder"
        )
    return None
