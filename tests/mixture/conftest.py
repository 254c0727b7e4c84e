"""Small shards, recipes and built mixtures, and Megatron's own index code."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.core.manifest import Manifest, Shard, write_manifest
from mathcode_data.core.storage import sha256_file
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.recipe import Recipe
from mathcode_data.mixture.sources import source_from_paths
from mathcode_data.shards.writer import ShardWriter

SHARD_TOKENS = {"code": (1000, 700), "math": (500,), "text": (90, 8, 300)}
"""Tokens of each shard of each source: with windows of 8 + 1 tokens code has 124 + 87, math 62, text 11 + 0 + 37."""


@pytest.fixture(scope="session")
def helpers():
    """megatron-core's C++ index code; its import warns of what is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("megatron.core.datasets.helpers_cpp", reason="the test extra megatron-core is not installed")


def write_source(folder: Path, name: str, sizes, *, dtype=np.uint16, seed: int = 0) -> Path:
    """A folder of foreign shards; documents of 1 to 30 tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, *name.encode()])
    for number, size in enumerate(sizes):
        with ShardWriter(folder / f"{name}-{number:05d}", dtype) as writer:
            left = size
            while left:
                length = min(int(generator.integers(1, 31)), left)
                writer.add(generator.integers(0, 5000, length))
                left -= length
    return folder


@pytest.fixture(scope="session")
def source_writer():
    return write_source


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Folder with the folders code, math and text."""
    for name, sizes in SHARD_TOKENS.items():
        write_source(tmp_path / "shards" / name, name, sizes)
    return tmp_path / "shards"


@pytest.fixture
def make_ours():
    """Turn a folder of shards into a finished result of ours."""

    def make(folder: Path, *, tokenizer: str | None = "a" * 64, kind: str = "tokens", fingerprint: str = "f" * 32, **lists) -> Path:
        names = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
        shards = [Shard(path.name, path.stat().st_size, sha256_file(path)) for path in names]
        facts = {"text_bytes": 3500, "num_tokens": 1000} | ({"tokenizer_sha256": tokenizer} if tokenizer else {})
        write_manifest(folder, Manifest(kind, [], fingerprint, [], shards, [], facts, **lists))
        return folder

    return make


@pytest.fixture
def make_recipe(shards: Path):
    """A recipe of code and math, two stages, holdouts; keywords replace its keys."""

    def make(**changes) -> Recipe:
        values = {
            "name": "toy", "seed": 17, "sequence_length": 8,
            "sources": {
                "code": {"shards": str(shards / "code")},
                "math": {"shards": str(shards / "math"), "max_epochs": 4, "holdout": "10%"},
            },
            "stages": [
                {"name": "one", "tokens": {"code": 800, "math": 400}},
                {"name": "two", "tokens": 1000, "weights": {"code": 1, "math": 3}},
            ],
        }  # fmt: skip
        return Recipe.model_validate(values | changes)

    return make


@pytest.fixture
def build(shards: Path, tmp_path: Path):
    """Build a recipe from the shards' folders; returns mixture.json's object."""

    def run(recipe: Recipe, output: Path | None = None, **options):
        sources = [source_from_paths(name, source.shards) for name, source in recipe.sources.items()]
        return build_mixture(recipe, sources, output or tmp_path / "mixture", **options)

    return run
