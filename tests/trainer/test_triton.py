"""Triton kernels: equal to their references in the interpreter, and refused by name where they cannot run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.kernels.registry import load_kernel

CASES = Path(__file__).with_name("triton_cases.py")


OPERATIONS = ("rms_norm", "rope", "swiglu", "linear_cross_entropy")


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What went wrong with each operation; one process for all, since its start takes longer than they do."""
    pytest.importorskip("triton", reason="the extra 'train' is not installed")
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, "-W", "error", str(CASES), *OPERATIONS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_triton_kernel_equals_its_reference_with_gradients_in_every_precision(failures: dict[str, str], operation: str):
    assert failures[operation] == "", failures[operation][-2000:]


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="Triton is interpreted here, so it runs on the CPU")
def test_a_triton_kernel_asked_for_on_a_cpu_is_refused_and_auto_takes_the_reference():
    cpu = torch.device("cpu")
    with pytest.raises(ConfigError, match=r"'triton' cannot run on cpu: Triton compiles for GPUs"):
        load_kernel("swiglu", "triton", cpu)
    assert load_kernel("swiglu", "auto", cpu)[0] == "reference"
