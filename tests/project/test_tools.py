"""ruff and mypy, as tests, so that one line runs everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("arguments", [["check", "."], ["format", "--check", "."]])
def test_ruff_finds_nothing(repository: Path, arguments: list[str]):
    done = subprocess.run([sys.executable, "-m", "ruff", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_strict_finds_nothing_in_the_package(repository: Path):
    pytest.importorskip("torch", reason="mypy needs the extras to know their types")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "mathcode_data"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_top_level_holds_only_what_the_design_names(repository: Path):
    tracked = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True).stdout.split("\n")
    top = {name.split("/")[0] for name in tracked if name and not name.startswith(".")}
    allowed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "pipelines", "mathcode_data", "mixtures", "tests", "docker"}
    assert top - allowed == set()
