"""One process of several: trains what a JSON file lists, one run after the other.

Started by torchrun or under its variables, it is the process that these name. Started with `--fork`, it stands for all of them: the
runs then say their numbers of processes, and these are forked here, so that torch is imported once.
"""

from __future__ import annotations

import faulthandler
import importlib
import itertools
import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.trainer.config import TrainConfig
from mathcode_data.trainer.loop import train

DEADLINE_S = 240
"""A process that takes longer says where it stands, and ends; ten times what all runs of a test take."""


def delayed(function, seconds):
    def wait_first(*arguments):
        time.sleep(seconds)
        return function(*arguments)

    return wait_first


def train_all(runs):
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    torch.set_num_threads(1)
    for run in runs:
        if "port" in run:
            os.environ["MASTER_PORT"] = str(run["port"])
        if "delay_s" in run:
            MemoryMixture.batch = delayed(MemoryMixture.batch, run["delay_s"])
        train(
            TrainConfig.model_validate(run["config"]), data=MemoryMixture(num_samples=run["num_samples"]), stop_after_steps=run.get("stop")
        )


def fork_all(runs) -> int:
    """Neighbouring runs of one number of processes share these; gives 0 if all ended well."""
    importlib.import_module("torch._dynamo")  # DTensor and FSDP import it at their first use, in every process
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # numpy's OpenBLAS, which knows forks
    for size, group in itertools.groupby(runs, key=lambda run: run["size"]):
        mine = list(group)
        children = []
        for rank in range(size):
            child = os.fork()
            if child == 0:
                os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1"}
                train_all(mine)
                return 0
            children.append(child)
        while children:
            ended, status = os.wait()
            children.remove(ended)
            if status:  # the others would wait for it for half an hour
                for child in children:
                    os.kill(child, signal.SIGKILL)
                return 1
    return 0


if __name__ == "__main__":
    listed = json.loads(Path(sys.argv[1]).read_text())
    if "--fork" in sys.argv:
        sys.exit(fork_all(listed))
    train_all(listed)
