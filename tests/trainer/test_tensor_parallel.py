"""Tensor and sequence parallel on gloo: the curve of one process, alone and beside data parallel; checkpoints in the rows' own order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from trainer.memory_mixture import MemoryMixture
from trainer.processes import held_out, last, losses, run_processes, same_curve, steps

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.config import ModelConfig
from mathcode_data.trainer.loop import train
from mathcode_data.trainer.tensor_parallel import check_divisible, dealt_rows

NUM_SAMPLES = 10
"""The last step has 2 samples, so with two shares of the data each has one."""
MODEL = {"vocab_size": 32, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "ffn_size": 24}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_divided_models_train_as_whole_ones_and_their_checkpoints_fit_any_number_of_processes(make_config, tmp_path):
    def config(name, **values):
        kept = {"model": MODEL, "micro_batch_samples": 2, "document_masks": True, "z_loss": 1e-3, "evaluate_every_steps": 2}
        return make_config(output=str(tmp_path / name), **{**kept, **values})

    def alone(run, stop=None):
        train(run, data=MemoryMixture(num_samples=NUM_SAMPLES), stop_after_steps=stop)

    one = config("one")
    alone(one)
    two, parts = config("two", parallel={"tensor": 2}), config("parts", parallel={"tensor": 2})
    out, into = config("out", parallel={"tensor": 2}), config("into", parallel={"tensor": 2})
    alone(into.model_copy(update={"parallel": one.parallel}), 1)
    narrow = config("narrow", parallel={"tensor": 2}, dtype="bfloat16")
    by_two = [(two, None), (parts, 1), (parts, None), (out, 2), (into, None), (narrow, None)]
    four_heads = {"model": {**MODEL, "num_kv_heads": 4}}
    one_of_four, four = config("one-of-four", **four_heads), config("four", parallel={"tensor": 4}, **four_heads)
    alone(one_of_four)
    ddp, fsdp = config("ddp", parallel={"data": "ddp", "tensor": 2}), config("fsdp", parallel={"data": "fsdp", "tensor": 2})
    moving = config("moving", parallel={"data": "fsdp", "tensor": 2})
    by_four = [(four, None), (ddp, None), (fsdp, None), (moving, 1)]
    run_processes([*((2, *run) for run in by_two), *((4, *run) for run in by_four)], tmp_path, NUM_SAMPLES)
    alone(out.model_copy(update={"parallel": one.parallel}))
    alone(moving.model_copy(update={"parallel": one.parallel}))

    same_curve(four, one_of_four)
    for found in (two, out, into, ddp, fsdp, moving):
        same_curve(found, one)
        assert held_out(found)["math"] == pytest.approx(held_out(one)["math"], rel=1e-4)
    assert losses(parts) == losses(two), "a resumed run is the same to the bit"
    assert losses(narrow) == pytest.approx(losses(one), rel=2e-2)  # bfloat16 has 8 bits: as test_model.py allows
    assert last(two).record["kernels"]["linear_cross_entropy"] == "loss_parallel"
    for found in (two, fsdp):
        for group in ("model", "optimizer"):
            here, there = last(found).tensors(group), last(one).tensors(group)
            assert {name: tensor.shape for name, tensor in here.items()} == {name: tensor.shape for name, tensor in there.items()}
        weights, expected = last(found).tensors("model"), last(one).tensors("model")
        # Adam divides a gradient by its own size, so weights of nearly no gradient differ by part of a step of 0.01
        assert all(torch.allclose(weights[name], expected[name], atol=2e-3) for name in expected)
    assert len(steps(two)) == 3


@pytest.mark.parametrize(("parts", "size"), [((8, 4, 4), 2), ((8, 4, 4), 4), ((6, 6), 3)])
def test_dealt_rows_are_all_rows_once_and_each_process_has_its_share_of_every_part(parts, size):
    order = np.concatenate([np.arange(first, first + count) for first, count in dealt_rows(parts, size)])
    assert sorted(order.tolist()) == list(range(sum(parts)))
    number_of_part = np.repeat(np.arange(len(parts)), parts)[order].reshape(size, -1)
    assert (number_of_part == number_of_part[0]).all(), "the same layout in every process"


def test_what_cannot_be_divided_is_refused_by_name():
    model = ModelConfig.model_validate(MODEL)
    check_divisible(model, 16, 2, "auto")
    with pytest.raises(ConfigError, match=r"4 processes cannot divide model\.num_kv_heads 2 evenly"):
        check_divisible(model, 16, 4, "auto")
    with pytest.raises(ConfigError, match=r"the mixture's sequence_length 15 evenly"):
        check_divisible(model, 15, 2, "auto")
    with pytest.raises(ConfigError, match=r"kernels\.linear_cross_entropy: 'triton' needs the whole vocabulary"):
        check_divisible(model, 16, 2, "triton")


def test_a_number_of_processes_that_tensor_parallel_does_not_divide_is_refused(make_config, mixture):
    with pytest.raises(ConfigError, match=r"parallel\.tensor: 2 does not divide the 1 process of this run; start a multiple of 2"):
        train(make_config(parallel={"tensor": 2}), data=mixture)
