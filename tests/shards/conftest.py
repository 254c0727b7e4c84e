"""Shards to test with, and Megatron's own reader and writer."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from mathcode_data.shards.format import DTYPE_NAMES, HEADER, MAGIC, bin_path, idx_path
from mathcode_data.shards.writer import ShardWriter


@pytest.fixture(scope="session")
def indexed_dataset():
    """megatron-core's module of that name; its import warns of what is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("megatron.core.datasets.indexed_dataset", reason="the test extra megatron-core is not installed")


@pytest.fixture
def write_shard():
    def write(prefix: Path, documents, dtype=np.uint16) -> Path:
        with ShardWriter(prefix, dtype) as writer:
            for document in documents:
                writer.add(np.array(document, dtype=np.int64))
        return prefix

    return write


@pytest.fixture(scope="session")
def write_raw():
    """Write an `.idx` from its parts, sound or not, and a `.bin` of so many tokens 0, 1, 2, ..."""

    def write(prefix: Path, lengths, *, pointers=None, document_index=None, num_tokens=None, dtype="uint16", modes=b"") -> Path:
        item = np.dtype(dtype).itemsize
        lengths = np.array(lengths, dtype="<i4")
        ends = np.cumsum(lengths, dtype=np.int64) * item
        pointers = np.array(ends - lengths * item if pointers is None else pointers, dtype="<i8")
        edges = np.array(range(lengths.size + 1) if document_index is None else document_index, dtype="<i8")
        code = next(code for code, name in DTYPE_NAMES.items() if name == dtype)
        header = HEADER.pack(MAGIC, 1, code, lengths.size, edges.size)
        idx_path(prefix).write_bytes(header + lengths.tobytes() + pointers.tobytes() + edges.tobytes() + modes)
        bin_path(prefix).write_bytes(np.arange(int(lengths.sum()) if num_tokens is None else num_tokens).astype(dtype).tobytes())
        return prefix

    return write
