"""A word before loops are compiled to machine code, which takes up to a minute at a first run and looks as if nothing happened.

The room of compiled functions calls `compiling` when the compiler begins; who talks to people says where the word goes: the command line
to standard error, a worker of the pool to its driver. Nobody is told twice. Without a listener nothing is said: a library does not print.
The time it takes is counted, for it is no part of the time that a task may take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KEPT = "compiling loops for their first use, once on this machine; this takes up to a minute"
NOT_KEPT = "compiling loops, in every process anew: no folder keeps them; set NUMBA_CACHE_DIR to one that can be written"

Listener = Callable[[bool], None]
"""Called with whether the machine code is kept for later processes."""

_listener: Listener | None = None
_was_told = False
_depth, _began, _spent_s = 0, 0.0, 0.0
"""Compilations inside one another, when the outermost began, and how long the earlier ones took."""


def tell_compiling(listener: Listener) -> None:
    """From now on, say to `listener` that the compiler begins: at most once."""
    global _listener, _was_told
    _listener, _was_told = listener, False


def compiling(is_kept: bool) -> None:
    """The compiler begins; `done_compiling` follows."""
    global _was_told, _depth, _began
    if _depth == 0:
        _began = time.monotonic()
    _depth += 1
    if _listener is not None and not _was_told:
        _was_told = True
        _listener(is_kept)


def done_compiling() -> None:
    """The compiler ends."""
    global _depth, _spent_s
    _depth -= 1
    if _depth == 0:
        _spent_s += time.monotonic() - _began


def seconds_compiling() -> float:
    """How long this process has compiled so far, from any thread."""
    return _spent_s + (time.monotonic() - _began if _depth else 0.0)


@contextmanager
def told_by(note: Callable[[str], None]) -> Iterator[None]:
    """Within the block the words go to `note`, if anybody wants to hear them."""
    global _listener
    before = _listener
    if before is not None:
        _listener = lambda is_kept: note(words(is_kept))  # noqa: E731
    try:
        yield
    finally:
        _listener = before


def words(is_kept: bool) -> str:
    """The line for people."""
    return KEPT if is_kept else NOT_KEPT
