"""Counts beyond 2**31 and 2**32, by sparse files: every number of a mixture is 64 bits wide. Sources of one document."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.schema import Recipe
from mathcode_data.mixture.sources import source_from_path
from mathcode_data.mixture.verify import verify_mixture
from mathcode_data.shards.format import HEADER, MAGIC, TOKEN_CODES, VERSION, bin_path, idx_path

SEQUENCE_TOKENS = 2**31 - 1
"""As many as a sequence can have: its length is an int32."""


def sparse_shard(prefix: Path, num_tokens: int) -> Path:
    """A shard of zeros that takes no room on the disk; skips where the file system has no such files."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    full, rest = divmod(num_tokens, SEQUENCE_TOKENS)
    lengths = np.array([SEQUENCE_TOKENS] * full + [rest] * bool(rest), dtype=np.int64)
    with idx_path(prefix).open("wb") as file:
        file.write(HEADER.pack(MAGIC, VERSION, TOKEN_CODES["uint8"], lengths.size, lengths.size + 1))
        for array in (lengths.astype("<i4"), (np.cumsum(lengths) - lengths).astype("<i8"), np.arange(lengths.size + 1, dtype="<i8")):
            file.write(array.tobytes())
    try:
        bin_path(prefix).touch()
        os.truncate(bin_path(prefix), num_tokens)
    except OSError as error:
        pytest.skip(f"no sparse file of {num_tokens:,} bytes here: {error}")
    return prefix


def recipe_of(sources: dict[str, Path], tokens: dict[str, int], length: int, **changes) -> Recipe:
    named = {name: {"shards": str(path)} for name, path in sources.items()}
    return Recipe.model_validate(
        {"name": "big", "sequence_length": length, "sources": named, "stages": [{"name": "a", "tokens": tokens}], "index": "virtual"}
        | changes
    )


def test_window_numbers_beyond_two_to_the_32_are_read_where_they_are(tmp_path: Path):
    """Windows of one token: 5e9 of them in one shard; a wrapped number would read another token or none."""
    prefix = sparse_shard(tmp_path / "big" / "big-00000", 5_000_000_000)
    recipe = recipe_of({"big": prefix}, {"big": 4_999_999_999}, 1)
    info = build_mixture(recipe, [source_from_path("big", prefix)], tmp_path / "mixture")
    assert info["num_samples"] == 4_999_999_999 == info["sources"][0]["windows"]
    with MixtureDataset(tmp_path / "mixture") as dataset:
        positions = [0, 2**31, 2**32, 4_999_999_998, *range(10**9, 10**9 + 60)]
        samples = [dataset.sample(position) for position in positions]
        assert max(sample.window for sample in samples) > 2**32
        assert [sample.token_start for sample in samples] == [sample.window for sample in samples]
        at, marked = max(enumerate(samples), key=lambda item: item[1].window)
        with bin_path(prefix).open("r+b") as file:
            file.seek(marked.window)
            file.write(b"\x07")
    with MixtureDataset(tmp_path / "mixture", check_shards=False) as dataset:
        assert dataset.sample(positions[at]).tokens[0] == 7


@pytest.mark.slow
def test_a_mixture_of_fifteen_trillion_tokens_is_built_opened_and_read(tmp_path: Path):
    sources = {}
    for name, shards in (("code", 10), ("math", 5)):
        for number in range(shards):
            sparse_shard(tmp_path / name / f"{name}-{number:05d}", 10**12)
        sources[name] = tmp_path / name
    tokens = {"code": 9_900 * 10**9, "math": 4_900 * 10**9}
    recipe = recipe_of(sources, tokens, 4096)
    info = build_mixture(recipe, [source_from_path(name, path) for name, path in sources.items()], tmp_path / "mixture")
    assert info["num_tokens"] == 14_800 * 10**9 // 4096 * 4096
    assert info["num_samples"] > 3.6e9
    with MixtureDataset(tmp_path / "mixture") as dataset:
        positions = np.array([0, 2**31, len(dataset) - 1])
        tokens_BS1, found, _, _ = dataset.batch(positions)
        assert tokens_BS1.shape == (3, 4097)
        assert found.tolist() == [dataset.plan.place(position).source for position in positions.tolist()]
    assert verify_mixture(tmp_path / "mixture") == []


@pytest.mark.parametrize("index", ["written", "virtual"])
def test_sources_of_one_document_or_one_token_have_exact_shares(build, make_recipe, source_writer, tmp_path: Path, index: str):
    """One window, no window, 211 windows: what is asked of the empty one in vain is refused, or goes to the others."""
    one, none = source_writer(tmp_path / "one", "one", [10]), source_writer(tmp_path / "none", "none", [1])
    sources = {name: source.model_dump(exclude_none=True) for name, source in make_recipe().sources.items() if name == "code"}
    sources |= {"one": {"shards": str(one)}, "none": {"shards": str(none)}}
    stage = {"name": "a", "tokens": 800, "weights": {"code": 8, "one": 1, "none": 1}, "on_exhausted": "renormalise"}
    info = build(make_recipe(sources=sources, stages=[stage], index=index))
    assert {name: part["num_samples"] for name, part in info["stages"][0]["sources"].items()} == {"code": 99, "one": 1, "none": 0}
    assert Fraction(info["stages"][0]["sources"]["one"]["epochs"]) == 1
    assert verify_mixture(tmp_path / "mixture", full=True) == []
