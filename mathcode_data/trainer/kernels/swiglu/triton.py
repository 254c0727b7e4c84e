"""SwiGLU in one pass over memory each way; backward makes silu(gate) again instead of keeping it (Triton)."""

# T rows, F width of the feed-forward layer

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from mathcode_data.trainer.kernels.triton_device import unavailable

__all__ = ["SPEED_RANK", "swiglu", "unavailable"]

SPEED_RANK = 2
BLOCK = 1024


def swiglu(gate_up_2F: Tensor) -> Tensor:
    """As `reference.swiglu`."""
    output: Tensor = _SwiGlu.apply(gate_up_2F)  # type: ignore[no-untyped-call]
    return output


class _SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_up_2F: Tensor) -> Tensor:
        width = gate_up_2F.shape[-1] // 2
        packed = gate_up_2F.reshape(-1, 2 * width).contiguous()
        output = torch.empty(packed.shape[0], width, dtype=packed.dtype, device=packed.device)
        if output.numel():
            _forward[_grid(packed, width)](packed, output, width, WIDE=_wide(packed), BLOCK=BLOCK, num_warps=4)
        ctx.save_for_backward(packed)
        return output.view(*gate_up_2F.shape[:-1], width)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (packed,) = ctx.saved_tensors
        width = packed.shape[1] // 2
        pull = gradients[0].reshape(-1, width).contiguous()
        grad = torch.empty_like(packed)
        if pull.numel():
            _backward[_grid(packed, width)](pull, packed, grad, width, WIDE=_wide(packed), BLOCK=BLOCK, num_warps=4)
        return grad.view(*gradients[0].shape[:-1], 2 * width)


def _grid(packed: Tensor, width: int) -> tuple[int, int]:
    return packed.shape[0], triton.cdiv(width, BLOCK)


def _wide(packed: Tensor) -> Any:
    return tl.float64 if packed.dtype == torch.float64 else tl.float32


@triton.jit
def _forward(packed, output, width, WIDE: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    gate = tl.load(packed + row * 2 * width + columns, mask=inside, other=0.0).to(WIDE)
    up = tl.load(packed + row * 2 * width + width + columns, mask=inside, other=0.0).to(WIDE)
    activated = (gate / (1.0 + tl.exp(-gate))).to(output.dtype.element_ty).to(WIDE)  # rounded where PyTorch rounds
    tl.store(output + row * width + columns, (activated * up).to(output.dtype.element_ty), mask=inside)


@triton.jit
def _backward(pull, packed, grad, width, WIDE: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    at = row * 2 * width + columns
    pulled = tl.load(pull + row * width + columns, mask=inside, other=0.0).to(WIDE)
    gate = tl.load(packed + at, mask=inside, other=0.0).to(WIDE)
    up = tl.load(packed + at + width, mask=inside, other=0.0).to(WIDE)
    sigmoid = 1.0 / (1.0 + tl.exp(-gate))
    slope = sigmoid * (1.0 + gate * (1.0 - sigmoid))
    tl.store(grad + at, (pulled * up * slope).to(grad.dtype.element_ty), mask=inside)
    tl.store(grad + at + width, (pulled * gate * sigmoid).to(grad.dtype.element_ty), mask=inside)
