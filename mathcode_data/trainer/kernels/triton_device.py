"""Where Triton kernels run: on a GPU, and on the CPU by Triton's interpreter (`TRITON_INTERPRET=1`, for tests)."""

from __future__ import annotations

import os

import torch

INTERPRETER = "TRITON_INTERPRET"


def unavailable(device: torch.device) -> str | None:
    """Say why Triton cannot run on a device, or None."""
    if device.type == "cuda" or is_interpreted():
        return None
    return f"Triton compiles for GPUs; on the CPU its interpreter runs, slowly, where {INTERPRETER}=1 is set at start"


def is_interpreted() -> bool:
    """Whether the kernels are interpreted; Triton reads the variable when a kernel is defined."""
    return os.environ.get(INTERPRETER, "0") == "1"


def num_programs(device: torch.device) -> int:
    """Programs of a persistent grid: a few per multiprocessor, so that loads of one hide behind the sums of another."""
    if device.type != "cuda":
        return 3
    return 4 * int(torch.cuda.get_device_properties(device).multi_processor_count)
