"""Runs of neighbouring documents of token shards: all of them, or a sample, with the edges between documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.inspect.sampling import blocks
from mathcode_data.shards.format import idx_path
from mathcode_data.shards.index import read_index
from mathcode_data.shards.reader import TokenShard

DEEP_IDX_BYTES = 64 << 20
"""Indexes up to this size are checked whole when they are opened; of larger ones only the header, unless all is read."""
RUN_DOCUMENTS = 1 << 16
MAX_RUN_TOKENS = 1 << 20
"""Tokens of one run of a sample; what a longer one holds beyond is not read."""


@dataclass(frozen=True)
class ShardHead:
    """What header and sizes say."""

    prefix: Path
    num_documents: int
    num_tokens: int
    dtype: str
    bin_bytes: int


@dataclass(frozen=True)
class Run:
    """Neighbouring documents of one shard."""

    prefix: Path
    first: int
    """Number of the first document in its shard."""
    tokens: NDArray[Any]
    edges: NDArray[np.int64]
    """Offsets in `tokens`; document k of the run is edges[k]..edges[k + 1] - 1."""
    is_cut: bool
    """Whether the last document goes on behind the end of `tokens`."""

    @property
    def num_documents(self) -> int:
        """Documents in the run."""
        return self.edges.size - 1

    def document(self, number: int) -> NDArray[Any]:
        """Tokens of one document of the run."""
        return self.tokens[int(self.edges[number]) : int(self.edges[number + 1])]


def heads(prefixes: Sequence[Path]) -> list[ShardHead]:
    """Headers of some shards; 34 bytes and two sizes each."""
    found = []
    for prefix in prefixes:
        index = read_index(prefix, deep=False)
        found.append(ShardHead(prefix, index.layout.num_document_indices - 1, index.num_tokens, index.dtype.name, index.bin_bytes))
    return found


def open_shard(prefix: Path, *, full: bool) -> TokenShard:
    """Open a shard; a large index is trusted unless everything is read."""
    deep = full or idx_path(prefix).stat().st_size <= DEEP_IDX_BYTES
    return TokenShard(prefix) if deep else TokenShard(prefix, index=read_index(prefix, deep=False))


def document_lengths(known: Sequence[ShardHead], limit: int | None, *, full: bool) -> NDArray[np.int64]:
    """Tokens of each document, or of those of a sample of `limit`; reads no token."""
    parts = []
    for head, first, stop in _spans(known, limit):
        with open_shard(head.prefix, full=full) as shard:
            parts += [np.diff(_edges(shard, low, min(low + RUN_DOCUMENTS, stop))) for low in range(first, stop, RUN_DOCUMENTS)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def read_runs(known: Sequence[ShardHead], limit: int | None) -> Iterator[Run]:
    """Runs of documents with their tokens: of all documents, or of a sample of `limit`."""
    for head, first, stop in _spans(known, limit):
        with open_shard(head.prefix, full=limit is None) as shard:
            if not shard.is_contiguous:
                yield from _scattered(shard, first, stop, limit)
            elif limit is None:
                yield from _whole(shard, first, stop)
            else:
                yield _run(shard, first, _edges(shard, first, stop), MAX_RUN_TOKENS)


def _spans(known: Sequence[ShardHead], limit: int | None) -> Iterator[tuple[ShardHead, int, int]]:
    """The runs that `blocks` chose among all documents, cut at the ends of shards."""
    wanted = blocks(sum(head.num_documents for head in known), limit)
    begin = 0
    for head in known:
        for first, stop in wanted:
            low, high = max(first - begin, 0), min(stop - begin, head.num_documents)
            if low < high:
                yield head, low, high
        begin += head.num_documents


def _edges(shard: TokenShard, first: int, stop: int) -> NDArray[np.int64]:
    """Offsets of the documents first..stop-1 from the first one's start, and of the end of the last."""
    sequences = np.array(shard.document_index[first : stop + 1], dtype=np.int64)
    low, high = int(sequences[0]), int(sequences[-1])
    if (np.diff(sequences) < 0).any() or low < 0 or high > shard.num_sequences:
        raise DataError(f"{idx_path(shard.prefix)}: document edges {first}..{stop} fall or leave the index; it is damaged: run verify")
    ends = np.cumsum(np.array(shard.lengths[low:high], dtype=np.int64))
    edges = np.concatenate([np.zeros(1, np.int64), ends])[sequences - low]
    if (np.diff(edges) < 0).any():
        raise DataError(f"{idx_path(shard.prefix)}: documents {first}..{stop - 1}: a negative length; the index is damaged: run verify")
    return edges


def _whole(shard: TokenShard, first: int, stop: int) -> Iterator[Run]:
    """All documents, in runs of about a million tokens or one document."""
    for low in range(first, stop, RUN_DOCUMENTS):
        edges = _edges(shard, low, min(low + RUN_DOCUMENTS, stop))
        begin = 0
        while begin < edges.size - 1:
            end = max(begin + 1, int(np.searchsorted(edges, edges[begin] + MAX_RUN_TOKENS, side="right")) - 1)
            yield _run(shard, low + begin, edges[begin : end + 1] - edges[begin], None)
            begin = end


def _run(shard: TokenShard, first: int, edges: NDArray[np.int64], max_tokens: int | None) -> Run:
    is_cut = False
    if max_tokens is not None and int(edges[-1]) > max_tokens:
        whole = int(np.searchsorted(edges, max_tokens, side="right"))  # edges[:whole] lie within
        edges = edges[:whole] if whole > 1 else np.array([0, max_tokens])
        is_cut = whole <= 1
    start = shard.document_start(first)
    return Run(shard.prefix, first, shard.tokens(start, start + int(edges[-1])), edges, is_cut)


def _scattered(shard: TokenShard, first: int, stop: int, limit: int | None) -> Iterator[Run]:
    """One run per document, where sequences do not lie one after the other."""
    for number in range(first, stop):
        tokens = shard.document(number)
        is_cut = limit is not None and tokens.size > MAX_RUN_TOKENS
        tokens = tokens[:MAX_RUN_TOKENS] if is_cut else tokens
        yield Run(shard.prefix, number, tokens, np.array([0, tokens.size], dtype=np.int64), is_cut)
