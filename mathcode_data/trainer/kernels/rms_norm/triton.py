"""RMSNorm with the residual addition in one pass over memory each way (Triton).

Forward reads update and residual and writes both outputs and one float32 per row. Backward reads the two gradients and the
stream, and writes one gradient, which is that of update and of residual. The gradient of the weight is summed in two stages:
each program of a persistent grid keeps its rows' sum in registers and writes it once, a second kernel-free sum adds the
programs; so there are no atomics and the result does not depend on the order of the programs.
"""

# T rows, H hidden, P programs

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from mathcode_data.trainer.kernels.triton_device import num_programs, unavailable

__all__ = ["SPEED_RANK", "rms_norm", "unavailable"]

SPEED_RANK = 2
MAX_HIDDEN = 16_384
"""A row is held in registers."""


def rms_norm(update_H: Tensor, residual_H: Tensor | None, weight_H: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """As `reference.rms_norm`; H up to 16,384.

    Raises:
        ValueError: a wider row.
    """
    if update_H.shape[-1] > MAX_HIDDEN:
        raise ValueError(f"rms_norm: rows of {update_H.shape[-1]:,}; the Triton kernel holds up to {MAX_HIDDEN:,}, use the reference")
    normed_H, stream_H = _RmsNorm.apply(update_H, residual_H, weight_H, epsilon)  # type: ignore[no-untyped-call]
    return normed_H, stream_H


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, update_H: Tensor, residual_H: Tensor | None, weight_H: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        hidden = update_H.shape[-1]
        update_TH = update_H.reshape(-1, hidden).contiguous()
        residual_TH = update_TH if residual_H is None else residual_H.reshape(-1, hidden).contiguous()
        stream_TH = update_TH if residual_H is None else torch.empty_like(update_TH)
        normed_TH = torch.empty_like(update_TH)
        rows = update_TH.shape[0]
        scale_T = torch.empty(rows, dtype=_wide(update_TH.dtype), device=update_TH.device)
        if rows:
            _forward[(rows,)](
                update_TH, residual_TH, weight_H, normed_TH, stream_TH, scale_T, hidden, epsilon,
                HAS_RESIDUAL=residual_H is not None, BLOCK=triton.next_power_of_2(hidden), num_warps=_warps(hidden),
            )  # fmt: skip
        ctx.save_for_backward(stream_TH, weight_H, scale_T)
        ctx.has_residual = residual_H is not None
        if residual_H is None:
            # the stream is the update itself: an output must not be an input
            return normed_TH.view_as(update_H), update_H.view_as(update_H)
        return normed_TH.view_as(update_H), stream_TH.view_as(update_H)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor, None]:
        stream_TH, weight_H, scale_T = ctx.saved_tensors
        rows, hidden = stream_TH.shape
        grad_normed_TH, grad_stream_TH = (gradient.reshape(-1, hidden).contiguous() for gradient in gradients)
        grad_TH = torch.empty_like(stream_TH)
        programs = max(1, min(num_programs(stream_TH.device), rows))
        partial_PH = (torch.empty if rows else torch.zeros)(programs, hidden, dtype=scale_T.dtype, device=stream_TH.device)
        if rows:
            _backward[(programs,)](
                grad_normed_TH, grad_stream_TH, stream_TH, weight_H, scale_T, grad_TH, partial_PH, rows, hidden,
                BLOCK=triton.next_power_of_2(hidden), num_warps=_warps(hidden),
            )  # fmt: skip
        grad_H = grad_TH.view(gradients[0].shape)
        return grad_H, grad_H if ctx.has_residual else None, partial_PH.sum(0).to(weight_H.dtype), None


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _warps(hidden: int) -> int:
    """Eight values a thread: 16 bytes of bfloat16 per load."""
    return max(1, min(16, int(triton.next_power_of_2(hidden)) // 256))


@triton.jit
def _forward(update, residual, weight, normed, stream, scale, hidden, epsilon, HAS_RESIDUAL: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)  # rows * hidden passes 2**31
    columns = tl.arange(0, BLOCK)
    inside = columns < hidden
    at = row * hidden + columns
    narrow = update.dtype.element_ty
    wide = tl.load(update + at, mask=inside, other=0.0).to(scale.dtype.element_ty)
    if HAS_RESIDUAL:
        # the stream is rounded before it is normalised, as the reference does
        added = (tl.load(residual + at, mask=inside, other=0.0).to(scale.dtype.element_ty) + wide).to(narrow)
        tl.store(stream + at, added, mask=inside)
        wide = added.to(scale.dtype.element_ty)
    inverse = 1.0 / tl.sqrt(tl.sum(wide * wide, axis=0) / hidden + epsilon)
    tl.store(scale + row, inverse)
    factor = tl.load(weight + columns, mask=inside, other=0.0).to(narrow).to(scale.dtype.element_ty)
    unit = (wide * inverse).to(narrow).to(scale.dtype.element_ty)
    tl.store(normed + at, (unit * factor).to(narrow), mask=inside)


@triton.jit
def _backward(grad_normed, grad_stream, stream, weight, scale, grad, partial, rows, hidden, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < hidden
    factor = tl.load(weight + columns, mask=inside, other=0.0).to(stream.dtype.element_ty).to(scale.dtype.element_ty)
    total = tl.zeros((BLOCK,), dtype=scale.dtype.element_ty)
    for row in range(program, rows, tl.num_programs(0)):
        at = tl.cast(row, tl.int64) * hidden + columns
        pull = tl.load(grad_normed + at, mask=inside, other=0.0).to(scale.dtype.element_ty)
        inverse = tl.load(scale + row)
        unit = tl.load(stream + at, mask=inside, other=0.0).to(scale.dtype.element_ty) * inverse
        total += pull * unit
        pulled = pull * factor
        through = (pulled - unit * (tl.sum(pulled * unit, axis=0) / hidden)) * inverse
        beside = tl.load(grad_stream + at, mask=inside, other=0.0).to(scale.dtype.element_ty)
        tl.store(grad + at, (through + beside).to(grad.dtype.element_ty), mask=inside)
    tl.store(partial + program * hidden + columns, total, mask=inside)
