"""Crawl the live web: `crawl.focused` visits hosts politely, mathematics first, and leaves WARC files.

A crawl is a row of **rounds**. In each, every partition of hosts (a host lies in exactly one) takes a batch out of its
frontier, visits it, and commits three things: a WARC file, what became of the batch, and the addresses it found. Only when
all partitions have committed does the next round begin, with those addresses merged in. So a batch is a function of what
was committed before, and not of which answer came first; the same web gives the same set of stored pages, with any number
of workers. A task is one partition's part of a round. It ends after `limits.task_s` at the latest; what it leaves is
finished by another before the next round is chosen, so slow hosts change nothing either.

**Polite without locks**: hosts of one site lie in one partition, and one process works on a partition at a time. It asks a
host one thing at a time, pauses after each answer, and pauses before the first, in case the process before it was killed
in the middle of a request.

**Killed and resumed**: committed tasks are kept by the engine. The task that was killed goes on from its journal (see
`journal.py`): pages whole in the torn WARC file stay, the tail is cut, the rest of the same batch is visited. The set of
stored addresses is that of an uninterrupted run, none twice.

**Closed where in doubt**: no contact, no crawl. A robots.txt that cannot be read refuses its origin. Signals against training
(Content-Signal, TDM-Reservation, X-Robots-Tag) are obeyed and recorded, and links that a page does not vouch for (`rel=nofollow`,
`ugc`, `sponsored`) are not followed. No address inside is connected to.

**It ends, and says what it left**: a host that asks for a long pause (Retry-After) or whose robots.txt cannot be had is waited
for up to `limits.patience_s`; then the crawl ends as a finished result with exit code 0, as after a page that fails for good. No
address vanishes: what waits is counted by reason (`waiting_retry_after`, `waiting_robots_503`, see `ending.py`), the run's table
says how many addresses of how many hosts wait until when, and `explain --url` names each. Who wants those pages raises
`limits.patience_s`, which is another crawl, or gives the addresses to one as seeds later. A robots.txt speaks for its origin
(scheme, host, port) and closes no other; pauses, and one request at a time, are the host's.

The result is of kind `warc`: `read.warc` takes it with `from:`. Budgets that end a crawl early (`max_pages`, bytes) are
shared out before each round.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from mathcode_data.core.config import InputPaths, ResultRef, StageConfig
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.plugins import install_hint
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, TaskRecord
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.contact import contact_parts
from mathcode_data.stages.crawl.ending import AT_REST, NOTHING_LEFT, count_open, end_text, what_waits
from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.score.classifier_text import MAX_CHARACTERS
from mathcode_data.stages.score.fasttext_lines import TextKind

VERSION = "2"
LIBRARIES = (
    "ada-url", "brotli", "fasttext-numpy2-wheel", "protego", "resiliparse", "selectolax", "tokenizers",
    "unicodedata", "warcio", "zstandard",
)  # fmt: skip
NEEDED = {"aiohttp": "aiohttp", "protego": "protego", "ada_url": "ada-url"}
"""Modules of the extra `web` and the distributions that bring them."""
MIN_PUBLIC_DELAY_S = 1.0
MAX_HOSTS_NAMED = 1000


class Config(StageConfig):
    """Where to begin, whom to name, how far to go."""

    seeds: InputPaths = ()
    """Files of addresses, one a line; `#` begins a comment."""
    urls: tuple[str, ...] = ()
    """Addresses to begin with, beside those in files."""
    contact: str = ""
    """Web page or e-mail address (or both) where hosts reach you; it stands in every request. Without it nothing is fetched."""
    domains: tuple[str, ...] = ()
    """Domains to stay in, with all hosts under them. Without `domains`, `suffixes` and `any_host`: the hosts of the seeds."""
    suffixes: tuple[str, ...] = ()
    """Ends of host names to stay in, as `.edu` or `.ac.uk`."""
    any_host: bool = False
    """Follow links to every public host."""
    max_pages: int = Field(default=10_000, ge=1)
    """Pages to request in all."""
    max_rounds: int = Field(default=10_000, ge=1)
    """Rounds at most."""
    partitions: int = Field(default=8, ge=1, le=4096)
    """Parts that hosts are shared out to, each a task of every round; about the number of workers."""
    content_types: tuple[str, ...] = Field(default=("text/html", "application/xhtml+xml"), min_length=1)
    """Media types to store."""
    model: ResultRef | None = None
    """Classifier whose score of a page is the priority of its links; without one, the formulas in it count."""
    label: str = "math"
    """Label of the model that means mathematics."""
    text: TextKind = "words"
    """How the model was taught to read texts, as in `score.fasttext`."""
    max_characters: int = Field(default=MAX_CHARACTERS, ge=100)
    """Characters of a page that the model reads, as in `score.fasttext`."""
    ignore_signals: tuple[Literal["content-signal", "tdm-reservation", "x-robots-tag"], ...] = ()
    """Signals to record but not to obey; only where you have the right to."""
    skip_rel: tuple[Literal["nofollow", "ugc", "sponsored"], ...] = ("nofollow", "ugc", "sponsored")
    """Links with one of these words in `rel` are not followed and counted; `[]` follows all. An address that another link names
    without them is still visited. `nofollow` of a whole page (meta robots, X-Robots-Tag) is always obeyed."""
    allow_private: bool = False
    """DANGEROUS, for tests: also visit loopback and private addresses, with pauses below a second."""
    resolve: dict[str, str] = Field(default_factory=dict)
    """Fixed addresses of hosts, as in /etc/hosts; checked like all."""
    limits: Limits = Field(default_factory=Limits)
    """What hosts are spared."""


def check_config(config: Config) -> None:
    """Refuse a crawl that nobody answers for.

    Raises:
        ConfigError: no contact that reaches somebody, no seeds, or a pause too short for hosts of others.
    """
    contact_parts(config.contact, "crawl.focused")
    if not config.seeds and not config.urls:
        raise ConfigError("crawl.focused: no seeds; give a file of addresses in `seeds`, or `urls`")
    if config.limits.delay_s < MIN_PUBLIC_DELAY_S and not config.allow_private:
        raise ConfigError(
            f"crawl.focused: limits.delay_s is {config.limits.delay_s:g}; at least {MIN_PUBLIC_DELAY_S:g} s lie between two requests to a "
            "host, less is only for tests (allow_private)"
        )
    shortest = 5 * max(config.limits.delay_s, config.limits.max_crawl_delay_s)
    if config.limits.task_s < shortest and not config.allow_private:
        raise ConfigError(
            f"crawl.focused: limits.task_s is {config.limits.task_s:g}; the rules and first pages of a host need {shortest:g} s where its "
            "Crawl-delay is the longest that is honoured; raise task_s or lower max_crawl_delay_s"
        )


class FocusedCrawl:
    """Rounds of visits; its result is WARC files."""

    kind = "warc"
    takes_input = False

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Go on round by round until nothing is left, what is left waits too long, or a budget is used up.

        Raises:
            ConfigError: no contact, no seeds.
            DataError: no page could be stored.
        """
        from mathcode_data.stages.crawl.work import read_seeds

        check_config(self.config)
        seeds = map_one(context, "seeds", read_seeds, {})
        progress = _Progress(context, context.config, seeds)
        while progress.may_go_on():
            progress.do_round()
        progress.count_open()
        return progress.outcome()


class _Progress:
    """A crawl between two rounds, from the records of its tasks alone: a run that goes on finds the same."""

    def __init__(self, context: GlobalContext, config: Config, seeds: TaskRecord) -> None:
        self.context, self.config = context, config
        self.records: list[TaskRecord] = [seeds]
        self.state = str(seeds.folder.parent / "frontier")
        self.history: list[list[Any]] = []
        self.generation = 0
        self.pages = self.bytes = 0
        self.waiting: dict[int, int] = {}
        self.hosts: dict[str, dict[str, Any]] = {}
        self.ended = ""
        self.left: list[TaskRecord] = []
        self._take([seeds])

    def _take(self, records: Sequence[TaskRecord]) -> None:
        """Take over what a phase left."""
        digest = fingerprint([[record.index, [shard.sha256 for shard in record.shards], record.values] for record in records])
        self.history.append([str(records[0].folder.parent), len(records), digest])
        for record in records:
            values = record.values
            self.pages += values.get("pages", 0)
            self.bytes += values.get("bytes", 0)
            if "warc" in values:
                self.hosts |= values["hosts"]
                self.waiting[record.values["partition"]] = values["waiting"]
        for record in records:
            for partition, number in record.values["links_to"].items():
                self.waiting[int(partition)] = self.waiting.get(int(partition), 0) + number

    def may_go_on(self) -> bool:
        """Whether another round can be done; says in `ended` why not."""
        if not any(self.waiting.values()):
            self.ended = NOTHING_LEFT
        elif self.pages >= self.config.max_pages:
            self.ended = "max_pages"
        elif self.bytes >= self.config.limits.max_bytes:
            self.ended = "max_bytes"
        elif self.generation >= self.config.max_rounds:
            self.ended = "max_rounds"
        return not self.ended

    def do_round(self) -> None:
        """One round: the batches, then what they left, until nothing of them is left."""
        from mathcode_data.stages.crawl.work import visit_round

        partitions = sorted(partition for partition, number in self.waiting.items() if number)
        pages = _shares(self.config.max_pages - self.pages, len(partitions))
        room = _shares(self.config.limits.max_bytes - self.bytes, len(partitions))
        items = [
            {"partition": partition, "max_pages": share, "max_bytes": size, "left": []}
            for partition, share, size in zip(partitions, pages, room, strict=True)
            if share and size
        ]
        number = 0
        while items:
            common = {"generation": self.generation, "slice": number, "state": self.state, "history": list(self.history)}
            name = f"round-{self.generation:05d}" + (f"-{number}" if number else "")
            records = map_all(self.context, name, visit_round, [item | common for item in items])
            self.records += records
            self._take(records)
            items = [
                item | {"left": record.values["left_rows"], "max_bytes": max(0, item["max_bytes"] - record.values["bytes"])}
                for item, record in zip(items, records, strict=True)
                if record.values["left"]
            ]
            number += 1
        self.generation += 1

    def count_open(self) -> None:
        """Last phase: what never came to its end is counted and named."""
        refused = self.records[0].values["seeds_refused"]
        budget = "" if self.ended == NOTHING_LEFT else self.ended
        common = {"state": self.state, "history": list(self.history), "budget": budget}
        partitions = sorted(self.waiting)
        items = [
            common | {"partition": partition, "seeds_refused": refused if not number else []} for number, partition in enumerate(partitions)
        ]
        self.left = map_all(self.context, "open", count_open, items)
        self.records += self.left

    def outcome(self) -> GlobalOutcome:
        """The WARC files and the report of the crawl.

        Raises:
            DataError: nothing was stored.
        """
        stored = sum(record.counters[0].kept for record in self.records)
        if not stored:
            raise DataError(f"{self.context.stage}: no page was stored ({self._why_nothing()}); check seeds and scope")
        kept = [
            replace(record, shards=tuple(shard for shard in record.shards if shard.name in record.values.get("warc", ())))
            for record in self.records
        ]
        return GlobalOutcome([record for record in kept if record.shards], self.records, self._facts())

    def _why_nothing(self) -> str:
        reasons: dict[str, int] = {}
        for record in self.records:
            for name, number in record.counters[0].dropped.items():
                reasons[name] = reasons.get(name, 0) + number
        return ", ".join(f"{name} {number}" for name, number in sorted(reasons.items(), key=lambda pair: -pair[1])[:6]) or "no answer"

    def _facts(self) -> dict[str, Any]:
        """Why it ended, and per host what was asked and what came of it; the hosts with the most pages are named."""
        names = ("pages", "stored", "bytes", "errors", "skip", "rest_reason", "delay_s", "origins")
        ranked = sorted(self.hosts, key=lambda host: (-self.hosts[host].get("pages", 0), host))[:MAX_HOSTS_NAMED]
        waiting = what_waits(self.left)
        ended = AT_REST if self.ended == NOTHING_LEFT and waiting["addresses"] else self.ended
        return {
            "ended": ended,
            "waiting": waiting,
            "note": end_text(ended, waiting),
            "seeds_refused": self.records[0].values["seeds_refused"],
            "rounds": self.generation,
            "pages_requested": self.pages,
            "bytes_received": self.bytes,
            "num_hosts": len(self.hosts),
            "hosts": {host: {name: self.hosts[host][name] for name in names if name in self.hosts[host]} for host in ranked},
        }


def _shares(total: int, parts: int) -> list[int]:
    """Share a whole number out evenly, the first ones get the rest.

    >>> _shares(10, 4)
    [3, 3, 2, 2]
    """
    return [total // parts + (index < total % parts) for index in range(parts)]


def build(config: Config) -> FocusedCrawl:
    """Make the stage.

    Raises:
        ConfigError: a package of the extra `web` is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(NEEDED[name] for name in missing)
        hint = install_hint(missing[0]) if len(missing) == 1 else f"pip install {names}"
        raise ConfigError(f"crawl.focused needs {names}, which is not installed; {hint}")
    return FocusedCrawl(config)
