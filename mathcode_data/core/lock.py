"""One run per output folder. The lock is the kernel's (flock), so the lock of a dead process is free by itself."""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from mathcode_data.core.errors import ConfigError, LockedError
from mathcode_data.core.storage import naming_full_disk

LOCK_NAME = ".lock"


@contextmanager
def locked(folder: Path, *, remove_if_unused: bool = False) -> Iterator[None]:
    """Hold the folder for this process; made if need be.

    Args:
        folder: what to hold.
        remove_if_unused: take a folder away again in which nothing but the lock was written.

    Raises:
        LockedError: another live process holds it; names pid and host.
    """
    try:
        with naming_full_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / LOCK_NAME).open("a+b")
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{folder}: a file stands there or above it; name a folder") from error
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made or written ({error.strerror or error}); name another folder") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(f"{folder}: {_holder(folder / LOCK_NAME)} works here; wait for it or use another output folder") from error
        file.truncate(0)
        file.write(orjson.dumps({"pid": os.getpid(), "host": platform.node()}))
        file.flush()
        try:
            yield
        finally:
            if remove_if_unused and [path.name for path in folder.iterdir()] == [LOCK_NAME]:
                (folder / LOCK_NAME).unlink()
                folder.rmdir()


def _holder(path: Path) -> str:
    try:
        data = orjson.loads(path.read_bytes())
        return f"process {data['pid']} on {data['host']}"
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return "another process"
