"""One run per output folder. The lock is the kernel's (flock), so the lock of a dead process is free by itself."""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson

from mathcode_data.core.errors import ConfigError, LockedError, is_out_of_resource
from mathcode_data.core.storage import naming_full_disk

LOCK_NAME = ".lock"


@contextmanager
def locked(folder: Path, *, remove_if_unused: bool = False) -> Iterator[None]:
    """Hold the folder for this process; made if need be.

    Args:
        folder: what to hold.
        remove_if_unused: where nothing came into the folder meanwhile, take away what this lock brought: its own file, the folder,
            and empty folders above that were made for it.

    Raises:
        LockedError: another live process holds it; names pid and host.
        ResourceError: a full or failing disk, also where it shows in what is done under the lock without a word of its own.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    before = _names(folder)
    with naming_full_disk(folder), _open(folder) as file:
        file.truncate(0)
        file.write(orjson.dumps({"pid": os.getpid(), "host": platform.node()}))
        file.flush()
        try:
            yield
        finally:
            if remove_if_unused and _names(folder) - {LOCK_NAME} == before - {LOCK_NAME}:
                _take_away(folder, had_lock=LOCK_NAME in before, made=made)


def _open(folder: Path) -> IO[bytes]:
    """The lock file, held."""
    try:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / LOCK_NAME).open("a+b")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                holder = _holder(folder / LOCK_NAME)
                raise LockedError(f"{folder}: {holder} works here; wait for it or use another output folder") from error
            if _is_still(folder / LOCK_NAME, file):
                return file
            file.close()  # its holder took it away between our opening and locking: what we hold has no name any more
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{folder}: a file stands there or above it; name a folder") from error
    except OSError as error:
        if is_out_of_resource(error):
            raise
        raise ConfigError(f"{folder}: cannot be made or written ({error.strerror or error}); name another folder") from error


def _is_still(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _take_away(folder: Path, *, had_lock: bool, made: list[Path]) -> None:
    if not had_lock:
        (folder / LOCK_NAME).unlink(missing_ok=True)
    for path in made:  # the folder, then those above
        try:
            path.rmdir()
        except OSError:  # somebody put something there meanwhile
            return


def _holder(path: Path) -> str:
    try:
        data = orjson.loads(path.read_bytes())
        return f"process {data['pid']} on {data['host']}"
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return "another process"
