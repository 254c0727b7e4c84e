"""Run `crawl.focused` against a site on this machine, also one that is killed in the middle and goes on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from mathcode_data.core.manifest import Shard
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.stage import GlobalOutcome, Task, TaskRecord
from mathcode_data.core.storage import sha256_file
from mathcode_data.stages.crawl.frontier import Frontier
from support.hostile_site import HostileSite
from support.stages import make_config

FAST = {
    "delay_s": 0.01, "first_backoff_s": 0.01, "max_backoff_s": 0.02, "robots_retry_s": 0.02, "patience_s": 5.0, "max_retry_after_s": 0.05,
}  # fmt: skip
"""Limits for a site of one's own: nobody waits for a test. The time-outs stay long, so that a busy machine fails no page."""


class Resuming:
    """A context that keeps finished tasks, as the engine does, so that a crawl can be cut anywhere and gone on with."""

    def __init__(self, folder: Path, config: Any) -> None:
        self.config, self.inputs, self.seed, self.stage = config, (), 0, "crawl.focused"
        self.folder = folder
        self.records: dict[tuple[str, int], TaskRecord] = {}

    def map(self, phase: str, function: Callable[[Task], None], items: Sequence[dict[str, Any]]) -> list[TaskRecord]:
        found = []
        for index, item in enumerate(items):
            if (phase, index) not in self.records:
                self.records[phase, index] = self._run(phase, function, index, item)
            found.append(self.records[phase, index])
        return found

    def _run(self, phase: str, function: Callable[[Task], None], index: int, item: dict[str, Any]) -> TaskRecord:
        attempt = self.folder / phase / f"{index:05d}.tmp"
        shutil.rmtree(attempt, ignore_errors=True)
        attempt.mkdir(parents=True)
        task = Task(index=index, item=item, folder=attempt, config=self.config, inputs=(), seed=0, stage=self.stage)
        function(task)
        task.ledger.counters.check()
        shards = tuple(Shard(path.name, path.stat().st_size, sha256_file(path)) for path in sorted(attempt.iterdir()))
        folder = attempt.with_suffix("")
        attempt.rename(folder)
        return TaskRecord(index, folder, shards, task.values, [task.ledger.counters], ())


class Crawl:
    """A crawl of a hostile site whose hosts all lead to loopback."""

    def __init__(
        self,
        site: HostileSite,
        folder: Path,
        seeds: Sequence[str],
        hosts: Sequence[str],
        limits: dict[str, Any] | None = None,
        **values: Any,
    ):
        self.site, self.folder = site, folder
        settings = {"contact": "bot@maths.org", "allow_private": True, "partitions": 3, "urls": list(seeds)} | values
        settings |= {"resolve": dict.fromkeys(hosts, "127.0.0.1"), "limits": FAST | (limits or {})}
        self.config = make_config("crawl.focused", folder, **settings)
        self.context = Resuming(folder, self.config)
        self.outcome: GlobalOutcome | None = None

    def run(self) -> GlobalOutcome:
        self.outcome = load_plugin("crawl.focused").build(self.config).run(self.context)
        return self.outcome

    def warcs(self) -> list[Path]:
        assert self.outcome is not None
        return [record.path(shard.name) for record in self.outcome.records for shard in record.shards]

    def records(self, kind: str) -> list[tuple[str, Any]]:
        """(address, record) of a type in all WARC files; digests are checked. A record's body is read into `record.body`."""
        found = []
        for path in self.warcs():
            with path.open("rb") as file:
                for record in ArchiveIterator(file, check_digests="raise"):
                    record.body = record.content_stream().read()
                    if record.rec_type == kind:
                        found.append((record.rec_headers.get_header("WARC-Target-URI"), record))
        return found

    def stored(self) -> list[str]:
        """Addresses of all response records, sorted; one that is there twice stands twice."""
        return sorted(url for url, _ in self.records("response"))

    def problems(self) -> set[str]:
        """Why pages could not be read, as their decisions say."""
        decisions = [json.loads(record.body) for _, record in self.records("metadata")]
        return {decision["problem"] for decision in decisions if "problem" in decision}

    def counts(self) -> Counter[str]:
        """Reasons and facts, added up over all tasks."""
        assert self.outcome is not None
        total: Counter[str] = Counter()
        for record in self.outcome.counted:
            total.update(record.counters[0].dropped)
            total.update(record.counters[0].facts)
            total["stored"] += record.counters[0].kept
        return total

    def outcomes(self) -> dict[str, str | None]:
        """What became of every address in every frontier (None: it still waits), from what was committed alone."""
        history: list[tuple[str, int, str]] = []
        phases: dict[str, int] = {}
        for phase, _ in self.context.records:
            phases[phase] = phases.get(phase, 0) + 1
        history = [(str(self.folder / phase), number, phase) for phase, number in phases.items()]
        found: dict[str, str | None] = {}
        for partition in range(self.config.partitions):
            frontier = Frontier(self.folder / f"check-{partition}.sqlite", partition, self.config.limits)
            frontier.catch_up(history)
            found |= frontier.outcomes()
            frontier.close()
        return found
