"""Held-out loss per source: what a mixture teaches and what it makes the model forget."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mathcode_data.trainer.data import Batch, TrainingData, make_batch
from mathcode_data.trainer.kernels.registry import Kernels
from mathcode_data.trainer.model import LanguageModel
from mathcode_data.trainer.parallel import World


@torch.no_grad()
def evaluate(
    model: LanguageModel,
    data: TrainingData,
    *,
    micro_batch_samples: int,
    max_samples: int | None,
    document_masks: bool,
    device: torch.device,
    world: World = World(),  # noqa: B008 - frozen
) -> dict[str, dict[str, float]]:
    """Measure the mean loss on the held-out windows of every source that has some.

    Args:
        model: in any state; nothing in it changes.
        data: the mixture.
        micro_batch_samples: windows at a time.
        max_samples: at most so many per source, spread evenly over the held-out windows; always the same ones.
        document_masks: as in training.
        device: where the model is.
        world: the processes, which share the windows; all call this, and all get the result.

    Returns:
        Per source `loss` (nats per token), `tokens`, and `bits_per_byte` where the mixture knows the bytes of a token.
    """
    bytes_per_token = {entry.get("name"): entry.get("bytes_per_token") for entry in data.info.get("sources", [])}
    results: dict[str, dict[str, float]] = {}
    for source in data.source_names:
        windows = np.asarray(data.holdout(source))
        if len(windows) == 0:
            continue
        if max_samples is not None and len(windows) > max_samples:
            windows = windows[np.arange(max_samples) * len(windows) // max_samples]
        total = tokens = 0.0
        micro_batches = -(-len(windows) // micro_batch_samples)
        for first in range(0, micro_batches, world.num_shares):
            # a process without a micro-batch of its own repeats the first: sharded models compute together
            number = first + world.share
            start = number * micro_batch_samples if number < micro_batches else 0
            chosen = windows[start : start + micro_batch_samples]
            batch = make_batch(data.holdout_batch(source, chosen), model.config.vocab_size, f"held-out window {chosen[0]} of {source}")
            _, nll_BS = forward(model, model.kernels, batch, document_masks, device, token_weight=0.0)
            if number < micro_batches and world.reports:
                total += float(nll_BS.double().sum())
                tokens += int(batch.is_target_BS.sum())
        total, tokens = world.sum(torch.tensor([total, tokens], dtype=torch.float64, device=device)).tolist()
        results[source] = {"loss": total / tokens, "tokens": int(tokens)}
        ratio = bytes_per_token.get(source)
        if ratio:
            results[source]["bits_per_byte"] = total / tokens / math.log(2) / float(ratio)
    return results


def forward(
    module: nn.Module, kernels: Kernels, batch: Batch, document_masks: bool, device: torch.device, *, token_weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the model on a micro-batch from the host; every target has the same weight, and labels that do not count have a loss of 0.

    A document's first token is a target too, unless samples are packed: it is predicted from the end of the document before it,
    as in a row without masks.
    """
    rows = to_device(batch.tokens_BS1, device)
    inputs_BS, targets_BS = rows[:, :-1], rows[:, 1:]
    mask = kernels.prepare_attention(batch.document_starts, inputs_BS.shape[1], device) if document_masks else None
    weights_BS = torch.full(targets_BS.shape, token_weight, device=device)
    if batch.is_target_BS.all():
        loss, nll_BS = module(inputs_BS, targets_BS, weights_BS, mask)
        return loss, nll_BS
    counts_BS = to_device(batch.is_target_BS, device)
    loss, nll_BS = module(inputs_BS, targets_BS, weights_BS * counts_BS, mask)
    return loss, nll_BS * counts_BS


def to_device(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy an array; to a GPU through page-locked memory, since a copy from other memory first waits for all that the GPU has to do."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
