"""Read the coming batches in a thread while the present one is used.

batches = ElasticBatches(len(dataset), 512, rank=rank, world_size=8, first_sample=consumed)
with Prefetch(dataset.batch, batches) as ready:
    for tokens, sources, document_starts in ready: ...
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
BatchT = TypeVar("BatchT")

DEPTH = 2


class Prefetch(Generic[BatchT]):
    """The results of `read` for each request, in order; at most `depth` are ready and not yet taken, and one is being read.

    An error of `read`, or of the requests, is raised where its batch would have come, and ends the reading. `close`, leaving the
    `with` block, or dropping the last reference stops the thread after the batch that it is at. An interrupt (Control-C) while the
    caller waits is raised at once; the batch is not lost, it comes with the next call.
    """

    def __init__(
        self, read: Callable[[RequestT], BatchT], requests: Iterable[RequestT], *, depth: int = DEPTH, name: str = "mixture-reader"
    ) -> None:
        """Begin to read."""
        if depth < 1:
            raise ValueError(f"depth {depth}; at least one batch is kept ready")
        self.waited_s = 0.0
        """Seconds that the caller waited for batches."""
        self._shelf: _Shelf[BatchT] = _Shelf(depth)
        # the thread knows the shelf alone, so that it does not keep alive what it works for
        self._thread = threading.Thread(target=_fill, args=(self._shelf, read, requests), name=name, daemon=True)
        self._stop = weakref.finalize(self, self._shelf.close)
        self._thread.start()

    def __iter__(self) -> Prefetch[BatchT]:
        return self

    def __next__(self) -> BatchT:
        start = time.perf_counter()
        try:
            return self._shelf.take()
        finally:
            self.waited_s += time.perf_counter() - start

    def close(self) -> None:
        """Stop reading and wait for the thread; what was read and not taken is dropped."""
        self._stop()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Prefetch[BatchT]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Shelf(Generic[BatchT]):
    """Batches between the thread that reads and the one that takes."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._ready: deque[BatchT] = deque()
        self._error: BaseException | None = None
        self._is_over = False
        self._is_closed = False
        self._changed = threading.Condition()

    def wait_for_room(self) -> bool:
        """Wait until another batch may be read; False if none is wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._ready) < self._depth)
            return not self._is_closed

    def put(self, batch: BatchT) -> None:
        """Add the next batch."""
        with self._changed:
            if not self._is_closed:
                self._ready.append(batch)
            self._changed.notify_all()

    def end(self, error: BaseException | None) -> None:
        """Nothing comes after what is there, or this error does."""
        with self._changed:
            self._error, self._is_over = error, True
            self._changed.notify_all()

    def take(self) -> BatchT:
        """The next batch; raises what the reader met in its place, StopIteration at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._is_over or self._is_closed)
            if self._ready:
                batch = self._ready.popleft()
                self._changed.notify_all()
                return batch
            error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def close(self) -> None:
        """No batch is wanted any more."""
        with self._changed:
            self._is_closed = True
            self._ready.clear()
            self._changed.notify_all()


def _fill(shelf: _Shelf[BatchT], read: Callable[[RequestT], BatchT], requests: Iterable[RequestT]) -> None:
    """What the thread does."""
    try:
        for request in requests:
            if not shelf.wait_for_room():
                break
            shelf.put(read(request))
    except StopIteration as error:  # raised as it is, it would look like the end
        shelf.end(RuntimeError(f"the reader of batches raised StopIteration({error})"))
    except BaseException as error:  # noqa: BLE001  it is raised in the thread that takes the batches
        shelf.end(error)
    else:
        shelf.end(None)
