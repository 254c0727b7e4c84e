"""Bring results up to date: run the nodes whose finished result does not carry their fingerprint, and no other.

A result is made in `OUTPUT/.work/ID-FINGERPRINT/` and takes the place `OUTPUT/ID/` by rename when it is whole; until then
the older result of that name stands.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.counters import add_up
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, VerificationError
from mathcode_data.core.fingerprint import SEAL, fingerprint, seal_of
from mathcode_data.core.lock import LOCK_NAME, locked
from mathcode_data.core.manifest import (
    MANIFEST_NAME,
    InputRecord,
    Manifest,
    Result,
    Shard,
    check_shards,
    made_by,
    read_result,
    write_manifest,
)
from mathcode_data.core.plugins import blaming
from mathcode_data.core.stage import GlobalOutcome, Task, TaskRecord, document_items
from mathcode_data.core.storage import CANNOT, fsync_file, fsync_folder, naming_full_disk, read_json, remove_tree, swap, write_json
from mathcode_data.runtime.driver import RunSettings, run_plan
from mathcode_data.runtime.failures import is_to_be_retried
from mathcode_data.runtime.graph import (
    HASHES_NAME,
    PIPELINE_NAME,
    WORK_NAME,
    Graph,
    Node,
    all_nodes,
    config_for_manifest,
    config_for_worker,
    splits_of,
)
from mathcode_data.runtime.pipeline import Pipeline
from mathcode_data.runtime.plan import Plan, StageSpec
from mathcode_data.runtime.sealed import write_result_blocks
from mathcode_data.runtime.store import held, publish, put_marker, take_over

RUNS_NAME = "runs.jsonl"


@dataclass(frozen=True)
class NodeReport:
    """What happened to one node."""

    node: Node
    result: Result
    was_fresh: bool
    seconds: float
    stage_seconds: dict[str, float]


def update(targets: Sequence[Node], graph: Graph, settings: RunSettings) -> list[NodeReport]:
    """Make the targets, and what they need, up to date. Reports come in the order of work.

    Raises:
        LockedError: another run works in one of the output folders.
        ConfigError, DataError, PartialResultError, ResourceError, InterruptedRunError: as the tasks say.
    """
    nodes = all_nodes(list(targets))
    pipelines = {node.pipeline.output: node.pipeline for node in nodes}
    with contextlib.ExitStack() as stack:
        for output, pipeline in sorted(pipelines.items()):
            stack.enter_context(held(output))
            take_over(output)
            _claim(pipeline)
            stack.enter_context(locked(output, remove_if_unused=True))
            stack.enter_context(_leaving_nothing_if_refused(output))
            _write_marker(pipeline, graph.ids(pipeline))
        reports = [_update_node(node, settings) for node in nodes]
        for output in pipelines:
            graph.hashes[output].save()
            with contextlib.suppress(OSError):
                (output / WORK_NAME).rmdir()  # only when nothing unfinished is left in it
    return reports


@contextlib.contextmanager
def _leaving_nothing_if_refused(output: Path) -> Iterator[None]:
    """Take away the engine's own files where a run is refused before its first result; what stood there before stays."""
    before = {path.name for path in output.iterdir()}
    try:
        yield
    except (ConfigError, DataError):
        new = [path for path in output.iterdir() if path.name not in before]
        if all(path.name in (PIPELINE_NAME, WORK_NAME, HASHES_NAME, RUNS_NAME) for path in new):
            for path in new:
                remove_tree(path) if path.is_dir() else path.unlink()
        raise


def fresh_result(node: Node, max_failed_shards: int = 0) -> Result | None:
    """The node's finished result, if it is up to date and its files are there."""
    if not (node.folder / MANIFEST_NAME).exists():
        return None
    try:
        result = read_result(node.folder)
    except (DataError, VerificationError):
        return None  # damaged or edited: made again
    if not is_wanted(node, result, max_failed_shards):
        return None
    return None if any(True for _ in check_shards(result, full=False)) else result


def is_wanted(node: Node, result: Result, max_failed_shards: int = 0) -> bool:
    """Whether a finished result has the causes that the node has now, and enough of its input."""
    failed = result.manifest.quarantined
    if result.fingerprint != _fingerprint_without(node.fingerprint, failed) or len(failed) > max_failed_shards:
        return False
    return not (failed and is_to_be_retried(node.work))


def _fingerprint_without(name: str, failed: list[str]) -> str:
    """Name of a result that lacks some tasks: another than the whole result's, for it and for all that is made from it."""
    return fingerprint({"node": name, "without": failed}) if failed else name


def _take_over_partial_inputs(node: Node, inputs: Sequence[Result]) -> None:
    """Rename a node whose inputs are not whole, so that nothing made from a part is ever taken for what the whole would give."""
    wanted = [part.fingerprint for part in (*node.inputs, *node.references.values())]
    found = [result.fingerprint for result in inputs]
    if found != wanted:
        node.fingerprint = fingerprint({"node": node.fingerprint, "inputs": found})


def _claim(pipeline: Pipeline) -> None:
    """Refuse output folders that hold somebody else's files or lie inside an input."""
    output = pipeline.output
    for step in pipeline.steps:
        for path in getattr(step.config, "paths", ()) or ():
            if output == Path(path) or (Path(path).is_dir() and Path(path) in output.parents):
                raise ConfigError(f"{step.place}: the output folder {output} lies inside the input {path}; choose another output")
    if not output.exists():
        return
    if not output.is_dir():
        raise ConfigError(f"{output}: is a file, not a folder; choose another output")
    marker = output / PIPELINE_NAME
    if not marker.exists() and any(path.name not in (LOCK_NAME, HASHES_NAME) for path in output.iterdir()):
        raise ConfigError(f"{output}: not empty and not the output of a pipeline; choose another output, or empty it")
    data = read_json(marker) if marker.exists() else {}
    owner = data.get("name") if isinstance(data, dict) else None
    if marker.exists() and owner != pipeline.config.name:
        if isinstance(data, dict) and SEAL in data and data[SEAL] != seal_of(data):
            raise ConfigError(
                f"{marker}: damaged: its content does not match its own sha256, and it names the pipeline {owner!r}; write "
                f"{pipeline.config.name!r} there if the folder is this pipeline's, or choose another output"
            )
        raise ConfigError(f"{output}: belongs to pipeline {owner!r}, not {pipeline.config.name!r}; give each its own output folder")


def _write_marker(pipeline: Pipeline, ids: list[str]) -> None:
    data: dict[str, Any] = {"name": pipeline.config.name, "last": ids[-1], "results": ids}
    data[SEAL] = seal_of(data)
    path = pipeline.output / PIPELINE_NAME
    if not path.exists() or read_json(path) != data:
        write_json(path, data)
    put_marker(path, data)


def _update_node(node: Node, settings: RunSettings) -> NodeReport:
    needed = [part if isinstance(part, Result) else read_result(part.folder) for part in (*node.inputs, *node.references.values())]
    _take_over_partial_inputs(node, needed)
    result = fresh_result(node, settings.max_failed_shards)
    if result is not None:
        # a run killed just after its result took its place leaves it; of a part the finished tasks are kept, for `retry`
        _remove_work(node, keep=node.work if result.manifest.quarantined else None)
        publish(result, node.work)
        return NodeReport(node, result, True, 0.0, {})
    settings.interrupt.check()
    start = time.monotonic()
    settings.seconds = {}
    failed_before = len(settings.failed)
    inputs = needed[: len(node.inputs)]
    _check_kinds(node, inputs)
    settings.pipeline_timeout_s = node.pipeline.config.task_timeout_s
    settings.places = {label: step.place for label, step in zip(node.labels(), node.steps, strict=True)}
    with naming_full_disk(node.work):
        _remove_work(node, keep=node.work)
        node.work.mkdir(parents=True, exist_ok=True)
        if node.is_pass:
            records = run_plan(node.work, _pass_plan(node, inputs), settings, node.id)
            outcome = GlobalOutcome(records, records)
        else:
            with blaming(node.steps[0].place, node.steps[0].plugin):
                outcome = node.stages[0].run(_Context(node, inputs, settings))
        result = _publish(node, inputs, needed, outcome, settings.failed[failed_before:])
    publish(result, node.work)
    report = NodeReport(node, result, False, time.monotonic() - start, dict(settings.seconds))
    _log(report, settings)
    return report


def _check_kinds(node: Node, inputs: Sequence[Result]) -> None:
    """Stages read documents; only a source takes the files of another kind of result (a crawl).

    Raises:
        ConfigError: an input is of another kind, such as a WARC result without a read.warc between.
    """
    for result in inputs:
        if not node.is_source and result.manifest.kind != "documents":
            raise ConfigError(
                f"{node.steps[0].place}: {node.steps[0].plugin.name} reads documents, {result.folder.name} is a {result.manifest.kind} "
                "result; name another result under `from`, or put the stage that makes documents between"
            )


def _specs(node: Node) -> list[StageSpec]:
    return [
        StageSpec(step.plugin.name, step.plugin.version, config_for_worker(step.config, node), label)
        for step, label in zip(node.steps, node.labels(), strict=True)
    ]


def _pass_plan(node: Node, inputs: Sequence[Result]) -> Plan:
    if node.is_source:
        splits = splits_of(node, inputs)
        known = {str(path): shard.sha256 for result in inputs for shard in result.manifest.shards for path in [result.folder / shard.name]}
        hashes = node.split_hashes or [[known[file] for file in split.files] for split in splits]
        tasks = [
            {"files": list(split.files), "names": list(split.names), "options": split.options, "hashes": digests}
            for split, digests in zip(splits, hashes, strict=True)
        ]
    else:
        tasks = document_items(inputs)
        if not tasks:
            raise DataError(f"{node.id}: its input holds no document shard; the input is a {inputs[0].manifest.kind} result")
    limit = node.pipeline.limit
    per_split = None if limit is None or not node.is_source else -(-limit // max(1, len(tasks)))
    return Plan(node.fingerprint, "pass", _specs(node), tasks, limit=per_split)


class _Context:
    """What a global stage sees of the driver."""

    def __init__(self, node: Node, inputs: Sequence[Result], settings: RunSettings) -> None:
        self.node, self.inputs, self._settings = node, inputs, settings
        self.seed = node.pipeline.config.seed
        self.stage = node.labels()[0]
        self._specs = _specs(node)
        plugin = node.steps[0].plugin
        self.config = plugin.config.model_validate(self._specs[0].config, context={"folder": "/"})
        self._phases: list[str] = []
        self._before = ""

    def map(self, phase: str, function: Callable[[Task], None], items: Sequence[dict[str, Any]]) -> list[TaskRecord]:
        """Run one phase; see `core.stage.GlobalContext`."""
        if phase in self._phases:
            raise MathcodeError(f"stage {self.stage}: phase {phase!r} runs twice; give each phase its own name")
        self._phases.append(phase)
        name = f"{function.__module__}:{function.__qualname__}"
        if not function.__qualname__.isidentifier():
            raise ConfigError(f"stage {self.stage}: phase {phase!r} runs {name}; give a function of a module, workers find it by name")
        work = self.node.work / f"{len(self._phases)}-{phase}"
        # items name files of earlier phases by path alone, so what those phases left is part of the causes
        causes = {"node": self.node.fingerprint, "phase": phase, "function": name, "items": list(items), "before": self._before}
        plan = Plan(
            fingerprint(causes), "phase", self._specs, list(items), seed=self.seed,
            inputs=[str(result.folder) for result in self.inputs], function=name,
        )  # fmt: skip
        records = run_plan(work, plan, self._settings, f"{self.node.id}: {phase}")
        left = [[record.index, [shard.sha256 for shard in record.shards], record.values] for record in records]
        self._before = fingerprint({"before": self._before, "phase": phase, "left": left})
        return records


def _publish(node: Node, inputs: Sequence[Result], needed: Sequence[Result], outcome: GlobalOutcome, failed: list[str]) -> Result:
    """Gather the files of the last phase, write the manifest, and let the new result take the old one's place."""
    folder = node.work / "result"
    remove_tree(folder)
    folder.mkdir()
    shards: dict[str, Shard] = {}
    for record in outcome.records:
        for shard in record.shards:
            if shard.name in shards:
                raise MathcodeError(f"{node.id}: two tasks wrote {shard.name}; tasks of a last phase need names of their own")
            shards[shard.name] = shard
            _link_or_copy(record.path(shard.name), folder / shard.name)
    counted = [*outcome.counted]
    used = [InputRecord(result.folder.name, result.fingerprint) for result in needed]
    stages = [
        {"name": step.plugin.name, "version": step.plugin.version, "config": config_for_manifest(step.config, node)} for step in node.steps
    ]
    manifest = Manifest(
        kind=node.kind,
        stages=stages,
        fingerprint=_fingerprint_without(node.fingerprint, failed),
        inputs=[*used, *node.file_records],
        shards=[shards[name] for name in sorted(shards)],
        counters=add_up(record.counters for record in counted),
        facts=outcome.facts,
        damage=sorted(
            {line for record in counted for line in record.damage}
            | {line for result in needed for line in (*result.manifest.damage, *result.manifest.quarantined)}
        ),
        quarantined=failed,
        made_by=made_by(),
        block_hashes=write_result_blocks(folder, outcome.records),
    )
    for stage in manifest.counters:
        stage.check()
    _check_chain(node, manifest, inputs)
    write_manifest(folder, manifest)
    _take_place(folder, node.folder)
    if failed:  # what is done stays beside the result (the same bytes under two names), so that `retry` makes the rest alone
        remove_tree(folder)
        remove_tree(node.work / "replaced")
    else:
        remove_tree(node.work)
    return read_result(node.folder)


def _check_chain(node: Node, manifest: Manifest, inputs: Sequence[Result]) -> None:
    """Every stage of a pass reads what the one before kept; the first one reads every row of the inputs."""
    stages = manifest.counters
    for before, after in itertools.pairwise(stages):
        if before.kept != after.read:
            raise MathcodeError(f"{node.id}: {before.stage} kept {before.kept:,} documents but {after.stage} read {after.read:,}")
    if stages and inputs and not node.is_source and not manifest.quarantined:
        rows = sum(result.manifest.num_rows for result in inputs)
        if stages[0].read != rows:
            raise MathcodeError(f"{node.id}: read {stages[0].read:,} documents, its inputs hold {rows:,}")


def _link_or_copy(source: Path, target: Path) -> None:
    """Give a committed file its name in the result; the task's own copy stays until the work folder goes."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        shutil.copy2(source, target)
        fsync_file(target)


def _take_place(new: Path, place: Path) -> None:
    """Let a whole result take the place of an older one, in one step where the file system can; the older one is then in `new`."""
    fsync_folder(new)
    if not place.exists():
        new.rename(place)
    elif not swap(new, place):  # between two renames no result stands; none is ever half
        old = new.parent / "replaced"
        remove_tree(old)
        place.rename(old)
        try:
            new.rename(place)
        except OSError:
            old.rename(place)
            raise
    fsync_folder(place.parent)


def _remove_work(node: Node, keep: Path | None) -> None:
    """Remove unfinished work of the node's id: under other causes it is of no use any more."""
    parent = node.work.parent
    if parent.exists():
        for folder in parent.iterdir():
            if folder != keep and folder.name[:-17] == node.id:
                remove_tree(folder)


def _log(report: NodeReport, settings: RunSettings) -> None:
    """Remember how long it took; the log is no part of the result."""
    line = {
        "id": report.node.id,
        "fingerprint": report.node.fingerprint,
        "seconds": round(report.seconds, 3),
        "stage_seconds": {name: round(value, 3) for name, value in report.stage_seconds.items()},
        "runner": settings.runner.name,
        "workers": settings.runner.num_workers,
    }
    with (report.node.pipeline.output / RUNS_NAME).open("ab") as file:
        file.write(orjson.dumps(line) + b"\n")
