"""The folder of a run: one process at a time works in it, and a signal ends that process in order."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mathcode_data.core.errors import LockedError
from mathcode_data.core.storage import naming_full_disk


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it when the process ends, however it ends.

    Raises:
        LockedError: another process holds it.
    """
    with naming_full_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(f"{folder}: another process trains here; wait for it or use another output folder") from error
        yield
    finally:
        os.close(descriptor)


class Interrupts:
    """Notes SIGTERM and SIGINT instead of dying; a second one acts as if nobody listened.

    Outside the main thread, where Python allows no handlers, signals keep their usual meaning.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.received: str | None = None
        """Name of the signal that came, if one did."""
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupts:
        """Begin to listen."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Put the old handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        self.__exit__()
