"""Saving checkpoints, as a job on which faults of the disk are enumerated."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from mathcode_data.core.errors import MathcodeError
from mathcode_data.trainer.checkpoint import list_checkpoints, open_checkpoint, save_checkpoint


def tensors(step: int) -> dict[str, dict[str, torch.Tensor]]:
    return {"model": {"w": torch.arange(6000.0).view(3, 2000) + step, "b": torch.zeros(3)}, "rng": {"cpu": torch.arange(5).byte()}}


def save(folder: Path, *steps: int) -> int:
    """Save checkpoints, keeping two; what the command line would say and exit with."""
    try:
        for step in steps:
            if not (folder / "checkpoints" / f"step-{step:08d}").exists():
                save_checkpoint(folder / "checkpoints", {"step": step, "position": 4 * step}, tensors(step), keep=2)
    except MathcodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def newest(folder: Path) -> dict[str, str]:
    return {"newest": list_checkpoints(folder / "checkpoints")[-1].name}


def damage(folder: Path) -> list[str]:
    for path in list_checkpoints(folder / "checkpoints"):
        open_checkpoint(path)
    return []
