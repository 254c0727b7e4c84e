"""How a run is shown: a bar on a terminal, which leaves one line per finished pass; a line every ten seconds elsewhere.

Everything goes to standard error; standard output belongs to data.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from mathcode_data.core.stage import TaskRecord
from mathcode_data.core.terminal import harmless

LINE_EVERY_S = 10.0


class Progress:
    """Counts documents and bytes of tasks; the base class shows nothing."""

    def __init__(self) -> None:
        self.title = ""
        self.num_tasks = self.num_done = self.documents = self.bytes = 0
        self.started = time.monotonic()
        self.done_before = 0
        self.live: Callable[[], int] = lambda: 0

    def begin(self, title: str, num_tasks: int, done: int = 0, live: Callable[[], int] = lambda: 0) -> None:
        """Start a phase of tasks, `done` of which an earlier run finished; `live` gives the documents that running ones have read."""
        self.live = live
        self.title, self.num_tasks, self.num_done, self.done_before = title, num_tasks, done, done
        self.documents = self.bytes = 0
        self.started = time.monotonic()

    def advance(self, record: TaskRecord) -> None:
        """Count a finished task."""
        self.num_done += 1
        self.documents += max((stage.read for stage in record.counters), default=0)
        self.bytes += sum(shard.bytes for shard in record.shards)

    def end(self) -> None:
        """End the phase."""

    def note(self, text: str) -> None:
        """Say something that people should see."""

    def close(self) -> None:
        """End the display."""

    def eta_s(self) -> float | None:
        """Seconds until the phase ends at the rate so far; None before the first task ended."""
        ended = self.num_done - self.done_before
        if not ended:
            return None
        return (time.monotonic() - self.started) / ended * (self.num_tasks - self.num_done)

    def counts(self) -> str:
        """What was read and written so far; what running tasks have read is counted too."""
        documents = self.documents + self.live()
        read = f"{documents:,} documents read, " if documents else ""
        return f"{read}{self.bytes / 1e6:,.1f} MB written"

    def line(self) -> str:
        """The state in one line."""
        eta = self.eta_s()
        left = f", about {eta:,.0f} s left" if eta else ""
        return f"{self.title}: {self.num_done}/{self.num_tasks} tasks, {self.counts()}{left}"

    def summary(self) -> str:
        """A finished phase in one line."""
        kept = f" ({self.done_before} of an earlier run)" if self.done_before else ""
        return f"{self.title}: {self.num_done} tasks{kept}, {self.counts()}, {time.monotonic() - self.started:,.1f} s"


class LineProgress(Progress):
    """One line every ten seconds, also while a long task runs, and one at the end of a phase that said something."""

    def __init__(self, stream: IO[str] | None = None, every_s: float = LINE_EVERY_S) -> None:
        super().__init__()
        self._stream = stream or sys.stderr
        self._every_s = every_s
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None
        self._spoke = False

    def begin(self, title: str, num_tasks: int, done: int = 0, live: Callable[[], int] = lambda: 0) -> None:
        """Start a phase and its clock."""
        self.close()
        super().begin(title, num_tasks, done, live)
        self._spoke = False
        self._stop = threading.Event()
        threading.Thread(target=self._tick, args=(self._stop,), daemon=True).start()

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(self._every_s):
            self._spoke = True
            self.note(self.line())

    def end(self) -> None:
        """Stop the clock; a phase that took long says how it ended."""
        self.close()
        if self._spoke:
            self.note(self.line())

    def close(self) -> None:
        """Stop the clock."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def note(self, text: str) -> None:
        """Write a line."""
        with self._lock:
            try:
                self._stream.write(harmless(text) + "\n")
                self._stream.flush()
            except OSError:  # a pipe without a reader, a terminal that was closed
                self._stream = open("/dev/null", "w")  # noqa: SIM115, PTH123  (nobody listens any more; the run goes on)


class _Counts(ProgressColumn):
    """What the phase has read and written, drawn anew with the bar."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(table_column=Column(no_wrap=True, overflow="ellipsis"))
        self._progress = progress

    def render(self, task: Task) -> Text:  # noqa: ARG002  (rich's name and argument)
        """The counts as text."""
        return Text(self._progress.counts())


class BarProgress(Progress):
    """One bar, for terminals: gone when its phase ends, with a line in its place."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or Console(stderr=True)
        self._bars: Bars | None = None
        self._bar = TaskID(0)

    def begin(self, title: str, num_tasks: int, done: int = 0, live: Callable[[], int] = lambda: 0) -> None:
        """Show a bar for the phase."""
        self.close()
        super().begin(title, num_tasks, done, live)
        columns = [TextColumn("{task.description}"), BarColumn(bar_width=16), MofNCompleteColumn(), _Counts(self), TimeRemainingColumn()]
        self._bars = Bars(*columns, console=self.console, transient=True)
        self._bar = self._bars.add_task(title, total=num_tasks, completed=done)
        self._bars.start()

    def advance(self, record: TaskRecord) -> None:
        """Move the bar."""
        super().advance(record)
        if self._bars is not None:
            self._bars.update(self._bar, completed=self.num_done)

    def end(self) -> None:
        """Put a line in the bar's place."""
        self.close()
        self.note(self.summary())

    def note(self, text: str) -> None:
        """Print above the bar."""
        self.console.print(harmless(text), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def make_progress(*, quiet: bool = False) -> Progress:
    """Choose the display: bars on a terminal, lines elsewhere."""
    if quiet:
        return Progress()
    return BarProgress() if sys.stderr.isatty() else LineProgress()
