"""Signals: SIGINT, SIGTERM and SIGHUP end a run between tasks or steps; what is done stays, exit code 7.

Where the driver itself works for long (planning, a task of the inline runner), `at_once` lets the signal break in. It does not break
into a library that is being loaded: an exception there ends in a crash or a wrong word, so the signal comes again a moment later.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

from mathcode_data.core.errors import InterruptedRunError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FRAGILE = frozenset({"numba", "numpy", "pandas", "pyarrow", "ray", "scipy", "torch", "triton"})
"""Packages half in C++, which take no exception while they are loaded."""
AGAIN_S = 0.05
PATIENCE_S = 10.0
"""What loading may put a signal off; then it breaks in all the same."""


class Stopped(KeyboardInterrupt):
    """A signal broke into the work; any other KeyboardInterrupt was raised by somebody's code."""


class Interrupt:
    """Remembers that a signal came; a second one raises. As a context manager, installs the handlers (main thread only)."""

    def __init__(self, advice: str = "finished tasks are kept, the same command goes on from there") -> None:
        """`advice` ends the message: what stays, and what to do."""
        self._advice = advice
        self._signal: int | None = None
        self._breaks_in = False
        self._is_second = False
        self._comes_again = False
        self._deadline = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        self.listen()
        return self

    def listen(self) -> None:
        """Install the handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup: the end of the terminal is no matter
                    self._previous[number] = signal.signal(number, self._handle)

    def listen_again(self) -> None:
        """Take the signals back from a library that put handlers of its own in place."""
        for number in self._previous:
            signal.signal(number, self._handle)

    def deafen(self) -> None:
        """From now on signals change nothing: the exit code is fixed."""
        numbers, self._previous = list(self._previous), {}
        for number in numbers:
            signal.signal(number, self._handle)

    def __exit__(self, kind: object, *_: object) -> None:
        """Give the handlers back; where one came too late to matter inside, whoever listens outside gets it."""
        outer = None
        for number, handler in self._previous.items():
            holder = getattr(handler, "__self__", None)
            outer = holder if isinstance(holder, Interrupt) else outer
            signal.signal(number, handler)
        self._previous = {}
        if outer is None or self._signal is None:
            return
        outer._signal = outer._signal or self._signal
        if kind is None and outer._breaks_in:
            raise Stopped(outer._message())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._previous:
            return  # it came while the handlers were taken away
        is_again, self._comes_again = self._comes_again, False
        if self._signal is None:
            self._signal, self._deadline = number, time.monotonic() + PATIENCE_S
        elif not is_again:
            self._is_second = True  # it does not wait
        if not (self._breaks_in or self._is_second):
            return
        if is_loading(frame) and time.monotonic() < self._deadline:
            self._comes_again = True
            threading.Thread(target=_send_again, args=(number,), daemon=True).start()
            return
        raise InterruptedRunError(self._message()) if self._is_second else Stopped(self._message())

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


def ignore_signals() -> None:
    """For the very end: what Python handles itself it gives up, and dies of, while it still clears up."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def is_loading(frame: FrameType | None) -> bool:
    """Whether a frame stands inside the loading of a compiled module, or of one of the packages that are half compiled."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and str(frame.f_globals.get("__name__", "")).partition(".")[0] in FRAGILE:
            return True
        if frame.f_code.co_name in ("create_module", "exec_module") and isinstance(frame.f_locals.get("self"), ExtensionFileLoader):
            return True
        frame = frame.f_back
    return False


def _send_again(number: int) -> None:
    time.sleep(AGAIN_S)
    signal.pthread_kill(threading.main_thread().ident or 0, number)


_is_waiting = False
_children_hear = False


def _let_children_hear() -> None:
    """Processes that are started while signals wait get them: a blocked signal stays blocked in a new program."""
    global _children_hear
    if not _children_hear:
        _children_hear = True
        os.register_at_fork(after_in_child=_hear)


def _hear() -> None:
    if not _is_waiting:
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    with suppress(OSError):
        os.setpgid(0, 0)  # what ends this program, from a terminal that closes, is no matter of its helpers: it would wait for a dead one


@contextmanager
def waiting(tell: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Inside, signals wait: for work of a library that puts handlers of its own in place, and before they can be taken back.

    Threads that are started inside never get a signal. `tell` is called once, from another thread, when one comes.
    """
    global _is_waiting
    _let_children_hear()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(AGAIN_S):
            if signal.sigpending() & set(SIGNALS):
                tell()
                return

    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    _is_waiting = True
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        _is_waiting = False
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
