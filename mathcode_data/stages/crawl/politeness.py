"""When a host may be asked again: one request at a time, a pause after each, longer ones after failures.

All waiting goes by the monotonic clock, so a clock that is set back or forth neither floods nor freezes a host. What must
outlast the process (a Retry-After of half an hour) is kept as a wall-clock time together with the length of the wait, and
never counts for more than that length.
"""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Callable
from types import TracebackType

from mathcode_data.stages.crawl.limits import Limits


def retry_after_s(value: str | None, now: float, max_s: float) -> float | None:
    """Seconds that a Retry-After asks for, bounded; None if it says nothing that can be understood.

    >>> retry_after_s("120", 0.0, 3600.0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 0.0, 3600.0), retry_after_s("soon", 0.0, 3600.0)
    (120.0, 60.0, None)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), max_s)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(0.0, at - now), max_s)


def backoff_s(num_failures: int, limits: Limits, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Wait after the n-th failure in a row: full jitter below a bound that doubles."""
    return draw(0.0, min(limits.max_backoff_s, limits.first_backoff_s * 2.0 ** min(num_failures - 1, 20)))


class DoneForNowError(Exception):
    """The next request to the host would begin after the end of the task."""


class HostLeftError(Exception):
    """The host's other addresses go back to the frontier."""


class OriginLeftError(Exception):
    """The address goes back to the frontier: the rules of its origin cannot be had now."""


class Gate:
    """The one way to a host: `async with gate` waits for its turn and for the pause."""

    def __init__(self, delay_s: float, ends_at: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A new gate waits a whole pause: the process before this one may have asked just now, and been killed."""
        self.delay_s = delay_s
        self._clock = clock
        self._ends_at = ends_at
        self._lock = asyncio.Lock()
        self._next = clock() + delay_s

    def hold(self, seconds: float) -> None:
        """Ask nothing for so long from now."""
        self._next = max(self._next, self._clock() + seconds)

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            if self._next > self._ends_at:
                raise DoneForNowError("the pause of this host reaches beyond the task")
            while (wait := self._next - self._clock()) > 0:
                await asyncio.sleep(wait)
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._next = max(self._next, self._clock() + self.delay_s)
        self._lock.release()
