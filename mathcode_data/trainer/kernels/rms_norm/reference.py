"""RMSNorm in plain PyTorch."""

# ... any leading dimensions, H hidden

from __future__ import annotations

import torch
from torch import Tensor

SPEED_RANK = 0


def unavailable(device: torch.device) -> str | None:  # noqa: ARG001
    """Runs everywhere."""
    return None


def rms_norm(update_H: Tensor, residual_H: Tensor | None, weight_H: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Add the update to the residual stream, then normalise by the root of the mean square (Zhang and Sennrich 2019).

    Args:
        update_H: what the last layer adds to the stream; shape (..., H).
        residual_H: the stream so far, or None where the update is the stream's beginning.
        weight_H: shape (H,), float32; multiplied in the stream's own precision after the float32 normalisation, as Llama does.
        epsilon: added to the mean square.

    Returns:
        The normalised stream (input of the next layer) and the stream itself, both in the stream's dtype.
    """
    stream_H = update_H if residual_H is None else residual_H + update_H
    wide_H = stream_H.float() if stream_H.dtype in (torch.bfloat16, torch.float16) else stream_H
    normed_H = wide_H * torch.rsqrt(wide_H.square().mean(-1, keepdim=True) + epsilon)
    return normed_H.to(stream_H.dtype) * weight_H.to(stream_H.dtype), stream_H
