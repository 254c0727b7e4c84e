"""What torch.distributed.checkpoint (DCP) reads and writes through: safetensors files in place of pickles.

DCP plans which process saves which part of which tensor, and which parts a process needs when it loads with another number of
processes. Its own file format keeps that plan in `.metadata`, a pickle, which `FileSystemReader` unpickles; a checkpoint from
elsewhere could then run any code. So the plan is kept as JSON here, in the checkpoint's record:

    "tensors": {"model/lm_head.weight": {"dtype": "F32", "shape": [32, 16], "chunks": [
        {"offset": [0, 0], "shape": [16, 16], "file": "model.safetensors", "key": "lm_head.weight@0,0"}, ...]}}

A tensor that lies whole in one file has its own name as key. Process 0 writes GROUP.safetensors, process r GROUP-0000r.safetensors.

DTensor knows parts that are one box of the whole. Where a process has several boxes of a tensor (tensor_parallel.py), each is given
to DCP as a tensor of its own, named NAME@ROW,COLUMN after its place; such pieces are put together in the record, and cut out of it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, Metadata, MetadataIndex, TensorProperties, TensorStorageMetadata
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner, SavePlan, SavePlanner, WriteItem
from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
from torch.futures import Future

from mathcode_data.core.errors import DataError
from mathcode_data.trainer.tensor_file import DTYPES, NAMES, read_tensors, write_tensors

Files = dict[str, dict[str, Any]]
"""Bytes and sha256 by file name."""
Tensors = dict[str, dict[str, Any]]
"""What is written where, by `GROUP/NAME`."""


class SafetensorsWriter(StorageWriter):
    """Writes the parts that DCP's plan gives this process; on process 0 then hands the list of all files to `commit`."""

    def __init__(self, folder: Path, begin: Callable[[], None], commit: Callable[[Files, Tensors], None]) -> None:
        """Set up.

        Args:
            folder: where the files go.
            begin: makes the folder; called on process 0, before any process writes.
            commit: called on process 0 after all have written.
        """
        super().__init__()
        self.folder = folder
        self._begin, self._commit = begin, commit
        self._rank = 0

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        """Nothing is kept between saves."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - DCP looks for these names
        """Make the folder, on process 0; the others write only after DCP's exchange of plans, so after this."""
        rank = kwargs.get("rank")
        self._rank = 0 if rank is None else int(rank)
        if is_coordinator:
            self._begin()

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """The plans as they are."""
        return plans

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Write one file per group of tensors, and force it to the disk."""
        groups: dict[str, list[WriteItem]] = {}
        for item in plan.items:
            groups.setdefault(item.index.fqn.partition("/")[0], []).append(item)
        results = []
        for group, items in groups.items():
            name = f"{group}.safetensors" if self._rank == 0 else f"{group}-{self._rank:05d}.safetensors"
            tensors: dict[str, Tensor] = {_key(item): planner.resolve_data(item) for item in items}  # type: ignore[misc]
            num_bytes, sha256 = write_tensors(self.folder / name, tensors)
            results += [WriteResult(item.index, num_bytes, (name, sha256, _describe(item, name))) for item in items]
        done: Future[list[WriteResult]] = Future()
        done.set_result(results)
        return done

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:  # noqa: ARG002
        """Put the processes' lists together."""
        files: Files = {}
        tensors: Tensors = {}
        for result in itertools.chain(*results):
            name, sha256, described = result.storage_data
            files[name] = {"bytes": result.size_in_bytes, "sha256": sha256}
            entry = tensors.setdefault(result.index.fqn.partition("@")[0], {**described, "chunks": []})
            entry["shape"] = [max(sizes) for sizes in zip(entry["shape"], described["shape"], strict=True)]
            entry["chunks"] += described["chunks"]
        self._commit(files, tensors)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:  # noqa: ARG003
        """Checkpoints are named by folders alone."""
        return True


def _key(item: WriteItem) -> str:
    """A whole tensor's own name; a part's name with its offset."""
    name = item.index.fqn.partition("/")[2]
    data = item.tensor_data
    assert data is not None, f"{item.index.fqn} is no tensor; checkpoints hold tensors only"
    return name if data.chunk.sizes == data.size else f"{name}@{','.join(map(str, data.chunk.offsets))}"


def _describe(item: WriteItem, file: str) -> dict[str, Any]:
    data = item.tensor_data
    assert data is not None, f"{item.index.fqn} is no tensor; checkpoints hold tensors only"
    place = _place(item.index.fqn, len(data.size))
    offset = [start + own for start, own in zip(place, data.chunk.offsets, strict=True)]
    chunk = {"offset": offset, "shape": list(data.chunk.sizes), "file": file, "key": _key(item)}
    shape = [start + own for start, own in zip(place, data.size, strict=True)]  # of a piece: the whole reaches at least so far
    return {"dtype": NAMES[data.properties.dtype], "shape": shape, "chunks": [chunk]}


def _place(fqn: str, dimensions: int) -> list[int]:
    """Where a piece begins in the whole; a tensor that is no piece begins at 0."""
    place = fqn.partition("@")[2]
    return [int(number) for number in place.split(",")] if place else [0] * dimensions


class SafetensorsReader(StorageReader):
    """Gives DCP the parts it asks for; each file is opened once per load."""

    def __init__(self, folder: Path, tensors: Tensors, wanted: Mapping[str, list[int]]) -> None:
        """Set up.

        Args:
            folder: of the checkpoint.
            tensors: those of its record.
            wanted: shapes of what will be loaded; pieces among them are cut out of their tensors.
        """
        super().__init__()
        pieces = {fqn: _cut_out(fqn, shape, tensors[fqn.partition("@")[0]]) for fqn, shape in wanted.items() if "@" in fqn}
        self.folder, self.tensors = folder, {**tensors, **pieces}
        self._places = {
            MetadataIndex(fqn, chunk["offset"]): (str(chunk["file"]), str(chunk["key"]), chunk.get("within", [0] * len(chunk["shape"])))
            for fqn, entry in self.tensors.items()
            for chunk in entry["chunks"]
        }

    def reset(self, checkpoint_id: str | os.PathLike[str] | None = None) -> None:
        """Nothing is kept between loads."""

    def read_metadata(self, *_: Any, **__: Any) -> Metadata:
        """The record's list in DCP's words."""
        return Metadata({
            fqn: TensorStorageMetadata(
                TensorProperties(dtype=DTYPES[entry["dtype"]]), torch.Size(entry["shape"]),
                [ChunkStorageMetadata(torch.Size(chunk["offset"]), torch.Size(chunk["shape"])) for chunk in entry["chunks"]],
            )
            for fqn, entry in self.tensors.items()
        })  # fmt: skip

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *_: Any, **__: Any) -> None:
        """Nothing to do."""

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """The plans as they are."""
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Copy the asked parts into the tensors they are for."""
        per_file: dict[str, set[str]] = {}
        for item in plan.items:
            file, key, _ = self._places[item.storage_index]
            per_file.setdefault(file, set()).add(key)
        loaded = {file: read_tensors(self.folder / file, keys) for file, keys in per_file.items()}
        for item in plan.items:
            file, key, within = self._places[item.storage_index]
            source = loaded[file][key]
            for dimension, (begin, start, length) in enumerate(zip(within, item.storage_offsets, item.lengths, strict=True)):
                source = source.narrow(dimension, begin + start, length)
            target = planner.resolve_tensor(item).detach()
            target.copy_(source)
            planner.commit_tensor(item, target)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:  # noqa: ARG003
        """Checkpoints are named by folders alone."""
        return True


def _cut_out(fqn: str, shape: list[int], whole: dict[str, Any]) -> dict[str, Any]:
    """The entry of a piece: what of the whole's chunks lies in its box, and where in the chunk that begins."""
    box = _place(fqn, len(shape))
    chunks = []
    for chunk in whole["chunks"]:
        low = [max(ours, theirs) for ours, theirs in zip(box, chunk["offset"], strict=True)]
        ends = zip(box, shape, chunk["offset"], chunk["shape"], strict=True)
        high = [min(ours + length, theirs + size) for ours, length, theirs, size in ends]
        if all(start < end for start, end in zip(low, high, strict=True)):
            chunks.append({
                "offset": [start - ours for start, ours in zip(low, box, strict=True)],
                "shape": [end - start for start, end in zip(low, high, strict=True)],
                "within": [start - theirs for start, theirs in zip(low, chunk["offset"], strict=True)],
                "file": chunk["file"], "key": chunk["key"],
            })  # fmt: skip
    return {"dtype": whole["dtype"], "shape": shape, "chunks": chunks}


def assemble(folder: Path, tensors: Tensors, group: str) -> dict[str, Tensor]:
    """Read the whole tensors of one group, on one process.

    Raises:
        DataError: the parts of a tensor do not fill it.
    """
    wanted = {fqn: entry for fqn, entry in tensors.items() if fqn.partition("/")[0] == group}
    files = {chunk["file"] for entry in wanted.values() for chunk in entry["chunks"]}
    loaded = {file: read_tensors(folder / file) for file in files}
    result = {}
    for fqn, entry in wanted.items():
        name = fqn.partition("/")[2]
        chunks = entry["chunks"]
        for chunk in chunks:
            part = loaded[chunk["file"]].get(chunk["key"])
            if part is None or list(part.shape) != chunk["shape"] or part.dtype != DTYPES[entry["dtype"]]:
                raise DataError(
                    f"{folder}: {chunk['file']} does not hold the part {chunk['key']!r} of {fqn} as the record says; use another copy"
                )
        if len(chunks) == 1 and chunks[0]["shape"] == entry["shape"]:
            result[name] = loaded[chunks[0]["file"]][chunks[0]["key"]]
            continue
        whole = torch.empty(entry["shape"], dtype=DTYPES[entry["dtype"]])
        for chunk in chunks:
            place = tuple(slice(start, start + length) for start, length in zip(chunk["offset"], chunk["shape"], strict=True))
            whole[place] = loaded[chunk["file"]][chunk["key"]]
        if sum(torch.Size(chunk["shape"]).numel() for chunk in chunks) != whole.numel():
            raise DataError(f"{folder}: the parts of {fqn} do not fill its shape {entry['shape']}; use another copy of the checkpoint")
        result[name] = whole
    return result
