"""`build-mixture --continue-from` and `plan` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command import call

TEXT = """\
name: {name}
seed: 17
sequence_length: 8
sources:
  code: {{shards: {shards}/code}}
  math: {{shards: {shards}/math, max_epochs: 4}}
stages:
  - {{name: {name}, tokens: {{code: {code}, math: 400}}}}
"""


@pytest.fixture
def files(shards: Path, tmp_path: Path) -> Path:
    for name, code in (("first", 800), ("second", 888), ("third", 896)):
        (tmp_path / f"{name}.yaml").write_text(TEXT.format(name=name, shards=shards, code=code))
    return tmp_path


@pytest.mark.slow  # processes of their own
def test_a_mixture_is_continued_on_the_command_line(files: Path):
    assert call("build-mixture", files / "first.yaml", "--output", files / "one", "--quiet").returncode == 0
    done = call(
        "build-mixture", files / "second.yaml", "--output", files / "two", "--continue-from", files / "one", "--consumed", 150, "--json"
    )
    assert done.returncode == 0, done.stderr
    info = json.loads(done.stdout)
    assert info["continues"]["consumed"] == 150
    assert info["continues"]["sources"]["code"]["draws"] == 100
    assert info["sources"][0]["epochs"] == 1.0
    assert call("verify", files / "two", "--full").returncode == 0
    refused = call("build-mixture", files / "third.yaml", "--output", files / "three", "--continue-from", files / "one", "--consumed", 150)
    assert refused.returncode == 2
    assert "third.yaml:5:3: source 'code' must give 112 samples" in refused.stderr
    assert not (files / "three").exists()
    half = call("build-mixture", files / "third.yaml", "--output", files / "three", "--consumed", 150)
    assert half.returncode == 2
    assert "--continue-from and --consumed belong together" in half.stderr


@pytest.mark.slow
def test_a_plan_says_steps_days_and_warnings(files: Path):
    done = call("plan", files / "first.yaml", "--batch-size", 128, "--tokens-per-second", 1000, "--gpus", 8)
    assert done.returncode == 0, done.stderr
    assert "2 steps" in done.stdout
    assert "GPU-days" in done.stdout
    assert "warning: stage 'first': source 'code' has 100 samples, less than one batch of 128" in done.stdout
    data = json.loads(call("plan", files / "first.yaml", "--json", "--assume", "math=1B").stdout)
    assert data["mixture"]["sources"][1]["is_assumed"]
    assert [path.name for path in files.iterdir() if path.is_dir()] == ["shards"]
