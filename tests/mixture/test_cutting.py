"""What concat does to documents is counted, and single shards of a result still tell their tokenizer."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.cutting import concat_totals
from mathcode_data.shards.index import read_index
from mathcode_data.shards.writer import ShardWriter


def brute_force(lengths: list[int], size: int) -> tuple[int, int]:
    """Windows, and documents of which no window holds all tokens although one holds the first."""
    windows = max(0, (sum(lengths) - 1) // size)
    edges = np.cumsum([0, *lengths])
    cut = 0
    for start, stop in itertools.pairwise(edges):
        if stop > start and start // size < windows:
            cut += not any(k * size <= start and stop <= (k + 1) * size + 1 for k in range(windows))
    return windows, cut


@hypothesis.given(st.lists(st.integers(0, 14), min_size=1, max_size=25).filter(any), st.integers(1, 9))
@hypothesis.example([5, 4, 4, 1], 4)
def test_documents_cut_are_those_that_no_window_holds(lengths: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "a-00000"
        with ShardWriter(prefix, np.uint16) as writer:
            for length in lengths:
                writer.add(np.ones(length, dtype=np.int64))
        totals = concat_totals(read_index(prefix), size)
    windows, cut = brute_force(lengths, size)
    assert (totals.num_samples, totals.documents_cut, totals.padded) == (windows, cut, 0)
    assert totals.documents == sum(length > 0 for length in lengths)
    assert (totals.tokens, totals.trained) == (sum(lengths), windows * size)


def test_a_built_mixture_reports_what_is_cut(build, make_recipe) -> None:
    found = {source["name"]: source["packing"] for source in build(make_recipe())["sources"]}
    assert found["code"]["tokens"] == 1700
    assert found["code"]["trained"] == (124 + 87) * 8
    assert 0 < found["code"]["documents_cut"] < found["code"]["documents"]


def test_single_shards_of_results_with_other_tokenizers_are_refused_as_their_folders_are(build, make_recipe, make_ours, shards) -> None:
    make_ours(shards / "code", tokenizer="a" * 64)
    make_ours(shards / "math", tokenizer="b" * 64)
    sources = {
        "code": {"shards": [str(shards / "code" / "code-00000"), str(shards / "code" / "code-00001")]},
        "math": {"shards": str(shards / "math" / "math-00000.bin"), "max_epochs": 4},
    }
    with pytest.raises(ConfigError, match=r"source 'math' was made with the tokenizer of sha256 bbbbbbbbbbbb"):
        build(make_recipe(sources=sources))
    make_ours(shards / "math", tokenizer="a" * 64)
    info = build(make_recipe(sources=sources))
    assert any("single shards of a result" in notice for notice in info["notices"])
