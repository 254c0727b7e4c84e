"""Late attempts, other versions, a hundred thousand shards, clocks that are wrong."""

from __future__ import annotations

import ast
import os
import shutil
import time
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import Manifest, Shard, read_result, write_manifest
from mathcode_data.runtime import worker
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.plan import Plan, StageSpec, done_path, read_plan, write_plan
from mathcode_data.runtime.update import _pass_plan
from support.engine import make_toy, run, tree_hashes

MAY_READ_THE_CLOCK = {
    "stages/crawl/fetch.py": "the date of a WARC record",
    "stages/crawl/hosts.py": "rests between runs, bounded by their own length",
    "stages/crawl/rules.py": "age of a robots.txt; one from the future counts as old",
    "stages/crawl/visits.py": "rests and Retry-After, bounded",
    "stages/read/common_crawl_http.py": "Retry-After as a date, bounded",
    "review/candidates.py": "the time of a decision, for people",
    "inspect/status_text.py": "since when a lock is held, for people",
}
OF_THE_ENGINE = {
    "runtime/failures.py": "the time of a failure, for people",
    "runtime/status.py": "the time left of a run, for people",
    "runtime/gc.py": "the age of what nothing needs; `--older-than` asks for it",
}
"""Commands beside the engine; no run reads what they say."""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The frozen plan of the toy's first node, in a work folder."""
    nodes = Graph().add(load_pipeline(make_toy(tmp_path)))
    node = next(iter(nodes.values()))
    return write_plan(tmp_path / "work", _pass_plan(node, []))


def test_an_attempt_that_commits_late_changes_nothing(plan: Path):
    """A zombie is an attempt that goes on although its task was given to another, and commits behind it."""
    work = plan.parent
    worker.run_task(plan, 0)
    first = done_path(work, 0).read_bytes()
    winners = {folder.name: tree_hashes(folder) for folder in (work / "attempts").iterdir()}
    assert len(winners) == 1
    worker.run_task(plan, 0)
    assert done_path(work, 0).read_bytes() == first
    assert {folder.name: tree_hashes(folder) for folder in (work / "attempts").iterdir()} == winners, "the loser takes its files away"


def test_a_zombie_behind_the_end_of_its_run_changes_nothing(tmp_path: Path, plan: Path):
    path = make_toy(tmp_path / "whole")
    run(path)
    before = tree_hashes(tmp_path / "whole" / "out")
    shutil.rmtree(plan.parent)
    outcome = worker.execute(plan, 0)  # the work folder is gone: the run that owned it has ended
    assert outcome.failure is not None
    assert tree_hashes(tmp_path / "whole" / "out") == before


def test_a_worker_of_another_version_refuses_the_plan(plan: Path, monkeypatch):
    monkeypatch.setattr(worker, "__version__", "0.0.1")
    with pytest.raises(ConfigError, match=r"worker has mathcode-data 0\.0\.1, the plan was made by .*; install the same version"):
        worker.run_task(plan, 0)
    assert worker.execute(plan, 0).failure == "config"
    assert not (plan.parent / "done").exists()


def test_plan_and_manifest_of_a_hundred_thousand_shards_stay_linear(tmp_path: Path):
    def cost(number: int) -> tuple[float, int]:
        folder = tmp_path / str(number)
        start = time.process_time()
        tasks = [{"path": f"/data/documents-{index:05d}.parquet", "rows": 1, "bytes": 1, "sha256": "0" * 64} for index in range(number)]
        path = write_plan(folder, Plan("f" * 32, "pass", [StageSpec("a", "1", {}, "a")], tasks))
        assert len(read_plan(path).tasks) == number
        shards = [Shard(f"documents-{index:06d}.parquet", 1, "0" * 64, rows=1) for index in range(number)]
        write_manifest(folder, Manifest("documents", [], "f" * 32, [], shards, []))
        assert len(read_result(folder).document_shards()) == number
        size = sum(file.stat().st_size for file in folder.iterdir())
        return time.process_time() - start, size

    cost(100)  # imports and caches
    (small_s, small_bytes), (large_s, large_bytes) = cost(25_000), cost(100_000)
    assert large_bytes < 4.2 * small_bytes
    assert large_s < 4 * 2 * small_s, "a quadratic step costs 16 times as much, a linear one 4"


def test_times_of_files_from_the_past_and_the_future_decide_nothing(tmp_path: Path):
    """Nodes whose clocks are wrong leave files of any time; nothing is made anew, nothing stale is taken."""
    path = make_toy(tmp_path)
    run(path)
    before = tree_hashes(tmp_path / "out")
    for days in (-10_000, 10_000):
        at = time.time() + days * 86_400
        for file in tmp_path.rglob("*"):
            os.utime(file, (at, at))
        assert [report.was_fresh for report in run(path)] == [True, True]
    source = tmp_path / "in" / "0.txt"
    status = source.stat()
    source.write_text(source.read_text().replace("line 0 1 ", "line 0 9 "))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time, other bytes
    assert [report.was_fresh for report in run(path)] == [False, False]
    assert tree_hashes(tmp_path / "out") != before


def test_no_module_of_the_engine_reads_the_wall_clock_to_decide(repository: Path):
    """Whoever reads it stands in the list above with the reason; monotonic clocks measure, they do not decide."""
    package = repository / "mathcode_data"
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "time.time",
                "time.time_ns",
                "datetime.now",
                "datetime.utcnow",
                "date.today",
            ):
                found.add(path.relative_to(package).as_posix())
    assert found - set(MAY_READ_THE_CLOCK) - set(OF_THE_ENGINE) == set()
    engine = {name for name in found if name.startswith(("core/", "runtime/", "shards/", "mixture/", "trainer/"))}
    assert engine <= set(OF_THE_ENGINE)
