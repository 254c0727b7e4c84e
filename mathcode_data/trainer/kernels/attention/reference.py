"""Attention by PyTorch's scaled_dot_product_attention, with a dense block-diagonal mask where rows hold several documents."""

# B micro-batch, N query heads, M key and value heads, S sequence, D head size

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

SPEED_RANK = 0


def unavailable(device: torch.device) -> str | None:  # noqa: ARG001
    """Runs everywhere."""
    return None


def prepare(document_starts: Sequence[NDArray[np.integer]], sequence_length: int, device: torch.device) -> Tensor | None:
    """Make the mask of a micro-batch from the stored document edges, never from token ids.

    Args:
        document_starts: per row, the positions in it at which a document begins; the row's first document may begin earlier.
        sequence_length: S; starts at S or later (the last target) are of no account.
        device: where the mask is used.

    Returns:
        (B, 1, S, S), true where a query may see a key: same document and not later. None if no document begins inside a
        row, since plain causal attention is faster.
    """
    begins_BS = np.zeros((len(document_starts), sequence_length), dtype=np.int32)
    for row, starts in enumerate(document_starts):
        inside = np.asarray(starts, dtype=np.int64)
        begins_BS[row, inside[(inside > 0) & (inside < sequence_length)]] = 1
    if not begins_BS.any():
        return None
    documents_BS = torch.from_numpy(np.cumsum(begins_BS, axis=1, dtype=np.int32)).to(device)
    causal_SS = torch.ones(sequence_length, sequence_length, dtype=torch.bool, device=device).tril()
    return ((documents_BS[:, :, None] == documents_BS[:, None, :]) & causal_SS).unsqueeze(1)


def attention(queries_BNSD: Tensor, keys_BMSD: Tensor, values_BMSD: Tensor, mask_B1SS: Tensor | None) -> Tensor:
    """Attend; a query head n uses key head n * M // N. Returns (B, S, N * D), heads side by side."""
    grouped = queries_BNSD.shape[1] != keys_BMSD.shape[1]
    output_BNSD = functional.scaled_dot_product_attention(
        queries_BNSD, keys_BMSD, values_BMSD, attn_mask=mask_B1SS, is_causal=mask_B1SS is None, enable_gqa=grouped
    )
    return output_BNSD.transpose(1, 2).flatten(2)
