"""The block cache: the right bytes, each block once, never more than its size, whatever threads do."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.shards.block_cache import BlockCache, RemoteFile


class Counted:
    """A RemotePath in memory that counts, waits and fails."""

    def __init__(self, content: bytes, *, wait_s: float = 0.0) -> None:
        self.url = f"test://{id(self)}"
        self.content = content
        self.wait_s = wait_s
        self.asked: list[tuple[int, int]] = []
        self.at_once = self.most_at_once = 0
        self.error: Exception | None = None

    def read_range(self, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.wait_s)
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return self.content[start:stop]


def file_of(path: Counted) -> RemoteFile:
    return RemoteFile(path, len(path.content))


def read(cache: BlockCache, file: RemoteFile, start: int, stop: int) -> bytes:
    target = bytearray(stop - start)
    cache.read_into(file, memoryview(target), start)
    return bytes(target)


@hypothesis.given(st.binary(min_size=1, max_size=300), st.integers(1, 50), st.integers(0, 5), st.data())
def test_any_reads_give_the_bytes_of_the_file_within_the_size(content: bytes, block_bytes: int, more: int, data):
    path = Counted(content)
    with BlockCache(block_bytes * (1 + more), block_bytes) as cache:
        for _ in range(8):
            start = data.draw(st.integers(0, len(content)))
            stop = data.draw(st.integers(start, len(content)))
            if data.draw(st.booleans()):
                cache.prefetch([(file_of(path), start, stop)])
            assert read(cache, file_of(path), start, stop) == content[start:stop]
            assert cache.num_bytes <= cache.max_bytes
        assert all(start % block_bytes == 0 for start, _ in path.asked), "whole aligned blocks"


def test_neighbours_come_in_one_request_and_what_is_there_is_not_asked_again():
    path = Counted(bytes(range(200)))
    with BlockCache(1000, 10) as cache:
        read(cache, file_of(path), 20, 30)
        read(cache, file_of(path), 0, 95)
        assert path.asked == [(20, 30), (0, 20), (30, 100)]
        read(cache, file_of(path), 5, 99)
        assert len(path.asked) == 3
        assert (cache.counts.misses, cache.counts.requests, cache.counts.bytes_fetched) == (10, 3, 100)


def test_the_least_recently_used_goes_first():
    path = Counted(bytes(range(100)))
    with BlockCache(30, 10) as cache:
        for start in (0, 10, 20, 0, 30):
            read(cache, file_of(path), start, start + 1)
        path.asked.clear()
        for start in (0, 20, 30):
            read(cache, file_of(path), start, start + 1)
        assert path.asked == []
        read(cache, file_of(path), 10, 11)
        assert path.asked == [(10, 20)]


def test_a_block_that_many_threads_want_is_fetched_once():
    generator = np.random.default_rng(2)
    path = Counted(generator.bytes(5000), wait_s=0.002)
    starts = generator.integers(0, 4900, 300).tolist()
    with BlockCache(1 << 20, 128) as cache, ThreadPoolExecutor(12) as pool:
        found = pool.map(lambda start: read(cache, file_of(path), start, start + 100), starts)
        assert all(piece == path.content[start : start + 100] for start, piece in zip(starts, found, strict=True))
    asked = [block for start, stop in path.asked for block in range(start // 128, -(-stop // 128))]
    assert len(asked) == len(set(asked))


def test_prefetching_fetches_side_by_side_and_reading_waits_for_it():
    path = Counted(bytes(1000), wait_s=0.3)
    with BlockCache(10_000, 100) as cache:
        cache.prefetch((file_of(path), start, start + 10) for start in range(0, 1000, 200))
        for start in range(0, 1000, 200):
            read(cache, file_of(path), start, start + 10)
        assert len(path.asked) == 5
        assert path.most_at_once > 1


def test_an_error_reaches_every_thread_that_waits_and_the_next_read_tries_again():
    path = Counted(bytes(100), wait_s=0.05)
    path.error = DataError("gone")
    with BlockCache(1000, 10) as cache, ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(read, cache, file_of(path), 0, 10) for _ in range(4)]
        assert all("gone" in str(one.exception()) for one in tries)
        path.error = None
        assert read(cache, file_of(path), 0, 10) == bytes(10)


def test_closing_leaves_no_thread_and_answers_those_who_wait():
    path = Counted(bytes(10_000), wait_s=0.05)
    cache = BlockCache(1 << 20, 10)
    cache.prefetch((file_of(path), start, start + 1) for start in range(0, 10_000, 20))
    before = threading.active_count()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read, cache, file_of(path), 9_980, 9_990)
        time.sleep(0.02)
        cache.close()
        assert waiting.exception(timeout=100) is None or isinstance(waiting.exception(), DataError)
    assert threading.active_count() < before
    assert read(cache, file_of(path), 0, 5) == bytes(5), "it may be used again"


def test_a_block_larger_than_the_cache_is_refused():
    with pytest.raises(ConfigError, match="blocks of 20 bytes in a cache of 10"):
        BlockCache(10, 20)
