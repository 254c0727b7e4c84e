"""Attention kernels for GPUs, as far as a CPU can tell: their masks, and that they are refused where they cannot run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from mathcode_data.core.errors import ConfigError
from mathcode_data.trainer.kernels import registry
from mathcode_data.trainer.kernels.attention import flex, reference, varlen
from mathcode_data.trainer.kernels.document_edges import document_numbers, row_edges

CPU = torch.device("cpu")


@st.composite
def rows_of_starts(draw):
    length = draw(st.integers(1, 12))
    rows = draw(st.lists(st.lists(st.integers(0, length + 2), unique=True), min_size=1, max_size=3))
    return length, [np.array(sorted(row), dtype=np.int64) for row in rows]


@given(rows_of_starts())
@settings(max_examples=25)
def test_edges_and_numbers_of_documents_give_the_references_mask(case):
    length, starts = case
    numbers = document_numbers(starts, length)
    causal = np.tril(np.ones((length, length), bool))
    expected = reference.prepare(starts, length, CPU)
    found = (numbers[:, :, None] == numbers[:, None, :]) & causal
    assert (found == (causal if expected is None else expected[:, 0].numpy())).all()
    edges = row_edges(starts, length)
    assert (np.diff(edges) > 0).all(), "no document is empty"
    assert set(range(0, len(starts) * length + 1, length)) <= set(edges.tolist()), "no document crosses a row's edge"


@given(st.integers(1, 300))
@settings(max_examples=20)
def test_padded_edges_have_few_lengths_and_pad_with_empty_documents(num_documents):
    edges = varlen.prepare([np.arange(num_documents) * 2], 600, CPU)
    assert (len(edges) - 1).bit_count() == 1
    assert len(edges) > varlen.MIN_EDGES
    assert edges.dtype == torch.int32
    assert edges[: num_documents + 1].tolist() == [*range(0, 2 * num_documents, 2), 600]
    assert set(edges[num_documents:].tolist()) == {600}


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_flex_attention_sees_what_the_reference_sees(kv_heads):
    starts = [np.array([0, 5, 6]), np.array([3]), np.array([], dtype=np.int64)]
    generator = torch.Generator().manual_seed(0)
    queries, keys, values = (torch.randn(3, heads, 16, 8, generator=generator) for heads in (4, kv_heads, kv_heads))
    expected, found = (module.attention(queries, keys, values, module.prepare(starts, 16, CPU)) for module in (reference, flex))
    assert_close(found, expected, atol=2e-6, rtol=1e-5)  # float32 sums of 16 terms in another order
    plain = [module.attention(queries, keys, values, None) for module in (reference, flex, varlen)]
    assert_close(plain[1], plain[0])
    assert_close(plain[2], plain[0], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("name", "reason"), [("varlen", "FlashAttention, which is written for GPUs"), ("flex", "gradients on GPUs only")])
def test_attention_for_gpus_is_refused_on_a_cpu_with_the_reason(name, reason):
    with pytest.raises(ConfigError, match=rf"'{name}' cannot run on cpu: .*{reason}"):
        registry.load_kernel("attention", name, CPU)
    assert registry.load_kernel("attention", "auto", CPU)[0] == "reference"


def test_a_kernel_that_lacks_a_precision_is_refused_by_name_and_passed_over_by_auto(monkeypatch):
    monkeypatch.setattr(varlen, "unavailable", lambda device: None)
    with pytest.raises(ConfigError, match="it does not compute in float32"):
        registry.load_kernel("attention", "varlen", CPU, torch.float32)
    assert registry.load_kernel("attention", "auto", CPU, torch.float32)[0] == "reference"
    assert registry.load_kernel("attention", "auto", CPU, torch.bfloat16)[0] == "varlen"
