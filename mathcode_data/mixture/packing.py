"""Best-fit packing: documents are cut only where they are longer than a sample, and samples are filled up with whole ones.

A sample holds `capacity` tokens (sequence_length + 1). A document that fits is never cut; a longer one gives whole samples,
neighbours sharing one token as windows do (so that no prediction is lost), and a rest that is packed with the others. Rests
and short documents are packed by best-fit decreasing (Ding et al. 2024, "Fewer Truncations Improve Language Modeling"): the
longest first, each into the fullest sample that still has room for it.

Lengths are whole numbers up to `capacity`, so documents of one length and samples of one room are handled as groups: a
counting sort and one step per pair of groups, linear in the documents.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Packed:
    """Samples of packed pieces: sample b holds the pieces offsets[b]..offsets[b + 1] - 1, laid end to end."""

    offsets: NDArray[np.int64]
    """(num_samples + 1,)."""
    documents: NDArray[np.int64]
    """Document of each piece."""
    starts: NDArray[np.int64]
    """First token of each piece within its document."""
    lengths: NDArray[np.int64]
    """Tokens of each piece."""

    @property
    def num_samples(self) -> int:
        """Samples."""
        return self.offsets.size - 1


def pack_documents(lengths: NDArray[np.int64], capacity: int) -> Packed:
    """Pack documents into samples of at most `capacity` tokens.

    Args:
        lengths: tokens of each document; documents without tokens are in no sample.
        capacity: tokens of a sample, sequence_length + 1; at least 2.

    Returns:
        Whole samples of long documents first, in the order of the documents, then the packed ones. Pieces of a sample are in
        falling length. The same lengths give the same samples.

    Raises:
        ValueError: a capacity below 2, or a negative length.

    >>> packed = pack_documents(np.array([3, 9, 2, 4]), 5)
    >>> [packed.lengths[a:b].tolist() for a, b in zip(packed.offsets, packed.offsets[1:])]
    [[5], [5], [4], [3, 2]]
    """
    if capacity < 2:
        raise ValueError(f"capacity {capacity}; a sample has at least 2 tokens: one to read, one to predict")
    lengths = np.ascontiguousarray(lengths, dtype=np.int64)
    if lengths.size and int(lengths.min()) < 0:
        raise ValueError(f"document {int(lengths.argmin())} has {int(lengths.min())} tokens; lengths are 0 or more")
    step = capacity - 1
    # a document of n tokens has n - 1 predictions; a whole sample takes `step` of them and shares its last token with the next
    num_whole = np.where(lengths > capacity, (lengths - 1) // step, 0)
    rest = np.where(lengths > capacity, lengths - num_whole * step, lengths)
    rest[(lengths > capacity) & (rest < 2)] = 0  # the last token of the last whole sample is no piece of its own
    whole_documents = np.repeat(np.arange(lengths.size, dtype=np.int64), num_whole)
    first_whole = np.cumsum(num_whole) - num_whole
    whole_starts = (np.arange(whole_documents.size, dtype=np.int64) - first_whole[whole_documents]) * step
    to_pack = np.flatnonzero(rest)
    bins, order = best_fit(rest[to_pack], capacity)
    by_bin = np.argsort(bins, kind="stable")  # radix sort of numpy: linear; within a sample longest first
    pieces = to_pack[order[by_bin]]
    counts = np.bincount(bins) if bins.size else np.zeros(0, dtype=np.int64)
    ends = np.cumsum(counts, dtype=np.int64) + whole_documents.size
    return Packed(
        offsets=np.concatenate([np.arange(whole_documents.size + 1, dtype=np.int64), ends]),
        documents=np.concatenate([whole_documents, pieces]),
        starts=np.concatenate([whole_starts, (num_whole * step)[pieces]]),
        lengths=np.concatenate([np.full(whole_documents.size, capacity, dtype=np.int64), rest[pieces]]),
    )


def best_fit(sizes: NDArray[np.int64], capacity: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best-fit decreasing of pieces of 1..capacity tokens.

    Returns:
        `(bins, order)`: the piece order[k], k-th by falling size and then by number, lies in sample bins[k]. Samples are
        numbered as they are opened.
    """
    order = np.argsort(capacity - sizes.astype(np.min_scalar_type(capacity)), kind="stable")  # a radix sort up to 16 bits
    counts = np.bincount(sizes, minlength=capacity + 1)
    bins = np.empty(sizes.size, dtype=np.int64)
    room = _Room()
    placed = 0
    for size in range(capacity, 0, -1):
        stop = placed + int(counts[size])
        while placed < stop:
            placed += room.place(bins[placed:stop], size, capacity)
    return bins, order


class _Room:
    """Open samples, in groups of the same room."""

    def __init__(self) -> None:
        self.num_open = 0
        self._rooms: list[int] = []
        self._samples: dict[int, list[NDArray[np.int64]]] = {}

    def place(self, bins: NDArray[np.int64], size: int, capacity: int) -> int:
        """Place pieces of one size where they fit best, and set their samples in `bins`; returns how many were placed.

        A sample with room for q more of them takes q before the next one is touched: after the first it is fuller than its
        group, so it stays the best fit.
        """
        at = bisect_left(self._rooms, size)
        room = self._rooms[at] if at < len(self._rooms) else capacity
        per_sample = room // size
        if at < len(self._rooms):
            samples = self._samples[room].pop()
            if not self._samples[room]:
                del self._samples[room], self._rooms[at]
        else:
            samples = np.arange(self.num_open, self.num_open - (-bins.size // per_sample), dtype=np.int64)
            self.num_open += samples.size
        full, extra = divmod(bins.size, per_sample)
        if full >= samples.size:
            full, extra = samples.size, 0
        num_placed = full * per_sample + extra
        bins[: full * per_sample] = np.repeat(samples[:full], per_sample)
        self._keep(room - per_sample * size, samples[:full])
        if extra:
            bins[full * per_sample : num_placed] = samples[full]
            self._keep(room - extra * size, samples[full : full + 1])
        self._keep(room, samples[full + bool(extra) :])
        return num_placed

    def _keep(self, room: int, samples: NDArray[np.int64]) -> None:
        if not room or not samples.size:
            return
        if room not in self._samples:
            insort(self._rooms, room)
            self._samples[room] = []
        self._samples[room].append(samples)
