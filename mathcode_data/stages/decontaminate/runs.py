"""Runs of grams as sorted 64-bit hashes, each with the files it comes from and whether a match of it is evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILTER_BITS = 16  # table entries per hash


class HashTable:
    """Sorted hashes, each with the files it comes from and whether a match of it is evidence."""

    def __init__(self, hashes: NDArray[np.uint64], files: NDArray[np.int64], is_evidence: NDArray[np.bool_]) -> None:
        """Take one entry per (hash, file); a hash is evidence only if all its entries are."""
        order = np.lexsort((files, hashes))
        hashes, self._files, is_evidence = hashes[order], files[order], is_evidence[order]
        self.hashes, self._first = np.unique(hashes, return_index=True)
        self.is_evidence = np.minimum.reduceat(is_evidence, self._first) if hashes.size else np.zeros(0, bool)
        bits = max(6, int(hashes.size * FILTER_BITS).bit_length())
        self._shift = np.uint64(64 - bits)
        self._may_be_in = np.zeros(1 << bits, bool)
        self._may_be_in[self.hashes >> self._shift] = True

    def files(self, entry: int) -> tuple[int, ...]:
        """Numbers of the files that the hash comes from."""
        last = self._first[entry + 1] if entry + 1 < self._first.size else self._files.size
        return tuple(int(file) for file in np.unique(self._files[self._first[entry] : last]))

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the positions of the hashes that are in the table, and where in the table they are."""
        candidates = np.flatnonzero(self._may_be_in[hashes >> self._shift])
        entries = np.searchsorted(self.hashes, hashes[candidates])
        entries[entries == self.hashes.size] = 0
        is_in = self.hashes[entries] == hashes[candidates] if self.hashes.size else np.zeros(0, bool)
        return candidates[is_in], entries[is_in]


class Runs(NamedTuple):
    """Runs of one length: hash, file and item it comes from, and whether a match of it is evidence."""

    hashes: NDArray[np.uint64]
    files: NDArray[np.int64]
    records: NDArray[np.int64]
    evidence: NDArray[np.bool_]


def make_table(collected: list[Runs], max_items: int) -> HashTable:
    """Put runs in a table; those that stand in many items of one file are no evidence."""
    hashes, files, records, evidence = (np.concatenate(columns) for columns in zip(*collected, strict=True))
    if not hashes.size:
        return HashTable(hashes, files, evidence)
    order = np.lexsort((records, files, hashes))
    hashes, files, records, evidence = hashes[order], files[order], records[order], evidence[order]
    new_file = np.append(True, (hashes[1:] != hashes[:-1]) | (files[1:] != files[:-1]))
    new_item = np.append(True, new_file[1:] | (records[1:] != records[:-1]))
    starts = np.flatnonzero(new_file)
    num_items = np.add.reduceat(new_item.astype(np.int64), starts)
    return HashTable(hashes[starts], files[starts], evidence[starts] & (num_items < max_items))
