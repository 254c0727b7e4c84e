"""SwiGLU in plain PyTorch."""

# ... any leading dimensions, F width of the feed-forward layer

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SPEED_RANK = 0


def unavailable(device: torch.device) -> str | None:  # noqa: ARG001
    """Runs everywhere."""
    return None


def swiglu(gate_up_2F: Tensor) -> Tensor:
    """silu(gate) * up, where the input is the packed (gate, up) of the last dimension (Shazeer 2020).

    >>> swiglu(torch.tensor([[0.0, 5.0]]))
    tensor([[0.]])
    """
    gate_F, up_F = gate_up_2F.chunk(2, dim=-1)
    return functional.silu(gate_F) * up_F
