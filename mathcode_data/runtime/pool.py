"""The pool runner: worker processes on this machine, the default.

Each worker is a child `python -m mathcode_data.runtime.pool` with a pipe each way: one line of JSON asks for a task, one
line answers, and lines between say how far it is. A worker that dies (segfault, kill -9) takes only its own task with it and
is replaced; one that runs past the time limit is killed, and so is the largest when all together outgrow the memory. Workers
end when the driver's end of the pipe closes, so a killed driver leaves none behind.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import orjson
import psutil

from mathcode_data.core.errors import ResourceError
from mathcode_data.core.first_compile import compiling, done_compiling, seconds_compiling, tell_compiling
from mathcode_data.core.runner import FailureKind, TaskOutcome

POLL_S = 0.25
MEMORY_CHECK_S = 1.0
MEMORY_SHARE = 0.85
STOP_GRACE_S = 8.0
REPORT_S = 1.0
START_S = 20.0
"""What a new worker may take to start, beside the time of its task."""
PIPE_BYTES = 1 << 16
LOG_NAME = "workers.log"
WORKER_BYTES = 64 << 20
"""What a worker takes at least: the interpreter, Arrow and numpy."""


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    index: int | None = None
    started: float = 0.0
    has_begun: bool = False
    """The worker said that it took the task up: a new process spends a second on imports first."""
    compiling_s: float = 0.0
    """How long it has compiled loops since it took the task up: no part of the time that the task may take."""
    rows: int = 0
    """Documents that the running task has read so far."""
    said: bytes = b""
    """The beginning of a line that is still to come whole."""

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None, "workers are started with a pipe"
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None, "workers are started with a pipe"
        return self.process.stdout


class PoolRunner:
    """Runs tasks in `num_workers` child processes."""

    name = "pool"

    def __init__(
        self, num_workers: int, stop: Callable[[], bool] = lambda: False, memory_bytes: int | None = None, *, is_quiet: bool = False
    ) -> None:
        """Start no process yet.

        Args:
            num_workers: at most so many processes.
            stop: whether to end.
            memory_bytes: what the workers may hold together; by default a share of the machine's memory.
            is_quiet: what workers print goes to the file `workers.log` beside the plan that they work on.

        Raises:
            ResourceError: so many workers cannot be held in memory even while they do nothing.
        """
        there = check_workers(num_workers)
        self.num_workers = num_workers
        self._is_quiet = is_quiet
        self._stop = stop
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._memory_bytes = memory_bytes or int(there * MEMORY_SHARE)
        self._memory_checked = 0.0
        self._stopping_since: float | None = None

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
        """Keep every worker busy until the queue is empty; yields outcomes as they come."""
        while True:
            stopping = self._stop()
            if not stopping:
                self._assign(plan, queue)
            if not any(worker.index is not None for worker in self._workers):
                return
            heard = [key.data for key, _ in self._selector.select(POLL_S)]
            for worker in heard + self._dead_without_a_word(heard):
                outcome = self._take(worker) if worker in heard else self._bury(worker)
                if outcome is not None:
                    yield outcome
            for worker, kind, message in self._overdue(timeout_s):
                if worker in self._workers:  # a worker can be both too slow and too large
                    yield self._kill(worker, kind, message)
            if stopping and self._out_of_grace():
                self.close()
                return

    def _assign(self, plan: Path, queue: deque[int]) -> None:
        while queue:
            worker = next((worker for worker in self._workers if worker.index is None), None)
            if worker is None:
                if len(self._workers) >= self.num_workers:
                    return
                worker = self._start()
            index = queue.popleft()
            try:
                worker.stdin.write(orjson.dumps({"plan": str(plan), "index": index, "is_quiet": self._is_quiet}) + b"\n")
                worker.stdin.flush()
            except BrokenPipeError:
                self._remove(worker)  # died while idle: nothing is lost
                queue.appendleft(index)
                continue
            worker.index, worker.started, worker.has_begun, worker.compiling_s = index, time.monotonic(), False, 0.0

    def _start(self) -> _Worker:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, "-m", "mathcode_data.runtime.pool"]
        # its own session: Ctrl-C reaches the driver alone, which lets running tasks end
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True)
        worker = _Worker(process)
        self._workers.append(worker)
        self._selector.register(worker.stdout, selectors.EVENT_READ, worker)
        return worker

    def _take(self, worker: _Worker) -> TaskOutcome | None:
        # the pipe itself, not Python's buffer of it: the selector sees only what is still in the pipe
        chunk = os.read(worker.stdout.fileno(), PIPE_BYTES)
        *lines, worker.said = (worker.said + chunk).split(b"\n")
        outcome = None
        for answer in map(orjson.loads, lines):
            if "rows" in answer:
                if not worker.has_begun:
                    worker.has_begun, worker.started = True, time.monotonic()
                worker.rows, worker.compiling_s = answer["rows"], answer["compiling_s"]
            elif "compiling" in answer:
                compiling(answer["compiling"])
                done_compiling()
            else:
                outcome = TaskOutcome(**answer)
                worker.index, worker.rows = None, 0
        return outcome if chunk else self._bury(worker)

    def _dead_without_a_word(self, heard: list[_Worker]) -> list[_Worker]:
        """Busy workers that ended while a child of theirs, forked in a stage, holds the pipe open."""
        silent = [worker for worker in self._workers if worker.index is not None and worker not in heard]
        return [worker for worker in silent if _has_ended(worker.process.pid)]

    def _bury(self, worker: _Worker) -> TaskOutcome | None:
        """Forget a worker that ended; gives what became of its task."""
        index = worker.index
        self._remove(worker)
        if index is None:
            return None
        code = worker.process.returncode
        return TaskOutcome(index, "crash", f"the worker process {how_it_ended(code)} while it ran this task")

    def _overdue(self, timeout_s: float | None) -> list[tuple[_Worker, FailureKind, str]]:
        now = time.monotonic()
        found: list[tuple[_Worker, FailureKind, str]] = []
        busy = [worker for worker in self._workers if worker.index is not None]
        if timeout_s is not None:
            message = f"no end after {timeout_s:g} s; raise task_timeout_s if that is too short"
            spared = ((worker, worker.compiling_s if worker.has_begun else START_S) for worker in busy)
            found += [(worker, "timeout", message) for worker, spared_s in spared if now - worker.started > timeout_s + spared_s]
        if now - self._memory_checked > MEMORY_CHECK_S:
            self._memory_checked = now
            sizes = {worker.process.pid: _tree_bytes(worker.process.pid) for worker in busy}
            if sum(sizes.values()) > self._memory_bytes:
                largest = max(busy, key=lambda worker: sizes[worker.process.pid])
                held, total = sizes[largest.process.pid] / 1e9, sum(sizes.values()) / 1e9
                text = (
                    f"the workers held {total:.1f} GB of the {self._memory_bytes / 1e9:.1f} GB they may use, this one {held:.1f}; "
                    "use fewer --workers"
                )
                found.append((largest, "memory", text))
        return found

    def _kill(self, worker: _Worker, kind: FailureKind, message: str) -> TaskOutcome:
        index = worker.index
        assert index is not None, "only busy workers are killed"
        self._remove(worker)
        return TaskOutcome(index, kind, message)

    def _out_of_grace(self) -> bool:
        """Whether a worker has run for longer than the grace that a stop gives."""
        self._stopping_since = self._stopping_since or time.monotonic()
        return time.monotonic() - self._stopping_since > STOP_GRACE_S

    def _remove(self, worker: _Worker) -> None:
        self._selector.unregister(worker.stdout)
        self._workers.remove(worker)
        _kill_tree(worker.process)

    def rows_at_work(self) -> int:
        """Documents that the running tasks have read, as of their last reports."""
        return sum(worker.rows for worker in list(self._workers))

    def close(self) -> None:
        """Stop all workers."""
        for worker in list(self._workers):
            self._remove(worker)


def how_it_ended(code: int) -> str:
    """What the exit code of a process says about its end, by Python's rule: negative for a signal.

    >>> how_it_ended(-11), how_it_ended(0)
    ('died (signal 11, SIGSEGV)', 'died (exit code 0, from within: os._exit, or exit in native code)')
    """
    if code >= 0:
        return f"died (exit code {code}, from within: os._exit, or exit in native code)"
    names = {int(known): known.name for known in signal.Signals}
    return f"died (signal {-code}{f', {names[-code]}' if -code in names else ''})"


def check_workers(num_workers: int) -> int:
    """Refuse more workers on this machine than its memory holds; gives that memory in bytes.

    Raises:
        ResourceError: so many cannot be held even while they do nothing.
    """
    there = _usable_bytes()
    if num_workers * WORKER_BYTES > there:
        raise ResourceError(
            f"--workers {num_workers}: that many processes take {num_workers * WORKER_BYTES / 1e9:,.1f} GB before they do anything, "
            f"{there / 1e9:,.1f} GB are there; use at most {there // WORKER_BYTES:,}"
        )
    return there


def _usable_bytes() -> int:
    """Memory that this process and its children may use: the machine's, or the cgroup's limit."""
    total = int(psutil.virtual_memory().total)
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        return min(total, int(text))
    return total


def _tree_bytes(pid: int) -> int:
    """Resident bytes of a worker and its children."""
    try:
        process = psutil.Process(pid)
        return sum(part.memory_info().rss for part in [process, *process.children(recursive=True)])
    except psutil.Error:
        return 0  # it just ended


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; it stays to be waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # whoever started us ignores SIGCHLD, so the system waited for it
        return True


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # its session: also what it left behind when it died, as long as it is not waited for
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        children = []
    process.kill()
    for child in children:
        try:
            child.kill()
        except psutil.Error:
            continue
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # unsent bytes for a dead worker
    process.wait()


def serve() -> None:
    """Body of a worker: read requests from standard input, answer on what was standard output."""
    from mathcode_data.runtime.worker import execute, limit_threads, rows_read

    # whatever a stage prints goes to standard error; answers keep the real pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: deque[bytes] = deque()
    arrived = threading.Semaphore(0)

    def listen() -> None:
        for line in sys.stdin.buffer:
            requests.append(line)
            arrived.release()
        os._exit(0)  # the driver is gone: what is not committed is left to the next run

    pipe = threading.Lock()

    def say(answer: dict[str, Any]) -> None:
        answers.write(orjson.dumps(answer) + b"\n")
        answers.flush()

    def tell(is_kept: bool) -> None:
        with pipe:
            say({"compiling": is_kept})

    compiled_before = 0.0
    logged: Path | None = None

    def report() -> None:
        said = (0, 0.0)
        while True:
            time.sleep(REPORT_S)
            with pipe:  # a number counts for the task that now runs, so its outcome must not overtake it
                now = (rows_read(), seconds_compiling() - compiled_before)
                if any(now) and now != said:
                    say({"rows": now[0], "compiling_s": now[1]})
                said = now

    threading.Thread(target=listen, daemon=True).start()
    threading.Thread(target=report, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the driver tells how a worker ended; a KeyboardInterrupt is a stage's own doing
    limit_threads()
    tell_compiling(tell)
    while True:
        arrived.acquire()
        request = orjson.loads(requests.popleft())
        plan = Path(request["plan"])
        if request["is_quiet"] and plan != logged:
            _print_to(plan.with_name(LOG_NAME))
            logged = plan
        with pipe:
            compiled_before = seconds_compiling()
            say({"rows": 0, "compiling_s": 0.0})
        outcome = execute(plan, request["index"])
        with pipe:
            say(asdict(outcome))


def _print_to(path: Path) -> None:
    """Let what stages and libraries print go to the end of a file; nowhere if it cannot be had."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        file = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(file, number)
    with contextlib.suppress(OSError):
        os.close(file)


if __name__ == "__main__":
    serve()
