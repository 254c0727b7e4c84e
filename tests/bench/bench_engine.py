"""What the engine costs: empty tasks through the real driver, to the last done record; a bare process pool and datatrove beside it.

Every task of ours is committed: an attempt folder, a record with its own hash, a link that only the first committer gets. The
peers keep less (datatrove one empty file and a log per task, the bare pool nothing), so ratios say what the commits cost, not
who is better. `work` lies in memory where there is such a file system: on a disk each task waits for its fsyncs (a second,
smaller measurement). `facts` names the driver's own part: what it spends on a task that others have committed, and its memory.

Each case runs in a process of its own, so that its memory is its own: `python bench_engine.py CASE TASKS FOLDER`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from harness import Bench, Options, SkipError

TESTS = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")
NUM_TASKS = 100_000
NUM_ON_DISK = 2_000
NUM_RAY = 2_000
NUM_DATATROVE = 1_000
WORKERS = 2
CASE_TIMEOUT_S = 900


def run(options: Options) -> Bench:
    """Run every case."""
    tasks = options.scaled(NUM_TASKS)
    bench = Bench("engine", {"tasks": tasks, "workers": WORKERS, "work": "memory" if MEMORY.is_dir() else "disk"})
    memory = MEMORY if MEMORY.is_dir() else options.scratch
    cases = [
        ("ours, inline", "inline", tasks, memory),
        ("ours, pool", "pool", tasks, memory),
        ("ours, pool, disk", "pool", options.scaled(NUM_ON_DISK), options.scratch),
        ("ours, ray", "ray", options.scaled(NUM_RAY), memory),
        ("ProcessPoolExecutor, nothing kept", "executor", tasks, memory),
        ("datatrove LocalPipelineExecutor", "datatrove", options.scaled(NUM_DATATROVE), memory),
    ]
    for label, case, count, folder in cases:
        try:
            found = _in_own_process(case, count, folder)
        except SkipError as reason:
            bench.facts[label] = {"skipped": str(reason)}
            continue
        bench.add(label, [found.pop("seconds")], "task", count)
        bench.facts[label] = found
    measured = {measurement.label for measurement in bench.measurements}
    bench.comparisons = [("ours, pool", peer) for peer in list(measured) if "ours" not in peer]
    return bench


def _in_own_process(case: str, tasks: int, folder: Path) -> dict[str, Any]:
    work = folder / f"mathcode-engine-{os.getpid()}-{case}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    environment = os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS / 'bench'}", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, __file__, case, str(tasks), str(work)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CASE_TIMEOUT_S, check=False)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if done.returncode == 3:
        raise SkipError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"{case}: exit code {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours(name: str, tasks: int, work: Path) -> dict[str, Any]:
    """Run a plan of empty tasks; what is not spent in the tasks themselves, or in waiting for workers, is the driver's."""
    from mathcode_data.core.interrupt import Interrupt
    from mathcode_data.runtime.driver import RunSettings, run_plan
    from mathcode_data.runtime.plan import Plan, StageSpec
    from mathcode_data.runtime.progress import Progress

    runner = _runner(name)
    waited = 0.0
    map_unordered = runner.map_unordered

    def watched(*arguments: Any) -> Iterator[Any]:
        nonlocal waited
        outcomes = map_unordered(*arguments)
        while True:
            start = time.perf_counter()
            outcome = next(outcomes, None)
            waited += time.perf_counter() - start
            if outcome is None:
                return
            yield outcome

    runner.map_unordered = watched
    spec = StageSpec("support.toy_empty", "1", {"num_tasks": tasks}, "support.toy_empty")
    plan = Plan("e" * 32, "phase", [spec], [{"number": number} for number in range(tasks)], function="support.toy_empty:nothing")
    before = psutil.Process().memory_info().rss
    cpu, start = time.process_time(), time.perf_counter()
    records = run_plan(work, plan, RunSettings(runner, Progress(), Interrupt()), "empty")
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    after = psutil.Process().memory_info().rss
    runner.close()
    if len(records) != tasks:
        raise AssertionError(f"{len(records)} of {tasks} tasks are done")
    done = sum(path.stat().st_size for path in (work / "done").iterdir())
    return {
        "seconds": seconds,
        "driver_s_per_task": round((seconds - waited) / tasks, 7),
        "driver_tasks_per_s": round(tasks / (seconds - waited)),
        "cpu_of_driver_process_s": round(cpu, 2),
        "rss_before_MB": round(before / 1e6, 1),
        "rss_after_MB": round(after / 1e6, 1),
        "rss_bytes_per_task": round((after - before) / tasks),
        "done_record_bytes_per_task": round(done / tasks),
        "plan_bytes": (work / "plan.json").stat().st_size,
    }


def _runner(name: str) -> Any:
    from mathcode_data.runtime.inline import InlineRunner
    from mathcode_data.runtime.pool import PoolRunner

    if name == "inline":
        return InlineRunner()
    if name == "pool":
        return PoolRunner(WORKERS)
    from mathcode_data.core.errors import MathcodeError
    from mathcode_data.runtime.ray import RayRunner

    try:
        return RayRunner(None, WORKERS)
    except MathcodeError as error:
        print(f"ray: {error}", file=sys.stderr)
        sys.exit(3)


def _nothing(number: int) -> int:
    return number


def executor(tasks: int, work: Path) -> dict[str, Any]:
    """Submit every task to Python's own pool, as the pool runner is asked to: one at a time, in any order."""
    start = time.perf_counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        done = sum(1 for _ in pool.map(_nothing, range(tasks)))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "done": done, "rss_after_MB": round(psutil.Process().memory_info().rss / 1e6, 1)}


def datatrove(tasks: int, work: Path) -> dict[str, Any]:
    """One task per rank with an empty step, as its users run many small shards."""
    try:
        from datatrove.executor import LocalPipelineExecutor
        from datatrove.pipeline.base import PipelineStep
        from loguru import logger
    except ModuleNotFoundError as error:
        print(f"needs {error.name}", file=sys.stderr)
        sys.exit(3)
    logger.remove()
    logging.disable()

    class Empty(PipelineStep):  # type: ignore[misc]
        """Nothing."""

        name = "empty"

        def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
            """Give on what comes."""
            return data

    start = time.perf_counter()
    LocalPipelineExecutor([Empty()], tasks=tasks, workers=WORKERS, logging_dir=str(work), start_method="fork", skip_completed=True).run()
    return {"seconds": time.perf_counter() - start, "done": len(list((work / "completions").iterdir()))}


CASES: dict[str, Callable[[int, Path], dict[str, Any]]] = {"executor": executor, "datatrove": datatrove}


def main() -> None:
    """One case, its figures as the last line of standard output."""
    case, tasks, work = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    found = CASES[case](tasks, work) if case in CASES else ours(case, tasks, work)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
