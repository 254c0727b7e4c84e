"""What `packing: concat` does to documents: windows follow each other without padding, so a document is cut where one ends."""

from __future__ import annotations

import numpy as np

from mathcode_data.mixture.packed import PackingTotals
from mathcode_data.mixture.windows import count_windows
from mathcode_data.shards.index import Index
from mathcode_data.shards.reader import TokenShard

BLOCK = 1 << 18
"""Documents counted at a time."""


def concat_totals(index: Index, sequence_length: int) -> PackingTotals:
    """Count the documents of a shard that its windows cut, in blocks, from the `.idx` alone.

    Window k predicts tokens k S + 1 to (k + 1) S. A document is cut if no single window holds all of its tokens; one that lies
    behind the last window is not trained on and does not count as cut.
    """
    windows = count_windows(index.num_tokens, sequence_length)
    documents = cut = pieces = 0
    with TokenShard(index.prefix, index=index) as shard:
        edges_of, pointers = shard.document_index, shard.pointers
        for begin in range(0, max(0, len(edges_of) - 1), BLOCK):
            sequences = np.asarray(edges_of[begin : begin + BLOCK + 1], dtype=np.int64)
            inside = sequences < len(pointers)
            edges = np.full(sequences.size, shard.num_tokens, dtype=np.int64)
            edges[inside] = np.asarray(pointers[sequences[inside]], dtype=np.int64) // shard.dtype.itemsize
            starts, stops = edges[:-1], edges[1:]
            documents += int((stops > starts).sum())
            first = starts // sequence_length
            last = np.maximum(stops - 2, starts) // sequence_length  # a document's last token may be the last target of a window
            held = (stops > starts) & (first < windows)
            cut += int((held & (last > first)).sum())
            pieces += int((np.minimum(last, windows - 1) - first + 1)[held].sum())
    return PackingTotals(
        num_samples=windows, documents=documents, documents_cut=cut, tokens=index.num_tokens, trained=windows * sequence_length,
        padded=0, pieces=pieces,
    )  # fmt: skip
