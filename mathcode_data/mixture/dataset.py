"""Random access to the samples of a mixture: what the trainer reads.

    dataset = MixtureDataset("results/one-stage")           # or any URL that fsspec knows: s3://bucket/one-stage
    tokens_BS1, sources_B, document_starts, is_target_BS = dataset.batch(range(0, 8))

The whole state of reading is a position, so a run goes on from one integer, at any number of processes.
"""

# B samples of a batch, S sequence length

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError, StaleOutputError, VerificationError
from mathcode_data.mixture.entries import Entries
from mathcode_data.mixture.open_shards import CACHE_BYTES, OpenShards
from mathcode_data.mixture.opened import changed_index_files, check_all_shards, read_mixture
from mathcode_data.mixture.packed import Packing, read_pieces, read_row
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.block_checks import BlockCheck, CheckCounts
from mathcode_data.shards.reader import prefetch_spans
from mathcode_data.shards.remote import Place, RemotePath, as_place

EMPTY: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
Positions = Sequence[int] | NDArray[np.int64]


class Batch(NamedTuple):
    """Some samples."""

    tokens: NDArray[Any]
    """(B, S + 1), of the mixture's type."""
    sources: NDArray[np.int16]
    """(B,): number of the source of each row."""
    document_starts: list[NDArray[np.int64]]
    """Per row the offsets in 0..S at which a document begins, or a part of one that is packed behind others; ascending, and 0
    only if a document really begins there."""
    is_target: NDArray[np.bool_]
    """(B, S): whether the label, token t + 1 of the row, counts in the loss; all do but in packed samples, where padding and the
    first token of a piece behind others do not. Not to be written to."""


class Item(TypedDict):
    """One sample as `dataset[position]` gives it, for a DataLoader; `collate` makes batches of them."""

    tokens: NDArray[np.int64]
    """(S + 1,): inputs are tokens[:-1], labels tokens[1:]."""
    source: int
    """Number of the source, as in `source_names`."""
    document_starts: NDArray[np.int64]
    """Offsets in 0..S at which a document begins; 0 only if one really begins there."""
    is_target: NDArray[np.bool_]
    """(S,): whether a label counts in the loss; all do but in packed samples."""


@dataclass(frozen=True)
class Sample:
    """One sample of a mixture."""

    tokens: NDArray[Any]
    """(S + 1,), of the mixture's type."""
    source: int
    """Number of the source, as in `source_names`."""
    window: int
    """Window of the source."""
    shard: Path
    """Prefix of the shard that the window lies in."""
    token_start: int
    """Position of the window's first token in the shard; of the first piece's, where the sample is packed."""
    boundaries: NDArray[np.int64]
    """Offsets in 0..S at which a document begins, ascending; 0 only if one really begins there."""
    num_tokens: int
    """Tokens of the sample; what follows is padding."""


class MixtureDataset:
    """Samples of a mixture by position, and the held-out windows by source.

    Opening checks that the index files are those of the build (their sha256; one to two seconds per GB) and that every shard is the
    one the mixture was built from (sizes, the whole `.idx`, sampled blocks of the `.bin`). Reading compares blocks of tokens with their
    hashes (`check_blocks`); one that differs raises VerificationError, and so stops the training. A mixture with `index: virtual` has no
    index files; its positions are computed. At most 256 shards are open at a time, fewer where the process may open few files.

    Threads may share it. It may be pickled, and a process may be forked from it: what travels is the folder and these options,
    and the other process opens its own files, trusting the checks that were made here.
    """

    def __init__(
        self,
        folder: str | Path | RemotePath,
        *,
        check_shards: bool = True,
        check_index: bool = True,
        storage_options: dict[str, Any] | None = None,
        cache_bytes: int = CACHE_BYTES,
        block_bytes: int | None = None,
        check_blocks: BlockCheck = "sampled",
    ) -> None:
        """Open a finished mixture.

        Args:
            folder: of the mixture; its shards lie where they did, relative to it. A URL is read by byte ranges through fsspec.
            check_shards: compare the shards with those of the build.
            check_index: compare the bytes of the index files with those of the build; without it a changed row that still names
                a source and a window is not seen.
            storage_options: what fsspec takes for the URL (keys, endpoints, time-outs).
            cache_bytes: of the blocks of remote files that are kept, in each process.
            block_bytes: of one block; if absent 4 MiB where all shards fit into the cache, and 64 KiB where they do not.
            check_blocks: compare the tokens that are read with the block hashes of their result: `sampled` (each MiB once an epoch, see
                `shards.block_checks`), `full` (each block at its first touch) or `off`. Foreign shards have no block hashes.

        Raises:
            DataError: no finished mixture, or an index file is cut off.
            VerificationError: `mixture.json` or an index file was changed after the build.
            StaleOutputError: a shard was written again since the mixture was built.
            ConfigError: `check_blocks` is none of its three words.
        """
        if check_blocks not in get_args(BlockCheck):
            raise ConfigError(f"check_blocks {check_blocks!r}; legal are {', '.join(get_args(BlockCheck))}")
        self.folder: Place = as_place(folder, storage_options)
        self.info: dict[str, Any] = read_mixture(self.folder)
        """Content of mixture.json."""
        self.plan = Plan(self.info)
        self.sequence_length: int = self.plan.sequence_length
        self.fingerprint: str = self.info["fingerprint"]
        self.source_names: list[str] = [source.name for source in self.plan.sources]
        self._cache_bytes = cache_bytes
        self._block_bytes = block_bytes
        self._check_blocks: BlockCheck = check_blocks
        self._is_checked = check_shards
        self._process = 0
        self._open()
        if check_index and (changed := changed_index_files(self.folder, self.info)):
            raise VerificationError(changed[0])
        if check_shards:
            check_all_shards(self.folder, self.info)

    def __reduce__(self) -> tuple[Any, ...]:
        options = {"cache_bytes": self._cache_bytes, "block_bytes": self._block_bytes, "check_blocks": self._check_blocks}
        return _open_elsewhere, (self.folder, options, self._is_checked, self.fingerprint)

    def __len__(self) -> int:
        return self.plan.num_samples

    def __getitem__(self, position: int) -> Item:
        """One sample, for a PyTorch DataLoader; `batch` is several times as fast."""
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: Positions) -> list[Item]:
        """Some samples, read as one batch: a DataLoader with a batch sampler asks for them so."""
        tokens, sources, starts, is_target = self.batch(positions)
        wide = tokens.astype(np.int64)
        return [
            {"tokens": row, "source": source, "document_starts": begins, "is_target": counts}
            for row, source, begins, counts in zip(wide, sources.tolist(), starts, is_target, strict=True)
        ]

    def sample(self, position: int) -> Sample:
        """The sample at a position.

        Raises:
            IndexError: the position is not one of 0..len - 1.
            DataError: the index or a shard is damaged.
            VerificationError: a block of a shard was changed.
        """
        shards, entries = self._opened()
        sources, windows = entries.of(np.array([position], dtype=np.int64))
        numbers, starts = shards.table.locate(sources, windows)
        batch = self._read(shards, sources, windows)
        start, count = int(starts[0]), self.sequence_length + 1
        if self._packing is not None:
            pieces = self._packing.pieces(int(sources[0]), int(windows[0]))
            start, count = int(pieces["token_start"][0]), int(pieces["num_tokens"].sum())
        prefix = shards.get(int(numbers[0])).prefix
        return Sample(batch.tokens[0], int(sources[0]), int(windows[0]), prefix, start, batch.document_starts[0], count)

    def batch(self, positions: Positions) -> Batch:
        """Samples at some positions. Tokens keep the shards' type and are copied once, from the file into the batch.

        All windows are asked of the system before the first is read, so a slow disk fetches them side by side. Where sources have
        tokens of different types the batch has the smallest type that holds them all, whatever sources are in it.
        """
        shards, entries = self._opened()
        wanted = np.arange(positions.start, positions.stop, positions.step) if isinstance(positions, range) else np.asarray(positions)
        return self._read(shards, *entries.of(wanted.astype(np.int64, copy=False)))

    def holdout(self, source: str) -> NDArray[np.int64]:
        """Windows of a source that no stage trains on, in a random order that never changes."""
        number = self._number(source)
        return self.plan.draws(0, number).holdout()

    def holdout_batch(self, source: str, windows: Positions) -> Batch:
        """Samples of windows that `holdout` gave."""
        shards, _ = self._opened()
        wanted = np.asarray(windows, dtype=np.int64)
        return self._read(shards, np.full(wanted.size, self._number(source), dtype=np.int16), wanted)

    @property
    def checked(self) -> CheckCounts:
        """Blocks, and their bytes, that this process compared with their hashes so far."""
        return self._opened()[0].counts

    def close(self) -> None:
        """Let all shards go; the dataset may still be used and opens them again."""
        if self._process == os.getpid():
            self._shards.close()

    def __enter__(self) -> MixtureDataset:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _number(self, source: str) -> int:
        if source not in self.source_names:
            raise ConfigError(f"{self.folder}: no source {source!r}{nearest(source, self.source_names)}")
        return self.source_names.index(source)

    def _open(self) -> None:
        """Open what belongs to one process: files, locks, threads."""
        self._shards = OpenShards(
            self.folder, self.info, self.plan,
            is_checked=self._is_checked, cache_bytes=self._cache_bytes, block_bytes=self._block_bytes,
            check_blocks=self._check_blocks,
        )  # fmt: skip
        self._entries = Entries(self.folder, self.info, self.plan, self._shards.cache)
        self._packing: Packing | None = None
        if self.plan.packing == "best_fit":
            if isinstance(self.folder, RemotePath):
                raise ConfigError(f"{self.folder}: packed samples are read from local files; copy the mixture here, its shards may stay")
            self._packing = Packing(self.folder, [source.num_windows for source in self.plan.sources])
        self._process = os.getpid()

    def _opened(self) -> tuple[OpenShards, Entries]:
        if self._process != os.getpid():
            self._open()  # a lock may have been held, and threads are gone, when this process was forked
        return self._shards, self._entries

    def _read(self, shards: OpenShards, sources: NDArray[np.int16], windows: NDArray[np.int64]) -> Batch:
        numbers, firsts = shards.table.locate(sources, windows)
        length = self.sequence_length + 1
        tokens = np.empty((numbers.size, length), dtype=shards.dtype)
        boundaries: list[NDArray[np.int64]] = [EMPTY] * numbers.size
        is_target = np.broadcast_to(np.True_, (numbers.size, self.sequence_length))
        if self._packing is not None:
            is_target = np.ones(is_target.shape, dtype=np.bool_)
        for rows in shards.groups(numbers):
            if self._packing is not None:
                for row in rows:
                    pieces = self._packing.pieces(int(sources[row]), int(windows[row]))
                    boundaries[row] = read_pieces(shards.get(int(numbers[row])), pieces, tokens[row], is_target[row])
                continue
            chosen = zip(rows, numbers[rows].tolist(), firsts[rows].tolist(), strict=True)
            places = [(row, shards.get(number), start) for row, number, start in chosen]
            prefetch_spans((shard, start, start + length) for _, shard, start in places)
            for row, shard, start in places:
                read_row(shard, start, tokens[row])
                boundaries[row] = shard.boundaries(start, start + length)
        return Batch(tokens, sources, boundaries, is_target)


def _open_elsewhere(folder: Place, options: dict[str, Any], is_checked: bool, fingerprint: str) -> MixtureDataset:
    """Open in another process what was checked and pickled in one."""
    found = MixtureDataset(folder, check_shards=False, check_index=False, **options)
    if found.fingerprint != fingerprint:
        raise StaleOutputError(
            f"{folder}: fingerprint {found.fingerprint}, it was {fingerprint} when the dataset was pickled; open the mixture again"
        )
    found._is_checked = found._shards.is_checked = is_checked
    return found
