"""`status` of an output on an object store: from the small records there, as on the machine that runs it from its own folder.

The mirror of this machine may be missing, or older than what another machine put on the store meanwhile, so it is looked at only while
a run of this machine is at work in it. What stays unknown from elsewhere: which tasks are being done, how long results took, and which
tasks were set aside in a run that has not ended.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.manifest import MANIFEST_NAME
from mathcode_data.core.object_store import STORE, Entry, url_of
from mathcode_data.runtime.graph import PIPELINE_NAME, WORK_NAME
from mathcode_data.runtime.holder import FREE, Holder, find_holder
from mathcode_data.runtime.places import Place
from mathcode_data.runtime.plan import PLAN_NAME
from mathcode_data.runtime.status import output_status, sampled
from mathcode_data.runtime.store import LOCK_NAME, holder_of, is_dead

MAX_READ = 500
"""Done records that are brought down for each plan; each costs a request."""


def status_of(place: Place) -> dict[str, Any]:
    """`output_status`, wherever the output lies."""
    url = url_of(place.output)
    if url is None or find_holder(place.output).state == "held":
        return output_status(place.output, place.ids)
    entries = STORE.entries(place.output)
    with tempfile.TemporaryDirectory() as scratch:
        for path, entry in _records(place.output, entries):
            copy = Path(scratch) / path.relative_to(place.output)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(b"" if entry.bytes == 0 else STORE.read(path) or b"")
            os.utime(copy, (entry.changed, entry.changed))
        data = output_status(Path(scratch), place.ids, holder=_holder(place.output, entries), max_records=MAX_READ)
        data = orjson.loads(orjson.dumps(data).replace(scratch.encode(), url.encode()))
    work = sum(entry.bytes for path, entry in entries.items() if _parts(place.output, path)[0] == WORK_NAME)
    data["disk"] |= {"work": work, "free": None}
    return dict(data)


def _records(output: Path, entries: Mapping[Path, Entry]) -> Iterable[tuple[Path, Entry]]:
    """What `status` reads; done records beyond a number are named with no bytes, for they count all the same."""
    done: dict[Path, dict[int, Path]] = {}
    for path, entry in entries.items():
        first, *rest = _parts(output, path)
        if first == WORK_NAME and path.parent.name == "done" and path.stem.isdecimal():
            done.setdefault(path.parent, {})[int(path.stem)] = path
        elif (
            (first == WORK_NAME and path.name == PLAN_NAME)
            or (not rest and first == PIPELINE_NAME)
            or (first != WORK_NAME and rest == [MANIFEST_NAME])
        ):
            yield path, entry
    for records in done.values():
        read = set(sampled(records, MAX_READ))
        for number, path in records.items():
            yield path, entries[path] if number in read else entries[path]._replace(bytes=0)


def _parts(output: Path, path: Path) -> Sequence[str]:
    return path.relative_to(output).parts


def _holder(output: Path, entries: Mapping[Path, Entry]) -> Holder:
    """Who holds the output, by its lock on the store; a dead process of this host holds nothing."""
    entry = entries.get(output / LOCK_NAME)
    written = holder_of(STORE.read(output / LOCK_NAME)) if entry is not None else {}
    if entry is None or is_dead(written):
        return FREE
    is_here = written.get("host") == platform.node()
    return Holder("held" if is_here else "unknown", written.get("pid"), written.get("host"), entry.changed)
