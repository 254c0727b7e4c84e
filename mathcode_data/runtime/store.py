"""What the engine does besides where a pipeline's output is on an object store: hold it, take over what others did, commit there.

Every function leaves alone what lies in no mirror (core/object_store.py). Only the driver's machine has the mirror of a run in
progress; another machine that goes on with the run takes done tasks down from the store.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import psutil

from mathcode_data.core.errors import ConfigError, DataError, LockedError, VerificationError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, read_result
from mathcode_data.core.object_store import STORE, bring, push_folder, url_of
from mathcode_data.core.storage import remove_tree, to_json, write_bytes
from mathcode_data.runtime.plan import Plan, done_path, out_folder, record_from_json

LOCK_NAME = ".lock"
WORK_NAME = ".work"


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Hold a folder of the store for this process.

    Raises:
        LockedError: another process holds it; names pid and host. One of this host that is dead is taken over.
    """
    url = url_of(output)
    if url is None:
        yield
        return
    lock = output / LOCK_NAME
    mine = orjson.dumps({"pid": os.getpid(), "host": platform.node(), "started": psutil.Process().create_time()})
    if not STORE.put_once(lock, mine):
        holder = holder_of(STORE.read(lock))
        if not is_dead(holder):
            raise LockedError(
                f"{url}: process {holder.get('pid')} on {holder.get('host')} works here; wait for it, use another output, or, if that "
                f"process is dead, remove {url}/{LOCK_NAME}"
            )
        STORE.put(lock, mine)
    try:
        yield
    finally:
        STORE.remove([lock])


def take_over(output: Path) -> None:
    """Bring down what earlier runs of a pipeline, here or elsewhere, left on the store.

    Raises:
        ConfigError: something else lies there.
    """
    url = url_of(output)
    if url is None:
        return
    sizes = [name for name in STORE.sizes(output) if name.name != LOCK_NAME]
    if not sizes:
        return
    if output / "pipeline.json" not in sizes:
        raise ConfigError(f"{url}: not empty and not the output of a pipeline; choose another output, or empty it")
    bring(output)


def holder_of(content: bytes | None) -> dict[str, Any]:
    """Who wrote a lock on the store; empty where that cannot be read."""
    try:
        data = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        data = None
    return data if isinstance(data, dict) else {}


def is_dead(holder: dict[str, Any]) -> bool:
    """Whether the process was one of this host, and is no more (or its number is another process's by now)."""
    if holder.get("host") != platform.node() or not isinstance(holder.get("pid"), int):
        return False
    try:
        return bool(psutil.Process(holder["pid"]).create_time() != holder.get("started"))
    except psutil.NoSuchProcess:
        return True


def take_done(work: Path, plan: Plan) -> None:
    """Bring down the tasks of a plan that are done on the store and not here; a record that does not fit is removed there."""
    if url_of(work) is None:
        return
    for name in STORE.sizes(work / "done"):
        index = int(name.stem) if name.stem.isdecimal() else -1
        is_wanted = 0 <= index < len(plan.tasks) and not done_path(work, index).exists()
        if is_wanted and not _adopt(work, plan.key(index), index):
            STORE.remove([name])


def commit_once(work: Path, folder: Path, record: Path, index: int, key: str) -> bool:
    """Put an attempt's files and its record, if no other attempt of this task is on the store yet.

    Returns:
        Whether the attempt stands; if not, the one that was first is brought down in its place.
    """
    if url_of(work) is None:
        return True
    place = done_path(work, index)
    STORE.put_files(path for path in sorted(folder.iterdir()) if path != record)
    if STORE.put_once(place, record.read_bytes()) or STORE.read(place) == record.read_bytes():
        return True
    if done_path(work, index).exists() or _adopt(work, key, index):
        STORE.remove(STORE.sizes(folder))
        return False
    STORE.put(place, record.read_bytes())  # what stood there belongs to no task of this plan, or is damaged
    return True


def _adopt(work: Path, key: str, index: int) -> bool:
    """Take a task's record and files from the store; whether they are of this plan, and whole."""
    content = STORE.read(done_path(work, index))
    try:
        data = orjson.loads(content or b"")
    except orjson.JSONDecodeError:
        return False
    target = out_folder(work, index)
    record = record_from_json(data, target, key=key)
    if record is None:
        return False
    attempt = work / "attempts" / str(data["attempt"])
    there = STORE.sizes(attempt)
    if any(there.get(attempt / shard.name) != shard.bytes for shard in record.shards):
        return False
    remove_tree(target)
    target.mkdir(parents=True)
    for name in there:
        STORE.fetch(name)
        name.rename(target / name.name)
    remove_tree(attempt)
    write_bytes(done_path(work, index), content or b"")
    return True


def publish(result: Result, work: Path) -> None:
    """Put a finished result on the store, unless it is there, and remove the work behind it."""
    if url_of(result.folder) is None:
        return
    blocks = [result.manifest.block_hashes["name"]] if result.manifest.block_hashes else []
    push_folder(result.folder, [*(shard.name for shard in result.manifest.shards), *blocks], MANIFEST_NAME)
    name = result.folder.name
    STORE.remove(path for path in STORE.sizes(work.parent) if path.relative_to(work.parent).parts[0][:-17] == name)


def put_outline(path: Path, plan: Plan) -> None:
    """Put what `status` needs of a plan, from another machine: the number of its tasks, and no path of this one."""
    if url_of(path) is not None:
        put_marker(path, asdict(plan) | {"tasks": [{}] * len(plan.tasks), "stages": [], "inputs": []})


def result_on_store(folder: Path) -> Result | None:
    """The finished result that a folder of a mirror stands for, if it is whole on the store; nothing but its manifest comes down."""
    content = STORE.read(folder / MANIFEST_NAME)
    if content is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / MANIFEST_NAME).write_bytes(content)
        try:
            manifest = read_result(Path(scratch)).manifest
        except (DataError, VerificationError):
            return None
    sizes = STORE.sizes(folder)
    return Result(folder, manifest) if all(sizes.get(folder / shard.name) == shard.bytes for shard in manifest.shards) else None


def num_done(work: Path) -> int:
    """Tasks of a plan that are done, by the names of their records."""
    names = (work / "done").glob("*.json") if url_of(work) is None else STORE.sizes(work / "done")
    return sum(1 for _ in names)


def refuse_old_mirror(output: Path, command: str) -> None:
    """Refuse a command that works on the mirror where this machine's does not say what the store does.

    Raises:
        ConfigError: no mirror is here, or other results are on the store than in it.
    """
    url = url_of(output)
    if url is None:
        return
    sizes = STORE.sizes(output)
    records = [path for path in sizes if path.name in (MANIFEST_NAME, "pipeline.json") and path.relative_to(output).parts[0] != WORK_NAME]
    if not output.is_dir() or any(not path.exists() or STORE.read(path) != path.read_bytes() for path in records):
        raise ConfigError(
            f"{url}: `{command}` works on the mirror of the machine that ran the pipeline, where its failures are remembered; here it is "
            "missing or older than the store. Use that machine, or `mathcode-data run`, which does again all that is not done"
        )


def put_marker(path: Path, data: Any) -> None:
    """Put a small file of the engine beside the results."""
    if url_of(path) is not None and STORE.read(path) != to_json(data):
        STORE.put(path, to_json(data))
