"""Find repeated content by hashes of pieces of tokens, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

MAX_HASHES = 1 << 22


class Repeats:
    """Counts how many of the pieces that it is shown are equal.

    Above four million hashes only those divisible by 2, then 4, ... are kept: equal pieces have equal hashes, so both or none
    stay, and the share of repeats stays the same.

    >>> repeats = Repeats()
    >>> for piece in ([1, 2], [3, 4], [1, 2]):
    ...     repeats.add(np.array(piece, dtype="<u2"))
    >>> repeats.to_json()
    {'hashed': 3, 'kept': 3, 'distinct': 2, 'repeated': 1, 'repeated_share': 0.3333333333333333, 'most_often': 2}
    """

    def __init__(self) -> None:
        self.num_hashed = 0
        self._kept: list[int] = []
        self._modulus = 1

    def add(self, piece: NDArray[Any]) -> None:
        """Show one piece."""
        self.num_hashed += 1
        found = xxhash.xxh3_64_intdigest(np.ascontiguousarray(piece).data.cast("B"))
        if found % self._modulus:
            return
        self._kept.append(found)
        self._thin_out()

    def merge(self, other: Repeats) -> None:
        """Take all pieces that another one was shown."""
        self.num_hashed += other.num_hashed
        self._modulus = max(self._modulus, other._modulus)
        self._kept = [value for value in (*self._kept, *other._kept) if value % self._modulus == 0]
        self._thin_out()

    def _thin_out(self) -> None:
        while len(self._kept) > MAX_HASHES:
            self._modulus *= 2
            self._kept = [value for value in self._kept if value % self._modulus == 0]

    def to_json(self) -> dict[str, Any]:
        """How many were hashed, kept, distinct, repeated (kept without distinct), and how often the most frequent one came."""
        _, counts = np.unique(np.array(self._kept, dtype=np.uint64), return_counts=True)
        repeated = len(self._kept) - counts.size
        return {
            "hashed": self.num_hashed, "kept": len(self._kept), "distinct": int(counts.size), "repeated": repeated,
            "repeated_share": repeated / len(self._kept) if self._kept else 0.0, "most_often": int(counts.max(initial=0)),
        }  # fmt: skip
