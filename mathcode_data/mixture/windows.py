"""Windows: the samples that a source can give, numbered through its shards (design, section 8).

A source is its shards in name order. A window is `sequence_length + 1` tokens that start at a multiple of `sequence_length`
within one shard; it never crosses a shard's end, and neighbours share one token. So a shard has
`(tokens - 1) // sequence_length` windows, and what is left at its end is in none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def count_windows(num_tokens: int, sequence_length: int) -> int:
    """Windows of one shard.

    >>> count_windows(9, 4), count_windows(8, 4), count_windows(0, 4)
    (2, 1, 0)
    """
    return max(num_tokens - 1, 0) // sequence_length


class Windows:
    """The windows of one source.

    >>> windows = Windows([9, 4, 5], 4)
    >>> len(windows), windows.locate([0, 1, 2])
    (3, (array([0, 0, 2]), array([0, 4, 0])))
    """

    def __init__(self, num_tokens: Sequence[int], sequence_length: int) -> None:
        """Take the number of tokens of each shard, in name order."""
        self._number([count_windows(tokens, sequence_length) for tokens in num_tokens], sequence_length)

    @classmethod
    def packed(cls, per_shard: Sequence[int]) -> Windows:
        """Windows that are packed samples (packed.py): so many in each shard, and `locate` gives their number in it."""
        windows = cls.__new__(cls)
        windows._number(list(per_shard), 1)
        return windows

    def _number(self, per_shard: list[int], step: int) -> None:
        self.step = step
        """Tokens from the start of a window to that of the next; 1 where windows are packed."""
        self.per_shard = per_shard
        self._ends = np.cumsum(np.array(self.per_shard, dtype=np.int64), dtype=np.int64)
        self._starts = self._ends - np.array(self.per_shard, dtype=np.int64)
        self._end_list: list[int] = self._ends.tolist()

    def __len__(self) -> int:
        return self._end_list[-1] if self._end_list else 0

    def locate(self, windows: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Shard of each window, and the position of its first token in that shard.

        Raises:
            IndexError: a window is not one of 0..len - 1.
        """
        wanted = np.asarray(windows, dtype=np.int64)
        if wanted.size and (int(wanted.min()) < 0 or int(wanted.max()) >= len(self)):
            raise IndexError(f"windows {wanted.min()}..{wanted.max()} of a source with {len(self):,}; legal are 0..{len(self) - 1}")
        shards = np.searchsorted(self._ends, wanted, side="right").astype(np.int64)
        return shards, (wanted - self._starts[shards]) * self.step

    def locate_one(self, window: int) -> tuple[int, int]:
        """`locate` for one window, in a microsecond."""
        if not 0 <= window < len(self):
            raise IndexError(f"window {window:,} of a source with {len(self):,}; legal are 0..{len(self) - 1}")
        shard = bisect_right(self._end_list, window)
        start = self._end_list[shard - 1] if shard else 0
        return shard, (window - start) * self.step
