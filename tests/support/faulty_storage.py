"""Compile the library that makes operations on files fail (tests/faults/disk_faults.c), and enumerate faults with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.engine import TESTS

SOURCE = TESTS / "faults" / "disk_faults.c"
MEMORY_DISK = Path("/dev/shm")


def compile_library(folder: Path) -> Path:
    """The shared library; the test is skipped where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("faults are made by a preloaded C library: this needs gcc and Linux")
    library = folder / "disk_faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def enumerate_faults(library: Path, scenario: str, scratch: Path, *arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run `enumerate_faults.py`; gives the cases that it said, and its sum.

    The files lie in memory where that is possible: thousands of fsyncs take minutes on a disk, and their order is the same.
    """
    place = scratch
    if os.access(MEMORY_DISK, os.W_OK):
        place = MEMORY_DISK / f"mathcode-faults-{os.getpid()}-{scratch.name}"
    command = [sys.executable, TESTS / "faults" / "enumerate_faults.py", scenario, "--scratch", place, *arguments]
    try:
        done = subprocess.run(command, env=os.environ | {"LD_PRELOAD": str(library)}, capture_output=True, text=True, check=False)
    finally:
        if place != scratch:
            shutil.rmtree(place, ignore_errors=True)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert done.stdout, done.stderr[-3000:]
    *cases, summary = map(json.loads, done.stdout.splitlines())
    return cases, summary
