"""One process of several: trains what a JSON file lists, one run after the other. Started by test_processes.py and by torchrun."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.loop import train


def delayed(function, seconds):
    def wait_first(*arguments):
        time.sleep(seconds)
        return function(*arguments)

    return wait_first


def main(path: str) -> None:
    torch.set_num_threads(1)
    for run in json.loads(Path(path).read_text()):
        if "port" in run:
            os.environ["MASTER_PORT"] = str(run["port"])
        if "delay_s" in run:
            MemoryMixture.batch = delayed(MemoryMixture.batch, run["delay_s"])
        train(
            TrainConfig.model_validate(run["config"]), data=MemoryMixture(num_samples=run["num_samples"]), stop_after_steps=run.get("stop")
        )


if __name__ == "__main__":
    main(sys.argv[1])
