"""One thread for torch, and a small run."""

from __future__ import annotations

import pytest
import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.trainer.config import TrainConfig

TINY_MODEL = {"vocab_size": 32, "hidden_size": 16, "num_layers": 2, "num_heads": 2, "ffn_size": 24}


@pytest.fixture(autouse=True)
def _one_thread():
    """At these sizes a second thread costs more than it brings, and on a busy machine a hundred times more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def mixture():
    return MemoryMixture()


@pytest.fixture
def make_config(tmp_path):
    """A configuration of a run of 6 steps of 4 samples of 16 tokens; keywords replace fields."""

    def make(**values):
        base = {
            "mixture": str(tmp_path / "mixture"), "output": str(tmp_path / "run"), "model": TINY_MODEL, "device": "cpu",
            "global_batch_samples": 4, "micro_batch_samples": 2, "optimizer": {"peak_lr": 1e-2},
            "schedule": {"kind": "multi_step", "warmup_steps": 2},
        }  # fmt: skip
        return TrainConfig.model_validate({**base, **values})

    return make
