"""Documents, positions and boundaries, against a slow reading of the definition."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import DataError
from mathcode_data.shards.format import bin_path
from mathcode_data.shards.index import read_index
from mathcode_data.shards.reader import TokenShard


@st.composite
def layouts(draw):
    """Lengths of sequences, and document edges: several sequences or none may make a document."""
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=12))
    cuts = draw(st.lists(st.integers(0, len(lengths)), max_size=10))
    return lengths, [0, *sorted(cuts), len(lengths)]


@hypothesis.settings(max_examples=15)
@hypothesis.given(layouts())
def test_positions_find_their_document_and_windows_their_boundaries(tmp_path_factory, write_raw, layout):
    lengths, edges = layout
    prefix = write_raw(tmp_path_factory.mktemp("shard") / "a", lengths, document_index=edges)
    documents = [sum(lengths[low:high]) for low, high in pairwise(edges)]
    owner = [number for number, size in enumerate(documents) for _ in range(size)]
    begins = {sum(documents[:number]) for number, size in enumerate(documents) if size}
    with TokenShard(prefix) as shard:
        assert (shard.num_tokens, shard.num_documents, shard.num_sequences) == (len(owner), len(documents), len(lengths))
        assert shard.document_of(np.arange(len(owner))).tolist() == owner
        for start in range(len(owner)):
            for stop in range(start, len(owner) + 1):
                expected = [position - start for position in range(start, stop) if position in begins]
                assert shard.boundaries(start, stop).tolist() == expected
        for number, size in enumerate(documents):
            first = sum(documents[:number])
            assert shard.document(number).tolist() == list(range(first, first + size))
            assert shard.document_start(number) == first
        assert shard.document_start(len(documents)) == len(owner)


def test_the_search_for_boundaries_widens_past_many_documents_in_one_window(write_raw, tmp_path: Path):
    with TokenShard(write_raw(tmp_path / "a", [1] * 1000)) as shard:
        assert shard.boundaries(3, 900).tolist() == list(range(897))


def test_read_into_equals_the_view(write_shard, tmp_path: Path):
    with TokenShard(write_shard(tmp_path / "a", [range(1000)])) as shard:
        out = np.empty(50, dtype=np.uint16)
        shard.prefetch(7, 57)
        shard.read_into(out, 7)
        assert out.tolist() == shard.tokens(7, 57).tolist() == list(range(7, 57))
        with pytest.raises(DataError, match="int64"):
            shard.read_into(np.empty(5, dtype=np.int64), 0)


def test_views_cannot_be_written(write_shard, tmp_path: Path):
    with TokenShard(write_shard(tmp_path / "a", [[1, 2]])) as shard, pytest.raises(ValueError, match="read-only"):
        shard.tokens(0, 2)[0] = 5


def test_a_view_outlives_the_shard(write_shard, tmp_path: Path):
    with TokenShard(write_shard(tmp_path / "a", [[1, 2]])) as shard:
        view = shard.tokens(0, 2)
    assert view.tolist() == [1, 2]


def test_sequences_out_of_order_give_documents_but_no_positions(write_raw, tmp_path: Path):
    prefix = write_raw(tmp_path / "a", [2, 3], pointers=[6, 0], document_index=[0, 2])
    with TokenShard(prefix) as shard:
        assert not shard.is_contiguous
        assert shard.document(0).tolist() == [3, 4, 0, 1, 2]
        for ask in (lambda: shard.boundaries(0, 5), lambda: shard.document_of([0]), lambda: shard.document_start(0)):
            with pytest.raises(DataError, match="gaps or overlap"):
                ask()


@pytest.mark.parametrize("call", ["tokens", "read_into"])
def test_a_shard_that_is_cut_while_it_is_open_raises_and_does_not_kill(write_shard, tmp_path: Path, call: str):
    prefix = write_shard(tmp_path / "a", [range(100_000 // 2)])
    with TokenShard(prefix) as shard:
        os.truncate(bin_path(prefix), 10)
        with pytest.raises(DataError, match="somebody writes"):
            shard.tokens(0, 40_000) if call == "tokens" else shard.read_into(np.empty(40_000, dtype=np.uint16), 0)


def test_a_known_index_is_taken_only_while_the_sizes_are_the_same(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1, 2, 3]])
    index = read_index(prefix)
    TokenShard(prefix, index=index).close()
    write_shard(prefix, [[1, 2, 3, 4]])
    with pytest.raises(DataError, match="when it was checked"):
        TokenShard(prefix, index=index)


def test_an_empty_shard_of_others_opens(write_raw, tmp_path: Path):
    with TokenShard(write_raw(tmp_path / "a", [])) as shard:
        assert (shard.num_documents, shard.num_tokens, shard.tokens(0, 0).tolist()) == (0, 0, [])
        assert shard.boundaries(0, 0).tolist() == []


@pytest.mark.parametrize("span", [(-1, 2), (2, 1), (0, 4)])
def test_spans_outside_the_shard_are_refused(write_shard, tmp_path: Path, span):
    with TokenShard(write_shard(tmp_path / "a", [[1, 2, 3]])) as shard, pytest.raises(DataError, match="within the shard"):
        shard.tokens(*span)


def test_dropped_shards_give_their_files_back(write_shard, tmp_path: Path):
    prefix = write_shard(tmp_path / "a", [[1, 2, 3]])
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        TokenShard(prefix).tokens(0, 3)
    assert len(os.listdir("/proc/self/fd")) == before
