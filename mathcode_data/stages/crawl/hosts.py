"""What is known of a host, from one task to the next."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.traps import is_exhausted

MAX_RESTS = 3
"""Times that the breaker may open before a host is given up."""
PRIOR_PAGES = 4
"""The math rate of a host is smoothed as if so many pages of rate `PRIOR_RATE` had been seen."""
PRIOR_RATE = 250_000
MILLION = 1_000_000


class OriginRest(TypedDict):
    """An origin (scheme, host, port) whose robots.txt could not be had."""

    refusals: int
    """Times in a row."""
    reason: str
    rest_until: float
    """Wall clock, see `HostState.rest_until`."""
    rest_s: float


@dataclass
class HostState:
    """Counts and verdicts of one host. Scores are whole millionths, so that sums do not depend on their order."""

    pages: int = 0
    """Pages that were requested."""
    stored: int = 0
    bytes: int = 0
    errors: int = 0
    streak: int = 0
    """Failures in a row."""
    rests: int = 0
    """Times that the breaker opened."""
    calendar: int = 0
    """Calendar pages that were requested."""
    score_sum: int = 0
    num_scored: int = 0
    window: str = ""
    """Last stored pages: `1` new text, `0` seen before."""
    delay_s: float = 0.0
    """What its robots.txt asks for; 0 for nothing."""
    skip: str = ""
    """Why the host is left for good."""
    rest_reason: str = ""
    rest_until: float = 0.0
    """Wall clock; together with `rest_s`, which it never exceeds from now, so that a clock set back freezes nothing."""
    rest_s: float = 0.0
    origins: dict[str, OriginRest] = field(default_factory=dict)
    """Origins of the host whose rules cannot be had. They rest, the others (http beside a closed https) do not."""

    def rate(self) -> int:
        """Smoothed mean score of the host's pages, in millionths."""
        return (self.score_sum + PRIOR_PAGES * PRIOR_RATE) // (self.num_scored + PRIOR_PAGES)

    def rest_left_s(self) -> float:
        """Seconds that the host still rests."""
        return min(max(0.0, self.rest_until - time.time()), self.rest_s)

    def rest(self, seconds: float, reason: str) -> None:
        """Leave the host alone for so long."""
        self.rest_s, self.rest_until, self.rest_reason = seconds, time.time() + seconds, reason

    def refused(self, origin: str, reason: str, limits: Limits) -> None:
        """Note that the rules of an origin cannot be had: it rests, and is given up after several rests."""
        refusals = self.origins[origin]["refusals"] + 1 if origin in self.origins else 1
        seconds = limits.robots_retry_s
        self.origins[origin] = {"refusals": refusals, "reason": reason, "rest_until": time.time() + seconds, "rest_s": seconds}
        self.errors += 1
        if self.errors >= limits.host_errors:
            self.skip = "host_errors"

    def given_up(self, origin: str) -> str:
        """Why the origin is left for good, "" if it is not."""
        rest = self.origins.get(origin)
        return rest["reason"] if rest and rest["refusals"] >= MAX_RESTS else ""

    def origin_rest_left_s(self, origin: str) -> float:
        """Seconds that the origin still rests, beside the rest of the host."""
        rest = self.origins.get(origin)
        return min(max(0.0, rest["rest_until"] - time.time()), rest["rest_s"]) if rest else 0.0

    def closed_origins(self, rest_s: float = 0.0) -> list[str]:
        """Origins that are given up or rest for longer than `rest_s`."""
        return [origin for origin in self.origins if self.given_up(origin) or self.origin_rest_left_s(origin) > rest_s]

    def succeeded(self) -> None:
        """Note an answer that is no failure."""
        self.streak = 0

    def failed(self, limits: Limits) -> None:
        """Note a failure; opens the breaker after several in a row, gives up after several rests or too many errors."""
        self.errors += 1
        self.streak += 1
        if self.errors >= limits.host_errors:
            self.skip = "host_errors"
        elif self.streak >= limits.breaker_failures:
            self.streak = 0
            self.rests += 1
            if self.rests >= MAX_RESTS:
                self.skip = "host_failing"
            else:
                self.rest(limits.max_backoff_s * self.rests, "breaker")

    def saw_page(self, *, score: int, is_new: bool, limits: Limits) -> None:
        """Note a stored page."""
        self.stored += 1
        self.score_sum += score
        self.num_scored += 1
        self.window = (self.window + ("1" if is_new else "0"))[-limits.novelty_window :]

    def is_demoted(self, limits: Limits) -> bool:
        """Whether the host gives hardly any new text any more."""
        return is_exhausted(self.window, limits)

    def quota(self, limits: Limits) -> int:
        """Pages of the host in the next round."""
        if self.is_demoted(limits):
            share = 1
        else:
            delay = max(limits.delay_s, self.delay_s)
            share = limits.host_round_pages if delay <= 0 else max(1, min(limits.host_round_pages, int(limits.task_s / delay)))
        return max(0, min(share, limits.host_pages - self.pages))

    def to_json(self) -> dict[str, Any]:
        """Plain data; fields that hold their default are left out."""
        return {name: value for name, value in asdict(self).items() if value != getattr(FRESH, name)}


FRESH = HostState()


@dataclass
class Wanted:
    """An address in the frontier."""

    key: bytes
    url: str
    host: str
    score: int
    """Score of the best page that leads to it, in millionths."""
    depth: int
    hops: int
    """Redirects in a row that lead to it."""
    attempts: int = 0

    def to_json(self) -> list[Any]:
        """Plain data."""
        return [self.key.hex(), self.url, self.host, self.score, self.depth, self.hops, self.attempts]


def wanted_from_json(data: list[Any]) -> Wanted:
    """Read back what `to_json` wrote."""
    return Wanted(bytes.fromhex(data[0]), *data[1:])


@dataclass
class OriginRules:
    """What an origin's robots.txt and tdmrep.json said, and when."""

    at: float
    robots: dict[str, Any]
    tdmrep: list[list[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def is_fresh(self, limits: Limits) -> bool:
        """Whether it still counts; not if the clock was set back behind its time. How long a refusal counts says the host's state."""
        return self.robots["verdict"] != "refused" and 0 <= time.time() - self.at < limits.robots_cache_s
