"""Several processes under torchrun's variables, on gloo: the loss curve of one process, and exact resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from trainer.memory_mixture import MemoryMixture
from trainer.processes import PROGRAM, TESTS, files_of, held_out, last, losses, run_processes, same_curve, steps, variables

from mathcode_data.trainer.data import BatchPlan
from mathcode_data.trainer.loop import train
from support.ports import free_port

NUM_SAMPLES = 22
"""The last step has 2 samples: with 4 processes, two of them have none."""


@pytest.mark.slow
@pytest.mark.timeout(330)
def test_two_and_four_processes_give_the_curve_of_one_and_resume_exactly(make_config, tmp_path):
    def config(name, **values):
        return make_config(output=str(tmp_path / name), micro_batch_samples=1, evaluate_every_steps=3, **values)

    one = config("one")
    train(one, data=MemoryMixture(num_samples=NUM_SAMPLES))
    two, two_parts, moving = config("two"), config("two-parts"), config("moving")
    sharded, sharded_moving = config("sharded", parallel="fsdp"), config("sharded-moving", parallel="fsdp")
    four, four_parts, sharded_four = config("four"), config("four-parts"), config("sharded-four", parallel="fsdp")
    by_two = [(two, None), (two_parts, 3), (two_parts, None), (moving, 2), (sharded, 4), (sharded, None), (sharded_moving, 2)]
    by_four = [(four, None), (four_parts, 3), (four_parts, None), (moving, 4), (sharded_four, None), (sharded_moving, 3)]
    run_processes([*((2, *run) for run in by_two), *((4, *run) for run in by_four)], tmp_path, NUM_SAMPLES)
    train(moving, data=MemoryMixture(num_samples=NUM_SAMPLES))
    train(sharded_moving, data=MemoryMixture(num_samples=NUM_SAMPLES))
    for found in (two, four, moving, sharded, sharded_four, sharded_moving):
        same_curve(found, one)
    assert losses(two_parts) == losses(two)
    assert losses(four_parts) == losses(four)
    assert files_of(two_parts) == files_of(two), "resumed, and the same to the bit"
    assert files_of(four_parts) == files_of(four)
    assert set(files_of(four)) == {"model.safetensors", "optimizer.safetensors", "rng.safetensors"}, "one process writes"
    assert "model-00003.safetensors" in files_of(sharded_four), "each process writes its part"
    tensors = last(sharded_four).tensors("model")
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == last(one).shapes("model")
    found, expected = held_out(four), held_out(one)
    assert found["math"]["tokens"] == expected["math"]["tokens"]
    assert found["math"]["loss"] == pytest.approx(expected["math"]["loss"], rel=1e-4)


def test_processes_have_as_many_micro_batches_each_and_share_the_samples():
    for size in (1, 2, 3, 4):
        for samples in range(1, 9):
            plan = BatchPlan(samples, 8)
            pieces = [plan.micro_batches(0, 2, rank, size) for rank in range(size)]
            assert len({len(mine) for mine in pieces}) == 1
            assert [position for mine in pieces for piece in mine for position in piece] == list(range(samples))


@pytest.mark.slow
@pytest.mark.timeout(330)
def test_torchrun_and_a_signal_to_one_process_stops_all_after_the_same_step(make_config, tmp_path):
    config = make_config()
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([{"config": config.model_dump(mode="json"), "num_samples": 400, "delay_s": 0.05}]))
    processes = [
        subprocess.Popen([sys.executable, str(PROGRAM), str(path)], stderr=subprocess.PIPE, text=True, env=variables(rank, port))
        for port in [free_port()]
        for rank in range(2)
    ]
    while not (config.output / "metrics.jsonl").exists() or not losses(config):
        time.sleep(0.05)
        assert processes[0].poll() is None, processes[0].communicate()[1]
    processes[1].send_signal(signal.SIGTERM)
    messages = [process.communicate()[1] for process in processes]
    assert "a signal to another process after step" in messages[0]
    assert "SIGTERM after step" in messages[1]
    assert len(losses(config)) == last(config).record["step"] < 100
    path.write_text(json.dumps([{"config": config.model_dump(mode="json"), "num_samples": 400}]))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(PROGRAM), str(path)]
    done = subprocess.run(torchrun, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(TESTS)})
    assert done.returncode == 0, done.stderr[-3000:]
    assert [record["step"] for record in steps(config)] == list(range(1, 101)), "it went on where it stopped, each step once"
