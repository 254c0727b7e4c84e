"""A newcomer's way through the commands: train, kill, go on, be asked to stop, go on, export, generate; nothing is lost on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mathcode_data.core.storage import read_json
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import load_recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.trainer.checkpoint import find_checkpoint, list_checkpoints
from mathcode_data.trainer.tensor_file import read_tensors
from support.command import call

RECIPE = """name: small
seed: 3
sequence_length: 32
sources: {code: {shards: code}, math: {shards: math}}
stages: [{name: mixed, tokens: {code: 12800, math: 6400}}]
"""
TRAIN = """mixture: mixture
output: OUTPUT
model: {vocab_size: 64, hidden_size: 32, num_layers: 2, num_heads: 2, ffn_size: 64}
global_batch_samples: 4
schedule: {kind: cosine, warmup_steps: 5}
checkpoint_every_steps: 10
device: cpu
"""
NUM_STEPS = 150


@pytest.fixture
def files(tmp_path):
    """A mixture of two sources with a tokenizer, and two training files that differ in the output folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({f"w{number}": number for number in range(64)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    for step, name in enumerate(("code", "math"), start=1):
        folder = tmp_path / name
        folder.mkdir()
        words.save(str(folder / "tokenizer.json"))
        with ShardWriter(folder / f"{name}-00000", np.uint16) as writer:
            for start in range(400):
                writer.add((start + step * np.arange(40)) % 64)
    (tmp_path / "mixture.yaml").write_text(RECIPE)
    recipe, file = load_recipe(tmp_path / "mixture.yaml")
    sources = [source_from_path(name, tmp_path / name) for name in ("code", "math")]
    build_mixture(recipe, sources, tmp_path / "mixture", file=file)
    for name in ("whole", "run"):
        (tmp_path / f"{name}.yaml").write_text(TRAIN.replace("OUTPUT", name))
    return tmp_path


def begin(path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "mathcode_data.trainer", str(path)], stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_checkpoint_after(folder, step, process):
    while not any(int(path.name[5:]) > step for path in list_checkpoints(folder / "checkpoints")):
        assert process.poll() is None, f"it ended before it was stopped: {process.communicate()[1]}"
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_train_kill_resume_stop_resume_export_generate(files):
    whole = begin(files / "whole.yaml")
    killed = begin(files / "run.yaml")
    wait_for_checkpoint_after(files / "run", 0, killed)
    killed.kill()
    killed.communicate()
    stopped = begin(files / "run.yaml")
    wait_for_checkpoint_after(files / "run", find_checkpoint(files / "run").record["step"], stopped)
    stopped.send_signal(signal.SIGTERM)
    message = stopped.communicate()[1]
    if stopped.returncode != 0:  # else it was at its end already
        assert stopped.returncode == 7, message
        assert "SIGTERM after step" in message, message
        assert "run it again to go on" in message, message
    done = call("train", files / "run.yaml", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["finished"], summary["steps"]) == (True, NUM_STEPS)
    message = whole.communicate()[1]
    assert whole.returncode == 0, message
    mine, theirs = (find_checkpoint(files / name).record for name in ("run", "whole"))
    assert {name: entry["sha256"] for name, entry in mine["files"].items()} == {n: e["sha256"] for n, e in theirs["files"].items()}
    curves = [[json.loads(line) for line in (files / name / "metrics.jsonl").read_bytes().splitlines()] for name in ("run", "whole")]
    steps, expected = ([(row["step"], row["loss"]) for row in rows if row["kind"] == "step"] for rows in curves)
    assert steps == expected, "each step once, with the same loss to the bit"

    done = call("export", files / "run", "--to", "huggingface", "--output", files / "hf")
    assert done.returncode == 0, done.stderr
    assert read_json(files / "hf" / "config.json")["architectures"] == ["LlamaForCausalLM"]
    assert "model.layers.0.self_attn.q_proj.weight" in read_tensors(files / "hf" / "model.safetensors")
    done = call("generate", files / "run", "--prompt", "w5 w6 w7", "--max-tokens", "6", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)[0]["ids"]) == 6
