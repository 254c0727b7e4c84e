"""RoPE in plain PyTorch."""

# B micro-batch, S sequence, N query heads, M key and value heads, D head size, R = D / 2 pairs, K = (N + 2 M) D

from __future__ import annotations

import torch
from torch import Tensor

SPEED_RANK = 0


def unavailable(device: torch.device) -> str | None:  # noqa: ARG001
    """Runs everywhere."""
    return None


def rope(qkv_BSK: Tensor, cos_SR: Tensor, sin_SR: Tensor, num_heads: int, num_kv_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Split packed queries, keys and values, and turn the pairs (x[r], x[r + R]) of queries and keys by the position's angle.

    The pairing is Hugging Face's (first half with second half), so that exported weights need no permutation.

    Args:
        qkv_BSK: per token all query heads, then all key heads, then all value heads.
        cos_SR: cosine of position times frequency, float32.
        sin_SR: the sine.
        num_heads: N.
        num_kv_heads: M.

    Returns:
        Queries (B, N, S, D), keys and values (B, M, S, D), in the dtype of the input; turned in float32.
    """
    batch, sequence, _ = qkv_BSK.shape
    size = 2 * cos_SR.shape[1]
    heads_BSND = qkv_BSK.view(batch, sequence, num_heads + 2 * num_kv_heads, size)
    qk_BSND = heads_BSND[:, :, : num_heads + num_kv_heads]
    values_BSMD = heads_BSND[:, :, num_heads + num_kv_heads :]
    first_BSNR, second_BSNR = qk_BSND.chunk(2, dim=-1)
    cos_S1R, sin_S1R = cos_SR.unsqueeze(1), sin_SR.unsqueeze(1)
    turned_BSND = torch.cat((first_BSNR * cos_S1R - second_BSNR * sin_S1R, second_BSNR * cos_S1R + first_BSNR * sin_S1R), dim=-1).to(
        qkv_BSK.dtype
    )
    queries_BSND, keys_BSMD = turned_BSND[:, :, :num_heads], turned_BSND[:, :, num_heads:]
    return queries_BSND.transpose(1, 2), keys_BSMD.transpose(1, 2), values_BSMD.transpose(1, 2)
