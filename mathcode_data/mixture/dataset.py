"""Random access to the samples of a mixture: what the trainer reads.

    dataset = MixtureDataset(Path("results/one-stage"))
    tokens_BS1, sources_B, document_starts = dataset.batch(range(0, 8))

The whole state of reading is a position, so a run goes on from one integer, at any number of processes.
"""

# B samples of a batch, S sequence length

from __future__ import annotations

import resource
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError, DataError, VerificationError
from mathcode_data.mixture.index_files import SOURCES_NAME, WINDOWS_NAME, open_index
from mathcode_data.mixture.opened import changed_index_files, check_shard, read_mixture, shard_prefix
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.index import Index, read_index
from mathcode_data.shards.reader import TokenShard

MAX_OPEN_SHARDS = 256
FILES_PER_SHARD = 2

Batch = tuple[NDArray[Any], NDArray[np.int16], list[NDArray[np.int64]]]
"""Tokens (B, S + 1), source of each row, and per row the offsets at which a document begins."""


@dataclass(frozen=True)
class Sample:
    """One sample of a mixture."""

    tokens: NDArray[Any]
    """(S + 1,), of the shards' type."""
    source: int
    """Number of the source, as in `source_names`."""
    window: int
    """Window of the source."""
    shard: Path
    """Prefix of the shard that the window lies in."""
    token_start: int
    """Position of the window's first token in the shard."""
    boundaries: NDArray[np.int64]
    """Offsets in 0..S at which a document begins, ascending; 0 only if one really begins there."""


class MixtureDataset:
    """Samples of a mixture by position, and the held-out windows by source.

    Opening checks that the index files are those of the build (their sha256; one to two seconds per GB) and that every shard is the
    one the mixture was built from (sizes, the whole `.idx`, sampled blocks of the `.bin`). At most 256 shards are open at a time,
    fewer where the process may open few files. Threads may share it.
    """

    def __init__(self, folder: Path, *, check_shards: bool = True, check_index: bool = True) -> None:
        """Open a finished mixture.

        Args:
            folder: of the mixture.
            check_shards: compare the shards with those of the build.
            check_index: compare the bytes of the index files with those of the build; without it a changed row that still names
                a source and a window is not seen.

        Raises:
            DataError: no finished mixture, or an index file is cut off.
            VerificationError: `mixture.json` or an index file was changed after the build.
            StaleOutputError: a shard was written again since the mixture was built.
        """
        self.folder = Path(folder)
        self.info: dict[str, Any] = read_mixture(self.folder)
        """Content of mixture.json."""
        self.plan = Plan(self.info)
        self.sequence_length: int = self.plan.sequence_length
        self.fingerprint: str = self.info["fingerprint"]
        self.source_names: list[str] = [source.name for source in self.plan.sources]
        self._sources: NDArray[np.int16] = open_index(self.folder, SOURCES_NAME, self.plan.num_samples)
        self._entries: NDArray[np.int64] = open_index(self.folder, WINDOWS_NAME, self.plan.num_samples)
        if check_index and (changed := changed_index_files(self.folder, self.info)):
            raise VerificationError(changed[0])
        self._shards: list[list[dict[str, Any]]] = [source["shards"] for source in self.info["sources"]]
        self._is_checked = check_shards
        if check_shards:
            for source in self.info["sources"]:
                for shard in source["shards"]:
                    check_shard(self.folder, source["name"], shard)
        self._indexes: dict[tuple[int, int], Index] = {}
        self._open: OrderedDict[tuple[int, int], TokenShard] = OrderedDict()
        self._max_open = max(1, min(MAX_OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // (4 * FILES_PER_SHARD)))
        self._lock = Lock()

    def __len__(self) -> int:
        return self.plan.num_samples

    def sample(self, position: int) -> Sample:
        """The sample at a position.

        Raises:
            IndexError: the position is not one of 0..len - 1.
            DataError: the index or a shard is damaged.
        """
        source, window = self._entry(position)
        shard, start = self._locate(source, window)
        tokens, boundaries = self._read([(source, window)])
        return Sample(tokens[0], source, window, shard.prefix, start, boundaries[0])

    def batch(self, positions: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Samples at some positions. Tokens keep the shards' type and are copied once, from the file into the batch.

        All windows are asked of the system before the first is read, so a slow disk fetches them side by side.

        Returns:
            Tokens (B, S + 1); source numbers (B,); and per sample the offsets in 0..S at which a document begins.
        """
        entries = [self._entry(int(position)) for position in positions]
        tokens, starts = self._read(entries)
        return tokens, np.array([source for source, _ in entries], dtype=np.int16), starts

    def holdout(self, source: str) -> NDArray[np.int64]:
        """Windows of a source that no stage trains on, in a random order that never changes."""
        number = self._number(source)
        return self.plan.draws(0, number).holdout()

    def holdout_batch(self, source: str, windows: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Samples of windows that `holdout` gave."""
        number = self._number(source)
        tokens, starts = self._read([(number, int(window)) for window in windows])
        return tokens, np.full(len(starts), number, dtype=np.int16), starts

    def close(self) -> None:
        """Let all shards go; the dataset may still be used and opens them again."""
        with self._lock:
            self._open.clear()

    def __enter__(self) -> MixtureDataset:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _number(self, source: str) -> int:
        if source not in self.source_names:
            raise ConfigError(f"{self.folder}: no source {source!r}{nearest(source, self.source_names)}")
        return self.source_names.index(source)

    def _entry(self, position: int) -> tuple[int, int]:
        """Source and window of a position."""
        if not 0 <= position < len(self):
            raise IndexError(f"{self.folder}: sample {position:,} of {len(self):,}; positions are 0..{len(self) - 1:,}")
        source, entry = int(self._sources[position]), int(self._entries[position])
        if not 0 <= source < len(self.source_names) or entry < 0:
            raise DataError(
                f"{self.folder / SOURCES_NAME}: sample {position:,}: source {source}, entry {entry:,}; the index is damaged: run verify"
            )
        if self.plan.blend == "megatron":
            return source, self.plan.resolve(self.plan.stage_at(position), source, entry).window
        planned = self.plan.sources[source]
        if entry >= planned.num_windows:
            raise DataError(
                f"{self.folder / WINDOWS_NAME}: sample {position:,}: window {entry:,} of {planned.num_windows:,} of source "
                f"{planned.name!r}; the index is damaged: run verify"
            )
        return source, entry

    def _read(self, entries: list[tuple[int, int]]) -> tuple[NDArray[Any], list[NDArray[np.int64]]]:
        places = [self._locate(source, window) for source, window in entries]
        length = self.sequence_length + 1
        for shard, start in places:
            shard.prefetch(start, start + length)
        tokens = np.empty((len(places), length), dtype=places[0][0].dtype if places else np.int32)
        for row, (shard, start) in enumerate(places):
            shard.read_into(tokens[row], start)
        return tokens, [shard.boundaries(start, start + length).astype(np.int64) for shard, start in places]

    def _locate(self, source: int, window: int) -> tuple[TokenShard, int]:
        shard, start = self.plan.sources[source].windows.locate_one(window)
        return self._shard(source, shard), start

    def _shard(self, source: int, number: int) -> TokenShard:
        """Open a shard, or take it from those that are open; the one unused for longest is let go.

        It is not closed: another thread may still copy from it, and it goes with the last reference.
        """
        key = (source, number)
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                self._open.move_to_end(key)
                return found
            prefix = shard_prefix(self.folder, self._shards[source][number])
            if key not in self._indexes:
                # the fingerprint was compared, so the .idx is the one that the build checked in full
                self._indexes[key] = read_index(prefix, deep=not self._is_checked)
            found = TokenShard(prefix, index=self._indexes[key])
            self._open[key] = found
            if len(self._open) > self._max_open:
                self._open.popitem(last=False)
            return found
