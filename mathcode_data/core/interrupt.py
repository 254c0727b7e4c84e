"""Signals: SIGINT, SIGTERM and SIGHUP end a run between tasks or steps; what is done stays, exit code 7.

Where the driver itself works for long (planning, a task of the inline runner), `at_once` lets the signal break in.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mathcode_data.core.errors import InterruptedRunError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal broke into the work; any other KeyboardInterrupt was raised by somebody's code."""


class Interrupt:
    """Remembers that a signal came; a second one raises. As a context manager, installs the handlers (main thread only)."""

    def __init__(self, advice: str = "finished tasks are kept, the same command goes on from there") -> None:
        """`advice` ends the message: what stays, and what to do."""
        self._advice = advice
        self._signal: int | None = None
        self._breaks_in = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup: the end of the terminal is no matter
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def listen_again(self) -> None:
        """Take the signals back from a library that put handlers of its own in place."""
        for number in self._previous:
            signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._signal is not None:  # a second signal does not wait
            raise InterruptedRunError(self._message())
        self._signal = number
        if self._breaks_in:
            raise Stopped(self._message())

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a signal raises `Stopped` where the program stands: only for work that may be cut anywhere."""
        before, self._breaks_in = self._breaks_in, True
        try:
            if self._signal is not None:  # it came just before
                raise Stopped(self._message())
            yield
        finally:
            self._breaks_in = before

    @property
    def received(self) -> str | None:
        """Name of the signal that came, None if none did."""
        return None if self._signal is None else signal.Signals(self._signal).name

    @property
    def came(self) -> bool:
        """Whether a signal came."""
        return self._signal is not None

    def check(self) -> None:
        """Raise InterruptedRunError if a signal came."""
        if self._signal is not None:
            raise InterruptedRunError(self._message())

    def _message(self) -> str:
        name = signal.Signals(self._signal or signal.SIGINT).name
        return f"stopped by {name}; {self._advice}"
