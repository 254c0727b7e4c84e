"""robots.txt and tdmrep.json of an origin: fetched once a day, through the same gate as pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mathcode_data.stages.crawl.canonical import UrlError, canonical_url, host_of
from mathcode_data.stages.crawl.fetch import Answer, FetchError
from mathcode_data.stages.crawl.hosts import OriginRules
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.robots import Robots, read_robots
from mathcode_data.stages.crawl.signals import TDMREP_PATH, read_tdmrep

if TYPE_CHECKING:
    from collections.abc import Awaitable

    Ask = Callable[[str, int], Awaitable[Answer]]

MAX_ROBOTS_REDIRECTS = 5
MAX_TDMREP_BYTES = 256 << 10


async def fetch_rules(origin: str, ask: Ask, limits: Limits, may_ask: Callable[[str], bool], obey: Callable[[Robots], None]) -> OriginRules:
    """Ask an origin for its rules.

    Args:
        origin: scheme, host and port.
        ask: sends one GET of (url, most bytes) through the gate of the url's host.
        limits: the crawl's limits.
        may_ask: tells of a host whether its gate is ours: a robots.txt that lies elsewhere refuses the host.
        obey: takes over the pause that robots.txt asks for; called before the next request.
    """
    robots = await _fetch_robots(f"{origin}/robots.txt", ask, limits, may_ask)
    entry = OriginRules(time.time(), robots.to_json())
    obey(robots)
    if robots.verdict == "refused" or not robots.allows(origin + TDMREP_PATH) or (robots.crawl_delay_s or 0.0) > limits.max_crawl_delay_s:
        return entry
    try:
        answer = await ask(origin + TDMREP_PATH, MAX_TDMREP_BYTES)
    except FetchError as error:
        entry.notes.append(f"tdmrep.json unreadable: {error.reason}")
        return entry
    body = answer.read()
    answer.close()
    if answer.status == 200:
        rules = read_tdmrep(body)
        if rules is None:
            entry.notes.append("tdmrep.json unreadable: no JSON of its form")
        else:
            entry.tdmrep = [list(rule) for rule in rules]
    elif answer.status not in (404, 410):
        entry.notes.append(f"tdmrep.json unreadable: http_{answer.status}")
    return entry


async def _fetch_robots(url: str, ask: Ask, limits: Limits, may_ask: Callable[[str], bool]) -> Robots:
    for _ in range(MAX_ROBOTS_REDIRECTS + 1):
        try:
            answer = await ask(url, limits.max_robots + 1)
        except FetchError as error:
            return Robots("refused", f"robots_{error.reason}")
        try:
            if answer.status not in (301, 302, 303, 307, 308):
                return read_robots(answer.status, answer.read(), max_bytes=limits.max_robots)
            url = canonical_url(answer.header("location"), url)
        except UrlError:
            return Robots("refused", "robots_bad_redirect")
        finally:
            answer.close()
        if not may_ask(host_of(url)):
            return Robots("refused", "robots_elsewhere")
    return Robots("refused", "robots_redirects")


def path_of(url: str) -> str:
    """Path and query of an address, as prefixes in Content-Signal lines are compared with."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
