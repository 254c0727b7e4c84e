"""The headline property: the same bytes inline, in a pool and on Ray, and exactly what changed is rebuilt."""

from __future__ import annotations

import io
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathcode_data.core.errors import ConfigError, DataError, InterruptedRunError, MathcodeError, PartialResultError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.manifest import read_result
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.runner import TaskOutcome
from mathcode_data.runtime import chain, inline, update
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.pool import PoolRunner
from mathcode_data.runtime.progress import LineProgress, Progress
from support import toy_map
from support.engine import make_toy, run, tree_hashes
from support.stages import make_result
from support.waiting import wait_until


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    run(make_toy(tmp_path / "inline"))
    return tree_hashes(tmp_path / "inline" / "out")


@pytest.mark.parametrize("num_workers", [1, 2, 5])
def test_a_pool_of_any_size_gives_the_bytes_of_an_inline_run(tmp_path: Path, expected: dict[str, str], num_workers: int):
    runner = PoolRunner(num_workers)
    run(make_toy(tmp_path / "pool"), runner)
    runner.close()
    assert tree_hashes(tmp_path / "pool" / "out") == expected


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # Ray's own start-up warns of resource limits of the machine
def test_ray_gives_the_bytes_of_an_inline_run(tmp_path: Path, expected: dict[str, str], ray_cluster: None):
    from mathcode_data.runtime.ray import RayRunner

    run(make_toy(tmp_path / "ray"), RayRunner())
    assert tree_hashes(tmp_path / "ray" / "out") == expected


def test_read_equals_kept_plus_dropped_in_every_manifest(tmp_path: Path):
    for report in run(make_toy(tmp_path)):
        for stage in report.result.manifest.counters:
            assert stage.read == stage.kept + stage.dropped.total()
    first = read_result(tmp_path / "out" / "support.toy_map").manifest
    assert first.counters[0].dropped == {"blank": 6}
    assert first.counters[1].dropped == {"word": 24}
    assert first.num_rows == 96


def test_a_second_run_builds_nothing(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*.parquet")}
    assert all(report.was_fresh for report in run(path))
    assert before == {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*.parquet")}


def test_touching_an_input_rebuilds_nothing(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    (tmp_path / "in" / "0.txt").touch()
    assert all(report.was_fresh for report in run(path))


@pytest.mark.parametrize(
    ("old", "new", "rebuilt"),
    [
        ("num_shards: 3", "num_shards: 2", ["sorted"]),
        ("toy_map: {}", "toy_map: {drop: line 1}", ["support.toy_map", "sorted"]),
        ("seed: 1", "seed: 2", ["sorted"]),
    ],
)
def test_a_changed_config_rebuilds_exactly_what_depends_on_it(tmp_path: Path, old: str, new: str, rebuilt: list[str]):
    path = make_toy(tmp_path)
    run(path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert [report.node.id for report in run(path) if not report.was_fresh] == rebuilt


def test_a_changed_input_rebuilds_what_depends_on_it(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    (tmp_path / "in" / "0.txt").write_text("other\n")
    assert [report.was_fresh for report in run(path)] == [False, False]


def test_a_changed_version_rebuilds_what_depends_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_toy(tmp_path)
    run(path)
    monkeypatch.setattr(toy_map, "VERSION", "2")
    load_plugin.cache_clear()
    try:
        assert [report.was_fresh for report in run(path)] == [False, False]
    finally:
        load_plugin.cache_clear()


@pytest.mark.parametrize("damage", ["missing", "short", "edited manifest"])
def test_a_damaged_result_is_made_again(tmp_path: Path, damage: str, expected: dict[str, str]):
    path = make_toy(tmp_path / "again")
    run(path)
    folder = tmp_path / "again" / "out" / "sorted"
    if damage == "missing":
        (folder / "documents-00001.parquet").unlink()
    elif damage == "short":
        (folder / "documents-00001.parquet").write_bytes(b"PAR1")
    else:
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"rows": 96', '"rows": 97'))
    assert [report.was_fresh for report in run(path)] == [True, False]
    assert tree_hashes(tmp_path / "again" / "out") == expected


def test_a_stage_that_loses_rows_is_an_error(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("toy_map: {}", "toy_map: {loses_rows: true}"))
    with pytest.raises(PartialResultError, match="unaccounted for"):
        run(path)


def test_a_shard_that_fails_is_set_aside_and_the_others_are_kept(tmp_path: Path, expected: dict[str, str]):
    path = make_toy(tmp_path / "bad", poison="fail")
    with pytest.raises(PartialResultError, match=r"1 of 6 tasks were set aside.*2\.txt.*a poison line"):
        run(path)
    assert not (tmp_path / "bad" / "out" / "support.toy_map").exists(), "part of the shards never counts as a result"
    done = list((tmp_path / "bad" / "out" / ".work").glob("*/done/*.json"))
    assert len(done) == 5


def test_a_shard_that_kills_its_worker_is_set_aside(tmp_path: Path):
    path = make_toy(tmp_path, poison="die")
    runner = PoolRunner(2)
    with pytest.raises(PartialResultError, match=r"2\.txt.*worker process died"):
        run(path, runner)
    runner.close()


def test_a_shard_that_never_ends_is_set_aside(tmp_path: Path):
    path = make_toy(tmp_path, poison="hang")
    runner = PoolRunner(2)
    with pytest.raises(PartialResultError, match=r"2\.txt.*no end after"):
        run(path, runner, task_timeout_s=2.5)
    runner.close()


def test_allowed_failures_give_a_result_that_names_them(tmp_path: Path):
    path = make_toy(tmp_path, poison="fail")
    reports = run(path, max_failed_shards=1)
    assert len(reports[0].result.manifest.quarantined) == 1
    assert "2.txt" in reports[0].result.manifest.quarantined[0]


def test_a_done_record_that_was_edited_or_cut_makes_its_task_again(
    tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    path = make_toy(tmp_path / "edited")

    def stopped(*_: object) -> None:
        raise InterruptedError("killed before the manifest was written")

    with monkeypatch.context() as patch:
        patch.setattr(update, "_publish", stopped)
        with pytest.raises(InterruptedError):
            run(path)
    records = sorted((tmp_path / "edited" / "out" / ".work").glob("*/done/*.json"))
    assert len(records) == 6
    records[0].write_bytes(records[0].read_bytes().replace(b'"rows": 16', b'"rows": 17'))
    records[1].write_bytes(b"{")
    remade: list[int] = []
    with monkeypatch.context() as patch:
        original = inline.execute
        patch.setattr(inline, "execute", lambda plan, index: (remade.append(index), original(plan, index))[1])
        run(path)
    assert remade[:2] == [0, 1], "exactly the two damaged records are made again, then the next stage runs"
    assert len(remade) == 2 + 6 + 3
    assert tree_hashes(tmp_path / "edited" / "out") == expected


def test_an_unfinished_result_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match="not a finished result"):
        read_result(tmp_path)


def test_two_tasks_cannot_claim_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from support import toy_global

    original = toy_global.ToyGlobal.run

    def doubled(self: toy_global.ToyGlobal, context: object) -> object:
        outcome = original(self, context)  # type: ignore[arg-type]
        return type(outcome)([*outcome.records, outcome.records[0]], outcome.counted)

    monkeypatch.setattr(toy_global.ToyGlobal, "run", doubled)
    with pytest.raises(MathcodeError, match="two tasks wrote"):
        run(make_toy(tmp_path))


def test_a_flipped_byte_in_a_shard_is_an_error_and_never_another_result(tmp_path: Path):
    path = make_toy(tmp_path)
    run(path)
    shard = tmp_path / "out" / "support.toy_map" / "documents-00003.parquet"
    content = bytearray(shard.read_bytes())
    content[40] ^= 4
    shard.write_bytes(content)
    path.write_text(path.read_text().replace("num_shards: 3", "num_shards: 2"))
    with pytest.raises(PartialResultError, match=r"documents-00003\.parquet: sha256 differs"):
        run(path)


def test_an_interrupted_run_publishes_nothing(tmp_path: Path):
    """Also where the signal came before the first task, or no task ended within the grace that a stop gives."""
    path = make_toy(tmp_path)
    graph = Graph()
    nodes = graph.add(load_pipeline(path))
    interrupt = Interrupt()

    class StopsAtOnce(InlineRunner):
        def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
            interrupt._signal = signal.SIGTERM
            return iter(())

    with pytest.raises(InterruptedRunError):
        update.update(list(nodes.values()), graph, RunSettings(StopsAtOnce(), Progress(), interrupt))
    assert not (tmp_path / "out" / "support.toy_map").exists()


def test_a_runner_that_loses_a_task_is_an_error(tmp_path: Path):
    class Loses(InlineRunner):
        def map_unordered(self, plan: Path, queue: deque[int], timeout_s: float | None) -> Iterator[TaskOutcome]:
            queue.pop()
            return super().map_unordered(plan, queue, timeout_s)

    with pytest.raises(MathcodeError, match="ended after 5 of 6 tasks"):
        run(make_toy(tmp_path), Loses())


def test_what_is_made_from_a_part_is_made_again_when_the_whole_is_there(tmp_path: Path, expected: dict[str, str]):
    path = make_toy(tmp_path / "part")
    bad = tmp_path / "part" / "in" / "2.txt"
    good = bad.read_bytes()
    bad.write_bytes(b"\xff\xfe broken")
    first = run(path, max_failed_shards=1)
    assert len(first[0].result.manifest.quarantined) == 1
    assert any("2.txt" in line for line in first[1].result.manifest.damage), "what is made from a part says so"
    again = run(path, max_failed_shards=1)
    assert [report.was_fresh for report in again] == [True, True]
    bad.write_bytes(good)
    assert [report.was_fresh for report in run(path)] == [False, False]
    assert tree_hashes(tmp_path / "part" / "out") == expected


def test_a_part_is_not_accepted_without_saying_so_again(tmp_path: Path):
    path = make_toy(tmp_path)
    (tmp_path / "in" / "2.txt").write_bytes(b"\xff\xfe broken")
    run(path, max_failed_shards=1)
    with pytest.raises(PartialResultError):
        run(path)


def test_an_input_that_changes_during_the_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_toy(tmp_path)
    original = inline.execute

    def change_then_execute(plan: Path, index: int) -> TaskOutcome:
        (tmp_path / "in" / "5.txt").write_text("rewritten\n")
        return original(plan, index)

    monkeypatch.setattr(inline, "execute", change_then_execute)
    with pytest.raises(PartialResultError, match=r"5\.txt: changed since the run was planned"):
        run(path)


def test_an_id_that_is_read_from_has_a_result_of_its_own(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(path.read_text() + "  - id: raw\n    from: support.toy_source\n    support.toy_global: {num_shards: 1}\n")
    reports = {report.node.id: report.result.manifest for report in run(path)}
    assert reports["raw"].num_rows == 120, "the documents of the source, not of the map after it"
    assert reports["sorted"].num_rows == 96


def test_a_stage_that_reads_documents_refuses_another_kind(tmp_path: Path):
    path = make_toy(tmp_path)
    (tmp_path / "other").mkdir()
    make_result(tmp_path / "other" / "model", [], kind="model")
    path.write_text(path.read_text() + "  - id: wrong\n    from: {path: other/model}\n    support.toy_global: {}\n")
    with pytest.raises(ConfigError, match="reads documents, model is a model result"):
        run(path)
    path.write_text(path.read_text().replace("from: {path: other/model}\n    support.toy_global", "from: []\n    support.toy_map"))
    with pytest.raises(ConfigError, match="needs documents"):
        run(path)


def test_a_model_that_was_learned_again_is_loaded_again(tmp_path: Path):
    """A living process keeps the stages of one plan only: the same path may hold another model for the next."""
    path = make_toy(tmp_path)
    run(path)
    before = dict(chain._BUILT)
    path.write_text(path.read_text().replace("toy_map: {}", "toy_map: {drop: line 1}"))
    run(path)
    assert not before.keys() & chain._BUILT.keys()


@pytest.mark.parametrize("folder", ["in[1]", "a*b", "数学"])
def test_folders_may_have_any_name(tmp_path: Path, folder: str):
    path = make_toy(tmp_path / folder)
    path.write_text(path.read_text().replace("paths: in,", "paths: 'in/*.txt',"))
    runner = PoolRunner(1)
    assert run(path, runner)[1].result.manifest.num_rows == 96
    runner.close()


@pytest.mark.parametrize("name", [".work", ".lock", "pipeline.json", "runs.jsonl", "a/b", ""])
def test_an_id_cannot_be_a_name_of_the_engine(tmp_path: Path, name: str):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("id: sorted", f"id: '{name}'"))
    with pytest.raises(ConfigError, match="use letters"):
        run(path)


def test_the_largest_worker_goes_when_all_together_outgrow_the_memory(tmp_path: Path):
    path = make_toy(tmp_path, wait_s=3.0)
    runner = PoolRunner(1, memory_bytes=1 << 20)
    with pytest.raises(PartialResultError, match="memory: the workers held"):
        run(path, runner)
    runner.close()


def test_lines_of_progress_come_while_a_task_runs():
    stream = io.StringIO()
    progress = LineProgress(stream, every_s=0.05)
    progress.begin("reading", 3)
    wait_until(lambda: stream.getvalue().count("\n") >= 2, "two lines")
    progress.end()
    lines = stream.getvalue().splitlines()
    assert set(lines) == {"reading: 0/3 tasks, 0.0 MB written"}


def test_a_manifest_rewrites_paths_and_no_other_text_that_begins_with_a_slash(tmp_path: Path):
    path = make_toy(tmp_path)
    path.write_text(path.read_text().replace("toy_map: {}", "toy_map: {drop: /etc/passwd}"))
    stages = run(path)[0].result.manifest.stages
    assert stages[0]["config"]["paths"] == ["in"]
    assert stages[1]["config"]["drop"] == "/etc/passwd"
