"""Training runs in several processes on gloo, and what is compared of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathcode_data.trainer.checkpoint import list_checkpoints, open_checkpoint
from mathcode_data.trainer.metrics import MetricsLog
from support.ports import free_port

PROGRAM = Path(__file__).with_name("one_process.py")
TESTS = PROGRAM.parents[1]


def variables(rank, port, size=2):
    """What torchrun sets."""
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": TESTS}
    return os.environ | {name: str(value) for name, value in own.items()}


def run_processes(runs, folder, num_samples):
    """Train runs of (number of processes, configuration, steps to stop after)."""
    listed = [
        {"size": size, "config": config.model_dump(mode="json"), "stop": stop, "num_samples": num_samples, "port": free_port()}
        for size, config, stop in runs
    ]
    path = folder / "runs.json"
    path.write_text(json.dumps(listed))
    command = [sys.executable, "-W", "error", str(PROGRAM), str(path), "--fork"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(TESTS)}, check=False)
    assert done.returncode == 0, done.stderr[-6000:]


def steps(config):
    return [record for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "step"]


def losses(config):
    return [record["loss"] for record in steps(config)]


def held_out(config):
    return [record["held_out"] for record in MetricsLog(config.output / "metrics.jsonl").read() if record["kind"] == "evaluation"][-1]


def last(config):
    return open_checkpoint(list_checkpoints(config.output / "checkpoints")[-1])


def files_of(config):
    return {name: entry["sha256"] for name, entry in last(config).record["files"].items()}


def same_curve(found, expected):
    # sums of float32 in another order: as between micro-batch sizes (test_train.py), where the tolerances are explained
    assert losses(found)[0] == pytest.approx(losses(expected)[0], rel=1e-6)
    assert losses(found) == pytest.approx(losses(expected), rel=1e-4)
    for here, there in zip(steps(found), steps(expected), strict=True):
        assert here["tokens_per_source"] == there["tokens_per_source"]
        assert here["loss_per_source"] == pytest.approx(there["loss_per_source"], rel=1e-4)
        assert here["grad_norm"] == pytest.approx(there["grad_norm"], rel=1e-3)
