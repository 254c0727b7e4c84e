"""Which window of which source stands at a position: from the index files, or computed."""

# P positions

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.mixture.index_files import SOURCES_NAME, WINDOWS_NAME, RemoteIndex, open_index
from mathcode_data.mixture.opened import is_virtual
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.block_cache import BlockCache
from mathcode_data.shards.remote import Place, RemotePath

Rows = tuple[NDArray[np.int16], NDArray[np.int64]]
"""Source and window of some positions."""
AHEAD_ROWS = 1 << 13
"""Rows that are computed at once where positions are read one after the other: 2 us each, against 20 to 50 in small batches."""
FEW_POSITIONS = 3
"""So few are computed one by one, 20 to 40 us each; the calls of numpy for several cost 150 us."""


class Entries:
    """Sources and windows of positions. What an index file says is checked: it may be damaged."""

    def __init__(self, folder: Place, info: dict[str, Any], plan: Plan, cache: BlockCache | None) -> None:
        """Open the index files, if the mixture has any; `cache` is for those of a remote one."""
        self._folder = folder
        self._plan = plan
        self._num_windows = np.array([source.num_windows for source in plan.sources], dtype=np.int64)
        self._next = -1
        self._ahead: tuple[int, NDArray[np.int16], NDArray[np.int64]] = 0, np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64)
        self._index: tuple[NDArray[Any] | RemoteIndex, NDArray[Any] | RemoteIndex] | None = None
        if is_virtual(info):
            return
        if isinstance(folder, RemotePath):
            assert cache is not None, f"{folder}: a remote mixture is read through a cache"
            self._index = (
                RemoteIndex(folder, SOURCES_NAME, plan.num_samples, cache), RemoteIndex(folder, WINDOWS_NAME, plan.num_samples, cache),
            )  # fmt: skip
        else:
            self._index = open_index(folder, SOURCES_NAME, plan.num_samples), open_index(folder, WINDOWS_NAME, plan.num_samples)

    def of(self, positions_P: NDArray[np.int64]) -> Rows:
        """Source and window of each position.

        Raises:
            IndexError: a position is not one of the mixture's.
            DataError: the index names a source or a window that there is not.
        """
        if not positions_P.size:
            return np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int64)
        total = self._plan.num_samples
        bad = (positions_P < 0) | (positions_P >= total)
        if bad.any():
            position = int(positions_P[bad][0])
            raise IndexError(f"{self._folder}: sample {position:,} of {total:,}; positions are 0..{total - 1:,}")
        if self._index is None:
            return self._computed(positions_P)
        sources, entries = self._index[0][positions_P], self._index[1][positions_P]
        self._check(positions_P, sources, entries)
        if self._plan.blend == "megatron":
            entries = self._windows(positions_P, sources, entries)
        return sources, entries

    def _computed(self, positions_P: NDArray[np.int64]) -> Rows:
        """From the closed form; who reads in order gets the rows that follow from one computation."""
        first, count = int(positions_P[0]), positions_P.size
        start, sources, windows = self._ahead
        is_run = int(positions_P[-1]) - first == count - 1 and (count < 3 or bool((positions_P[1:] - positions_P[:-1] == 1).all()))
        goes_on, self._next = is_run and first == self._next, first + count
        if is_run and start <= first and first + count <= start + sources.size:
            return sources[first - start : first - start + count], windows[first - start : first - start + count]
        if goes_on and count < AHEAD_ROWS:
            stop = min(first + AHEAD_ROWS, self._plan.num_samples)
            sources, windows = self._plan.entries(np.arange(first, stop, dtype=np.int64))
            self._ahead = first, sources, windows  # one assignment: another thread sees the old rows or the new
            return sources[:count], windows[:count]
        if count > FEW_POSITIONS:
            return self._plan.entries(positions_P)
        places = [self._plan.place(position) for position in positions_P.tolist()]
        return np.array([place.source for place in places], dtype=np.int16), np.array([place.window for place in places], dtype=np.int64)

    def _check(self, positions_P: NDArray[np.int64], sources: NDArray[np.int16], entries: NDArray[np.int64]) -> None:
        bad = (sources < 0) | (sources >= self._num_windows.size) | (entries < 0)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"{self._folder / SOURCES_NAME}: sample {positions_P[at]:,}: source {sources[at]}, entry {entries[at]:,}; "
                "the index is damaged: run verify"
            )
        if self._plan.blend == "megatron":
            return
        bad = entries >= self._num_windows[sources]
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            source = self._plan.sources[int(sources[at])]
            raise DataError(
                f"{self._folder / WINDOWS_NAME}: sample {positions_P[at]:,}: window {entries[at]:,} of {source.num_windows:,} of source "
                f"{source.name!r}; the index is damaged: run verify"
            )

    def _windows(self, positions_P: NDArray[np.int64], sources: NDArray[np.int16], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Windows of Megatron's counts, which begin at 0 in each stage."""
        windows = np.empty_like(counts)
        stages = np.searchsorted([stage.first_sample for stage in self._plan.stages], positions_P, side="right") - 1
        for stage, source in sorted(set(zip(stages.tolist(), sources.tolist(), strict=True))):
            chosen = np.flatnonzero((stages == stage) & (sources == source))
            draws, first = self._plan.stream(stage, source)
            windows[chosen] = draws.windows_of(first + counts[chosen])
        return windows
