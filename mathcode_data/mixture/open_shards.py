"""The shards of a mixture in one process: where each window lies, and which shards are open."""

# P windows

from __future__ import annotations

import resource
from collections import OrderedDict
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.blocks import FileBlocks
from mathcode_data.core.errors import StaleOutputError, VerificationError
from mathcode_data.mixture.opened import plain, shard_prefix
from mathcode_data.mixture.plan import Plan
from mathcode_data.shards.block_cache import BlockCache
from mathcode_data.shards.block_checks import BlockCheck, BlockChecks, CheckCounts, block_hashes_of
from mathcode_data.shards.format import bin_path
from mathcode_data.shards.index import Index, read_index
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.remote import Place, RemotePath

MAX_OPEN_SHARDS = 256
FILES_PER_SHARD = 2
CACHE_BYTES = 256 << 20
REMOTE_INDEX_BYTES = 1 << 30
"""Of the `.idx` of remote shards that are held open; they are read again when their turn comes."""
WHOLE_BLOCK_BYTES, WINDOW_BLOCK_BYTES = 4 << 20, 1 << 16


class WindowTable:
    """All windows of all sources in one table of ascending numbers, so that a batch is located by one search."""

    def __init__(self, plan: Plan) -> None:
        per_shard = [count for source in plan.sources for count in source.windows.per_shard]
        self._step = plan.sources[0].windows.step
        self._ends = np.cumsum(np.array(per_shard, dtype=np.int64), dtype=np.int64)
        self._begins = self._ends - np.array(per_shard, dtype=np.int64)
        sizes = np.array([len(source.windows) for source in plan.sources], dtype=np.int64)
        self._sizes = sizes
        self._firsts = np.cumsum(sizes) - sizes

    def locate(self, sources_P: NDArray[np.int16], windows_P: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number of the shard, counted through all sources, and position of the window's first token in it (packed: its number in it).

        Raises:
            IndexError: a window is not one of its source's.
        """
        outside = (windows_P < 0) | (windows_P >= self._sizes[sources_P])
        if outside.any():
            window, size = int(windows_P[outside][0]), int(self._sizes[sources_P[outside][0]])
            raise IndexError(f"window {window:,} of a source with {size:,}; legal are 0..{size - 1}")
        numbers = self._firsts[sources_P] + windows_P
        shards = np.searchsorted(self._ends, numbers, side="right").astype(np.int64)
        return shards, (numbers - self._begins[shards]) * self._step


class OpenShards:
    """Opens shards when they are asked for and lets the one unused for longest go. Threads may share it."""

    def __init__(
        self,
        folder: Place,
        info: dict[str, Any],
        plan: Plan,
        *,
        is_checked: bool,
        cache_bytes: int,
        block_bytes: int | None,
        check_blocks: BlockCheck = "sampled",
    ) -> None:
        """Nothing is opened yet."""
        self.is_checked = is_checked
        """Whether every shard was compared with the build, so that its `.idx` needs no second look."""
        self.table = WindowTable(plan)
        self._folder = folder
        self._shards: list[tuple[str, dict[str, Any]]] = [
            (source["name"], shard) for source in info["sources"] for shard in source["shards"]
        ]
        self.cache: BlockCache | None = None
        if isinstance(folder, RemotePath):
            fits = sum(shard["bin_bytes"] for _, shard in self._shards) <= cache_bytes
            self.cache = BlockCache(cache_bytes, block_bytes or min(WHOLE_BLOCK_BYTES if fits else WINDOW_BLOCK_BYTES, cache_bytes))
        self._max_open = max(1, min(MAX_OPEN_SHARDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // (4 * FILES_PER_SHARD)))
        self._indexes: dict[int, Index] = {}
        self._open: OrderedDict[int, TokenShard] = OrderedDict()
        self._index_bytes = 0
        self._lock = Lock()
        self._check_blocks = check_blocks
        self._ours = {source["name"] for source in info["sources"] if source.get("is_ours")}
        self._tables: dict[Place, dict[str, FileBlocks]] = {}
        self._checks: dict[int, BlockChecks | None] = {}
        self.counts = CheckCounts()
        """Blocks of `.bin` files that were compared with their hash."""
        self._dtypes = sorted({source["token_dtype"] for source in info["sources"] if source.get("token_dtype")})

    def get(self, number: int) -> TokenShard:
        """Open a shard, or take it from those that are open.

        The one that goes is not closed: another thread may still copy from it, and it goes with the last reference.
        """
        with self._lock:
            found = self._open.get(number)
            if found is not None:
                self._open.move_to_end(number)
                return found
            name, shard = self._shards[number]
            prefix = shard_prefix(self._folder, shard)
            # the fingerprint was compared, so the .idx is the one that the build checked in full
            found = TokenShard(prefix, index=self._indexes.get(number), deep=not self.is_checked, cache=self.cache)
            found.checks = self._checks_of(number, found)
            if number not in self._indexes:
                self._indexes[number] = self._known(found.index, name, shard)
            self._open[number] = found
            self._index_bytes += found.index.idx_bytes
            while len(self._open) > 1 and self._is_full():
                _, oldest = self._open.popitem(last=False)
                self._index_bytes -= oldest.index.idx_bytes
            return found

    def _checks_of(self, number: int, opened: TokenShard) -> BlockChecks | None:
        """The checks of a shard of ours, kept while others come and go; None for one without block hashes. The lock is held.

        Raises:
            VerificationError: manifest or table beside the shard was changed, or is of another shard.
        """
        name, _ = self._shards[number]
        if self._check_blocks == "off" or name not in self._ours:
            return None
        if number not in self._checks:
            path = bin_path(plain(opened.prefix))
            if path.parent not in self._tables:
                self._tables[path.parent] = block_hashes_of(path.parent)
            blocks = self._tables[path.parent].get(path.name)
            if blocks is not None and blocks.num_bytes != opened.index.bin_bytes:
                raise VerificationError(
                    f"{path}: {opened.index.bin_bytes:,} bytes, the block hashes beside it are of {blocks.num_bytes:,}; "
                    "the result was made again: build the mixture again"
                )
            checks = None if blocks is None else BlockChecks(path, blocks, full=self._check_blocks == "full", counts=self.counts)
            self._checks[number] = checks
        return self._checks[number]

    def groups(self, numbers_P: NDArray[np.int64]) -> list[list[int]]:
        """Rows of a batch in groups whose shards may all be open at once; one group as a rule."""
        if numbers_P.size <= self._max_open or np.unique(numbers_P).size <= self._max_open:
            return [list(range(numbers_P.size))]
        order = np.argsort(numbers_P, kind="stable")
        sorted_numbers = numbers_P[order]
        rank = np.cumsum(np.diff(sorted_numbers, prepend=sorted_numbers[0]) > 0)
        return [order[rank // self._max_open == group].tolist() for group in range(int(rank[-1]) // self._max_open + 1)]

    def close(self) -> None:
        """Let all shards go, and the blocks of remote ones."""
        with self._lock:
            self._open.clear()
            self._index_bytes = 0
        if self.cache is not None:
            self.cache.close()

    def _is_full(self) -> bool:
        return len(self._open) > self._max_open if self.cache is None else self._index_bytes > REMOTE_INDEX_BYTES

    def _known(self, index: Index, source: str, shard: dict[str, Any]) -> Index:
        """Sizes are those of the build, even where nothing else was compared."""
        if (index.bin_bytes, index.idx_bytes) != (shard["bin_bytes"], shard["idx_bytes"]):
            raise StaleOutputError(
                f"{index.prefix}: {index.bin_bytes:,} + {index.idx_bytes:,} bytes, {shard['bin_bytes']:,} + {shard['idx_bytes']:,} when "
                f"the mixture {self._folder} was built from source {source!r}; put the shard back, or build the mixture again"
            )
        return index

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Type of all batches: the smallest that holds the tokens of every source.

        From the types that `mixture.json` names; where it names none, all sources have that of the first shard.
        """
        if self._dtypes:
            return np.result_type(*map(np.dtype, self._dtypes)).newbyteorder("<")
        return read_index(shard_prefix(self._folder, self._shards[0][1]), deep=False).dtype
