"""Of the processes of a machine that lack the code of one function, one compiles it, and the others wait and then load it.

The turn is a lock of the kernel's (flock) on a small file beside the code, so that of a process that dies is free at once. Nobody waits
for ever, and not having the turn forbids nothing: numba's files stand being written twice, which costs time alone. So where no lock can
be had (a folder of another host that knows none, a disk without room) everybody compiles for himself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from mathcode_data.core import first_compile

POLL_S = 0.05
PATIENCE_S = 120.0
"""The longest first use compiles for a minute on one core."""


class Turn:
    """The turn of one function in this process; the compiler's own lock lets one thread at a time get here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: list[list[int]] = []
        """For each compilation that has begun (a function may need itself with other types) the file that it locked, if it did."""

    def __enter__(self) -> None:
        self._taken.append([])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._taken.pop():
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # closing is not enough where a child, forked meanwhile, holds the file too
            with contextlib.suppress(OSError):
                os.close(file)

    def take(self) -> bool:
        """Take the turn until the compilation ends.

        Returns:
            Whether to look for the code again: another process may have had the turn since it was looked for.
        """
        if not self._taken or any(self._taken):
            return False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return False
        self._taken[-1].append(file)
        if _lock(file):
            return True
        first_compile.compiling(True)  # it is no time of the task's either
        try:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline and not _lock(file):
                time.sleep(POLL_S)
        finally:
            first_compile.done_compiling()
        return True


def _lock(file: int) -> bool:
    """Whether there is nothing to wait for: the lock is ours, or this file system has none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
