"""Batches come in order, errors in their place, and no thread stays."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time

import numpy as np
import pytest

from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.mixture.elastic import ElasticBatches
from mathcode_data.mixture.prefetch import Prefetch
from support.waiting import wait_until


def readers() -> int:
    return sum(thread.name == "mixture-reader" for thread in threading.enumerate())


def gone(count: int) -> bool:
    """Whether no more than so many readers are there, after a while."""
    return bool(wait_until(lambda: readers() <= count, f"at most {count} readers"))


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_results_come_in_the_order_of_the_requests(depth: int):
    with Prefetch(lambda number: number * number, range(40), depth=depth) as ready:
        assert list(ready) == [number * number for number in range(40)]
        assert list(ready) == []
        assert ready.waited_s >= 0
    assert gone(0)


def test_no_more_than_the_depth_is_read_ahead():
    asked: list[int] = []
    with Prefetch(lambda number: asked.append(number) or number, range(100), depth=3) as ready:
        wait_until(lambda: len(asked) == 3, "three requests")
        time.sleep(0.02)
        assert asked == [0, 1, 2]
        assert next(ready) == 0


def test_an_error_comes_after_the_batches_before_it_and_ends_the_reading():
    def read(number: int) -> int:
        if number == 3:
            raise OSError("disk is gone")
        return number

    with Prefetch(read, range(10)) as ready:
        assert [next(ready) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(OSError, match="disk is gone"):
            next(ready)
        with pytest.raises(StopIteration):
            next(ready)
    with Prefetch(lambda number: number, (1 // (2 - number) for number in range(5))) as ready, pytest.raises(ZeroDivisionError):
        list(ready)
    with Prefetch(lambda _: next(iter(())), [1]) as ready, pytest.raises(RuntimeError, match="raised StopIteration"):
        next(ready)
    assert gone(0)


def test_a_reader_that_is_dropped_or_closed_leaves_no_thread():
    before = readers()
    ready = Prefetch(lambda number: number, iter(int, 1))
    next(ready)
    assert readers() == before + 1
    del ready
    gc.collect()
    assert gone(before)
    ready = Prefetch(lambda number: number, iter(int, 1))
    ready.close()
    ready.close()
    assert readers() == before
    with pytest.raises(StopIteration):
        next(ready)


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where the whole run was started in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_waiting_is_raised_at_once_and_no_batch_is_lost():
    release = threading.Event()

    def read(number: int) -> int:
        release.wait(100)
        return number

    with Prefetch(read, range(3)) as ready:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            next(ready)
        release.set()
        assert list(ready) == [0, 1, 2]


def test_a_mixture_is_read_as_without_it(build, make_recipe, tmp_path):
    build(make_recipe())
    with MixtureDataset(tmp_path / "mixture") as data:
        batches = ElasticBatches(len(data), 16, rank=1, world_size=3, micro_batch_size=2)
        with Prefetch(data.batch, batches) as ready:
            for positions, (tokens, sources, _, _) in zip(batches, ready, strict=True):
                expected = data.batch(positions)
                assert np.array_equal(tokens, expected[0])
                assert np.array_equal(sources, expected[1])


def test_a_depth_below_one_is_refused():
    with pytest.raises(ValueError, match="depth 0"):
        Prefetch(len, [], depth=0)
