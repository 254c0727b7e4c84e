"""How a run is shown: a live table on a terminal, one line every ten seconds elsewhere, nothing when quiet.

Everything goes to standard error; standard output belongs to data.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from mathcode_data.core.stage import TaskRecord

LINE_EVERY_S = 10.0


class Progress:
    """Counts documents and bytes of finished tasks; the base class shows nothing."""

    def __init__(self) -> None:
        self.title = ""
        self.num_tasks = self.num_done = self.documents = self.bytes = 0
        self.started = time.monotonic()
        self.done_before = 0

    def begin(self, title: str, num_tasks: int, done: int = 0) -> None:
        """Start a phase of tasks, `done` of which an earlier run finished."""
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

    def line(self) -> str:
        """The state in one line."""
        eta = self.eta_s()
        left = f", about {eta:,.0f} s left" if eta else ""
        done = f"{self.num_done}/{self.num_tasks} tasks, {self.documents:,} documents, {self.bytes / 1e6:,.1f} MB written"
        return f"{self.title}: {done}{left}"


class LineProgress(Progress):
    """One line every ten seconds, also while a long task runs, and one at the end of a phase that said something."""

    def __init__(self, stream: IO[str] | None = None, every_s: float = LINE_EVERY_S) -> None:
        super().__init__()
        self._stream = stream or sys.stderr
        self._every_s = every_s
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None
        self._spoke = False

    def begin(self, title: str, num_tasks: int, done: int = 0) -> None:
        """Start a phase and its clock."""
        self.close()
        super().begin(title, num_tasks, done)
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
                self._stream.write(text + "\n")
                self._stream.flush()
            except BrokenPipeError:
                self._stream = open("/dev/null", "w")  # noqa: SIM115, PTH123  (nobody listens any more; the run goes on)


class BarProgress(Progress):
    """A bar with documents, megabytes and time left, for terminals."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console(stderr=True)
        columns = [
            TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn("{task.fields[documents]:,} documents"), TextColumn("{task.fields[megabytes]:,.1f} MB"),
            TimeElapsedColumn(), TimeRemainingColumn(),
        ]  # fmt: skip
        self._bars = Bars(*columns, console=self.console)
        self._bar: TaskID | None = None

    def begin(self, title: str, num_tasks: int, done: int = 0) -> None:
        """Show a bar for the phase."""
        super().begin(title, num_tasks, done)
        self._bars.start()
        self._bar = self._bars.add_task(title, total=num_tasks, completed=done, documents=0, megabytes=0.0)

    def advance(self, record: TaskRecord) -> None:
        """Move the bar."""
        super().advance(record)
        if self._bar is not None:
            self._bars.update(self._bar, completed=self.num_done, documents=self.documents, megabytes=self.bytes / 1e6)

    def note(self, text: str) -> None:
        """Print above the bars."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the finished bars standing."""
        self._bars.stop()


def make_progress(*, quiet: bool = False) -> Progress:
    """Choose the display: bars on a terminal, lines elsewhere."""
    if quiet:
        return Progress()
    return BarProgress() if sys.stderr.isatty() else LineProgress()
