"""The trainer's command on a mixture in memory; `full`: on a disk that is full. Started by test_faults.py."""

from __future__ import annotations

import resource
import signal
import sys

import torch
from trainer.memory_mixture import MemoryMixture

from mathcode_data.trainer import __main__ as command
from mathcode_data.trainer import loop


def main(path: str, disk: str) -> int:
    torch.set_num_threads(1)
    loop._open_mixture = lambda folder: MemoryMixture()
    if disk == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write then fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
    return command.main([path])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
