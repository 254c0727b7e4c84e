"""Held-out loss per source: what a mixture teaches and what it makes the model forget."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from mathcode_data.trainer.data import TrainingData, make_batch
from mathcode_data.trainer.model import LanguageModel


@torch.no_grad()
def evaluate(
    model: LanguageModel,
    data: TrainingData,
    *,
    micro_batch_samples: int,
    max_samples: int | None,
    document_masks: bool,
    device: torch.device,
) -> dict[str, dict[str, float]]:
    """Measure the mean loss on the held-out windows of every source that has some.

    Args:
        model: in any state; nothing in it changes.
        data: the mixture.
        micro_batch_samples: windows at a time.
        max_samples: at most so many per source, spread evenly over the held-out windows; always the same ones.
        document_masks: as in training.
        device: where the model is.

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
        total = 0.0
        for start in range(0, len(windows), micro_batch_samples):
            chosen = windows[start : start + micro_batch_samples]
            triple = data.holdout_batch(source, chosen)
            batch = make_batch(triple, model.config.vocab_size, f"held-out window {chosen[0]} of {source}")
            _, nll_BS = forward(model, batch.tokens_BS1, batch.document_starts, document_masks, device, token_weight=0.0)
            total += float(nll_BS.double().sum())
        tokens = len(windows) * data.sequence_length
        results[source] = {"loss": total / tokens, "tokens": tokens}
        ratio = bytes_per_token.get(source)
        if ratio:
            results[source]["bits_per_byte"] = total / tokens / math.log(2) / float(ratio)
    return results


def forward(
    model: LanguageModel, tokens_BS1: Any, document_starts: Any, document_masks: bool, device: torch.device, *, token_weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the model on a micro-batch from the host; every target has the same weight.

    A document's first token is a target too: it is predicted from the end of the document before it, as in a row without
    masks, so that every sample counts S tokens.
    """
    rows = torch.from_numpy(tokens_BS1).to(device, non_blocking=True)
    inputs_BS, targets_BS = rows[:, :-1], rows[:, 1:]
    mask = model.kernels.prepare_attention(document_starts, inputs_BS.shape[1], device) if document_masks else None
    weights_BS = torch.full(targets_BS.shape, token_weight, device=device)
    loss, nll_BS = model(inputs_BS, targets_BS, weights_BS, mask)
    return loss, nll_BS
