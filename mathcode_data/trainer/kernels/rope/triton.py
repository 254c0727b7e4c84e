"""RoPE on the packed output of the query-key-value product (Triton): queries and keys are read and written once, values not at all.

Forward writes turned queries and keys into one buffer and gives the values as a view of the input. Backward writes the
gradient of the packed product whole: queries and keys turned back, values copied, whatever the strides of what comes in.
"""

# B micro-batch, S sequence, N query heads, M key and value heads, D head size, R = D / 2 pairs, K = (N + 2 M) D

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from mathcode_data.trainer.kernels.triton_device import unavailable

__all__ = ["SPEED_RANK", "rope", "unavailable"]

SPEED_RANK = 2


def rope(qkv_BSK: Tensor, cos_SR: Tensor, sin_SR: Tensor, num_heads: int, num_kv_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """As `reference.rope`."""
    queries, keys, values = _Rope.apply(qkv_BSK, cos_SR, sin_SR, num_heads, num_kv_heads)  # type: ignore[no-untyped-call]
    return queries, keys, values


class _Rope(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, qkv_BSK: Tensor, cos_SR: Tensor, sin_SR: Tensor, num_heads: int, num_kv_heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, sequence, _ = qkv_BSK.shape
        size = 2 * cos_SR.shape[1]
        qkv_BSK = qkv_BSK.contiguous()
        turned = num_heads + num_kv_heads
        output = torch.empty(batch, sequence, turned, size, dtype=qkv_BSK.dtype, device=qkv_BSK.device)
        if output.numel():
            _forward[(batch * sequence,)](
                qkv_BSK, cos_SR, sin_SR, output, sequence, qkv_BSK.shape[2],
                HEADS=turned, HALF=size // 2, HEADS_BLOCK=triton.next_power_of_2(turned), HALF_BLOCK=triton.next_power_of_2(size // 2),
                WIDE=_wide(output), num_warps=4,
            )  # fmt: skip
        ctx.save_for_backward(cos_SR, sin_SR)
        ctx.heads = (num_heads, num_kv_heads)
        values = qkv_BSK.view(batch, sequence, -1, size)[:, :, turned:].transpose(1, 2)
        return output[:, :, :num_heads].transpose(1, 2), output[:, :, num_heads:].transpose(1, 2), values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        cos_SR, sin_SR = ctx.saved_tensors
        num_heads, num_kv_heads = ctx.heads
        batch, _, sequence, size = gradients[0].shape
        grad = torch.empty(batch, sequence, (num_heads + 2 * num_kv_heads) * size, dtype=gradients[0].dtype, device=gradients[0].device)
        first = 0
        for gradient, heads, turns in zip(gradients, (num_heads, num_kv_heads, num_kv_heads), (True, True, False), strict=True):
            if grad.numel():
                _backward[(batch * sequence,)](
                    gradient, cos_SR, sin_SR, grad, sequence, grad.shape[2], first * size, *gradient.stride(),
                    HEADS=heads, HALF=size // 2, HEADS_BLOCK=triton.next_power_of_2(heads), HALF_BLOCK=triton.next_power_of_2(size // 2),
                    TURNS=turns, WIDE=_wide(grad), num_warps=4,
                )  # fmt: skip
            first += heads
        return grad, None, None, None, None


def _wide(values: Tensor) -> Any:
    return tl.float64 if values.dtype == torch.float64 else tl.float32


@triton.jit
def _forward(
    packed,
    cos,
    sin,
    output,
    sequence,
    packed_size,
    HEADS: tl.constexpr,
    HALF: tl.constexpr,
    HEADS_BLOCK: tl.constexpr,
    HALF_BLOCK: tl.constexpr,
    WIDE: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    heads = tl.arange(0, HEADS_BLOCK)[:, None]
    pairs = tl.arange(0, HALF_BLOCK)[None, :]
    inside = (heads < HEADS) & (pairs < HALF)
    angle = (token % sequence) * HALF + pairs
    cosine = tl.load(cos + angle, mask=pairs < HALF, other=0.0)
    sine = tl.load(sin + angle, mask=pairs < HALF, other=0.0)
    source = packed + token * packed_size + heads * 2 * HALF + pairs
    first = tl.load(source, mask=inside, other=0.0).to(WIDE)
    second = tl.load(source + HALF, mask=inside, other=0.0).to(WIDE)
    target = output + token * HEADS * 2 * HALF + heads * 2 * HALF + pairs
    tl.store(target, (first * cosine - second * sine).to(output.dtype.element_ty), mask=inside)
    tl.store(target + HALF, (second * cosine + first * sine).to(output.dtype.element_ty), mask=inside)


@triton.jit
def _backward(
    gradient,
    cos,
    sin,
    grad,
    sequence,
    packed_size,
    offset,
    stride_b,
    stride_h,
    stride_s,
    stride_d,
    HEADS: tl.constexpr,
    HALF: tl.constexpr,
    HEADS_BLOCK: tl.constexpr,
    HALF_BLOCK: tl.constexpr,
    TURNS: tl.constexpr,
    WIDE: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    heads = tl.arange(0, HEADS_BLOCK)[:, None]
    pairs = tl.arange(0, HALF_BLOCK)[None, :]
    inside = (heads < HEADS) & (pairs < HALF)
    source = gradient + (token // sequence) * stride_b + (token % sequence) * stride_s + heads * stride_h
    first = tl.load(source + pairs * stride_d, mask=inside, other=0.0).to(WIDE)
    second = tl.load(source + (pairs + HALF) * stride_d, mask=inside, other=0.0).to(WIDE)
    target = grad + token * packed_size + offset + heads * 2 * HALF + pairs
    if TURNS:
        angle = (token % sequence) * HALF + pairs
        cosine = tl.load(cos + angle, mask=pairs < HALF, other=0.0)
        sine = tl.load(sin + angle, mask=pairs < HALF, other=0.0)
        turned_first = first * cosine + second * sine
        turned_second = second * cosine - first * sine
        tl.store(target, turned_first.to(grad.dtype.element_ty), mask=inside)
        tl.store(target + HALF, turned_second.to(grad.dtype.element_ty), mask=inside)
    else:
        tl.store(target, first.to(grad.dtype.element_ty), mask=inside)
        tl.store(target + HALF, second.to(grad.dtype.element_ty), mask=inside)
