"""Ports for servers of tests.

A server that binds port 0 itself and says which one it got is the best; `free_port` is for those that want a number first. It is outside
the range from which the system takes ports for connections, where a number found free is somebody's a moment later.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

FIRST, LAST = 20_000, 31_999
"""Below 32768, where Linux's range begins."""
TRIES = 200
_draw = random.SystemRandom()


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on, drawn anew at every call."""
    for _ in range(TRIES):
        port = _draw.randint(FIRST, LAST)
        with socket.socket() as found:
            try:
                found.bind((address, port))
            except OSError:
                continue
        return port
    raise OSError(f"no free port in {TRIES} draws from {FIRST} to {LAST}")


@contextmanager
def dead_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A port where connections are refused for as long as the block lasts: bound, so that nobody else gets it, and never listened on."""
    with socket.socket() as held:
        held.bind((address, 0))
        yield held.getsockname()[1]
