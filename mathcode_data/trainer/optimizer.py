"""AdamW with float32 state, and that state as named tensors for the checkpoint."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from mathcode_data.core.errors import DataError
from mathcode_data.trainer.checkpoint import Checkpoint
from mathcode_data.trainer.config import OptimizerConfig
from mathcode_data.trainer.tensor_parallel import as_saved

MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Make the optimizer: matrices (embedding and head too) decay, norm weights do not. The rate is set at each step."""
    parameters = list(model.parameters())
    groups = [
        {"params": [parameter for parameter in parameters if parameter.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in parameters if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.peak_lr, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def clip_gradients(model: nn.Module, clip_norm: float | None) -> Tensor:
    """Scale the gradients down to `clip_norm`; returns the norm they had, which is not finite if one gradient is not."""
    norm = nn.utils.clip_grad_norm_(model.parameters(), math.inf if clip_norm is None else clip_norm)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as tensors named `<parameter>.<moment>`; empty before the first step."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for moment, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{name}.{moment}"] = value
    return tensors


def load_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, found: Checkpoint) -> None:
    """Set the optimizer's state from a checkpoint, each process its part.

    Raises:
        DataError: the names are not those of this model.
    """
    there = set(found.shapes("optimizer"))
    if not there:
        return
    expected = {f"{name}.{moment}" for name, _ in model.named_parameters() for moment in MOMENTS}
    if there != expected:
        odd = sorted(there ^ expected)[0]
        raise DataError(f"optimizer state: {odd!r} is in only one of the checkpoint and the model; the checkpoint is of another model")
    for _, parameter in model.named_parameters():
        # the step counter of fused AdamW lives on the parameter's device like the moments
        optimizer.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, requires_grad=False),
            "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
        }
    found.load_into("optimizer", as_saved(model, optimizer_tensors(model, optimizer)))
