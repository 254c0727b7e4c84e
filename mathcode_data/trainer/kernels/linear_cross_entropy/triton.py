"""Chunked linear cross-entropy: cuBLAS for the three products, one Triton pass over the logits of a chunk between them.

The pass reads a row of logits twice (maximum and sum, then the gradient; the second time out of the cache) and writes the
gradient over the logits; it keeps the loss of every token. The gradient of the head is accumulated over the chunks in float32,
by the product itself where the GPU can. Nothing waits for the GPU.
"""

# N tokens, H hidden, V vocabulary, C tokens of a chunk

from __future__ import annotations

import functools
import logging
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from mathcode_data.trainer.kernels.triton_device import unavailable

__all__ = ["SPEED_RANK", "linear_cross_entropy", "unavailable"]

logger = logging.getLogger(__name__)

SPEED_RANK = 2
CHUNK_TOKENS = 8192
"""1.7 GB of bfloat16 logits at V = 102,400: large enough for the matrix units, small enough for memory."""
BLOCK = 4096


def linear_cross_entropy(
    hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor, token_weights_N: Tensor, z_loss: float = 0.0
) -> tuple[Tensor, Tensor]:
    """As `reference.linear_cross_entropy`. Logits are rounded to the compute dtype, as a matrix product gives them."""
    with_gradients = torch.is_grad_enabled() and (hidden_NH.requires_grad or weight_VH.requires_grad)
    found: tuple[Tensor, Tensor] = _LinearCrossEntropy.apply(hidden_NH, weight_VH, targets_N, token_weights_N, z_loss, with_gradients)  # type: ignore[no-untyped-call]
    return found


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor, token_weights_N: Tensor, z_loss: float, with_gradients: bool
    ) -> tuple[Tensor, Tensor]:
        weight_cast_VH = weight_VH.to(hidden_NH.dtype)
        wide = torch.float64 if hidden_NH.dtype == torch.float64 else torch.float32
        vocabulary = weight_VH.shape[0]
        nll_N = torch.empty(hidden_NH.shape[0], dtype=wide, device=hidden_NH.device)
        log_sums_N = torch.empty_like(nll_N)
        weights_N = token_weights_N.to(wide)
        grad_hidden_NH = torch.empty_like(hidden_NH) if with_gradients else None
        grad_weight_VH = torch.zeros_like(weight_VH) if with_gradients else None
        for start in range(0, hidden_NH.shape[0], CHUNK_TOKENS):
            chunk = slice(start, start + CHUNK_TOKENS)
            logits_CV = hidden_NH[chunk] @ weight_cast_VH.T
            _loss_and_gradient[(logits_CV.shape[0],)](
                logits_CV, targets_N[chunk], weights_N[chunk], nll_N[chunk], log_sums_N[chunk], vocabulary, z_loss,
                WIDE=tl.float64 if wide == torch.float64 else tl.float32, WITH_GRADIENTS=with_gradients,
                BLOCK=min(BLOCK, triton.next_power_of_2(vocabulary)), num_warps=8,
            )  # fmt: skip
            if grad_hidden_NH is None or grad_weight_VH is None:
                continue
            torch.mm(logits_CV, weight_cast_VH, out=grad_hidden_NH[chunk])  # logits_CV holds their gradient now
            _accumulate(grad_weight_VH, logits_CV, hidden_NH[chunk])
        ctx.save_for_backward(grad_hidden_NH, grad_weight_VH)
        ctx.mark_non_differentiable(nll_N)
        return ((nll_N + z_loss * log_sums_N.square()) * weights_N).sum(), nll_N

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:
        grad_hidden_NH, grad_weight_VH = ctx.saved_tensors
        scale = gradients[0]
        return (
            grad_hidden_NH.mul_(scale.to(grad_hidden_NH.dtype)),
            grad_weight_VH.mul_(scale.to(grad_weight_VH.dtype)),
            None,
            None,
            None,
            None,
        )


def _accumulate(grad_weight_VH: Tensor, grad_CV: Tensor, hidden_CH: Tensor) -> None:
    """Add a chunk's part of the weight gradient in the weight's precision."""
    if grad_weight_VH.dtype == grad_CV.dtype:
        grad_weight_VH.addmm_(grad_CV.T, hidden_CH)
    elif grad_CV.is_cuda and _adds_wide(grad_CV.dtype, grad_weight_VH.dtype, grad_CV.device):
        torch.addmm(grad_weight_VH, grad_CV.T, hidden_CH, out_dtype=grad_weight_VH.dtype, out=grad_weight_VH)
    else:
        grad_weight_VH.add_(grad_CV.T @ hidden_CH)


@functools.cache
def _adds_wide(narrow: torch.dtype, wide: torch.dtype, device: torch.device) -> bool:
    """Whether this PyTorch and GPU add a product of narrow matrices to a wide one; without, the product is made first and added then."""
    total = torch.zeros(16, 16, dtype=wide, device=device)
    ones = torch.ones(16, 16, dtype=narrow, device=device)
    try:
        torch.addmm(total, ones, ones, out_dtype=wide, out=total)
    except (RuntimeError, TypeError) as error:
        logger.warning("the head's gradient takes a pass more, as this PyTorch adds no %s product to %s (%s)", narrow, wide, error)
        return False
    return True


@triton.jit
def _loss_and_gradient(
    logits, targets, weights, nll, log_sums, vocabulary, z_loss, WIDE: tl.constexpr, WITH_GRADIENTS: tl.constexpr, BLOCK: tl.constexpr
):
    token = tl.program_id(0).to(tl.int64)  # tokens * vocabulary passes 2**31
    row = logits + token * vocabulary
    target = tl.load(targets + token)
    # read here, since the reductions below hold all threads back until each has read; later one may find it overwritten by another's slope
    at_target = tl.load(row + target).to(WIDE)
    largest = tl.full((BLOCK,), -3.0e38, dtype=WIDE)  # finite, for -inf less -inf is no number
    total = tl.zeros((BLOCK,), dtype=WIDE)
    for start in range(0, vocabulary, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        values = tl.load(row + columns, mask=columns < vocabulary, other=float("-inf")).to(WIDE)
        higher = tl.maximum(largest, values)
        total = total * tl.exp(largest - higher) + tl.exp(values - higher)
        largest = higher
    top = tl.max(largest, axis=0)
    log_sum = top + tl.log(tl.sum(total * tl.exp(largest - top), axis=0))
    tl.store(log_sums + token, log_sum)
    tl.store(nll + token, log_sum - at_target)
    if WITH_GRADIENTS:
        weight = tl.load(weights + token)
        pull = 1.0 + 2.0 * z_loss * log_sum
        for start in range(0, vocabulary, BLOCK):
            columns = start + tl.arange(0, BLOCK)
            inside = columns < vocabulary
            values = tl.load(row + columns, mask=inside, other=float("-inf")).to(WIDE)
            slope = (tl.exp(values - log_sum) * pull - tl.where(columns == target, 1.0, 0.0)) * weight
            tl.store(row + columns, slope.to(logits.dtype.element_ty), mask=inside)
