"""Every reader of bytes takes whatever comes: by mutation, the same bytes each time, and guided by coverage where atheris is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from support.engine import TESTS
from support.fuzzing import mutated, try_bytes

HERE = Path(__file__).parent
READERS = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))
INPUTS = {
    "html": 250,
    "warc": 200,
    "wet": 200,
    "jsonl": 200,
    "mixture": 60,
    "yaml": 300,
    "documents_table": 250,
    "checkpoint": 300,
    "manifest": 200,
}
"""Mutated inputs of the readers that need more than a millisecond for each; 800 of the others."""
SECONDS = 1
"""Of each reader, with atheris."""


def load(name: str) -> ModuleType:
    if name == "checkpoint":
        pytest.importorskip("torch", reason="the extra 'train' is not installed")
    if name == "robots":
        pytest.importorskip("protego", reason="the extra 'web' is not installed")
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", HERE / f"fuzz_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_reader_of_the_list_is_here():
    assert set(READERS) >= {"index", "warc", "wet", "robots", "html", "yaml", "jsonl", "mixture", "checkpoint", "decisions", "tokenizer"}


@pytest.mark.parametrize("name", READERS)
def test_mutated_bytes_are_read_or_refused_in_our_own_words(name: str):
    reader = load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of odd bytes; what counts is what comes out
        for data in mutated(reader.seeds(), INPUTS.get(name, 800)):
            try_bytes(reader.read, data)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bytes_guided_by_coverage_are_read_or_refused_in_our_own_words(tmp_path: Path):
    pytest.importorskip("atheris", reason="atheris is not installed (pip install atheris); the mutated bytes above were tried")
    command = [sys.executable, str(HERE / "run.py"), *READERS, "--seconds", str(SECONDS), "--artifacts", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(TESTS), "PATH": "/usr/bin:/bin"}, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("executions") == len(READERS), done.stdout
