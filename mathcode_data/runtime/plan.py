"""The frozen plan of a set of tasks, and the folder in which it is carried out.

    WORK/plan.json                     frozen, fsynced before the first task starts
    WORK/attempts/00003.7f3a...tmp/    an attempt that is being written
    WORK/attempts/00003.7f3a.../       a whole attempt
    WORK/done/00003.json               its record, linked: the first committer wins
    WORK/out/00003/                    the winner's files, moved there by the driver

A plan has one of two shapes. A *pass* sends every split or input shard through a chain of map stages. A *phase* runs one
function of a global stage once per item.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from typing_extensions import TypedDict

from mathcode_data import __version__
from mathcode_data.core.counters import StageCounters
from mathcode_data.core.errors import DataError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import CountersShape, Shard, ShardShape, check_file_name
from mathcode_data.core.record_shape import Count, check_record
from mathcode_data.core.stage import TaskRecord
from mathcode_data.core.storage import read_json, write_json

PLAN_NAME = "plan.json"


@dataclass(frozen=True)
class StageSpec:
    """A stage as a worker rebuilds it: name, version and the JSON of its configuration."""

    name: str
    version: str
    config: dict[str, Any]
    label: str
    """Name in counters: the stage's name, with its id where a name occurs twice."""


@dataclass(frozen=True)
class Plan:
    """Everything a task may depend on."""

    fingerprint: str
    shape: Literal["pass", "phase"]
    stages: list[StageSpec]
    tasks: list[dict[str, Any]]
    seed: int = 0
    inputs: list[str] = field(default_factory=list)
    function: str = ""
    limit: int | None = None
    package_version: str = __version__

    def key(self, index: int) -> str:
        """What a done record must carry to count for task `index` of this plan."""
        return f"{self.fingerprint}-{index}"


def write_plan(work: Path, plan: Plan) -> Path:
    """Freeze a plan; an equal plan that stands there already is left alone. Returns its path."""
    path = work / PLAN_NAME
    data = asdict(plan)
    if not path.exists() or read_json(path) != data:
        write_json(path, data)
    return path


@functools.lru_cache(maxsize=4)
def _read_plan(path: Path, mtime_ns: int) -> Plan:  # noqa: ARG001  (the time only tells a new file from the cached one)
    data = read_json(path)
    stages = [StageSpec(**stage) for stage in data.pop("stages")]
    return Plan(stages=stages, **data)


def read_plan(path: Path) -> Plan:
    """Read a frozen plan; remembered by the process, so that a worker parses a large plan once."""
    try:
        return _read_plan(path, path.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise DataError(f"{path}: the plan is gone; another run may have cleaned the folder, run again") from error


def done_path(work: Path, index: int) -> Path:
    """Where the record of a finished task is linked."""
    return work / "done" / f"{index:05d}.json"


def out_folder(work: Path, index: int) -> Path:
    """Where the files of a finished task end up."""
    return work / "out" / f"{index:05d}"


def record_to_json(record: TaskRecord, *, key: str, attempt: str, seconds: dict[str, float]) -> dict[str, Any]:
    """The done record: files with size and sha256, values, counters, and a hash of itself."""
    body = {
        "key": key,
        "attempt": attempt,
        "index": record.index,
        "shards": [asdict(shard) for shard in record.shards],
        "values": record.values,
        "counters": [stage.to_json() for stage in record.counters],
        "damage": list(record.damage),
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
    }
    return body | {"self_hash": fingerprint(body)}


class _RecordShape(TypedDict):
    index: Count
    shards: list[ShardShape]
    values: dict[str, Any]
    counters: list[CountersShape]
    damage: list[str]


def record_from_json(data: Any, folder: Path, *, key: str) -> TaskRecord | None:
    """Read a done record back; None when it is damaged or belongs to another plan (the task is then run again)."""
    if not isinstance(data, dict) or data.get("key") != key:
        return None
    body = {name: value for name, value in data.items() if name != "self_hash"}
    if data.get("self_hash") != fingerprint(body):
        return None
    try:
        check_record(data, _RecordShape, folder, "not a done record")
        for shard in data["shards"]:
            check_file_name(shard["name"], str(folder))
    except DataError:
        return None
    return TaskRecord(
        index=data["index"],
        folder=folder,
        shards=tuple(Shard(**shard) for shard in data["shards"]),
        values=data["values"],
        counters=[StageCounters.from_json(stage) for stage in data["counters"]],
        damage=tuple(data["damage"]),
    )
