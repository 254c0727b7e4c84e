"""Run a study: plan it, train and measure every run that is not there yet, in this process or in several, then write the report.

A killed study goes on: finished runs are found by their key, an unfinished one goes on from its last checkpoint. Processes share
nothing but the folder, so the same numbers come out with any number of them (each trains with `training.threads` threads).
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError, InterruptedRunError, LockedError, PartialResultError, ResourceError, VerificationError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.lock import locked
from mathcode_data.core.storage import write_bytes, write_json
from mathcode_data.study.config import StudyConfig
from mathcode_data.study.jobs import Job
from mathcode_data.study.plan import Plan, plan_study

logger = logging.getLogger(__name__)

POLL_S = 0.2
LOGS_NAME = "workers"
RESULTS_NAME, HTML_NAME, MARKDOWN_NAME = "results.json", "report.html", "report.md"
LOG_LINES = 5

Say = Callable[[str], None]


def run_study(config: StudyConfig, shards: dict[str, list[Path]], *, workers: int = 1, say: Say = logger.info) -> dict[str, Any]:
    """Run a study, or what is left of it, and write its report.

    Args:
        config: the study.
        shards: shards of every source; pipelines were brought up to date by the caller.
        workers: processes that train side by side; 1 trains in this one.
        say: told what happens.

    Returns:
        The content of results.json, and `folder`.

    Raises:
        ConfigError: an arm cannot be met.
        InterruptedRunError: a signal came; the same call goes on.
        VerificationError: a loss is not finite, or a checkpoint is damaged; names the run.
        LockedError: another process works in the output folder.
    """
    from mathcode_data.study.report_html import html_report
    from mathcode_data.study.report_markdown import markdown_report
    from mathcode_data.study.results import study_results

    with locked(config.output):
        plan = plan_study(config, shards)
        run_jobs(plan, workers=workers, logs=config.output / LOGS_NAME, say=say)
        results = study_results(config, plan)
        write_json(config.output / RESULTS_NAME, results)
        write_bytes(config.output / HTML_NAME, html_report(results).encode())
        write_bytes(config.output / MARKDOWN_NAME, markdown_report(results).encode())
    return results | {"folder": str(config.output)}


def run_jobs(plan: Plan, *, workers: int, logs: Path, say: Say = logger.info) -> None:
    """Train and measure what is not there yet, every run after those it needs; what workers say goes to files in `logs`."""
    from mathcode_data.study.node import is_done

    done = {key for key, job in plan.jobs.items() if is_done(job)}
    todo = [job for key, job in plan.jobs.items() if key not in done]
    say(f"{len(plan.jobs)} runs: {len(done)} there, {len(todo)} to do")
    if workers == 1 or not todo:
        _run_here(todo, say)
    else:
        _run_in_processes(todo, done, workers, logs, say)


def _run_here(todo: list[Job], say: Say) -> None:
    from mathcode_data.study.node import run_job

    for number, job in enumerate(todo, start=1):
        started = time.monotonic()
        run_job(job)
        say(f"{number}/{len(todo)}  {describe(job)}  {time.monotonic() - started:.1f} s")


def describe(job: Job) -> str:
    """A run in a few words."""
    return f"{job.label}  seed {job.seed}  {job.model}"


class _Worker:
    """A process that trains one run after the other: jobs go in by a line, answers come out by a line."""

    def __init__(self, log: Path, threads: int) -> None:
        """Start it, in a session of its own: Ctrl-C reaches this process alone, which then asks each worker once to save."""
        self.log = log
        self.job: Job | None = None
        self._started = 0.0
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mathcode_data.study.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
                env=environment, start_new_session=True,
            )  # fmt: skip

    @property
    def answers(self) -> int:
        """Descriptor of the pipe that answers come through."""
        assert self.process.stdout is not None, "it is a pipe"
        return self.process.stdout.fileno()

    def give(self, job: Job) -> None:
        """Begin a run."""
        assert self.process.stdin is not None, "it is a pipe"
        self.job, self._started = job, time.monotonic()
        self.process.stdin.write(orjson.dumps(job.to_json()) + b"\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[Job, float]:
        """The run that ended, and its seconds; called when there is something to read.

        Raises:
            MathcodeError: what went wrong in the run, or that the process died.
        """
        assert self.process.stdout is not None, "it is a pipe"
        assert self.job is not None, "a worker without a job says nothing"
        job, line = self.job, self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
            raise VerificationError(f"{describe(job)}: its process ended with code {code}: {' | '.join(lines)}; all of it is in {self.log}")
        found = orjson.loads(line)
        if found["code"]:
            kinds = {kind.exit_code: kind for kind in (ConfigError, PartialResultError, LockedError, ResourceError, InterruptedRunError)}
            raise kinds.get(found["code"], VerificationError)(f"{describe(job)}: {found['message']}")
        self.job = None
        return job, time.monotonic() - self._started

    def stop(self) -> None:
        """Let it save and end."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


def _run_in_processes(todo: list[Job], done: set[str], workers: int, logs: Path, say: Say) -> None:
    """Give out the runs, each when those it needs are done."""
    waiting = {job.key: job for job in todo}
    crew: list[_Worker] = []
    number = 0
    with Interrupt() as interrupts:
        try:
            while waiting or any(worker.job for worker in crew):
                for job in [job for job in waiting.values() if all(key in done for key in job.needs)]:
                    worker = next((worker for worker in crew if worker.job is None), None)
                    if worker is None and len(crew) < workers:
                        worker = _Worker(logs / f"worker-{len(crew)}.txt", job.threads)
                        crew.append(worker)
                    if worker is None:
                        break
                    worker.give(waiting.pop(job.key))
                busy = {worker.answers: worker for worker in crew if worker.job}
                for pipe in select.select(list(busy), [], [], POLL_S)[0]:
                    job, seconds = busy[pipe].answer()
                    done.add(job.key)
                    number += 1
                    say(f"{number}/{len(todo)}  {describe(job)}  {seconds:.1f} s")
                if interrupts.received is not None:
                    raise InterruptedRunError(f"{interrupts.received}: every run saved its state; the same command goes on from there")
        finally:
            for worker in crew:
                worker.stop()
