"""Ids of many documents put into another order: kept while they come, joined stretch by stretch."""

# N documents, T tokens of all of them

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.stages.tokenize.encoder import Lengths

SPOOL_BYTES = 1 << 28
COPY_TOKENS = 1 << 20
SHORT_TOKENS = 100


class Spool:
    """The ids of a shard in the order of its rows: in memory, and in a file when they are more than SPOOL_BYTES."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self._path, self._dtype = path, dtype
        self._held: list[NDArray[Any]] = []
        self._held_bytes = 0
        self._file: IO[bytes] | None = None

    def add(self, ids: NDArray[Any]) -> None:
        """Keep more ids."""
        self._held.append(ids)
        self._held_bytes += ids.nbytes
        if self._held_bytes > SPOOL_BYTES:
            self._file = self._file or self._path.open("wb")
            self._flush(self._file)

    def _flush(self, file: IO[bytes]) -> None:
        for ids in self._held:
            file.write(ids.data)
        self._held, self._held_bytes = [], 0

    def ids(self) -> NDArray[Any]:
        """All ids."""
        if self._file is None:
            ids = np.concatenate([np.empty(0, self._dtype), *self._held])
            self._held = []
            return ids
        self._flush(self._file)
        self._file.flush()
        return np.memmap(self._path, dtype=self._dtype, mode="r")

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._path.unlink()


def in_order(ids_T: NDArray[Any], lengths_N: Lengths, order: NDArray[np.int64]) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield the ids of the documents in another order, about COPY_TOKENS at a time, and of how many documents they are."""
    starts_N = np.cumsum(lengths_N) - lengths_N
    edges = np.concatenate([[0], np.cumsum(lengths_N[order])]).astype(np.int64)
    for first, stop in runs_of(edges, COPY_TOKENS):
        chosen = order[first:stop]
        yield gather(ids_T, starts_N[chosen], lengths_N[chosen]), stop - first


def gather(ids_T: NDArray[Any], starts_N: Lengths, lengths_N: Lengths) -> NDArray[Any]:
    """Join stretches of an array.

    >>> gather(np.arange(10), np.array([7, 2]), np.array([1, 3])).tolist()
    [7, 2, 3, 4]
    """
    total = int(lengths_N.sum())
    if total > SHORT_TOKENS * lengths_N.size:  # copying stretch by stretch costs 0.3 us each, by index 2 ns a token
        return np.concatenate([ids_T[start : start + size] for start, size in zip(starts_N.tolist(), lengths_N.tolist(), strict=True)])
    shifts = np.repeat(starts_N - (np.cumsum(lengths_N) - lengths_N), lengths_N)
    return ids_T[shifts + np.arange(total)]


def runs_of(edges: NDArray[np.int64], num_tokens: int) -> Iterator[tuple[int, int]]:
    """Cut documents 0..N-1 into runs of about `num_tokens`; `edges` holds N + 1 places."""
    first, last = 0, edges.size - 1
    while first < last:
        stop = max(first + 1, int(np.searchsorted(edges, edges[first] + num_tokens, side="right")) - 1)
        yield first, min(stop, last)
        first = stop
