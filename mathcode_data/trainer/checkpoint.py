"""Checkpoints that are whole or absent: tensors and a record in a temporary folder, fsync, rename; the last few are kept.

checkpoints/step-00000120/
    model.safetensors       weights, under the model's parameter names
    optimizer.safetensors   <parameter>.exp_avg, .exp_avg_sq, .step
    rng.safetensors         state of torch's generators
    checkpoint.json         step, position, mixture, config; where each tensor lies; size and sha256 of all files and of itself;
                            written last

They are written and read through torch.distributed.checkpoint, in the background if asked, so each process of a sharded run saves
its own part and another number of processes can load them; checkpoint_storage.py says why its files are not DCP's own.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, DefaultSavePlanner
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save

from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.storage import TEMPORARY_PREFIX, fsync_folder, naming_full_disk, read_json, remove_tree, sha256_file, write_json
from mathcode_data.trainer.checkpoint_record import check_tensors
from mathcode_data.trainer.checkpoint_storage import Files, SafetensorsReader, SafetensorsWriter, Tensors, assemble

logger = logging.getLogger(__name__)

FORMAT = 2
RECORD_NAME = "checkpoint.json"
STEP_NAME = re.compile(r"step-([0-9]{8,})")
DAMAGED_PREFIX = ".damaged-"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose record and files were checked."""

    folder: Path
    record: dict[str, Any]

    def tensors(self, group: str) -> dict[str, Tensor]:
        """Read one group of tensors, each whole: model, optimizer or rng."""
        return assemble(self.folder, self.record["tensors"], group)

    def shapes(self, group: str) -> dict[str, list[int]]:
        """Shapes of a group's tensors, from the record."""
        tensors = self.record["tensors"].items()
        return {fqn.partition("/")[2]: entry["shape"] for fqn, entry in tensors if fqn.partition("/")[0] == group}

    def load_into(self, group: str, tensors: Mapping[str, Tensor]) -> None:
        """Fill tensors, whole or sharded, in place; every process of a sharded run calls this with its part.

        A name NAME@ROW,COLUMN stands for the piece of NAME that begins there.
        """
        if not dist.is_initialized():
            found = self.tensors(group)
            with torch.no_grad():
                for name, tensor in tensors.items():
                    tensor.copy_(found[name])
            return
        state = {f"{group}/{name}": tensor for name, tensor in tensors.items()}
        planner = DefaultLoadPlanner(flatten_state_dict=False)
        reader = SafetensorsReader(self.folder, self.record["tensors"], {name: list(tensor.shape) for name, tensor in state.items()})
        with _own_errors():
            load(state, storage_reader=reader, planner=planner)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Raise what went wrong itself, not DCP's collection of what went wrong in each process."""
    try:
        yield
    except CheckpointException as error:
        raise _first_failure(error) from error


def _first_failure(error: BaseException) -> BaseException:
    if isinstance(error, CheckpointException):
        return next((failure[0] for failure in error.failures.values()), error)
    return error


class Saving:
    """A save that goes on in the background."""

    def __init__(self, folder: Path, future: Future[Any]) -> None:
        self.folder = folder
        self._future = future

    def wait(self) -> Path:
        """Wait until the checkpoint is on the disk; gives its folder.

        Raises:
            ResourceError: the disk is full; the earlier checkpoints are as they were.
        """
        with _own_errors():
            self._future.result()
        return self.folder


def begin_save(
    root: Path,
    record: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Tensor]],
    *,
    keep: int,
    process_group: dist.ProcessGroup | None = None,
) -> Saving:
    """Copy the tensors to the host and write a checkpoint in the background, then remove old ones; all processes call it.

    Until the rename, nothing of the checkpoint can be found; after it, all of it is on the disk. The tensors may change as soon
    as this returns.

    Args:
        root: folder of all checkpoints of the run.
        record: plain JSON data with `step`; goes into checkpoint.json.
        groups: tensors by file.
        keep: number of newest checkpoints that stay.
        process_group: on the CPU and of this use alone, since it is used from another thread; None: there is one process.
    """
    final = root / f"step-{record['step']:08d}"
    writer = _writer(root, final, record, keep)
    state = {f"{group}/{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}
    planner = DefaultSavePlanner(flatten_state_dict=False, dedup_save_to_lowest_rank=True)
    if process_group is None:
        return Saving(final, _save_alone(state, writer, planner))
    future = async_save(state, storage_writer=writer, planner=planner, process_group=process_group)
    assert isinstance(future, Future), "without a stager of its own, async_save gives one future"
    return Saving(final, future)


def _save_alone(state: dict[str, Any], writer: SafetensorsWriter, planner: DefaultSavePlanner) -> Future[None]:
    """What async_save does, for one process; there it would warn at each save that torch.distributed is not set up."""
    stager = DefaultStager(StagingOptions(False, False, False, False))
    copied = stager.stage(state)
    stager.close()
    assert isinstance(copied, dict), "the stager was told to copy at once"

    def write() -> None:
        writer.set_up_storage_writer(is_coordinator=True)
        planner.set_up_planner(copied, is_coordinator=True)
        plans, metadata = planner.create_global_plan([planner.create_local_plan()])
        writer.finish(metadata, [writer.write_data(planner.finish_plan(plans[0]), planner).wait()])

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
    future = executor.submit(write)
    executor.shutdown(wait=False)
    return future


def _writer(root: Path, final: Path, record: Mapping[str, Any], keep: int) -> SafetensorsWriter:
    temporary = root / f"{TEMPORARY_PREFIX}{final.name}"

    def begin() -> None:
        with naming_full_disk(temporary):
            root.mkdir(parents=True, exist_ok=True)
            remove_unfinished(root)
            temporary.mkdir()

    def commit(files: Files, tensors: Tensors) -> None:
        with naming_full_disk(temporary):
            content = {**record, "format": FORMAT, "files": files, "tensors": tensors}
            write_json(temporary / RECORD_NAME, {**content, "sha256": _hash(content)})
            temporary.rename(final)
            fsync_folder(root)
            for old in list_checkpoints(root)[:-keep]:
                remove_tree(old.rename(root / f"{TEMPORARY_PREFIX}{old.name}"))  # renamed first: a kill here leaves no half checkpoint

    return SafetensorsWriter(temporary, begin, commit)


def save_checkpoint(root: Path, record: Mapping[str, Any], groups: Mapping[str, Mapping[str, Tensor]], *, keep: int) -> Path:
    """Write a checkpoint from one process and wait until it is on the disk; see `begin_save`.

    Raises:
        ResourceError: the disk is full; the earlier checkpoints are as they were.
    """
    return begin_save(root, record, groups, keep=keep).wait()


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


def open_checkpoint(folder: Path, *, check_files: bool = True) -> Checkpoint:
    """Check the record and the bytes of every file.

    Args:
        folder: one of `list_checkpoints`.
        check_files: false where another process of the run has just done so.

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
    if record.get("format") != FORMAT:
        raise ConfigError(f"{path}: format {record.get('format')!r}, this program reads {FORMAT}; use the version that wrote it")
    try:
        check_tensors(record, path)
    except DataError as error:
        raise VerificationError(f"{error}; the checkpoint cannot be used") from error
    for name, expected in record["files"].items() if check_files else ():
        file = folder / name
        if not file.exists():
            raise VerificationError(f"{file}: missing; the checkpoint is damaged")
        if file.stat().st_size != expected["bytes"] or sha256_file(file) != expected["sha256"]:
            raise VerificationError(f"{file}: size or sha256 differs from {RECORD_NAME}; the checkpoint is damaged")
    return Checkpoint(folder, record)


def find_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a folder of that name, or the newest one of a run's folder.

    Raises:
        ConfigError: there is none.
    """
    if (path / RECORD_NAME).is_file():
        return open_checkpoint(path)
    folders = list_checkpoints(path / "checkpoints") or list_checkpoints(path)
    if not folders:
        raise ConfigError(f"{path}: no checkpoint here and none in checkpoints/; name the folder of a training run or of a checkpoint")
    return open_checkpoint(folders[-1])


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
