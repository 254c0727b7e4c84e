"""How often, and after which pauses, a server is asked again; and that it hears one process of this machine at a time.

Common Crawl's servers are shared by everybody: 403 means that it has had enough of us, 503 and 429 that it has too much to do.
So a pause is a minute or more at first and doubles, with jitter, a Retry-After is kept to, and after a few refusals the run stops, which
the next run takes up where it ended. All of it holds for all workers of a machine together: they take turns by a file lock,
and a pause that one of them was given is written beside it for the others.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeVar

from mathcode_data.core.errors import ConfigError, ResourceError

Trouble = Literal["refused", "busy", "broken"]
Answer = TypeVar("Answer")
FIRST_SHORT_WAIT_S = 1.0
"""After a connection that broke: nobody asked us to wait."""
MAX_RETRY_AFTER_S = 3600.0
POLL_S = 0.02
JITTER = 1.5
"""Longest pause by shortest: processes that were refused together do not come back together."""


class AskAgainError(Exception):
    """A request without a usable answer, after which another try may help; the message says what came."""

    def __init__(self, why: str, trouble: Trouble, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.trouble = trouble
        self.wait_s = wait_s
        """What the server asks for, None if it says nothing."""


@dataclass(frozen=True)
class Patience:
    """Bounds of trying again."""

    first_backoff_s: float = 60.0
    max_backoff_s: float = 900.0
    max_tries: int = 8
    max_refusals: int = 3

    def wait_s(
        self, num_failures: int, trouble: Trouble, asked_s: float | None, draw: Callable[[float, float], float] = random.uniform
    ) -> float:
        """Pause after the n-th failure in a row: what the server asks for, or one to one and a half times a wait that doubles."""
        if asked_s:
            return min(asked_s, MAX_RETRY_AFTER_S)
        first = min(FIRST_SHORT_WAIT_S, self.first_backoff_s) if trouble == "broken" else self.first_backoff_s
        least = min(self.max_backoff_s / JITTER, first * 2.0 ** min(num_failures - 1, 20)) if first < self.max_backoff_s else first
        return draw(min(least, self.max_backoff_s), min(JITTER * least, self.max_backoff_s))

    def is_over(self, num_failures: int, trouble: Trouble) -> bool:
        """Whether a request has failed often enough."""
        return num_failures >= (self.max_refusals if trouble == "refused" else self.max_tries)


class Turns:
    """The right to speak to a host, held by at most `connections` processes of this machine and user at once."""

    def __init__(self, host: str, connections: int, folder: Path | None = None) -> None:
        """`folder` holds the locks; by default one of this user's in the folder of temporary files."""
        self._folder = folder or Path(tempfile.gettempdir()) / f"mathcode-data-{os.getuid()}"
        self._name = hashlib.blake2b(host.encode(), digest_size=8).hexdigest()
        self._host = host
        self._connections = connections

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and for the end of a pause that this host was promised."""
        file = self._lock_one()
        try:
            self._sit_out()
            yield
        finally:
            file.close()  # which ends the lock

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long; returns when it is over. The clock is monotonic and the same for all processes."""
        temporary = self._folder / f"{self._name}.pause.{os.getpid()}"
        temporary.write_text(repr(time.monotonic() + seconds))
        temporary.replace(self._folder / f"{self._name}.pause")
        self._sit_out()

    def _sit_out(self) -> None:
        while True:
            try:
                ends = float((self._folder / f"{self._name}.pause").read_text())
            except (OSError, ValueError):
                return
            left = ends - time.monotonic()
            if not 0 < left <= MAX_RETRY_AFTER_S:  # longer than any pause: written before the machine was started anew
                return
            time.sleep(min(left, 5.0))

    def _lock_one(self) -> IO[bytes]:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if self._folder.stat().st_uid != os.getuid():
                raise ConfigError(
                    f"{self._folder}: belongs to another user; the locks of our requests lie there: set TMPDIR to a folder of yours"
                )
            slots = [(self._folder / f"{self._name}.{number}").open("ab") for number in range(self._connections)]
        except OSError as error:
            raise ConfigError(
                f"{self._folder}: {error.strerror or error}; the locks of our requests lie there: set TMPDIR to a folder of yours"
            ) from error
        while True:
            for file in slots:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                for other in slots:
                    if other is not file:
                        other.close()
                return file
            time.sleep(POLL_S)


def ask_patiently(ask: Callable[[], Answer], where: str, patience: Patience, turns: Turns) -> Answer:
    """Ask until there is an answer, with pauses.

    Raises:
        ResourceError: there was none after all tries; the run can be taken up later.
    """
    num_failures = 0
    while True:
        try:
            return ask()
        except AskAgainError as error:
            num_failures += 1
            if patience.is_over(num_failures, error.trouble):
                raise ResourceError(f"{where}: {error}, {num_failures} times; {_remedy(error.trouble)}") from error
            turns.pause(patience.wait_s(num_failures, error.trouble, error.wait_s))


def _remedy(trouble: Trouble) -> str:
    if trouble == "refused":
        return (
            "the server refuses us, and more requests would make it worse: wait some hours, ask for less (fewer connections, a mirror "
            "or s3:// as `base`), then run again, which goes on where it stopped"
        )
    return "what is committed is kept: run again later, which goes on where it stopped"
