"""A run as the command line asks for it: choose a runner, listen to signals, bring results up to date, report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.first_compile import told_by
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.manifest import Result
from mathcode_data.core.object_store import url_of
from mathcode_data.core.runner import Runner
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.estimate import estimate_nodes
from mathcode_data.runtime.graph import Graph, Node, all_nodes, find_node
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.pipeline import Pipeline, load_pipeline
from mathcode_data.runtime.pool import PoolRunner
from mathcode_data.runtime.progress import Progress, make_progress
from mathcode_data.runtime.store import num_done, result_on_store
from mathcode_data.runtime.update import NodeReport, fresh_result, is_wanted, update
from mathcode_data.runtime.worker import num_usable_cores

RUNNERS = ("pool", "inline", "ray")


@contextmanager
def run_session(
    *, runner: str = "pool", workers: int | None = None, ray_address: str | None = None, quiet: bool = False,
    max_failed_shards: int = 0,
) -> Iterator[RunSettings]:  # fmt: skip
    """Start a runner and listen to signals; both end with the block.

    Raises:
        ConfigError: no such runner, or its package is not installed.
    """
    with Interrupt() as interrupt:
        progress = make_progress(quiet=quiet)
        chosen = _make_runner("ray" if ray_address else runner, workers, ray_address, interrupt, progress, quiet=quiet)
        try:
            with nullcontext() if quiet else told_by(progress.note):
                yield RunSettings(chosen, progress, interrupt, max_failed_shards)
        finally:
            progress.close()
            chosen.close()


def _make_runner(
    name: str, workers: int | None, ray_address: str | None, interrupt: Interrupt, progress: Progress, *, quiet: bool
) -> Runner:
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers {workers}: at least 1")

    def stop() -> bool:
        return interrupt.came

    if name == "inline":
        return InlineRunner(stop, interrupt.at_once)
    if name == "pool":
        return PoolRunner(workers or num_usable_cores(), stop, is_quiet=quiet)
    if name == "ray":
        from mathcode_data.runtime.ray import RayRunner

        num_workers = workers or (None if ray_address else num_usable_cores())
        return RayRunner(ray_address, num_workers, stop, interrupt.listen_again, progress.note)
    raise ConfigError(f"--runner {name}: choose one of {', '.join(RUNNERS)}")


def run_pipeline(
    path: Path, settings: RunSettings, *, stage: str | None = None, overrides: Sequence[str] = (), limit: int | None = None
) -> list[NodeReport]:
    """Bring a pipeline (or one of its results, and what it needs) up to date."""
    with settings.interrupt.at_once():  # all input files are hashed here
        pipeline = load_pipeline(path, list(overrides), limit)
        graph = Graph(limit)
        nodes = graph.add(pipeline)
    targets = list(nodes.values()) if stage is None else [find_node(nodes, stage, str(path))]
    return update(targets, graph, settings)


def plan_pipeline(path: Path, *, overrides: Sequence[str] = (), limit: int | None = None, stage: str | None = None) -> list[dict[str, Any]]:
    """What a run would do; nothing is written. One entry per result, in the order of work; `estimate` where it is not there yet."""
    pipeline: Pipeline = load_pipeline(path, list(overrides), limit)
    nodes = Graph(limit).add(pipeline)
    targets = list(nodes.values()) if stage is None else [find_node(nodes, stage, str(path))]
    in_order = all_nodes(targets)
    results = {id(node): result for node in in_order if (result := _standing(node)) is not None}
    estimates = estimate_nodes(in_order, results)
    return [_plan_node(node, results.get(id(node))) | {"estimate": estimates.get(id(node))} for node in in_order]


def _standing(node: Node) -> Result | None:
    """The node's result, if it is up to date; one on an object store is not brought down for that."""
    if url_of(node.folder) is None:
        return fresh_result(node)
    result = result_on_store(node.folder)
    return result if result is not None and is_wanted(node, result) else None


def _plan_node(node: Node, result: Result | None) -> dict[str, Any]:
    done = num_done(node.work) if result is None and node.is_pass else 0
    input_bytes = sum(Path(file).stat().st_size for split in node.splits for file in split.files)
    entry = {
        "id": node.id,
        "pipeline": str(node.pipeline.path),
        "stages": [step.plugin.name for step in node.steps],
        "kind": node.kind,
        "fingerprint": node.fingerprint,
        "state": "up to date" if result else ("begun" if done else "to run"),
        "tasks": len(node.splits) or None,
        "tasks_done": done,
        "input_files": sum(len(split.files) for split in node.splits),
        "input_bytes": input_bytes,
        "output": str(node.folder),
    }
    if result is not None:
        entry |= {"documents": result.manifest.num_rows or None, "tokens": result.manifest.num_tokens,
                  "bytes": sum(shard.bytes for shard in result.manifest.shards)}  # fmt: skip
    return entry


def report_rows(reports: Sequence[NodeReport]) -> list[dict[str, Any]]:
    """Reports as plain data: documents in, kept, dropped by reason, tokens, seconds per stage; `note`: what a result says of itself."""
    return [
        {
            "id": report.node.id,
            "pipeline": report.node.pipeline.config.name,
            "folder": str(report.node.folder),
            "fingerprint": report.result.fingerprint,
            "up_to_date": report.was_fresh,
            "seconds": round(report.seconds, 2),
            "kind": report.result.manifest.kind,
            "documents": report.result.manifest.num_rows,
            "tokens": report.result.manifest.num_tokens,
            "bytes": sum(shard.bytes for shard in report.result.manifest.shards),
            "stages": [
                stage.to_json() | {"seconds": round(report.stage_seconds.get(stage.stage, 0.0), 2)}
                for stage in report.result.manifest.counters
            ],
            "damage": report.result.manifest.damage,
            "quarantined": report.result.manifest.quarantined,
            "note": str(report.result.manifest.facts.get("note", "")),
        }
        for report in reports
    ]
