"""How fast the machine could be: its matrix units on paper, a product as measured, memory; and a run's share of it."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import torch

from mathcode_data.trainer.config import ModelConfig
from mathcode_data.trainer.size import flops_per_token

PAPER_FLOPS = {"H200": 989.4e12, "H100": 989.4e12, "GH200": 989.4e12, "A100": 312e12, "B200": 2250e12, "L40S": 362e12, "4090": 165.2e12}
"""Dense bfloat16 products per second as the maker states them, by a part of the device's name."""
GEMM_SIZE = 8192
GEMM_REPEATS = 20


def paper_flops(device: torch.device) -> float | None:
    """Dense bfloat16 operations per second on paper; None for a CPU or a GPU that is not in the table."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((flops for part, flops in PAPER_FLOPS.items() if part in name), None)


def measured_gemm_flops(device: torch.device) -> float | None:
    """Operations per second of one large bfloat16 product, what a program of products alone would reach; None on a CPU."""
    if device.type != "cuda":
        return None
    left, right = (torch.randn(GEMM_SIZE, GEMM_SIZE, device=device).bfloat16() for _ in range(2))
    output = torch.empty_like(left)
    for _ in range(3):
        torch.mm(left, right, out=output)
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(GEMM_REPEATS):
        torch.mm(left, right, out=output)
    torch.cuda.synchronize(device)
    return 2.0 * GEMM_SIZE**3 * GEMM_REPEATS / (time.perf_counter() - started)


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory that this process held: on the GPU, or in all on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def utilisation(tokens_per_s: float, model: ModelConfig, sequence_length: int, peak: float | None, num_devices: int) -> dict[str, Any]:
    """Model-FLOPs utilisation in both conventions: attention counted in full (PaLM) and by its causal half; None without a peak.

    >>> utilisation(50_000, ModelConfig.model_validate("dsm-1.3b"), 4096, 989.4e12, 1)
    {'mfu_palm': 0.5596, 'mfu_causal': 0.4985}
    """
    result: dict[str, Any] = {"mfu_palm": None, "mfu_causal": None}
    if peak is not None:
        for key, causal in (("mfu_palm", False), ("mfu_causal", True)):
            result[key] = round(tokens_per_s * flops_per_token(model, sequence_length, causal=causal) / (peak * num_devices), 4)
    return result
