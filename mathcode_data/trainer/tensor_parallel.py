"""Tensor and sequence parallel: every matrix divided over neighbouring processes by PyTorch's own styles, the loss over the vocabulary.

Between layers a process holds its part of the sequence; before a product that part is gathered and the product's rows are divided
(heads of the attention, width of the feed-forward layer), after the next product the sums are scattered over the sequence again. So
norms and residual additions are divided too. Query, key and value are one packed matrix: its rows are put into another order first,
so that the neighbouring rows which DTensor gives to a process are that process's heads of all three; likewise gate and up. A
checkpoint has the rows in their own order (`as_saved`), so it can be loaded by any number of processes, and by one.
"""

# N tokens, H hidden, V vocabulary

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_module
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, PrepareModuleOutput, RowwiseParallel, parallelize_module
from torch.nn import functional

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import ModelConfig
from mathcode_data.trainer.kernels.registry import AUTO
from mathcode_data.trainer.model import Attention, LanguageModel, Linear, Norm

LOSS = "loss_parallel"
"""The name of the loss here in place of a kernel's."""


def check_divisible(model: ModelConfig, sequence_length: int, tensor: int, loss_kernel: str) -> None:
    """Refuse what cannot be divided evenly.

    Raises:
        ConfigError: names the number, or the loss kernel that is asked for by name.
    """
    sizes = {
        "model.num_kv_heads": model.num_kv_heads, "model.num_heads": model.num_heads, "model.ffn_size": model.ffn_size,
        "model.vocab_size": model.vocab_size, "the mixture's sequence_length": sequence_length,
    }  # fmt: skip
    odd = [f"{name} {size}" for name, size in sizes.items() if size % tensor]
    if odd:
        raise ConfigError(f"parallel.tensor: {tensor} processes cannot divide {', '.join(odd)} evenly; choose another number")
    if loss_kernel != AUTO:
        raise ConfigError(
            f"kernels.linear_cross_entropy: {loss_kernel!r} needs the whole vocabulary in one process, but parallel.tensor is {tensor}; "
            "write auto, which then takes PyTorch's loss over a divided vocabulary"
        )


def divide(model: LanguageModel, mesh: DeviceMesh) -> None:
    """Divide a model, which every process holds whole, over the processes of a one-dimensional mesh; before the optimizer is built."""
    styles: dict[str, ParallelStyle] = {
        "model.embed_tokens": RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(1)),
        "model.layers.*.self_attn.qkv_proj": ColwiseParallel(input_layouts=Shard(1)),
        "model.layers.*.self_attn.o_proj": RowwiseParallel(output_layouts=Shard(1)),
        "model.layers.*.mlp.gate_up_proj": ColwiseParallel(input_layouts=Shard(1)),
        "model.layers.*.mlp.down_proj": RowwiseParallel(output_layouts=Shard(1)),
        "model.norm": PrepareModuleOutput(
            output_layouts=(Shard(1), None), desired_output_layouts=(Replicate(), None), use_local_output=False  # type: ignore[arg-type]
        ),
        "lm_head": ColwiseParallel(),
    }  # fmt: skip
    for module in model.modules():
        if isinstance(module, Linear) and len(module.parts) > 1:
            _deal_rows(module, mesh.size())
        elif isinstance(module, Attention):
            module.num_heads //= mesh.size()
            module.num_kv_heads //= mesh.size()
        elif isinstance(module, Norm):
            distribute_module(module, mesh)
    parallelize_module(model, mesh, styles, src_data_rank=None)
    names = {**model.kernels.names, "linear_cross_entropy": LOSS}
    model.kernels = dataclasses.replace(model.kernels, linear_cross_entropy=linear_cross_entropy, names=names)


def linear_cross_entropy(
    hidden_NH: Tensor, weight_VH: Tensor, targets_N: Tensor, token_weights_N: Tensor, z_loss: float = 0.0
) -> tuple[Tensor, Tensor]:
    """As the kernels of that name, with a weight whose rows are divided over processes; under PyTorch's `loss_parallel`.

    A process holds the logits of its part of the vocabulary for the whole micro-batch. Forward and backward run while `loss_parallel`
    is entered.
    """
    logits_NV = functional.linear(hidden_NH, weight_VH.to(hidden_NH.dtype)).float()
    nll_N = _whole(functional.cross_entropy(logits_NV, targets_N, reduction="none"))
    loss_N = nll_N
    if z_loss:
        top_N1 = logits_NV.detach().amax(-1, keepdim=True)
        log_sums_N = _whole(((logits_NV - top_N1).exp().sum(-1, keepdim=True).log() + top_N1).squeeze(-1))
        loss_N = nll_N + z_loss * log_sums_N.square()
    return (loss_N * token_weights_N).sum(), nll_N.detach()


def _whole(value: Tensor) -> Tensor:
    assert isinstance(value, DTensor), "a product with a divided weight is a DTensor"
    return value.redistribute(placements=[Replicate()]).to_local()


def dealt_rows(parts: tuple[int, ...], size: int) -> list[tuple[int, int]]:
    """Order of the rows of packed matrices that gives each of `size` processes its share of every part: (first row, number of rows).

    >>> dealt_rows((4, 2, 2), 2)  # queries 0..3, keys 4 and 5, values 6 and 7
    [(0, 2), (4, 1), (6, 1), (2, 2), (5, 1), (7, 1)]
    """
    begins = [0, *itertools.accumulate(parts)]
    return [(begin + share * part // size, part // size) for share in range(size) for begin, part in zip(begins, parts, strict=False)]


@torch.no_grad()
def _deal_rows(module: Linear, size: int) -> None:
    rows = [module.weight[first : first + count] for first, count in dealt_rows(module.parts, size)]
    module.weight.copy_(torch.cat(rows))
    module.dealt_to = size


def as_saved(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a divided model or its optimizer as checkpoints name them: packed matrices as pieces NAME@ROW,COLUMN.

    Args:
        model: divided or not.
        tensors: by the parameters' names, with or without `.exp_avg` and the like behind them.

    Returns:
        The same tensors; in place of a DTensor whose rows are dealt, views of the runs of rows which this process has, each named by
        its place in the whole.
    """
    dealt = {
        f"{name}.weight": dealt_rows(module.parts, module.dealt_to)
        for name, module in model.named_modules()
        if isinstance(module, Linear) and module.dealt_to > 1
    }
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        parameter = next((key for key in dealt if name == key or name.startswith(f"{key}.")), None) if dealt else None
        if parameter is None or not isinstance(tensor, DTensor):
            found[name] = tensor
        else:
            found |= {f"{name}@{row},0": piece for row, piece in _runs(tensor, dealt[parameter])}
    return found


def _runs(tensor: DTensor, order: list[tuple[int, int]]) -> Iterator[tuple[int, Tensor]]:
    """The rows of this process in runs that lie side by side in the whole: the first row there, and a view."""
    (chunk,) = tensor.__create_chunk_list__()  # type: ignore[no-untyped-call]
    local, begin = tensor.to_local().detach(), int(chunk.offsets[0])
    here = 0
    for first, count in order:
        low, high = max(here, begin), min(here + count, begin + local.shape[0])
        if low < high:
            yield first + low - here, local[low - begin : high - begin]
        here += count
