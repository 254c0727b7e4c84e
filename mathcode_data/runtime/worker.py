"""What runs inside a worker: one task of a frozen plan, from reading the plan to linking the done record."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathcode_data import __version__
from mathcode_data.core.blame import raised
from mathcode_data.core.config import RESOLVED
from mathcode_data.core.counters import ADDRESS, Ledger
from mathcode_data.core.documents import read_documents, read_schema, write_documents
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, is_out_of_resource
from mathcode_data.core.fingerprint import file_identity, fingerprint
from mathcode_data.core.interrupt import Stopped
from mathcode_data.core.manifest import Shard, check_file_name
from mathcode_data.core.runner import FailureKind, TaskOutcome
from mathcode_data.core.stage import Source, Split, Task, TaskRecord
from mathcode_data.core.storage import fsync_folder, link_once, naming_full_disk, remove_tree, sha256_file, write_json
from mathcode_data.runtime.chain import Chain, at_work, build_stage, load_of_plan, read_split, timed, working
from mathcode_data.runtime.plan import Plan, done_path, read_plan, record_to_json
from mathcode_data.runtime.sealed import seal_files
from mathcode_data.runtime.stage_note import noted
from mathcode_data.runtime.store import commit_once

DROPPED_SCHEMA = pa.schema([(name, pa.string()) for name in (*ADDRESS, "stage", "reason", "details")] + [("text", pa.large_string())])

_shown: list[Ledger] = []
"""Ledgers of the running task, of its first stage first."""


def execute(plan_path: Path, index: int) -> TaskOutcome:
    """Run one task to its done record. Every failure becomes an outcome; nothing is raised but a signal that breaks in."""
    at_work.clear()
    _shown.clear()
    try:
        with naming_full_disk(plan_path.parent):
            run_task(plan_path, index)
    except BaseException as error:
        if isinstance(error, Stopped):
            raise
        spec = at_work[-1] if at_work else None
        if isinstance(error, MathcodeError):
            message = " ".join(str(error).split()) or repr(error)
        else:
            message = raised(error, spec.name if spec else "")
        if isinstance(error, SystemExit | KeyboardInterrupt):
            message += "; it asked the whole process to exit: a stage gives its rows back, or raises DataError or ConfigError"
        message = message.encode("utf-8", "replace").decode()  # names of files may hold bytes that are no text
        return TaskOutcome(index, failure_kind(error), message, traceback.format_exc(), spec.label if spec else "")
    finally:
        _shown.clear()
    return TaskOutcome(index)


def rows_read() -> int:
    """Documents that the running task has read so far, as its first stage counts them; for the display, from any thread."""
    ledgers = list(_shown)
    return ledgers[0].counters.read if ledgers else 0


def failure_kind(error: BaseException) -> FailureKind:
    """Sort a failure by what may help against it."""
    if isinstance(error, ConfigError | DataError) and is_out_of_resource(error):
        return "resource"  # a sound file that the disk does not give
    if isinstance(error, ConfigError):
        return "config"
    if isinstance(error, DataError):
        return "data"
    if isinstance(error, MemoryError | pa.ArrowMemoryError):
        return "memory"
    if is_out_of_resource(error):
        return "resource"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
        return "transient"
    return "error"


def run_task(plan_path: Path, index: int) -> None:
    """Write an attempt, make it whole, and link its record if no other attempt did so first."""
    plan = read_plan(plan_path)
    if plan.package_version != __version__:
        raise ConfigError(f"worker has mathcode-data {__version__}, the plan was made by {plan.package_version}; install the same version")
    work = plan_path.parent
    attempt = f"{index:05d}.{uuid.uuid4().hex}"
    folder = work / "attempts" / attempt
    temporary = folder.with_name(f"{attempt}.tmp")
    temporary.mkdir(parents=True)
    try:
        inputs = _check_input(plan.tasks[index])
        if plan.shape == "pass":
            with noted(temporary, plan.stages):
                record, seconds = run_pass(plan, index, temporary)
        else:
            record, seconds = run_phase(plan, index, temporary)
        _check_unchanged(inputs)
        shards = seal_files(temporary, record.shards)
        sealed = TaskRecord(index, folder, shards, record.values, record.counters, record.damage)
        fsync_folder(temporary)
        temporary.rename(folder)
        fsync_folder(folder.parent)
        record_path = folder / ".record.json"
        write_json(record_path, record_to_json(sealed, key=plan.key(index), attempt=attempt, seconds=seconds))
        stands = commit_once(work, folder, record_path, index, plan.key(index))
        if not stands or not link_once(record_path, done_path(work, index)):
            remove_tree(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _check_input(item: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """Compare what a task reads with the hashes in the plan: a changed byte is an error, never another result.

    Returns:
        The files with their size, times and inode, for `_check_unchanged` after they were read.

    Raises:
        DataError: a shard is not the one of its manifest, or an input file changed since the run was planned.
    """
    if "sha256" in item and sha256_file(Path(item["path"])) != item["sha256"]:
        raise DataError(
            f"{item['path']}: sha256 differs from its manifest; changed or damaged: remove its result and run its pipeline again"
        )
    seen = []
    for name, expected in zip(item.get("files", ()), item.get("hashes", ()), strict=True):
        before = file_identity(Path(name))
        if sha256_file(Path(name)) != expected:
            raise DataError(f"{name}: changed since the run was planned; leave the inputs alone while it reads them, and run again")
        seen.append((name, before))
    return seen


def _check_unchanged(seen: list[tuple[str, list[int]]]) -> None:
    for name, before in seen:
        if file_identity(Path(name)) != before:
            raise DataError(f"{name}: changed while it was read; leave the inputs alone while a run reads them, and run again")


def run_pass(plan: Plan, index: int, folder: Path) -> tuple[TaskRecord, dict[str, float]]:
    """Send one split or one shard through the chain: one read, one write."""
    item = plan.tasks[index]
    ledgers: list[Ledger] = []
    seconds: dict[str, float] = {}
    if "path" in item:
        chain = Chain(plan.stages, plan)
        schema = read_schema(Path(item["path"]))
        tables = read_documents(Path(item["path"]))
    else:
        spec, chain = plan.stages[0], Chain(plan.stages[1:], plan)
        source: Source = build_stage(spec, plan)
        ledgers.append(Ledger(spec.label))
        split = Split(tuple(item["files"]), tuple(item["names"]), item["options"])
        schema = source.schema
        tables = timed(read_split(source, spec, split, ledgers[0], plan.limit), seconds, spec.label)
    _shown[:] = [*ledgers, *chain.ledgers]
    schema = chain.schema(schema)
    name = f"documents-{index:05d}.parquet"
    rows = write_documents(folder / name, (table for table in map(chain, tables) if table.num_rows), schema)
    ledgers += chain.ledgers
    for spec, ledger in zip(plan.stages, ledgers, strict=True):
        with working(spec):
            ledger.counters.check()
    shards = [Shard(name, 0, "", rows=rows), *_write_dropped(folder, index, ledgers)]
    damage = tuple(line for ledger in ledgers for line in ledger.damage)
    record = TaskRecord(index, folder, tuple(shards), {}, [ledger.counters for ledger in ledgers], damage)
    return record, seconds | chain.seconds


def _write_dropped(folder: Path, index: int, ledgers: list[Ledger]) -> list[Shard]:
    """Keep who was dropped where and why, with a few texts of each reason."""
    tables = []
    for ledger in ledgers:
        for reason, rows in ledger.dropped():
            labels = [pa.array([text] * rows.num_rows, pa.string()) for text in (ledger.counters.stage, reason)]
            columns = [*(rows[name].cast(pa.string()) for name in ADDRESS), *labels, rows["details"], rows["text"]]
            tables.append(pa.table(columns, schema=DROPPED_SCHEMA))
    if not tables:
        return []
    name = f"dropped-{index:05d}.parquet"
    return [Shard(name, 0, "", rows=write_documents(folder / name, iter(tables), DROPPED_SCHEMA))]


def run_phase(plan: Plan, index: int, folder: Path) -> tuple[TaskRecord, dict[str, float]]:
    """Run one function of a global stage on one item."""
    spec = plan.stages[0]
    config = load_of_plan(spec).config.model_validate(spec.config, context=RESOLVED)
    inputs = [Path(path) for path in plan.inputs]
    task = Task(index=index, item=plan.tasks[index], folder=folder, config=config, inputs=inputs, seed=plan.seed, stage=spec.label)
    _shown[:] = [task.ledger]
    start = time.perf_counter()
    with working(spec):
        _resolve(plan.function)(task)
    shards = [*_write_dropped(folder, index, [task.ledger])]
    known = {shard.name for shard in shards}
    for path in sorted(folder.iterdir()):
        check_file_name(path.name, f"stage {spec.name}")
        if path.name not in known:
            rows, tokens = task.sizes.get(path.name, (0, 0))
            shards.append(Shard(path.name, 0, "", rows=rows, tokens=tokens))
    fingerprint(task.values)  # refuse values that have no stable JSON form while the task's name is at hand
    record = TaskRecord(index, folder, tuple(shards), task.values, [task.ledger.counters], tuple(task.ledger.damage))
    return record, {spec.label: time.perf_counter() - start}


def _resolve(name: str) -> Callable[[Task], None]:
    module, _, attribute = name.partition(":")
    function: Callable[[Task], None] = getattr(importlib.import_module(module), attribute)
    return function


def limit_threads() -> None:
    """One task uses one core: the driver decides how many run."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def num_usable_cores() -> int:
    """Cores this process may use (affinity and cgroup quota, never the host's count)."""
    cores = len(os.sched_getaffinity(0))
    for quota in itertools.islice(_quota_files(), 1):
        limit, _, period = quota.read_text().strip().partition(" ")
        if limit != "max" and period:
            cores = min(cores, max(1, int(limit) // int(period)))
    return max(1, cores)


def _quota_files() -> Iterator[Path]:
    path = Path("/sys/fs/cgroup/cpu.max")
    if path.exists():
        yield path
