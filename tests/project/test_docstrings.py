"""Every example in a docstring is executed: by the suite's --doctest-modules, and here where that looks away."""

from __future__ import annotations

import doctest
import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def left_out() -> list[str]:
    """Modules with examples below the folders that pytest is told to ignore."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]["addopts"].split()
    assert "--doctest-modules" in options
    folders = [option.removeprefix("--ignore=") for option in options if option.startswith("--ignore=mathcode_data")]
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]


@pytest.mark.parametrize("name", left_out())
def test_examples_of_modules_that_the_suite_leaves_out_hold(name: str):
    pytest.importorskip("torch", reason="the study trains")
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
