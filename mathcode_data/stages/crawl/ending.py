"""What a crawl leaves open when it ends: every address that never came to its end is counted by reason, and named.

- It waits for a host or an origin that rests: `waiting_retry_after`, `waiting_backoff`, `waiting_breaker`, `waiting_robots_503`.
- It waits because a budget is used up: `waiting_max_pages`, `waiting_max_bytes`, `waiting_max_rounds`.
- Its host or origin was given up or has had its share: `robots_503`, `host_failing`, `host_errors`, `host_pages`, `calendar`.

So addresses that the crawl learned of = stored + refused + failed + waiting. The names stand as metadata records in a WARC file
of their own, where `explain --url` finds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mathcode_data.core.stage import Task, TaskRecord
from mathcode_data.core.storage import naming_full_disk
from mathcode_data.stages.contact import user_agent
from mathcode_data.stages.crawl.canonical import origin_of
from mathcode_data.stages.crawl.frontier import Frontier
from mathcode_data.stages.crawl.hosts import HostState
from mathcode_data.stages.crawl.journal import only_worker
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.warc_out import WarcFile

WAITING = "waiting_"
MAX_NAMED = 200_000
"""Open addresses of one partition that are named, about 400 bytes each; all are counted."""


def count_open(task: Task) -> None:
    """Last phase: one partition's open addresses, and the seeds that were refused."""
    item = task.item
    state_folder = Path(item["state"])
    with naming_full_disk(state_folder):
        state_folder.mkdir(parents=True, exist_ok=True)
        with only_worker(state_folder / f"partition-{item['partition']:05d}.lock"):
            _count(task, item, state_folder)


def _count(task: Task, item: dict[str, Any], state_folder: Path) -> None:
    config, partition = task.config, item["partition"]
    frontier = Frontier(state_folder / f"partition-{partition:05d}.sqlite", partition, config.limits)
    file = WarcFile(task.folder / f"crawl-open-{partition:05d}.warc.gz", user_agent(config.contact, "crawl.focused"))
    hosts: set[str] = set()
    until, num_waiting, num_named = 0.0, 0, 0
    state, last_host = HostState(), ""
    with closing(frontier), closing(file):
        frontier.catch_up([tuple(entry) for entry in item["history"]])
        for url, reason in item["seeds_refused"]:
            file.write_decision(url, {"outcome": reason, "depth": 0})
        for url, host, depth, score, is_calendar_page in frontier.open_addresses():
            if host != last_host:
                state, last_host = frontier.states([host])[host], host
            reason, ends_at = why_open(url, state, item["budget"], config.limits, is_calendar_page=is_calendar_page)
            task.ledger.saw()
            task.ledger.drop_unread(reason)
            decision: dict[str, Any] = {"outcome": reason, "depth": depth, "parent_score": score}
            if reason.startswith(WAITING):
                num_waiting += 1
                hosts.add(host)
            if ends_at:
                until = max(until, ends_at)
                decision["until"] = shown_time(ends_at)
            if num_named < MAX_NAMED:
                num_named += 1
                file.write_decision(url, decision)
    is_empty = not num_named and not item["seeds_refused"]
    if is_empty:
        file.path.unlink()
    task.values |= {"warc": [] if is_empty else [file.path.name], "waiting": num_waiting, "hosts": len(hosts), "until": until}


def why_open(url: str, state: HostState, budget: str, limits: Limits, *, is_calendar_page: bool) -> tuple[str, float]:
    """Why an address never came to its end, and until when it waits (0.0: for no time that is known).

    Args:
        url: the address.
        state: of its host.
        budget: the one that ended the crawl, "" where none did: then what is open waits for a rest, even one that is over by now.
        limits: the crawl's limits.
        is_calendar_page: whether the address is one (see `traps.py`).

    >>> why_open("http://a.org/x", HostState(), "max_pages", Limits(), is_calendar_page=False)
    ('waiting_max_pages', 0.0)
    """
    origin = origin_of(url)
    given_up = state.skip or state.given_up(origin)
    if given_up:
        return given_up, 0.0
    if state.pages >= limits.host_pages:
        return "host_pages", 0.0
    if is_calendar_page and state.calendar >= limits.max_calendar_pages:
        return "calendar", 0.0
    rest = state.origins.get(origin)
    if rest and (state.origin_rest_left_s(origin) or not budget):
        return f"{WAITING}{rest['reason']}", rest["rest_until"]
    if state.rest_left_s() or (state.rest_reason and not budget):
        return f"{WAITING}{state.rest_reason}", state.rest_until
    return f"{WAITING}{budget or 'not_visited'}", 0.0


def shown_time(seconds: float) -> str:
    """A time of the wall clock, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def what_waits(records: Iterable[TaskRecord]) -> dict[str, Any]:
    """Addresses that wait, of how many hosts, and until when at the latest ("": for no time that is known)."""
    values = [record.values for record in records]
    until = max((value["until"] for value in values), default=0.0)
    return {
        "addresses": sum(value["waiting"] for value in values),
        "hosts": sum(value["hosts"] for value in values),
        "until": shown_time(until) if until else "",
    }


def end_text(ended: str, waiting: dict[str, Any]) -> str:
    """One line for people about a crawl that left addresses open; "" where none wait.

    >>> end_text("hosts at rest", {"addresses": 7, "hosts": 1, "until": "2026-01-01T12:00:00Z"})
    '7 addresses of 1 host wait until 2026-01-01T12:00:00Z'
    >>> end_text("max_pages", {"addresses": 1200, "hosts": 2, "until": ""})
    'ended by max_pages: 1,200 addresses of 2 hosts wait'
    """
    addresses, hosts = waiting["addresses"], waiting["hosts"]
    if not addresses:
        return ""
    text = f"{addresses:,} address{'es' * (addresses != 1)} of {hosts:,} host{'s' * (hosts != 1)} wait{'s' * (addresses == 1)}"
    if ended != AT_REST:
        return f"ended by {ended}: {text}"
    return text + (f" until {waiting['until']}" if waiting["until"] else "")


AT_REST = "hosts at rest"
NOTHING_LEFT = "nothing is left"
