"""What a run shows: one line per finished pass, counts of what running tasks have read, nothing left of the bars."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from mathcode_data.core.interrupt import Interrupt
from mathcode_data.runtime import pool
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.pool import PoolRunner
from mathcode_data.runtime.progress import BarProgress, LineProgress, Progress
from mathcode_data.runtime.update import update
from support.engine import make_toy, run, tree_hashes
from support.waiting import wait_until


def test_a_terminal_keeps_one_line_per_finished_pass_and_no_bar(tmp_path: Path):
    stream = io.StringIO()
    progress = BarProgress(Console(file=stream, force_terminal=True, width=120))
    graph = Graph()
    nodes = graph.add(load_pipeline(make_toy(tmp_path)))
    with PoolRunnerOfTwo() as runner:
        update(list(nodes.values()), graph, RunSettings(runner, progress, Interrupt()))
    shown = screen(stream.getvalue())
    assert [line.split(",")[0] for line in shown] == [
        "support.toy_map: 6 tasks",
        "sorted: scatter: 6 tasks",
        "sorted: gather: 3 tasks",
    ]
    assert "126 documents read, 0.0 MB written" in shown[0]


class PoolRunnerOfTwo(PoolRunner):
    """A pool that ends with its block."""

    def __init__(self) -> None:
        super().__init__(2)

    def __enter__(self) -> PoolRunnerOfTwo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def screen(text: str) -> list[str]:
    """What stands on a terminal at the end: carriage returns and "erase this line" taken at their word."""
    lines = [""]
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\x1b":
            end = next(at for at in range(position + 2, len(text)) if text[at].isalpha())
            code, amount = text[end], text[position + 2 : end]
            if code == "K":
                lines[-1] = ""
            elif code == "A":
                lines = lines[: -int(amount or 1)] or [""]
            position = end
        elif character == "\n":
            lines.append("")
        elif character == "\r":
            pass
        else:
            lines[-1] += character
        position += 1
    return [line.rstrip() for line in lines if line.strip()]


def test_documents_of_a_running_task_are_counted():
    progress = Progress()
    progress.begin("pages", 4, live=lambda: 1234)
    assert "1,234 documents read" in progress.line()
    progress.begin("pages", 4, done=2)
    assert "documents" not in progress.line(), "where nobody counts documents, none are shown"
    assert "pages: 2 tasks (2 of an earlier run)" in progress.summary()


@pytest.mark.slow
def test_workers_of_a_pool_report_what_they_have_read_while_they_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_toy(tmp_path / "slow", num_files=2, wait_s=0.0)
    path.write_text(path.read_text().replace("support.toy_map: {}", "support.toy_map: {wait_s: 4.0}"))
    seen: list[int] = []
    stop = threading.Event()
    runner = PoolRunner(2)

    def look() -> None:
        while not stop.wait(0.1):
            seen.append(runner.rows_at_work())

    watcher = threading.Thread(target=look)
    watcher.start()
    run(path, runner)
    stop.set()
    watcher.join()
    assert max(seen) in (21, 42), "the lines of one file or of both"
    assert runner.rows_at_work() == 0
    runner.close()
    run(make_toy(tmp_path / "fast", num_files=2))
    names = [name for name in tree_hashes(tmp_path / "slow" / "out") if name.endswith(".parquet")]
    assert names == [name for name in tree_hashes(tmp_path / "fast" / "out") if name.endswith(".parquet")]


def test_answers_that_come_in_pieces_or_together_are_all_taken(monkeypatch: pytest.MonkeyPatch):
    import os

    read_end, write_end = os.pipe()
    worker = pool._Worker(process=None, index=3)  # type: ignore[arg-type]
    with os.fdopen(read_end, "rb") as pipe:
        monkeypatch.setattr(pool._Worker, "stdout", pipe)
        runner = PoolRunner(1)
        os.write(write_end, b'{"rows": 7, "compiling_s": 0.5}\n{"ro')
        assert runner._take(worker) is None
        assert (worker.rows, worker.compiling_s) == (7, 0.5)
        os.write(write_end, b'ws": 9, "compiling_s": 0.5}\n{"index": 3, "failure": null, "message": "", "details": "", "stage": ""}\n')
        outcome = runner._take(worker)
        assert outcome is not None
        assert outcome.index == 3
        assert (worker.index, worker.rows) == (None, 0)
        os.close(write_end)


def test_a_log_file_gets_a_line_now_and_then():
    stream = io.StringIO()
    progress = LineProgress(stream, every_s=0.02)
    progress.begin("pages", 2, live=lambda: 5)
    wait_until(lambda: "pages: 0/2 tasks, 5 documents read, 0.0 MB written" in stream.getvalue(), "a line")
    progress.end()


def test_controls_in_what_others_say_are_shown_and_not_obeyed():
    lines, bars = io.StringIO(), io.StringIO()
    LineProgress(lines).note("set aside: \x1b[2J\x9b1m\r\u202e boom")
    BarProgress(Console(file=bars, width=200)).note("set aside: \x1b[2J\x9b1m\r\u202e boom")
    assert lines.getvalue() == bars.getvalue() == "set aside: \\x1b[2J\\x9b1m\\x0d\\u202e boom\n"
