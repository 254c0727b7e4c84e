"""A word before loops are compiled to machine code, which takes up to a minute at a first run and looks as if nothing happened.

The room of compiled functions calls `compiling` when the compiler begins; who talks to people says where the word goes: the command line
to standard error, a worker of the pool to its driver. Nobody is told twice. Without a listener nothing is said: a library does not print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

KEPT = "compiling loops for their first use, once on this machine; this takes up to a minute"
NOT_KEPT = "compiling loops, in every process anew: no folder keeps them; set NUMBA_CACHE_DIR to one that can be written"

Listener = Callable[[bool], None]
"""Called with whether the machine code is kept for later processes."""

_listener: Listener | None = None
_was_told = False


def tell_compiling(listener: Listener) -> None:
    """From now on, say to `listener` that the compiler begins: at most once."""
    global _listener, _was_told
    _listener, _was_told = listener, False


def compiling(is_kept: bool) -> None:
    """The compiler begins."""
    global _was_told
    if _listener is not None and not _was_told:
        _was_told = True
        _listener(is_kept)


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
