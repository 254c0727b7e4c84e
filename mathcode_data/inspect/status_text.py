"""The state of runs, what `retry` cleared and what `gc` found, as text for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathcode_data.inspect.tables import human_bytes, table

MAX_LINES = 20
HEADERS = [
    "result",
    "state",
    "tasks",
    "done",
    "running",
    "failed",
    "set aside",
    "waiting",
    "documents",
    "tokens",
    "disk",
    "tasks/s",
    "left",
]


def span(seconds: float) -> str:
    """A time span in the two units that matter.

    >>> span(42), span(150), span(7300), span(200_000)
    ('42 s', '2 min 30 s', '2 h 1 min', '2 d 7 h')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def status_text(outputs: Sequence[dict[str, Any]]) -> str:
    """All output folders, one below the other."""
    return "\n\n".join(_output_text(output) for output in outputs)


def _output_text(output: dict[str, Any]) -> str:
    disk = output["disk"]
    lines = [f"{output['folder']}{_pipeline(output)}: {_lock_text(output['lock'])}"]
    rows = [row for result in output["results"] for row in _rows(result)]
    lines.append(table(HEADERS, rows) if rows else "no result yet")
    running = [f"  {result['id']}, task {task['index']} ({task['name']}): {_stage(task)}{span(task['seconds'])}"
               for result in output["results"] for phase in result["phases"] for task in phase["running_tasks"]]  # fmt: skip
    aside = [f"  {line}" for result in output["results"] for line in result["quarantined"]]
    # a result passes on what was set aside before it; once is enough here
    damage = [line for result in output["results"] for text in result["damage"] if (line := f"  {text}") not in aside]
    for title, part in (("running:", running), ("set aside:", aside), ("damage:", damage)):
        if part:
            lines += ["", title, *part[:MAX_LINES], *([f"  and {len(part) - MAX_LINES} more (--json)"] if len(part) > MAX_LINES else [])]
    if aside:
        lines.append("`mathcode-data retry` clears them for the next run")
    free = f", {human_bytes(disk['free'])} free" if disk["free"] is not None else ""
    lines += ["", f"disk: results {human_bytes(disk['results'])}, unfinished work {human_bytes(disk['work'])}{free}"]
    return "\n".join(lines)


def _stage(task: dict[str, Any]) -> str:
    return f"in {task['stage']}, " if task["stage"] else ""


def _pipeline(output: dict[str, Any]) -> str:
    return f" (pipeline {output['pipeline']})" if output["pipeline"] else ""


def _lock_text(lock: dict[str, Any]) -> str:
    if lock["state"] == "free":
        return "nobody is at work"
    since = (
        f" since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(lock['since']))}, {span(time.time() - lock['since'])}"
        if lock["since"]
        else ""
    )
    if lock["state"] == "held":
        return f"process {lock['pid'] or 'unknown'} on {lock['host'] or 'this host'} is at work{since}"
    return f"taken by process {lock['pid']} on {lock['host']}{since}; whether it lives cannot be seen from this host"


def _rows(result: dict[str, Any]) -> list[list[Any]]:
    if result["state"] in ("finished", "partial", "waiting", "damaged") or not result["phases"]:
        size = human_bytes(result["bytes"]) if result["bytes"] is not None else None
        aside = len(result["quarantined"]) or None
        return [
            [result["id"], result["state"], None, None, None, None, aside, None, result["documents"], result["tokens"], size, None, None]
        ]
    rows = []
    for phase in result["phases"]:
        name = f"{result['id']}: {phase['phase']}" if phase["phase"] else result["id"]
        left = span(phase["seconds_left"]) if phase["seconds_left"] is not None else None
        is_over = phase["done"] + len(phase["set_aside"]) == phase["tasks"] and phase is not result["phases"][-1]
        rows.append(
            [name, "done" if is_over else result["state"], phase["tasks"], phase["done"], phase["running"], phase["failed"],
             len(phase["set_aside"]), phase["waiting"], phase["documents"], phase["tokens"] or None, human_bytes(phase["bytes"]),
             phase["tasks_per_s"], left]
        )  # fmt: skip
    return rows


def retry_text(cleared: Sequence[dict[str, Any]], path: Path) -> str:
    """What `retry` cleared."""
    if not cleared:
        return "nothing is set aside; nothing was changed"
    lines = [f"  {entry['result']}{', ' + entry['phase'] if entry['phase'] else ''}, task {entry['index']} ({entry['name']}): "
             f"{entry['kind']}: {entry['message']}" for entry in cleared]  # fmt: skip
    next_step = f"; `mathcode-data run {path}` does them again" if path.suffix in (".yaml", ".yml") else "; the next run does them again"
    return "\n".join([f"cleared {len(cleared)} task{'s' if len(cleared) > 1 else ''}{next_step}:", *lines])


def garbage_text(data: dict[str, Any], folder: Path, *, deleted: bool) -> str:
    """What `gc` found or deleted."""
    if not data["found"]:
        return f"{folder}: nothing to clear"
    rows = [[item["path"], item["kind"], human_bytes(item["bytes"]), span(item["age_s"]), item["why"]] for item in data["found"]]
    total = human_bytes(sum(item["bytes"] for item in data["found"]))
    end = f"deleted {len(data['deleted'])}, {total}" if deleted else f"{len(rows)}, {total}; --yes deletes them"
    return f"{table(['what', 'kind', 'size', 'age', 'why'], rows)}\n{end}"
