"""Attention within documents by PyTorch's FlexAttention: a mask per block of 128 tokens, compiled to one Triton kernel.

Blocks that lie wholly in other documents are skipped. It runs in every precision of the GPU, in float32 too.
"""

# B micro-batch, N query heads, M key and value heads, S sequence, D head size

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from mathcode_data.trainer.kernels.document_edges import document_numbers

SPEED_RANK = 1


def unavailable(device: torch.device) -> str | None:
    """Compiled, it has no backward pass on a CPU, and uncompiled it holds the whole matrix of scores."""
    return None if device.type == "cuda" else "FlexAttention computes gradients on GPUs only"


def prepare(document_starts: Sequence[NDArray[np.integer]], sequence_length: int, device: torch.device) -> BlockMask:
    """The block mask of a micro-batch: same document and not later."""
    documents_BS = torch.from_numpy(document_numbers(document_starts, sequence_length)).to(device)

    def visible(row: Tensor, _: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (documents_BS[row, query] == documents_BS[row, key])

    return create_block_mask(visible, len(document_starts), None, sequence_length, sequence_length, device=device)


def attention(queries_BNSD: Tensor, keys_BMSD: Tensor, values_BMSD: Tensor, mask: BlockMask | None) -> Tensor:
    """As `reference.attention`, with the mask of `prepare`."""
    grouped = queries_BNSD.shape[1] != keys_BMSD.shape[1]
    if mask is None:
        output_BNSD = functional.scaled_dot_product_attention(queries_BNSD, keys_BMSD, values_BMSD, is_causal=True, enable_gqa=grouped)
    else:
        output_BNSD = _attend(queries_BNSD.is_cuda)(queries_BNSD, keys_BMSD, values_BMSD, block_mask=mask, enable_gqa=grouped)
    return output_BNSD.transpose(1, 2).flatten(2)


@functools.cache
def _attend(is_compiled: bool) -> Callable[..., Any]:
    if is_compiled:
        return torch.compile(flex_attention, dynamic=False)
    plain: Any = flex_attention
    return plain  # type: ignore[no-any-return]
