"""Attention within documents by PyTorch's varlen_attn (FlashAttention), from the stored document edges.

The rows of a micro-batch are laid end to end and the edges given as cumulative lengths, padded with empty documents to a power of
two, so that compiled code meets few shapes. Without masks it is scaled_dot_product_attention, by cuDNN where that can run.
"""

# B micro-batch, N query heads, M key and value heads, S sequence, D head size, T = B S

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.varlen import varlen_attn

from mathcode_data.trainer.kernels.document_edges import row_edges

SPEED_RANK = 3
DTYPES = (torch.bfloat16, torch.float16)
MIN_EDGES = 64
CAUSAL: dict[str, Any] = {"window_size": (-1, 0)} if "window_size" in inspect.signature(varlen_attn).parameters else {"is_causal": True}
"""How this PyTorch is told that a token sees no later one; found once, since torch.compile cannot look into signatures."""
BACKENDS = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def unavailable(device: torch.device) -> str | None:
    """FlashAttention runs on GPUs from the A100 on."""
    if device.type != "cuda":
        return "varlen_attn is FlashAttention, which is written for GPUs"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "FlashAttention needs a GPU of compute capability 8.0 (A100) or later"
    return None


def prepare(document_starts: Sequence[NDArray[np.integer]], sequence_length: int, device: torch.device) -> Tensor:
    """Cumulative lengths of all documents of the rows, int32, padded with empty ones to a power of two plus one."""
    edges = row_edges(document_starts, sequence_length)
    capacity = max(MIN_EDGES, 1 << (len(edges) - 2).bit_length())
    padded = np.full(capacity + 1, edges[-1], dtype=np.int32)
    padded[: len(edges)] = edges
    return torch.from_numpy(padded).to(device, non_blocking=True)


def attention(queries_BNSD: Tensor, keys_BMSD: Tensor, values_BMSD: Tensor, edges: Tensor | None) -> Tensor:
    """As `reference.attention`, with the edges of `prepare` as mask; bfloat16 or float16."""
    batch, heads, length, size = queries_BNSD.shape
    grouped = heads != keys_BMSD.shape[1]
    if edges is None:
        with sdpa_kernel(BACKENDS, set_priority=True):
            output_BNSD = functional.scaled_dot_product_attention(queries_BNSD, keys_BMSD, values_BMSD, is_causal=True, enable_gqa=grouped)
        return output_BNSD.transpose(1, 2).flatten(2)
    queries, keys, values = (value.transpose(1, 2).reshape(batch * length, -1, size) for value in (queries_BNSD, keys_BMSD, values_BMSD))
    options: dict[str, Any] = {"enable_gqa": True} if grouped else {}  # unknown to PyTorch before 2.12, so given only where needed
    output_TND = varlen_attn(queries, keys, values, edges, edges, length, length, **CAUSAL, **options)
    assert isinstance(output_TND, Tensor), "without return_aux it gives the output alone"
    return output_TND.reshape(batch, length, heads * size)
