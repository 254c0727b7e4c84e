"""Byte ranges of remote files, kept in whole aligned blocks: least recently used out first, one request for neighbours.

A block that several threads want is fetched once; the others wait for that one request.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from mathcode_data.core.errors import ConfigError, DataError, MathcodeError
from mathcode_data.shards.remote import RemotePath

CACHE_BYTES = 256 << 20
BLOCK_BYTES = 1 << 20
MAX_REQUEST_BYTES = 16 << 20
"""Neighbouring blocks are asked for together up to this size."""
NUM_THREADS = 8
"""Requests under way for `prefetch`: a window costs a round trip, and a batch is many windows."""

Key = tuple[str, int]


@dataclass(frozen=True)
class RemoteFile:
    """A file of known size."""

    path: RemotePath
    size: int


@dataclass
class CacheCounts:
    """What a cache did so far."""

    hits: int = 0
    """Blocks that were there, or on their way."""
    misses: int = 0
    """Blocks that were fetched."""
    requests: int = 0
    """Requests for them."""
    bytes_fetched: int = 0


class BlockCache:
    """A cache of at most `max_bytes`, shared by any number of files and threads of one process.

    Sizes: where all that is read fits into the cache, large blocks (4 MiB) bring it in with few requests; where windows
    lie anywhere in far more, a block is mostly bytes that nobody asked for, and small ones (64 KiB) are better.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES, block_bytes: int = BLOCK_BYTES) -> None:
        """Start empty; a block is at most `max_bytes`."""
        if not 0 < block_bytes <= max_bytes:
            raise ConfigError(f"blocks of {block_bytes:,} bytes in a cache of {max_bytes:,}; a block has at least one byte and fits in")
        self.max_bytes = max_bytes
        self.block_bytes = block_bytes
        self.counts = CacheCounts()
        self._blocks: OrderedDict[Key, bytes] = OrderedDict()
        self._num_bytes = 0
        self._coming: dict[Key, Future[bytes]] = {}
        self._coming_bytes = 0
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def num_bytes(self) -> int:
        """Bytes held now."""
        return self._num_bytes

    def read_into(self, file: RemoteFile, target: memoryview, offset: int) -> None:
        """Fill `target` with the bytes of a file from `offset` on; the caller has checked that they are there."""
        if not len(target):
            return
        first, last = offset // self.block_bytes, (offset + len(target) - 1) // self.block_bytes
        done = 0
        for number, block in zip(range(first, last + 1), self._take(file, first, last), strict=True):
            low = offset + done - number * self.block_bytes
            part = memoryview(block)[low : low + len(target) - done]
            target[done : done + len(part)] = part
            done += len(part)
        assert done == len(target), f"{file.path}: {done} of {len(target)} bytes copied from whole blocks"

    def prefetch(self, spans: Iterable[tuple[RemoteFile, int, int]]) -> None:
        """Begin to fetch the blocks of some spans (file, first byte, byte after the last); returns at once.

        No more than half of the cache is on its way at a time; what is beyond is fetched when it is read.
        """
        wanted: dict[RemoteFile, set[int]] = {}
        for file, start, stop in spans:
            if start < stop:
                wanted.setdefault(file, set()).update(range(start // self.block_bytes, (stop - 1) // self.block_bytes + 1))
        for file, numbers in wanted.items():
            with self._lock:
                missing = [number for number in sorted(numbers) if not self._has((file.path.url, number))]
                room = max(self.max_bytes // 2 - self._coming_bytes, 0) // self.block_bytes
                runs = self._runs(file, missing[:room])
                if runs and self._pool is None:
                    self._pool = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="block-cache")
                for run in runs:
                    assert self._pool is not None, "made just above"
                    self._pool.submit(self._fetch, file, run)

    def close(self) -> None:
        """Drop all blocks and stop fetching; the cache may be used again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            for future in self._coming.values():
                future.set_exception(DataError("the block cache was closed while it was read; close it after the last reader"))
            self._coming.clear()
            self._blocks.clear()
            self._num_bytes = self._coming_bytes = 0

    def __enter__(self) -> BlockCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _has(self, key: Key) -> bool:
        return key in self._blocks or key in self._coming

    def _take(self, file: RemoteFile, first: int, last: int) -> list[bytes]:
        """Blocks first..last: those that are here, those on their way, and the others fetched now."""
        found: dict[int, bytes] = {}
        waited: dict[int, Future[bytes]] = {}
        with self._lock:
            missing = []
            for number in range(first, last + 1):
                key = (file.path.url, number)
                block = self._blocks.get(key)
                if block is not None:
                    self._blocks.move_to_end(key)
                    found[number] = block
                elif key in self._coming:
                    waited[number] = self._coming[key]
                else:
                    missing.append(number)
            self.counts.hits += len(found) + len(waited)
            runs = self._runs(file, missing)
            waited |= {number: self._coming[file.path.url, number] for number in missing}
        for run in runs:
            self._fetch(file, run)
        return [found[number] if number in found else waited[number].result() for number in range(first, last + 1)]

    def _runs(self, file: RemoteFile, missing: list[int]) -> list[range]:
        """Announce missing blocks (ascending) as coming and cut them into runs of neighbours; the lock is held."""
        runs: list[range] = []
        longest = max(MAX_REQUEST_BYTES // self.block_bytes, 1)
        for number in missing:
            self._coming[file.path.url, number] = Future()
            self._coming_bytes += self.block_bytes
            if runs and runs[-1].stop == number and len(runs[-1]) < longest:
                runs[-1] = range(runs[-1].start, number + 1)
            else:
                runs.append(range(number, number + 1))
        return runs

    def _fetch(self, file: RemoteFile, run: range) -> None:
        """Fetch a run of announced blocks; whatever happens, those who wait for them get an answer."""
        try:
            start = run.start * self.block_bytes
            content = memoryview(file.path.read_range(start, min(run.stop * self.block_bytes, file.size)))
        except MathcodeError as error:
            self._deliver(file, run, None, error)
            return
        except BaseException:
            self._deliver(file, run, None, DataError(f"{file.path}: the thread that fetched this was stopped; read again"))
            raise
        self._deliver(file, run, content, None)

    def _deliver(self, file: RemoteFile, run: range, content: memoryview | None, error: Exception | None) -> None:
        with self._lock:
            self.counts.requests += 1
            for number in run:
                future = self._coming.pop((file.path.url, number), None)
                if future is None:
                    continue  # closed meanwhile
                self._coming_bytes -= self.block_bytes
                if content is None:
                    assert error is not None, "either content or an error"
                    future.set_exception(error)
                    continue
                low = (number - run.start) * self.block_bytes
                block = bytes(content[low : low + self.block_bytes])
                future.set_result(block)
                self._blocks[file.path.url, number] = block
                self._num_bytes += len(block)
                self.counts.misses += 1
                self.counts.bytes_fetched += len(block)
            while self._num_bytes > self.max_bytes:
                _, oldest = self._blocks.popitem(last=False)
                self._num_bytes -= len(oldest)
