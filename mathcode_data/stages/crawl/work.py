"""The tasks of a crawl: reading the seeds, and one partition's part of a round."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Task
from mathcode_data.core.storage import naming_full_disk, read_json, write_json
from mathcode_data.stages.contact import user_agent
from mathcode_data.stages.crawl.canonical import host_of, origin_of, partition_of, url_key
from mathcode_data.stages.crawl.fetch import Fetcher
from mathcode_data.stages.crawl.frontier import EVENTS_NAME, LINKS_NAME, Frontier, add_link, write_events, write_links
from mathcode_data.stages.crawl.hosts import FRESH, MILLION, HostState, Wanted, wanted_from_json
from mathcode_data.stages.crawl.journal import Journal, only_worker
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.pages import PageReader, scorer_of
from mathcode_data.stages.crawl.scope import Scope
from mathcode_data.stages.crawl.terms import Known, Terms
from mathcode_data.stages.crawl.traps import is_calendar
from mathcode_data.stages.crawl.visits import Visits

NAME = "crawl.focused"
MAX_SEED_LINE = 8192
MAX_NAMED_SEEDS = 1000
"""Refused seeds whose names are kept; all are counted."""
MAX_SHOWN_SEEDS = 5
SEED_HOSTS_NAME = "hosts.json"


def seed_lines(config: Any) -> Iterable[str]:
    """Addresses of the configuration and of the seed files; empty lines and those that begin with # are left out."""
    yield from config.urls
    for path in map(Path, config.seeds):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if line.strip() and not line.lstrip().startswith("#"):
                        yield line.strip()[:MAX_SEED_LINE]


def make_scope(config: Any, hosts: Iterable[str] = ()) -> Scope:
    """The hosts that a configuration allows; those of the seeds where it names none."""
    names_some = bool(config.domains or config.suffixes or config.any_host)
    return Scope(
        tuple(domain.lower().strip(".") for domain in config.domains), tuple(suffix.lower() for suffix in config.suffixes),
        frozenset() if names_some else frozenset(hosts), config.any_host, config.allow_private,
    )  # fmt: skip


def read_seeds(task: Task) -> None:
    """Phase `seeds`: canonical addresses of the seeds, by partition."""
    config = task.config
    outside = Scope(any_host=True, allow_private=config.allow_private)
    links: dict[bytes, tuple[int, Wanted]] = {}
    hosts: set[str] = set()
    refused: list[list[str]] = []
    named = make_scope(config) if config.domains or config.suffixes else outside
    for line in seed_lines(config):
        text = line if "://" in line else f"https://{line}"
        url, reason = outside.judge(text, "", 0, config.limits)
        reason = reason or named.why_outside(host_of(url))
        if reason:
            task.ledger.saw()
            task.ledger.drop_unread(f"seed_{reason}")
            refused.append([line, f"seed_{reason}"])
            continue
        hosts.add(host_of(url))
        add_link(links, partition_of(host_of(url), config.partitions), Wanted(url_key(url), url, host_of(url), MILLION, 0, 0))
    if not links:
        why = (
            ", ".join(sorted({f"{reason.removeprefix('seed_')}: {line}" for line, reason in refused[:MAX_SHOWN_SEEDS]})) or "there is none"
        )
        raise DataError(
            f"{task.ledger.counters.stage}: no seed can be visited ({why}); give addresses in `seeds` or `urls` within the scope"
        )
    task.ledger.count("seeds", len(links))
    write_links(task.folder / LINKS_NAME, links)
    write_json(task.folder / SEED_HOSTS_NAME, sorted(hosts))
    task.values |= {"links_to": _count_by_partition(links), "left": 0, "seeds_refused": refused[:MAX_NAMED_SEEDS]}


def _count_by_partition(links: dict[bytes, tuple[int, Wanted]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for partition, _ in links.values():
        counts[str(partition)] = counts.get(str(partition), 0) + 1
    return dict(sorted(counts.items()))


def visit_round(task: Task) -> None:
    """Phase of a round: one partition's batch, or what another task left of it."""
    config, item = task.config, task.item
    partition = item["partition"]
    state_folder = Path(item["state"])
    with naming_full_disk(state_folder):
        state_folder.mkdir(parents=True, exist_ok=True)
        with only_worker(state_folder / f"partition-{partition:05d}.lock"):
            _visit(task, config, item, state_folder)


def _visit(task: Task, config: Any, item: dict[str, Any], state_folder: Path) -> None:
    partition, limits = item["partition"], config.limits
    name = f"{item['generation']:05d}-{item['slice']:03d}-{partition:05d}"
    _remove_old_journals(state_folder, partition, name)
    frontier = Frontier(state_folder / f"partition-{partition:05d}.sqlite", partition, limits)
    journal = Journal(state_folder / f"journal-{name}", f"crawl-{name}.warc.gz", user_agent(config.contact, NAME))
    try:
        frontier.catch_up([tuple(entry) for entry in item["history"]])
        kept = journal.batch()
        if kept is None:
            rows = [wanted_from_json(row) for row in item["left"]] if item["slice"] else _select(frontier, item, limits)
            kept = {"rows": [row.to_json() for row in rows]}
            journal.keep_batch(kept)
        batch = [wanted_from_json(row) for row in kept["rows"]]
        left, given_back = _work_off(task, batch, frontier, journal, state_folder)
        _leave(task, frontier, journal, batch, left, given_back)
    finally:
        journal.close()
        frontier.close()


def _remove_old_journals(state_folder: Path, partition: int, name: str) -> None:
    """Journals of the partition's committed tasks are of no use any more; that of this task stays."""
    for folder in state_folder.glob(f"journal-*-{partition:05d}"):
        if folder.name < f"journal-{name}":
            shutil.rmtree(folder, ignore_errors=True)


def _select(frontier: Frontier, item: dict[str, Any], limits: Limits) -> list[Wanted]:
    """The batch of a round; waits for a resting host where there is nothing else to do."""
    rows = frontier.select(item["max_pages"])
    rest_s = frontier.shortest_rest_s()
    if not rows and rest_s is not None and rest_s <= limits.patience_s:
        asyncio.run(asyncio.sleep(min(rest_s, limits.task_s)))
        rows = frontier.select(item["max_pages"])
    return rows


def _work_off(task: Task, batch: list[Wanted], frontier: Frontier, journal: Journal, state_folder: Path) -> tuple[list[Wanted], set[bytes]]:
    config, item = task.config, task.item
    hosts = sorted({wanted.host for wanted in batch})
    seed_hosts = read_json(Path(item["history"][0][0]) / "00000" / SEED_HOSTS_NAME)
    terms = Terms(
        config.limits, make_scope(config, seed_hosts), item["partition"], config.partitions,
        frozenset(kind.lower() for kind in config.content_types), frozenset(config.ignore_signals), item["max_bytes"],
    )  # fmt: skip
    known = Known(frontier.states(hosts), frontier.rules(hosts), {host: frontier.simhashes(host) for host in hosts})
    bodies = state_folder / f"bodies-{item['partition']:05d}"
    bodies.mkdir(exist_ok=True)

    async def go(reader: PageReader) -> tuple[list[Wanted], set[bytes]]:
        agent = user_agent(config.contact, NAME)
        async with Fetcher(config.limits, agent, bodies, allow_private=config.allow_private, resolve=config.resolve) as fetcher:
            visits = Visits(terms, known, journal, reader, fetcher, task.ledger)
            return await visits.run(batch), visits.given_back

    scorer = None
    if config.model is not None:
        scorer = scorer_of(config.model.model_dump_json(), config.label, config.text, config.max_characters)
    return asyncio.run(go(PageReader(config.limits, scorer, frozenset(config.skip_rel))))


def _leave(task: Task, frontier: Frontier, journal: Journal, batch: list[Wanted], left: list[Wanted], given_back: set[bytes]) -> None:
    """Write the task's files and say what is still to do."""
    config, item = task.config, task.item
    links: dict[bytes, tuple[int, Wanted]] = {}
    states: dict[str, dict[str, Any]] = {}
    for event in journal.events:
        for row in event.get("links", ()):
            link = wanted_from_json(row)
            add_link(links, partition_of(link.host, config.partitions), link)
        if "state" in event:
            states[event["host"]] = event["state"]
    write_events(task.folder / EVENTS_NAME, [{"partition": item["partition"]}, *journal.events])
    write_links(task.folder / LINKS_NAME, links)
    warc_names = journal.finish(task.folder)
    facts = task.ledger.counters.facts
    task.values |= {
        "partition": item["partition"],
        "warc": warc_names,
        "links_to": _count_by_partition(links),
        "left": len(left),
        "left_rows": [wanted.to_json() for wanted in left],
        "waiting": _still_waiting(frontier, config.limits, batch, given_back, states),
        "pages": facts["pages_requested"],
        "bytes": facts["bytes_received"],
        "ended": task.ledger.counters.read,
        "hosts": states,
    }


def _still_waiting(
    frontier: Frontier, limits: Limits, batch: list[Wanted], given_back: set[bytes], states: dict[str, dict[str, Any]]
) -> int:
    """Addresses of the partition that a later round could take, those apart that this one has dealt with or left."""
    newer = {host: HostState(**data) for host, data in states.items()}
    counts = frontier.waiting(limits.patience_s, newer)
    for wanted in batch:
        state = newer.get(wanted.host, FRESH)
        is_counted = origin_of(wanted.url) not in state.closed_origins(limits.patience_s) and (
            state.calendar < limits.max_calendar_pages or not is_calendar(wanted.url)
        )
        if wanted.host in counts and wanted.key not in given_back and is_counted:
            counts[wanted.host] -= 1
    return sum(max(0, count) for count in counts.values())
