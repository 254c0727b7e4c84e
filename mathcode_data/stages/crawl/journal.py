"""The work of a task that is not committed yet: a WARC file and a line per event, both safe against `kill -9`.

A page is written to the WARC file and handed to the system before its event is; the event names the end of the file after
it. A task that starts where another was killed takes the events up to the first torn line, or the first whose end the WARC
file does not reach in whole members, cuts both files there, and goes on: no page is lost, none is stored twice, and no page
that is stored is asked for again. One process works on a partition at a time; a lock sees to it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from mathcode_data.core.storage import CANNOT, write_json
from mathcode_data.stages.crawl.fetch import Answer
from mathcode_data.stages.crawl.warc_out import WarcFile, is_whole

BATCH_NAME = "batch.json"
EVENTS = "events.jsonl"


class Journal:
    """What a task has done so far."""

    def __init__(self, folder: Path, warc_name: str, agent: str) -> None:
        """Open a journal; `events` holds what an earlier process left that is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._agent = folder, agent
        self._warc_path = folder / warc_name
        self._warc: WarcFile | None = None
        self.events, self._warc_end, size = _salvage(folder / EVENTS, self._warc_path)
        self._file: IO[bytes] = (folder / EVENTS).open("ab")
        self._file.truncate(size)

    def batch(self) -> dict[str, Any] | None:
        """What the task set out to do, if it had come so far."""
        path = self.folder / BATCH_NAME
        return orjson.loads(path.read_bytes()) if path.exists() else None

    def keep_batch(self, data: dict[str, Any]) -> None:
        """Write down what the task sets out to do: after a kill it is the same."""
        write_json(self.folder / BATCH_NAME, data)

    def write(self, event: dict[str, Any], answer: Answer | None = None, *, decision: dict[str, Any] | None = None) -> None:
        """Add an event, and before it what an answer, or a decision without one, leaves in the WARC file."""
        if decision is not None:
            if self._warc is None:
                self._warc = WarcFile(self._warc_path, self._agent, end=self._warc_end)
            if answer is None:
                self._warc_end = self._warc.write_decision(event["url"], decision)
            else:
                self._warc_end = self._warc.write(answer, decision, is_kept=event["outcome"] == "stored")
        event = event | {"end": self._warc_end}
        self._file.write(orjson.dumps(event) + b"\n")
        self._file.flush()
        self.events.append(event)

    def finish(self, folder: Path) -> list[str]:
        """Hand the WARC file over to the task's folder; returns its name, if there is one."""
        self.close()
        if not self._warc_path.exists() or not self._warc_end:
            return []
        with self._warc_path.open("r+b") as file:
            file.truncate(self._warc_end)
        target = folder / self._warc_path.name
        try:
            target.hardlink_to(self._warc_path)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            shutil.copy2(self._warc_path, target)
        return [target.name]

    def close(self) -> None:
        """Close the files; what is in them stays. A file whose closing failed is not closed again."""
        warc, self._warc = self._warc, None
        if warc is not None:
            warc.close()
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def remove(self) -> None:
        """Forget it all: the task is committed."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _salvage(events_path: Path, warc_path: Path) -> tuple[list[dict[str, Any]], int, int]:
    """Whole events, the end of the WARC file that they reach, and their bytes."""
    events: list[dict[str, Any]] = []
    content = events_path.read_bytes() if events_path.exists() else b""
    for line in content.splitlines(keepends=True):
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            break
        if not line.endswith(b"\n") or not isinstance(event, dict):
            break
        events.append(event)
    while events and not is_whole(warc_path, events[-1]["end"]):  # a machine that went down may have lost the end of the file
        lost = events.pop()["end"]
        while events and events[-1]["end"] >= lost:
            events.pop()
    size = sum(len(line) for line in content.splitlines(keepends=True)[: len(events)])
    return events, events[-1]["end"] if events else 0, size


@contextmanager
def only_worker(path: Path) -> Iterator[None]:
    """Hold a partition against other processes.

    Raises:
        BlockingIOError: another process works on it; the driver tries the task again later.
    """
    with path.open("ab") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
