"""The frontier of one partition of hosts: an SQLite file that can be made again from what tasks committed.

The truth is in the committed files of finished tasks: `events.jsonl.gz` (what became of addresses and hosts of the partition)
and `links.parquet` (addresses found, for all partitions). The file beside them is those, applied in order, one transaction
per phase; it names the phases it holds, so a file of another history, or one that is lost, is made again.

Merging is order-free (best score, least depth, least hops), and selection goes by whole numbers with the key as the last
word: the next batch is a function of what was committed, not of when it came in.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mathcode_data.stages.crawl.canonical import origin_of
from mathcode_data.stages.crawl.hosts import HostState, OriginRules, Wanted
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.traps import MAX_REMEMBERED, is_calendar

SCHEMA = """
CREATE TABLE IF NOT EXISTS phases (position INTEGER PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS urls (
    key BLOB PRIMARY KEY, url TEXT NOT NULL, host TEXT NOT NULL, score INTEGER NOT NULL, depth INTEGER NOT NULL,
    hops INTEGER NOT NULL, calendar INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, outcome TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON urls (host, score DESC, depth, key) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (origin TEXT PRIMARY KEY, host TEXT NOT NULL, entry TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS simhashes (host TEXT NOT NULL, position INTEGER NOT NULL, value INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_host ON simhashes (host, position);
"""
MERGE = """
INSERT INTO urls (key, url, host, score, depth, hops, calendar) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET score = max(score, excluded.score), depth = min(depth, excluded.depth), hops = min(hops, excluded.hops)
"""
OPEN = "outcome IS NULL AND (? OR NOT calendar) AND (? = '[]' OR origin_of(url) NOT IN (SELECT value FROM json_each(?)))"
"""Addresses that may be visited; calendar pages or not, and but those of some origins (their JSON, twice)."""
EMPTY: Mapping[str, HostState] = MappingProxyType({})
EVENTS_NAME = "events.jsonl.gz"
LINKS_NAME = "links.parquet"


class Frontier:
    """Addresses, hosts and rules of one partition."""

    def __init__(self, path: Path, partition: int, limits: Limits) -> None:
        """Open or make the file."""
        self._path, self._partition, self._limits = path, partition, limits
        try:
            self._db = self._open()
        except sqlite3.DatabaseError:
            self._remove()
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.create_function("origin_of", 1, origin_of, deterministic=True)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(SCHEMA)
        return db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def catch_up(self, history: Sequence[tuple[str, int, str]]) -> None:
        """Apply the phases that are not in the file yet.

        Args:
            history: per finished phase the folder of its tasks, their number, and the digest of what they left.
        """
        try:
            applied = [row[0] for row in self._db.execute("SELECT digest FROM phases ORDER BY position")]
        except sqlite3.DatabaseError:
            applied = ["damaged"]
        if applied != [digest for _, _, digest in history[: len(applied)]]:
            self._start_anew()
            applied = []
        for position in range(len(applied), len(history)):
            root, num_tasks, digest = history[position]
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for index in range(num_tasks):
                    self._apply(Path(root) / f"{index:05d}", position)
                self._db.execute("INSERT INTO phases VALUES (?, ?)", (position, digest))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _start_anew(self) -> None:
        self._db.close()
        self._remove()
        self._db = self._open()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _apply(self, folder: Path, position: int) -> None:
        if (folder / EVENTS_NAME).exists():
            for event in read_events(folder / EVENTS_NAME, self._partition):
                self._apply_event(event, position)
        if (folder / LINKS_NAME).exists():
            self._db.executemany(MERGE, read_links(folder / LINKS_NAME, self._partition))

    def _apply_event(self, event: dict[str, Any], position: int) -> None:
        kind = event["kind"]
        if "state" in event:
            self._db.execute("INSERT OR REPLACE INTO hosts VALUES (?, ?)", (event["host"], orjson.dumps(event["state"]).decode()))
        if kind == "rules":
            entry = orjson.dumps(event["entry"]).decode()
            self._db.execute("INSERT OR REPLACE INTO rules VALUES (?, ?, ?)", (event["origin"], event["host"], entry))
        elif kind == "try":
            self._db.execute("UPDATE urls SET attempts = attempts + 1 WHERE key = ?", (bytes.fromhex(event["key"]),))
        elif kind == "done":
            self._db.execute("UPDATE urls SET outcome = ? WHERE key = ?", (event["outcome"], bytes.fromhex(event["key"])))
            if "simhash" in event:
                self._db.execute("INSERT INTO simhashes VALUES (?, ?, ?)", (event["host"], position, event["simhash"]))

    def select(self, max_pages: int) -> list[Wanted]:
        """The next batch: of every host its best addresses up to its quota, of those the best of all.

        Best: the mean of the parent page's score and the host's smoothed rate, then least depth, then the key. Hosts that are
        demoted come last, resting and skipped hosts and origins not at all.
        """
        found: list[tuple[tuple[Any, ...], Wanted]] = []
        for host, state in self._open_hosts():
            calendar_left = max(0, self._limits.max_calendar_pages - state.calendar)
            for wanted, is_calendar_page in self._best_of(host, state, with_calendar=calendar_left > 0):
                if is_calendar_page:
                    if not calendar_left:
                        continue
                    calendar_left -= 1
                rank = (state.is_demoted(self._limits), -(wanted.score + state.rate()), wanted.depth, wanted.key)
                found.append((rank, wanted))
        found.sort(key=lambda pair: pair[0])
        return [wanted for _, wanted in found[: min(max_pages, self._limits.round_pages)]]

    def _open_hosts(self, rest_s: float = 0.0, newer: Mapping[str, HostState] = EMPTY) -> Iterator[tuple[str, HostState]]:
        """Hosts with addresses that wait, which are neither skipped nor rest for longer than `rest_s`."""
        waiting = [row[0] for row in self._db.execute("SELECT DISTINCT host FROM urls WHERE outcome IS NULL ORDER BY host")]
        states = self.states(waiting) | dict(newer)
        for host in waiting:
            state = states[host]
            if not state.skip and state.rest_left_s() <= rest_s and state.quota(self._limits):
                yield host, state

    def _best_of(self, host: str, state: HostState, *, with_calendar: bool) -> list[tuple[Wanted, bool]]:
        closed = orjson.dumps(state.closed_origins()).decode()
        rows = self._db.execute(
            f"SELECT key, url, host, score, depth, hops, attempts, calendar FROM urls WHERE host = ? AND {OPEN} "
            "ORDER BY score DESC, depth, key LIMIT ?",
            (host, with_calendar, closed, closed, state.quota(self._limits)),
        )
        return [(Wanted(*row[:-1]), bool(row[-1])) for row in rows]

    def states(self, hosts: Iterable[str]) -> dict[str, HostState]:
        """What is known of hosts; fresh states for new ones."""
        known: dict[str, HostState] = {}
        for host in hosts:
            row = self._db.execute("SELECT state FROM hosts WHERE host = ?", (host,)).fetchone()
            known[host] = HostState(**orjson.loads(row[0])) if row else HostState()
        return known

    def rules(self, hosts: Iterable[str]) -> dict[str, OriginRules]:
        """Known robots.txt and tdmrep.json of hosts, by origin."""
        rows = [row for host in hosts for row in self._db.execute("SELECT origin, entry FROM rules WHERE host = ?", (host,))]
        return {origin: OriginRules(**orjson.loads(entry)) for origin, entry in rows}

    def simhashes(self, host: str) -> NDArray[np.int64]:
        """Simhashes of the host's last pages."""
        rows = self._db.execute(
            "SELECT value FROM simhashes WHERE host = ? ORDER BY position DESC, rowid DESC LIMIT ?", (host, MAX_REMEMBERED)
        )
        return np.array([row[0] for row in rows][::-1], np.int64)

    def _num_open(self, host: str, state: HostState, closed: Sequence[str]) -> int:
        """Addresses of a host that could be selected, those of some origins apart."""
        with_calendar = state.calendar < self._limits.max_calendar_pages
        text = orjson.dumps(closed).decode()
        row = self._db.execute(f"SELECT count(*) FROM urls WHERE host = ? AND {OPEN}", (host, with_calendar, text, text)).fetchone()
        return int(row[0])

    def waiting(self, rest_s: float, newer: Mapping[str, HostState] = EMPTY) -> dict[str, int]:
        """Addresses that could be selected, by host; of hosts and origins that rest no longer than `rest_s`.

        Args:
            rest_s: longest rest.
            newer: states of hosts that count more than those in the file.
        """
        counts = {host: self._num_open(host, state, state.closed_origins(rest_s)) for host, state in self._open_hosts(rest_s, newer)}
        return {host: number for host, number in counts.items() if number}

    def shortest_rest_s(self) -> float | None:
        """Seconds until the first resting host or origin with addresses may be asked again; None if none rests."""
        rests = []
        for host, state in self._open_hosts(float("inf")):
            own = state.rest_left_s()
            steps = sorted({own, *(max(own, state.origin_rest_left_s(origin)) for origin in state.origins)})
            rests.append(next((rest for rest in steps if self._num_open(host, state, state.closed_origins(rest))), 0.0))
        return min((rest for rest in rests if rest > 0), default=None)

    def open_addresses(self) -> Iterator[tuple[str, str, int, int, bool]]:
        """Address, host, depth, score and whether it is a calendar page, of all that never came to their end."""
        rows = self._db.execute("SELECT url, host, depth, score, calendar FROM urls WHERE outcome IS NULL ORDER BY host, key")
        for url, host, depth, score, calendar in rows:
            yield url, host, depth, score, bool(calendar)

    def outcomes(self) -> dict[str, str | None]:
        """What became of every address; for tests and reports."""
        return dict(self._db.execute("SELECT url, outcome FROM urls ORDER BY url"))


def write_events(path: Path, events: Iterable[dict[str, Any]]) -> None:
    """Write what became of addresses and hosts, without the links (those go to `links.parquet`)."""
    with gzip.GzipFile(path, "wb", compresslevel=3, mtime=0) as file:
        for event in events:
            file.write(orjson.dumps({name: value for name, value in event.items() if name != "links"}) + b"\n")


def read_events(path: Path, partition: int) -> Iterator[dict[str, Any]]:
    """Events of one partition; the first line of a file says whose they are."""
    with gzip.open(path, "rb") as file:
        if orjson.loads(file.readline())["partition"] == partition:
            yield from map(orjson.loads, file)


def write_links(path: Path, links: dict[bytes, tuple[int, Wanted]]) -> None:
    """Write found addresses, by partition and key; `links` maps a key to the partition and the address."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted(((partition, wanted) for partition, wanted in links.values()), key=lambda row: (row[0], row[1].key))
    table = pa.table(
        {
            "partition": pa.array([partition for partition, _ in rows], pa.int32()),
            "key": pa.array([wanted.key for _, wanted in rows], pa.binary()),
            "url": pa.array([wanted.url for _, wanted in rows], pa.string()),
            "host": pa.array([wanted.host for _, wanted in rows], pa.string()),
            "score": pa.array([wanted.score for _, wanted in rows], pa.int64()),
            "depth": pa.array([wanted.depth for _, wanted in rows], pa.int32()),
            "hops": pa.array([wanted.hops for _, wanted in rows], pa.int32()),
        }
    )
    pq.write_table(table, path, compression="zstd", row_group_size=10_000, write_page_checksum=True)


def read_links(path: Path, partition: int) -> Iterator[tuple[Any, ...]]:
    """Rows for `MERGE` of one partition."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, filters=[("partition", "=", partition)], page_checksum_verification=True)
    names = ("key", "url", "host", "score", "depth", "hops")
    for row in zip(*(table[name].to_pylist() for name in names), strict=True):
        yield (*row, is_calendar(row[1]))


def add_link(links: dict[bytes, tuple[int, Wanted]], partition: int, wanted: Wanted) -> None:
    """Add an address to those found; of one that is there already the best of both stays."""
    known = links.get(wanted.key)
    if known is None:
        links[wanted.key] = (partition, wanted)
        return
    other = known[1]
    other.score, other.depth, other.hops = max(other.score, wanted.score), min(other.depth, wanted.depth), min(other.hops, wanted.hops)
