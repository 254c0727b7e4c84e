"""Rank documents that lie in many shards, and cut the ranking at a budget, exactly and with bounded memory.

A ranking is by (key, doc_id): the key is 64 bits, smaller is better, and the 128 bits of `doc_id` break ties. So it depends
neither on how the documents lie in shards nor on the order of the shards. Keys come from scores (`descending_keys`) or from
a keyed hash of the id (`keyed_hashes`), which makes the first documents of the ranking a uniform random sample.

A shard's part of the ranking is a `.npy` of one row per document: key, doc_id (high, low), weight. `find_cut` reads the parts
digit by digit (a radix select), so that it holds no more than MAX_ROWS rows, however many documents there are.
"""

# N documents of one shard

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.stages.ids import Words

DIGIT_BITS = 16
MAX_ROWS = 1 << 22  # 4 columns of 8 bytes: 128 MB
MAX_TOTAL = 1 << 53  # sums of weights are kept in float64 by np.bincount, exact up to here
BLOCK_ROWS = 1 << 20


def keyed_hashes(ids_N2: Words, seed: int, purpose: str) -> Words:
    """Hash ids under a key made of `seed` and `purpose`; uniform on 64 bits, the same on every machine.

    Another purpose gives an independent order. splitmix64 (Steele, Lea, Flood 2014) over both halves; not cryptographic.

    >>> keyed_hashes(np.array([[0, 1], [0, 2]], np.uint64), seed=7, purpose="order").tolist()
    [10540880345027958639, 90566521233988429]
    """
    digest = hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=16).digest()
    key_high, key_low = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    return _mix(_mix(ids_N2[:, 0] ^ key_high) ^ ids_N2[:, 1] ^ key_low)


def _mix(values: Words) -> Words:
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def descending_keys(scores: NDArray[np.float64]) -> Words:
    """Map scores to keys whose ascending order is the descending order of the scores; -0.0 counts as 0.0.

    >>> keys = descending_keys(np.array([2.5, 0.1, -3.0]))
    >>> bool(keys[0] < keys[1] < keys[2])
    True
    """
    bits = (scores + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    ascending = np.where(bits & sign, ~bits, bits | sign)  # the order of the bits is the order of the floats
    return np.asarray(~ascending, dtype=np.uint64)


def save_part(path: Path, keys_N: Words, ids_N2: Words, weights_N: NDArray[Any]) -> None:
    """Write one shard's part of a ranking."""
    np.save(path, np.column_stack([keys_N, ids_N2, weights_N.astype(np.uint64)]))


@dataclass(frozen=True)
class Cut:
    """Where a ranking ends: before the document `end` (key, high, low); None keeps all."""

    end: tuple[int, int, int] | None
    num_documents: int
    total: int
    """Weight of the documents before the cut."""

    def keeps(self, keys_N: Words, ids_N2: Words) -> NDArray[np.bool_]:
        """Tell which documents stand before the cut."""
        if self.end is None:
            return np.ones(keys_N.size, dtype=bool)
        key, high, low = (np.uint64(word) for word in self.end)
        before_id = (ids_N2[:, 0] < high) | ((ids_N2[:, 0] == high) & (ids_N2[:, 1] < low))
        return np.asarray((keys_N < key) | ((keys_N == key) & before_id))

    def to_json(self) -> dict[str, Any]:
        """Plain data; the words as text, because JSON numbers end at 2**53 elsewhere."""
        end = None if self.end is None else [f"{word:016x}" for word in self.end]
        return {"end": end, "num_documents": self.num_documents, "total": self.total}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Cut:
        """Read back what `to_json` wrote."""
        end = data["end"]
        words = None if end is None else (int(end[0], 16), int(end[1], 16), int(end[2], 16))
        return Cut(words, data["num_documents"], data["total"])


def find_cut(parts: Sequence[Path], budget: int) -> Cut:
    """Find the longest beginning of the ranking whose weights sum to at most `budget`.

    Documents with equal key and id (one document that lies in two shards) stay or go together.

    Raises:
        DataError: the weights sum to 2**53 or more.
    """
    prefix, depth, rows_before, total_before = 0, 0, 0, 0
    while depth < 64:
        counts, totals = _count_digits(parts, prefix, depth)
        ends = total_before + np.cumsum(totals)
        if depth == 0 and ends[-1] >= MAX_TOTAL:
            raise DataError(f"{len(parts)} shards: weights sum to {ends[-1]:.3g}; the ranking adds them exactly up to 2**53 only")
        digit = int(np.searchsorted(ends, budget, side="right"))
        if digit == ends.size:
            assert depth == 0, "a deeper digit is looked at only where the budget ends inside the prefix"
            return Cut(None, int(counts.sum()), int(ends[-1]))
        rows_before += int(counts[:digit].sum())
        total_before = int(ends[digit] - totals[digit])
        prefix, depth = (prefix << DIGIT_BITS) | digit, depth + DIGIT_BITS
        if counts[digit] <= MAX_ROWS:
            break
    rows = np.concatenate([block[_has_prefix(block, prefix, depth)] for block in _blocks(parts)])
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    totals_after = total_before + np.cumsum(rows[:, 3].astype(np.int64))
    end = rows[int(np.searchsorted(totals_after, budget, side="right")), :3]
    kept = int(np.flatnonzero((rows[:, :3] == end).all(axis=1))[0])
    total = int(totals_after[kept - 1]) if kept else total_before
    return Cut((int(end[0]), int(end[1]), int(end[2])), rows_before + kept, total)


def _blocks(parts: Sequence[Path]) -> Iterator[Words]:
    for path in parts:
        rows = np.load(path, mmap_mode="r")
        for first in range(0, len(rows), BLOCK_ROWS):
            yield np.asarray(rows[first : first + BLOCK_ROWS])


def _has_prefix(rows: Words, prefix: int, depth: int) -> NDArray[np.bool_]:
    if depth == 0:
        return np.ones(len(rows), dtype=bool)
    return np.asarray((rows[:, 0] >> np.uint64(64 - depth)) == np.uint64(prefix))


def _count_digits(parts: Sequence[Path], prefix: int, depth: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count rows and add weights by the next digit of the keys that begin with `prefix`."""
    counts, totals = np.zeros(1 << DIGIT_BITS, dtype=np.int64), np.zeros(1 << DIGIT_BITS, dtype=np.float64)
    for block in _blocks(parts):
        rows = block[_has_prefix(block, prefix, depth)]
        digits = ((rows[:, 0] >> np.uint64(64 - DIGIT_BITS - depth)) & np.uint64((1 << DIGIT_BITS) - 1)).astype(np.int64)
        counts += np.bincount(digits, minlength=counts.size)
        totals += np.bincount(digits, weights=rows[:, 3], minlength=totals.size)
    return counts, totals
