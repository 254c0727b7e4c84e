"""When a task began and how long its worker has compiled since, for a runner that hears of a task only when it ends (Ray).

The worker tells it in a file of the plan's folder, which it reads the plan from, so the driver sees it on any cluster that can work at
all. A task that waits for its worker has not begun, and compiling is no part of the time that a task may take: neither is its doing.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.first_compile import seconds_compiling

TELL_S = 1.0
SECONDS = struct.Struct("<d")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Within the block the file holds the seconds of compiling since its beginning.

    Raises:
        OSError: the file cannot be made; later trouble with it is passed over, and the clock then runs on.
    """
    before, over = seconds_compiling(), threading.Event()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    os.pwrite(file, SECONDS.pack(0.0), 0)

    def tell() -> None:
        told = 0.0
        while not over.wait(TELL_S):
            now = seconds_compiling() - before
            if now != told:
                with contextlib.suppress(OSError):
                    os.pwrite(file, SECONDS.pack(now), 0)
                told = now

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.close(file)


@dataclass
class Clock:
    """The driver's side of one attempt."""

    path: Path
    begun: float | None = None
    """When the driver first saw that the worker took the task up."""

    def is_over(self, limit_s: float) -> bool:
        """Whether the task has worked for longer than this, compiling apart."""
        compiled_s = self._told()
        if compiled_s is None:
            return False
        now = time.monotonic()
        self.begun = now if self.begun is None else self.begun
        # what was told last may be older than the next word by TELL_S, all of it compiling
        spared_s = compiled_s + TELL_S if compiled_s else 0.0
        return now - self.begun > limit_s + spared_s

    def _told(self) -> float | None:
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        return SECONDS.unpack(content)[0] if len(content) == SECONDS.size else None

    def forget(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self.path.unlink()
