"""Checkpoints: files of tensors as they come, and records with their own hash made anew behind edits."""

import shutil
from functools import cache
from pathlib import Path

import orjson
import torch

from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.storage import sha256_bytes, to_json
from mathcode_data.trainer.checkpoint import open_checkpoint, save_checkpoint
from mathcode_data.trainer.tensor_file import read_tensors, write_tensors
from support.fuzzing import edited_json, scratch, written


@cache
def sound() -> Path:
    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2]), "empty": torch.zeros(0, 4)}
    return save_checkpoint(scratch("checkpoint") / "sound", {"step": 3, "position": 12}, {"model": tensors}, keep=1)


def seeds() -> list[bytes]:
    path = scratch("checkpoint") / "seed.safetensors"
    write_tensors(path, {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(2, dtype=torch.bfloat16)}, {"by": "test"})
    edits = [bytes([1, place, 0, kind, kind * 3, 1, 0]) for place in range(60) for kind in (0, 2, 6)]
    return [b"\0" + path.read_bytes(), b"\0" + (sound() / "model.safetensors").read_bytes(), b"\1", *edits]


def read(data: bytes) -> None:
    if not data or data[0] % 2 == 0:
        read_tensors(written("checkpoint", "x.safetensors", data[1:]))
        return
    folder = scratch("checkpoint") / "step-00000003"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound(), folder)
    record = orjson.loads((folder / "checkpoint.json").read_bytes())
    record.pop("sha256")
    record = edited_json(record, data[1:])
    (folder / "checkpoint.json").write_bytes(to_json(record | {"sha256": sha256_bytes(canonical_json(record))}))
    checkpoint = open_checkpoint(folder)
    checkpoint.shapes("model")
    checkpoint.tensors("model")
