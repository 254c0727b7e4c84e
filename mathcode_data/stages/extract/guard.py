"""Extraction behind a deadline: one warm child, several pages per round trip, a page that hangs costs only itself.

The child has `deadline_s` of processor time per page, and `per_mb_s` more for each megabyte of it,
so a busy machine does not drop pages; by the clock a page gets
WALL_FACTOR times as much. A page over the limit is answered with an error, the child is started again and the pages after it are sent
again. Any other death of the child, and a stall by the clock, may come from outside (the kernel's OOM killer, `kill -9`, a
suspended machine): the page is tried once more, alone in a fresh child, and only a second death is the page's own fault. So
what comes out does not depend on kills. Starting has a time-out of its own: slow imports drop nothing.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

from mathcode_data.core.errors import ResourceError
from mathcode_data.stages.extract.guard_child import READY
from mathcode_data.stages.extract.limits import MAX_BYTES, SECONDS_PER_MB, time_limit
from mathcode_data.stages.extract.records import MAIN_CONTENT, Page, PageInput, Scope, failed_page
from mathcode_data.stages.extract.wire import pack_request, read_reply

START_TIMEOUT_S = 60.0
WALL_FACTOR = 5.0
ALONE_WALL_FACTOR = 30.0
"""For the second try: processor time bounds what a page may cost, the clock only ends what would never end."""
MAX_BATCH_PAGES = 64
MAX_BATCH_BYTES = 8 << 20


class _ChildGoneError(Exception):
    """The child ended; the message is the error of the page it was at."""

    def __init__(self, message: str, *, is_pages_fault: bool = False) -> None:
        super().__init__(message)
        self.is_pages_fault = is_pages_fault
        """Known already, so that another try would end the same way."""


class GuardedExtractor:
    """Extracts pages in a child process; close it, or use it as a context manager."""

    def __init__(
        self, *, deadline_s: float = 2.0, per_mb_s: float = SECONDS_PER_MB, memory_bytes: int = 2 << 30, scope: Scope = MAIN_CONTENT
    ) -> None:
        self.deadline_s = deadline_s
        self.per_mb_s = per_mb_s
        self.memory_bytes = memory_bytes
        self.scope = scope
        self._child: subprocess.Popen[bytes] | None = None
        self.num_restarts = 0
        self._limit_s = deadline_s

    def extract(self, pages: Sequence[PageInput]) -> list[Page]:
        """One answer per page, in order; never raises for what a page does."""
        answers: list[Page] = []
        while len(answers) < len(pages):
            page = pages[len(answers)]
            if len(page.content) > MAX_BYTES:
                answers.append(failed_page(f"limit: {len(page.content):,} bytes on one page, more than {MAX_BYTES:,}"))
                continue
            answers.extend(self._round_trip(_batch(pages, len(answers))))
        return answers

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # closing flushes; nobody reads any more
        child.wait()

    def __enter__(self) -> GuardedExtractor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _round_trip(self, batch: Sequence[PageInput], *, is_second_try: bool = False) -> list[Page]:
        """Send a batch and read what comes back; shorter than the batch, at least one, if the child dies."""
        factor = ALONE_WALL_FACTOR if is_second_try else WALL_FACTOR
        child = self._started()
        answers: list[Page] = []
        try:
            self._send(child, pack_request(batch))
            for page in batch:
                self._limit_s = time_limit(page.content, self.deadline_s, self.per_mb_s)
                self._until = time.monotonic() + factor * self._limit_s
                answers.append(read_reply(lambda size: self._read(child, size)))
        except _ChildGoneError as gone:
            self.close()
            self.num_restarts += 1
            if gone.is_pages_fault or is_second_try:
                answers.append(failed_page(str(gone)))
            else:
                answers += self._round_trip(batch[len(answers) : len(answers) + 1], is_second_try=True)
        except BaseException:  # an interrupt in the middle of a frame leaves the pipe out of step
            self.close()
            raise
        return answers

    def _started(self) -> subprocess.Popen[bytes]:
        """The warm child, started if there is none."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        try:
            return self._start()
        except _ChildGoneError:  # somebody killed it before it had begun: once that is chance
            self.close()
        try:
            return self._start()
        except _ChildGoneError as gone:
            self.close()
            raise ResourceError(
                f"extraction child {' '.join(self._command())}: did not become ready ({gone}); its messages stand on standard"
                f" error above; legal is a start within {START_TIMEOUT_S:.0f} s with memory_bytes >= 512 MiB"
            ) from gone

    def _command(self) -> list[str]:
        limits = (str(self.deadline_s), str(self.per_mb_s), str(self.memory_bytes))
        return [sys.executable, "-m", "mathcode_data.stages.extract.guard_child", *limits, *self.scope.names()]

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._child = child
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
        self._until = time.monotonic() + START_TIMEOUT_S
        self._read(child, len(READY))
        return child

    def _send(self, child: subprocess.Popen[bytes], data: bytes) -> None:
        """Write a request; the child reads it whole before it answers, so this cannot wait for ever on a live child."""
        assert child.stdin is not None, "the child was started with a pipe as input"
        view = memoryview(data)
        fd = child.stdin.fileno()
        until = time.monotonic() + START_TIMEOUT_S
        while view:
            _, ready, _ = select.select([], [fd], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise _ChildGoneError(f"crash: the child did not read its input within {START_TIMEOUT_S:.0f} s")
            try:
                view = view[os.write(fd, view[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._epitaph(child) from None

    def _read(self, child: subprocess.Popen[bytes], size: int) -> bytes:
        """Exactly `size` bytes from the child before the time is up."""
        assert child.stdout is not None, "the child was started with a pipe as output"
        fd = child.stdout.fileno()
        pieces = []
        while size:
            ready, _, _ = select.select([fd], [], [], max(0.0, self._until - time.monotonic()))
            if not ready:
                raise _ChildGoneError("timeout: no answer in time by the clock")
            data = os.read(fd, min(size, 1 << 20))
            if not data:
                raise self._epitaph(child)
            pieces.append(data)
            size -= len(data)
        return b"".join(pieces)

    def _epitaph(self, child: subprocess.Popen[bytes]) -> _ChildGoneError:
        """How the child ended, as the error of the page it was at."""
        try:
            code = child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return _ChildGoneError("crash: the child closed its output and went on running")
        if code == -signal.SIGPROF:
            return _ChildGoneError(f"timeout: more than {self._limit_s:.3g} s of processor time", is_pages_fault=True)
        return _ChildGoneError(f"crash: the child ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}")


def _batch(pages: Sequence[PageInput], start: int) -> Sequence[PageInput]:
    """The pages of the next round trip: at least one, bounded in number and bytes."""
    end, size = start, 0
    while end < len(pages) and end - start < MAX_BATCH_PAGES:
        size += len(pages[end].content)
        if end > start and (size > MAX_BATCH_BYTES or len(pages[end].content) > MAX_BYTES):
            break
        end += 1
    return pages[start:end]
