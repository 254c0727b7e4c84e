"""Held-out bits per byte, window by window, so that intervals can be drawn over windows and two arms compared on the same ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from mathcode_data.trainer.data import TrainingData, make_batch
from mathcode_data.trainer.model import LanguageModel


@torch.no_grad()
def heldout_losses(
    model: LanguageModel, data: TrainingData, *, max_windows: int, micro_batch_samples: int, document_masks: bool, device: torch.device
) -> dict[str, dict[str, Any]]:
    """Measure every held-out window of every source that has some.

    Args:
        model: at the end of a run.
        data: its mixture.
        max_windows: at most so many per source, always the same ones.
        micro_batch_samples: windows at a time.
        document_masks: as in training.
        device: where the model is.

    Returns:
        Per source `windows`, `values` (one per window) and `unit`: bits per byte where the source knows the mean bytes of its tokens,
        else bits per token.
    """
    ratios = {entry["name"]: entry.get("bytes_per_token") for entry in data.info["sources"]}
    results: dict[str, dict[str, Any]] = {}
    for source in data.source_names:
        windows = np.sort(np.asarray(data.holdout(source))[:max_windows])
        if not len(windows):
            continue
        found: list[float] = []
        for start in range(0, len(windows), micro_batch_samples):
            chosen = windows[start : start + micro_batch_samples]
            batch = make_batch(data.holdout_batch(source, chosen), model.config.vocab_size, f"held-out window {chosen[0]} of {source}")
            rows = torch.from_numpy(batch.tokens_BS1).to(device)
            inputs_BS, targets_BS = rows[:, :-1], rows[:, 1:]
            mask = model.kernels.prepare_attention(batch.document_starts, inputs_BS.shape[1], device) if document_masks else None
            _, nll_BS = model(inputs_BS, targets_BS, torch.zeros(targets_BS.shape, device=device), mask)
            found += nll_BS.double().mean(1).tolist()
        bytes_per_token = float(ratios[source] or 1.0)
        values = [nats / math.log(2) / bytes_per_token for nats in found]
        unit = "bits per byte" if ratios[source] else "bits per token"
        results[source] = {"windows": windows.tolist(), "values": values, "unit": unit}
    return results
