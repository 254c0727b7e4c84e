"""The real driver loop on a clock that nobody waits for: 100,000 shards on 1,000 workers in some seconds.

What is real: `runtime.driver.run_plan` with its retries, its limits by kind of failure, setting aside and the failure log. What
is made up: the runner (workers that take simulated time and fail by a seeded draw, assigned as the pool assigns), the clock, and
the files of finished tasks, which are kept in memory. The driver itself is one server: every assignment and every outcome costs
it the seconds that bench_engine measured, and a worker that waits for it stands idle.

    python tests/bench/simulate_engine.py --shards 100000 --workers 1000 --failures 0.01
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import statistics
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.runner import FailureKind, TaskOutcome
from mathcode_data.core.stage import TaskRecord
from mathcode_data.runtime import driver
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.plan import Plan, StageSpec
from mathcode_data.runtime.progress import Progress

KINDS: dict[FailureKind, float] = {"crash": 0.5, "transient": 0.4, "timeout": 0.05, "memory": 0.05}
"""Of failures by chance: lost workers and passing I/O errors are the many."""
GB = 1e9
EXAMPLE_SHARDS = ((GB, 1500.0), (GB, 1700.0), (GB, 2100.0), (GB, 1300.0))


@dataclass(frozen=True)
class Scenario:
    """What is simulated; times in seconds."""

    shards: int = 100_000
    workers: int = 1_000
    failure_share: float = 0.01
    """Of attempts that fail by chance, anew at each attempt."""
    poison_shards: int = 20
    """Shards whose bytes are damaged: every attempt fails."""
    bytes_per_shard: float = GB
    measured: Sequence[tuple[float, float]] = EXAMPLE_SHARDS
    """Bytes and seconds of real shards; a shard's seconds per byte are drawn from them."""
    assign_s: float = 0.0001
    settle_s: float = 0.0003
    start_s: float = 1.5
    """A new worker process, before its first task and after a crash."""
    seed: int = 17


@dataclass
class Clock:
    """Stands in for the module `time` in the driver."""

    now: float = 0.0
    slept: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Nobody waits."""
        self.now += seconds
        self.slept += seconds


@dataclass
class Outcome:
    """What came out, with what the laws are checked on."""

    makespan_s: float = 0.0
    work_s: float = 0.0
    """Of attempts that ended well."""
    lost_s: float = 0.0
    """Of attempts that failed."""
    attempts: Counter[int] = field(default_factory=Counter)
    done: Counter[int] = field(default_factory=Counter)
    set_aside: list[str] = field(default_factory=list)
    idle_while_work_waits_s: float = 0.0
    """Added over all workers: free, with tasks in the queue, and the driver busy elsewhere."""
    driver_busy_s: float = 0.0
    first_idle_s: float | None = None
    """When the queue was empty for the first time with a worker free: from here on it is the tail."""


class SimulatedRunner:
    """Assigns as the pool does: a free worker takes the leftmost task; outcomes come in order of their time."""

    name = "simulated"

    def __init__(self, scenario: Scenario, clock: Clock, outcome: Outcome) -> None:
        self.num_workers = scenario.workers
        self._scenario, self._clock, self._outcome = scenario, clock, outcome
        self._random = random.Random(scenario.seed)
        rates = [seconds / size for size, seconds in scenario.measured]
        self._seconds = [self._random.choice(rates) * scenario.bytes_per_shard for _ in range(scenario.shards)]
        self._poison = set(self._random.sample(range(scenario.shards), min(scenario.poison_shards, scenario.shards)))

    def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
        """Run the queue on the simulated workers."""
        clock, seen, costs = self._clock, self._outcome, self._scenario
        free: list[tuple[float, int, float]] = [(0.0, worker, costs.start_s) for worker in range(self.num_workers)]
        running: list[tuple[float, int, int, FailureKind | None]] = []
        waits_since = 0.0  # when the queue was last filled from empty
        while True:
            while queue and free:
                since, worker, start_s = heapq.heappop(free)
                index = queue.popleft()
                self._spend(costs.assign_s)
                seen.idle_while_work_waits_s += max(0.0, clock.now - max(since, waits_since))
                seen.attempts[index] += 1
                kind, lasts = self._draw(index)
                heapq.heappush(running, (clock.now + start_s + lasts, worker, index, kind))
                if kind is None:
                    seen.work_s += lasts
                else:
                    seen.lost_s += lasts
            if free and seen.first_idle_s is None:
                seen.first_idle_s = clock.now
            if not running:
                return
            ended, worker, index, kind = heapq.heappop(running)
            clock.now = max(clock.now, ended)
            heapq.heappush(free, (ended, worker, costs.start_s if kind in ("crash", "timeout", "memory") else 0.0))
            was_empty, at = not queue, clock.now
            yield TaskOutcome(index, kind, "" if kind is None else "simulated")
            self._spend(costs.settle_s)
            waits_since = at if was_empty and queue else waits_since

    def _spend(self, seconds: float) -> None:
        self._clock.now += seconds
        self._outcome.driver_busy_s += seconds

    def _draw(self, index: int) -> tuple[FailureKind | None, float]:
        seconds = self._seconds[index]
        if index in self._poison:
            return "data", seconds * self._random.random()
        if self._random.random() < self._scenario.failure_share:
            kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
            return kind, seconds * (1.0 if kind == "timeout" else self._random.random())
        return None, seconds

    def ideal_s(self) -> float:
        """The least time in which so many workers can do all shards once: the mean load, or the longest shard."""
        return max(sum(self._seconds) / self.num_workers, max(self._seconds)) + self._scenario.start_s

    def rows_at_work(self) -> int:
        """None here."""
        return 0

    def close(self) -> None:
        """Nothing to stop."""


def simulate(scenario: Scenario) -> tuple[Outcome, dict[str, Any]]:
    """Run a scenario through the driver; gives what the laws are checked on, and the figures."""
    clock, seen = Clock(), Outcome()
    runner = SimulatedRunner(scenario, clock, seen)
    finished: set[int] = set()

    def settle(work: Path, plan: Plan, index: int, settings: RunSettings) -> TaskRecord | None:
        if seen.attempts[index] == 0:
            return None  # the driver asks for what an earlier run finished
        finished.add(index)
        seen.done[index] += 1
        return TaskRecord(index, work, (), {}, [])

    spec = StageSpec("simulated", "1", {}, "simulated")
    plan = Plan("5" * 32, "pass", [spec], [{"path": f"shard-{number}"} for number in range(scenario.shards)])
    settings = RunSettings(runner, Progress(), Interrupt(), max_failed_shards=scenario.shards)
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as work,
        mock.patch.object(driver, "settle", settle),
        mock.patch.object(driver, "time", clock),
    ):
        driver.run_plan(Path(work), plan, settings, "simulated")
    seen.makespan_s, seen.set_aside = clock.now, settings.failed
    return seen, figures(scenario, runner, seen, clock)


def figures(scenario: Scenario, runner: SimulatedRunner, seen: Outcome, clock: Clock) -> dict[str, Any]:
    """What a simulation says, as plain data."""
    worker_s = scenario.workers * seen.makespan_s
    retries = sum(seen.attempts.values()) - len(seen.attempts)
    tail = seen.makespan_s - (seen.first_idle_s if seen.first_idle_s is not None else seen.makespan_s)
    return {
        "scenario": {key: value for key, value in asdict(scenario).items() if key != "measured"},
        "measured_shards": len(scenario.measured),
        "mean_seconds_per_shard": round(statistics.fmean(s / b for b, s in scenario.measured) * scenario.bytes_per_shard, 1),
        "makespan_h": round(seen.makespan_s / 3600, 2),
        "ideal_h": round(runner.ideal_s() / 3600, 2),
        "efficiency": round(seen.work_s / worker_s, 4),
        "lost_to_failures": round(seen.lost_s / worker_s, 4),
        "tail_h": round(tail / 3600, 3),
        "done": len(seen.done),
        "set_aside": len(seen.set_aside),
        "retries": retries,
        "most_attempts": max(seen.attempts.values()),
        "driver_load": round(seen.driver_busy_s / seen.makespan_s, 5),
        "driver_waited_for_retries_s": round(clock.slept, 1),
        "idle_while_work_waits": round(seen.idle_while_work_waits_s / worker_s, 6),
        "most_workers_one_driver_keeps_busy": round(
            statistics.fmean(s / b for b, s in scenario.measured)
            * scenario.bytes_per_shard
            / max(1e-9, scenario.assign_s + scenario.settle_s)
        ),
    }


def main() -> None:
    """One scenario from the command line, its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=Scenario.shards)
    parser.add_argument("--workers", type=int, default=Scenario.workers)
    parser.add_argument("--failures", type=float, default=Scenario.failure_share, help="share of attempts that fail by chance")
    parser.add_argument("--poison", type=int, default=Scenario.poison_shards, help="shards that always fail")
    parser.add_argument("--seconds", type=float, help="mean seconds of a shard; by default those of the example shards")
    parser.add_argument("--seed", type=int, default=Scenario.seed)
    options = parser.parse_args()
    mean = statistics.fmean(seconds for _, seconds in EXAMPLE_SHARDS)
    factor = (options.seconds or mean) / mean
    measured = [(size, seconds * factor) for size, seconds in EXAMPLE_SHARDS]
    scenario = Scenario(options.shards, options.workers, options.failures, options.poison, measured=measured, seed=options.seed)
    print(json.dumps(simulate(scenario)[1], indent=2))


if __name__ == "__main__":
    main()
