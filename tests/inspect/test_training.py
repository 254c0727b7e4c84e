"""A look at a training run or a checkpoint is text for people, whether the run ended or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.inspect.statistics import statistics
from mathcode_data.inspect.statistics_text import statistics_text
from mathcode_data.inspect.training import training_statistics


def step(number: int, code: float, math: float) -> dict[str, Any]:
    losses, tokens = {"code": code, "math": math}, {"code": 20, "math": 10}
    return {"kind": "step", "step": number, "tokens": number * 30, "loss": (2 * code + math) / 3, "lr": 1e-3, "seconds": 0.5,
            "loader_wait_s": 0.0, "loss_per_source": losses, "tokens_per_source": tokens}  # fmt: skip


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """Twenty of forty steps, an evaluation, and a line that a kill cut in two."""
    start = {"kind": "start", "step": 0, "num_steps": 40, "num_parameters": 1234, "dtype": "float32", "device": "cpu"}
    records = [start, *(step(number, 8 - number / 10, 4.0) for number in range(1, 21)),
               {"kind": "evaluation", "step": 20, "held_out": {"code": {"loss": 6.5, "tokens": 3}}}]  # fmt: skip
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)) + '\n{"kind": "st')
    (tmp_path / "checkpoints" / "step-00000020").mkdir(parents=True)
    return tmp_path


def test_a_run_that_was_killed_says_how_far_it_came(training: Path):
    """`inspect` ended with a traceback at the line that was cut, and printed JSON otherwise."""
    data = training_statistics(training)
    assert (data["state"], data["step"], data["num_steps"], data["damaged_lines"]) == ("going on or stopped", 20, 40, 1)
    assert data["loss_per_source"] == pytest.approx({"code": 6.05, "math": 4.0}), "over the last tenth of the steps"
    assert data["tokens_per_s"] == pytest.approx(60)
    text = statistics_text(statistics(training))
    assert "training run, going on or stopped, step 20 of 40, 600 tokens" in text
    assert "checkpoints: step-00000020" in text
    assert not text.lstrip().startswith("{")
    assert "6.500" in text


@pytest.mark.parametrize(("content", "state"), [("", "not begun"), ('{"kind": "start", "step": 0, "num_steps": 4}\n', "not begun")])
def test_a_run_without_a_step_has_a_text(tmp_path: Path, content: str, state: str):
    (tmp_path / "metrics.jsonl").write_text(content)
    assert f"training run, {state}" in statistics_text(statistics(tmp_path))


def test_a_finished_run_says_so(training: Path):
    (training / "summary.json").write_text(json.dumps({"finished": True, "num_steps": 20}))
    assert training_statistics(training)["state"] == "finished"


def test_a_checkpoint_is_a_table(tmp_path: Path, make_checkpoint):
    folder = make_checkpoint(tmp_path / "c", mixture={"fingerprint": "f" * 32, "sources": ["code"]})
    text = statistics_text(statistics(folder))
    assert "mixture.fingerprint" in text
    assert "model.safetensors" in text
    assert not text.lstrip().startswith("{")


def test_an_output_folder_names_what_is_not_finished_and_what_is_partial(tmp_path: Path):
    from mathcode_data.core.manifest import Manifest, write_manifest
    from support.stages import documents, make_result

    make_result(tmp_path / "pages", [documents(["a"])])
    (tmp_path / "part").mkdir()
    write_manifest(tmp_path / "part", Manifest("documents", [], "f" * 32, [], [], [], quarantined=["task 3: crash"]))
    (tmp_path / "pipeline.json").write_text(json.dumps({"results": ["part", "pages", "tokens"]}))
    data = statistics(tmp_path)
    assert [result["id"] for result in data["results"]] == ["part", "pages"], "in the order of the pipeline"
    assert data["unfinished"] == ["tokens"]
    text = statistics_text(data)
    assert "not finished: tokens; run the pipeline again" in text
    assert next(line for line in text.splitlines() if line.startswith("part")).endswith("PARTIAL")
    assert "task 3: crash" in statistics_text(statistics(tmp_path / "part"))
