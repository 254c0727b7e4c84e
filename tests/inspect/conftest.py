"""Small results, shards, mixtures, checkpoints and a tokenizer of single bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mathcode_data.core.counters import StageCounters
from mathcode_data.core.fingerprint import canonical_json
from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file, write_json
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.shards.writer import ShardWriter
from support.engine import run

TEXTS = ("a+b", "数学!", "é")
"""Written as one token per byte, each text closed by the special id 0."""


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Byte-level BPE without a merge: each byte is a token, so 数 takes three."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=257, special_tokens=["<|eos|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator([], trainer)
    return made


@pytest.fixture
def foreign(tmp_path: Path, tokenizer: Tokenizer) -> Path:
    """Two shards from elsewhere: the first two texts, and the third."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for number, texts in enumerate((TEXTS[:2], TEXTS[2:])):
        with ShardWriter(folder / f"toy-{number:05d}", np.uint16) as writer:
            for text in texts:
                writer.add([*tokenizer.encode(text).ids, 0])
    return folder


@pytest.fixture
def make_tokens(tmp_path: Path, foreign: Path, tokenizer: Tokenizer):
    """The same shards as a finished result of ours, tokenizer beside them."""

    def make(name: str = "tokens", **changes: Any) -> Path:
        folder = foreign.rename(tmp_path / name)
        tokenizer.save(str(folder / "tokenizer.json"))
        shards = []
        for path in sorted(folder.iterdir()):
            rows, tokens = {"toy-00000.bin": (2, 12), "toy-00001.bin": (1, 3)}.get(path.name, (0, 0))
            shards.append(Shard(path.name, path.stat().st_size, sha256_file(path), rows, tokens))
        counters = [StageCounters("tokenize", 3, 3)]
        write_manifest(folder, Manifest("tokens", [{"name": "tokenize"}], "f" * 32, [], shards, counters, **changes))
        return folder

    return make


@pytest.fixture
def mixture(tmp_path: Path, foreign: Path) -> Path:
    """Windows of 2 + 1 tokens, three of them drawn."""
    build_toy(foreign, tmp_path / "mixture")
    return tmp_path / "mixture"


def build_toy(shards: Path, output: Path, seed: int = 0) -> None:
    values = {
        "name": "toy", "seed": seed, "sequence_length": 2, "sources": {"toy": {"shards": str(shards)}},
        "stages": [{"name": "one", "tokens": {"toy": 6}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values), [source_from_path("toy", shards)], output)


@pytest.fixture
def other_mixture(tmp_path: Path, mixture: Path, foreign: Path) -> Path:
    """The same with another seed."""
    build_toy(foreign, tmp_path / "other", seed=1)
    assert mixture.is_dir(), "both stand side by side"
    return tmp_path / "other"


@pytest.fixture
def make_checkpoint():
    """A checkpoint as the trainer writes it, without torch."""

    def make(folder: Path, **changes: Any) -> Path:
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
        files = {"model.safetensors": {"bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}}
        record = {"step": 1, "format": 1, "files": files} | changes
        write_json(folder / "checkpoint.json", record | {"sha256": hashlib.sha256(canonical_json(record)).hexdigest()})
        return folder

    return make


PIPELINE = """
name: pages
seed: 3
output: out
stages:
  - read.jsonl: {paths: in.jsonl, url_key: url, source: web, bad_lines: accept}
  - support.toy_score: {}
  - id: scored
    select.threshold: {column: score_math, min: 0.5}
  - id: distinct
    dedup.exact: {}
  - id: unlike
    dedup.minhash: {}
  - id: clean
    decontaminate.ngram: {benchmarks: bench.jsonl}
  - id: math
    tokenize: {tokenizer: tokenizer.json, name: toy, backend: hf}
"""
"""Ids are not in alphabetical order, so that the order of the pipeline shows."""
QUESTION = "A farmer has seventeen sheep and buys nine more lambs, how many animals graze in his meadow now?"
WORDS = " ".join(f"term {n} of this row is {n * n + 1}," for n in range(40))


@pytest.fixture(scope="session")
def pipeline_folder(tmp_path_factory, tokenizer: Tokenizer) -> Path:
    """A finished run from lines of JSON to token shards: one page dropped by each stage, one shortened, one kept; and two bad lines."""
    folder = tmp_path_factory.mktemp("pipeline")
    pages = {
        "kept": f"{WORDS}. kept, score 0.9",
        "low": f"{WORDS}. low, score 0.25",
        "copy": f"{WORDS}.  kept, score 0.9",
        "near": f"{WORDS} indeed. kept, score 0.9",
        "cut": f"An introduction that nobody else has written.\n\n{QUESTION}\n\nThe answer follows below, score 0.8",
    }
    lines = [json.dumps({"url": f"https://www.example.org/{name}.html", "text": text}) for name, text in pages.items()]
    (folder / "in.jsonl").write_text("\n".join([*lines, "{}", "no json"]) + "\n")
    (folder / "bench.jsonl").write_text(json.dumps({"question": QUESTION, "answer": "26"}) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "pipeline.yaml").write_text(PIPELINE)
    run(folder / "pipeline.yaml")
    return folder


@pytest.fixture(scope="session")
def pipeline_mixture(pipeline_folder: Path) -> Path:
    """A mixture of its tokens: twelve samples of 128 + 1, a little more than one epoch."""
    shards = pipeline_folder / "out" / "math"
    values = {
        "name": "toy", "seed": 5, "sequence_length": 128, "sources": {"math": {"shards": str(shards), "max_epochs": 4}},
        "stages": [{"name": "one", "tokens": {"math": 1024}}, {"name": "two", "tokens": {"math": 512}}],
    }  # fmt: skip
    build_mixture(Recipe.model_validate(values), [source_from_path("math", shards)], pipeline_folder / "mixture")
    return pipeline_folder / "mixture"
