"""Chunked linear cross-entropy in plain PyTorch: three matrix products, one pass over the logits of each chunk."""

# N tokens, H hidden, V vocabulary, C tokens of a chunk

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SPEED_RANK = 0
CPU_CHUNK_LOGITS = 2**20
"""Logits held at a time: 4 MB stay in the cache; 128-256 tokens were fastest at V = 4096 (0.114 s against 0.158 s unchunked)."""
GPU_CHUNK_LOGITS = 2**29
"""2 GB in float32, 5,242 tokens at V = 102,400: enough rows to fill the matrix units."""


def unavailable(device: torch.device) -> str | None:  # noqa: ARG001
    """Runs everywhere."""
    return None


def linear_cross_entropy(
    hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor, token_weights_N: Tensor, z_loss: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Weighted sum of -log softmax(hidden @ weight.T)[target].

    Args:
        hidden_NH: in the compute dtype, which is that of the products; the softmax is float32 (float64 for float64).
        weight_VH: the head, float32; its gradient is accumulated over the chunks in float32.
        targets_N: token ids in [0, V), int64.
        token_weights_N: weight of each token in the sum; 0 leaves a token out of it, by position.
        z_loss: weight of the squared log-sum-exp of a token's logits, added to its loss in the sum (PaLM).

    Returns:
        loss: scalar, differentiable by hidden and weight.
        nll_N: loss of each token in nats, unweighted, without z-loss, without gradient.
    """
    with_gradients = torch.is_grad_enabled() and (hidden_NH.requires_grad or weight_VH.requires_grad)
    found: tuple[Tensor, Tensor] = _LinearCrossEntropy.apply(hidden_NH, weight_VH, targets_N, token_weights_N, z_loss, with_gradients)  # type: ignore[no-untyped-call]
    return found


def chunk_tokens(vocab_size: int, device: torch.device) -> int:
    """Tokens whose logits are held at a time."""
    return max(1, (CPU_CHUNK_LOGITS if device.type == "cpu" else GPU_CHUNK_LOGITS) // vocab_size)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor, token_weights_N: Tensor, z_loss: float, with_gradients: bool
    ) -> tuple[Tensor, Tensor]:
        weight_cast_VH = weight_VH.to(hidden_NH.dtype)
        wide = torch.float64 if hidden_NH.dtype == torch.float64 else torch.float32
        nll_N = torch.empty(hidden_NH.shape[0], dtype=wide, device=hidden_NH.device)
        log_sums_N = torch.zeros_like(nll_N)
        grad_hidden_NH = torch.empty_like(hidden_NH) if with_gradients else None
        grad_weight_VH = torch.zeros_like(weight_VH) if with_gradients else None
        step = chunk_tokens(weight_VH.shape[0], hidden_NH.device)
        for start in range(0, hidden_NH.shape[0], step):
            chunk = slice(start, start + step)
            targets_C1 = targets_N[chunk].unsqueeze(1)
            logits_CV = hidden_NH[chunk] @ weight_cast_VH.T
            log_p_CV = torch.log_softmax(logits_CV, dim=-1, dtype=wide)
            nll_N[chunk] = log_p_CV.gather(1, targets_C1).squeeze(1).neg_()
            if z_loss:
                log_sums_N[chunk] = logits_CV.gather(1, targets_C1).squeeze(1).to(wide) + nll_N[chunk]
            del logits_CV
            if grad_hidden_NH is None or grad_weight_VH is None:
                continue
            grad_CV = log_p_CV.exp_()  # in place: (softmax - one hot) * weight is the gradient by the logits
            weights_C1 = token_weights_N[chunk].to(wide).unsqueeze(1)
            if z_loss:
                grad_CV.mul_(1.0 + 2.0 * z_loss * log_sums_N[chunk].unsqueeze(1))
            grad_CV.scatter_add_(1, targets_C1, torch.full_like(weights_C1, -1.0)).mul_(weights_C1)
            narrow_CV = grad_CV.to(hidden_NH.dtype)
            torch.mm(narrow_CV, weight_cast_VH, out=grad_hidden_NH[chunk])
            _accumulate(grad_weight_VH, narrow_CV, hidden_NH[chunk])
        ctx.save_for_backward(grad_hidden_NH, grad_weight_VH)
        ctx.mark_non_differentiable(nll_N)
        return ((nll_N + z_loss * log_sums_N.square()) * token_weights_N.to(wide)).sum(), nll_N

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:
        grad_hidden_NH, grad_weight_VH = ctx.saved_tensors
        scale = gradients[0]
        return grad_hidden_NH * scale.to(grad_hidden_NH.dtype), grad_weight_VH * scale.to(grad_weight_VH.dtype), None, None, None, None


def _accumulate(grad_weight_VH: Tensor, grad_CV: Tensor, hidden_CH: Tensor) -> None:
    """Add a chunk's part of the weight gradient, in the weight's precision even where the product is narrower."""
    if grad_weight_VH.dtype == grad_CV.dtype:
        grad_weight_VH.addmm_(grad_CV.T, hidden_CH)
    else:
        grad_weight_VH.add_(grad_CV.T @ hidden_CH)
