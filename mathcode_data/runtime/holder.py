"""Who holds the lock of an output folder, found without touching the lock: a look must never make a run that starts now fail."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson
import psutil

from mathcode_data.core.lock import LOCK_NAME

LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class Holder:
    """State of a lock. `unknown`: taken by a process of another host, which cannot be seen from here."""

    state: Literal["free", "held", "unknown"]
    pid: int | None = None
    host: str | None = None
    since: float | None = None
    """When it was taken, in seconds since 1970."""

    @property
    def is_at_work(self) -> bool:
        """Whether a run may be at work."""
        return self.state != "free"


FREE = Holder("free")


def find_holder(folder: Path) -> Holder:
    """Say who holds `folder`, by the kernel's table of locks and by what the holder wrote into its lock file."""
    path = folder / LOCK_NAME
    try:
        status = path.stat()
        written = orjson.loads(path.read_bytes())
        pid, host = int(written["pid"]), str(written["host"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return FREE if not path.exists() or not _holders(path.stat()) else Holder("held")
    if host != platform.node():
        return Holder("unknown", pid, host, status.st_mtime)
    found = _holders(status)
    is_held = psutil.pid_exists(pid) if found is None else bool(found)
    return Holder("held", pid, host, status.st_mtime) if is_held else FREE


def _holders(status: os.stat_result) -> list[int] | None:
    """Processes that hold a file's flock by the kernel's table; None where there is no such table.

    A line reads `7: FLOCK  ADVISORY  WRITE 4711 fe:00:131082 0 EOF`: process, device and inode.
    """
    try:
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return None
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    fields = [line.split() for line in lines]
    return [int(words[4]) for words in fields if len(words) > 5 and words[1] == "FLOCK" and words[5] == device]
