"""Document edges of a micro-batch, as attention over concatenated rows takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def row_edges(document_starts: Sequence[NDArray[np.integer]], sequence_length: int) -> NDArray[np.int32]:
    """Where each piece begins in the rows laid end to end, and their end; every row begins a piece.

    Args:
        document_starts: per row, the positions in it at which a document begins.
        sequence_length: S; starts at S or later (the last target) are of no account.

    >>> row_edges([np.array([2]), np.array([], dtype=int), np.array([0, 3, 4])], 4).tolist()
    [0, 2, 4, 8, 11, 12]
    """
    begins = np.zeros(len(document_starts) * sequence_length, dtype=bool)
    begins[::sequence_length] = True
    for row, starts in enumerate(document_starts):
        inside = np.asarray(starts, dtype=np.int64)
        begins[row * sequence_length + inside[(inside >= 0) & (inside < sequence_length)]] = True
    return np.append(np.flatnonzero(begins), begins.size).astype(np.int32)


def document_numbers(document_starts: Sequence[NDArray[np.integer]], sequence_length: int) -> NDArray[np.int32]:
    """Number of the piece that each token of the rows is in, shape (B, S), counted through all rows.

    >>> document_numbers([np.array([2]), np.array([0, 3])], 4).tolist()
    [[0, 0, 1, 1], [2, 2, 2, 3]]
    """
    edges = row_edges(document_starts, sequence_length)
    lengths = np.diff(edges)
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths).reshape(len(document_starts), sequence_length)
