"""Lines about a training run, for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import DataError
from mathcode_data.core.storage import read_json
from mathcode_data.inspect.tables import human_bytes, table

CURVE_POINTS = 12
LAST_SHARE = 10
"""The loss per source is the mean over the last tenth of the steps."""


def step_line(row: dict[str, Any]) -> str:
    """One line for a record of metrics.jsonl."""
    if row.get("kind") == "start":
        at = f", going on after step {row['step']}" if row["step"] else ""
        return f"{row['num_parameters']:,} parameters, {row['num_steps']:,} steps, {row['dtype']} on {row['device']}{at}"
    if row.get("kind") == "step":
        sources = ", ".join(f"{name} {loss:.3f}" for name, loss in row["loss_per_source"].items())
        return f"step {row['step']:>5}  loss {row['loss']:.3f}  ({sources})  lr {row['lr']:.2e}  {row['tokens_per_s']:,.0f} tokens/s"
    if row.get("kind") == "evaluation":
        parts = ", ".join(f"{name} {_loss(value):.3f}" for name, value in row["held_out"].items())
        return f"step {row['step']:>5}  held out: {parts}"
    return ", ".join(f"{key}: {value}" for key, value in row.items() if not isinstance(value, dict | list))


class StepLines:
    """Decides which records of a run are worth a line: starts, evaluations, and a step now and then."""

    def __init__(self, say: Callable[[str], None], every_s: float) -> None:
        self._say = say
        self._every_s = every_s
        self._last = float("-inf")

    def __call__(self, row: dict[str, Any]) -> None:
        """Say the line of a record, unless it is a step too soon after the last line."""
        now = time.monotonic()
        if row.get("kind") == "step" and now - self._last < self._every_s:
            return
        self._last = now
        self._say(step_line(row))


def _loss(value: Any) -> float:
    return float(value["loss"] if isinstance(value, dict) else value)


def summary_text(summary: dict[str, Any]) -> str:
    """The end of a run: first and last loss, loss per source, held-out loss, speed."""
    names = sorted({*summary["loss_per_source"], *summary["held_out"]})
    rows = [
        [name, summary["loss_per_source"].get(name), _loss(summary["held_out"][name]) if name in summary["held_out"] else None]
        for name in names
    ]
    speed = summary["tokens_per_s"]
    head = f"{summary['steps']} steps, {summary['tokens']:,} tokens, loss {summary['first_loss']:.3f} -> {summary['last_loss']:.3f}"
    return f"{head}, {speed:,.0f} tokens/s\n" + table(["source", "training loss", "held-out loss"], rows)


def training_statistics(folder: Path) -> dict[str, Any]:
    """What metrics.jsonl, summary.json and the checkpoints of a training run say, finished or not.

    Returns:
        `state` ("finished", "going on or stopped", "not begun"), `step` of `num_steps`, `start` (the newest record of a start),
        `curve` (some steps with loss and rate, first and last among them), `loss_per_source` over the last tenth, `held_out`, `tokens`,
        `tokens_per_s`, `checkpoints` (names), `damaged_lines` (lines that are no record), `records` and the `last` one.
    """
    damaged = records = 0
    newest: dict[str, Any] | None = None
    start: dict[str, Any] = {}
    steps: list[dict[str, Any]] = []
    held_out: dict[str, Any] = {}
    for record in _records(folder / "metrics.jsonl"):
        if record is None:
            damaged += 1
            continue
        records, newest = records + 1, record
        if record.get("kind") == "start":
            start = record
        elif record.get("kind") == "step":
            steps.append(record)
        elif record.get("kind") == "evaluation":
            held_out = record.get("held_out", {})
    summary = _json_or_empty(folder / "summary.json")
    checkpoints = sorted(path.name for path in folder.glob("checkpoints/step-*") if path.is_dir())
    last = steps[-1] if steps else {}
    seconds = sum(step.get("seconds", 0.0) for step in steps)
    drawn = sum(sum(step.get("tokens_per_source", {}).values()) for step in steps)
    num_steps = start.get("num_steps") or summary.get("num_steps")
    is_finished = bool(summary.get("finished")) or (num_steps is not None and last.get("step") == num_steps)
    return {
        "state": "finished" if is_finished else "going on or stopped" if steps else "not begun",
        "step": last.get("step", 0), "num_steps": num_steps, "start": start, "curve": _curve(steps),
        "first_loss": steps[0].get("loss") if steps else None, "last_loss": last.get("loss"),
        "loss_per_source": _last_losses(steps), "held_out": {name: _loss(value) for name, value in held_out.items()},
        "tokens": last.get("tokens", 0), "tokens_per_s": drawn / seconds if seconds else None,
        "checkpoints": checkpoints, "damaged_lines": damaged, "records": records, "last": newest,
    }  # fmt: skip


def _records(path: Path) -> Iterator[dict[str, Any] | None]:
    """The records of a log; None for a line that is none (the last one of a run that was killed)."""
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError:
                    record = None
                yield record if isinstance(record, dict) else None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the path and the rights") from error


def _json_or_empty(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    data = read_json(path)
    return data if isinstance(data, dict) else {}


def _curve(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some steps evenly over the run, the first and the last among them."""
    last = len(steps) - 1
    chosen = sorted({last * point // (CURVE_POINTS - 1) for point in range(CURVE_POINTS)}) if steps else []
    return [{key: steps[at].get(key) for key in ("step", "tokens", "loss", "lr", "grad_norm")} for at in chosen]


def _last_losses(steps: list[dict[str, Any]]) -> dict[str, float]:
    """Loss per source over the last tenth of the steps, by tokens."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for step in steps[-max(1, len(steps) // LAST_SHARE) :]:
        for name, loss in step.get("loss_per_source", {}).items():
            tokens = step.get("tokens_per_source", {}).get(name, 0)
            sums[name] = sums.get(name, 0.0) + loss * tokens
            counts[name] = counts.get(name, 0) + tokens
    return {name: total / counts[name] for name, total in sums.items() if counts[name]}


def training_text(data: dict[str, Any]) -> str:
    """A training run for people: how far it came, the loss over the run, losses per source, checkpoints."""
    of = f" of {data['num_steps']:,}" if data["num_steps"] else ""
    head = [f"{data['path']}: training run, {data['state']}, step {data['step']:,}{of}, {data['tokens']:,} tokens"]
    if data["start"]:
        shown = {key: data["start"].get(key) for key in ("num_parameters", "dtype", "device")}
        head.append(", ".join(f"{key.replace('_', ' ')} {_shown(value)}" for key, value in shown.items() if value is not None))
    if data["tokens_per_s"]:
        head.append(f"{data['tokens_per_s']:,.0f} tokens/s")
    if data["damaged_lines"]:
        head.append(f"{data['damaged_lines']:,} lines of metrics.jsonl are no record: the run was killed while it wrote")
    parts = ["\n".join(line for line in head if line)]
    if data["curve"]:
        rows = [[point["step"], point["tokens"], point["loss"], f"{point['lr']:.2e}" if point["lr"] else None] for point in data["curve"]]
        parts.append(table(["step", "tokens", "loss", "lr"], rows))
    names = sorted({*data["loss_per_source"], *data["held_out"]})
    if names:
        losses = [[name, data["loss_per_source"].get(name), data["held_out"].get(name)] for name in names]
        parts.append(table(["source", "training loss", "held-out loss"], losses))
    parts.append(f"checkpoints: {', '.join(data['checkpoints']) or 'none'}")
    return "\n\n".join(parts)


def checkpoint_text(path: str, record: dict[str, Any]) -> str:
    """A checkpoint's record for people: plain values, then its files."""
    files = record.get("files")
    plain = [[key, _shown(value)] for key, value in sorted(record.items()) if not isinstance(value, dict | list) and key != "sha256"]
    groups = [
        [f"{key}.{name}", _shown(value)]
        for key, group in sorted(record.items())
        if isinstance(group, dict) and key != "files"
        for name, value in sorted(group.items())
        if not isinstance(value, dict | list)
    ]
    sizes = [[name, human_bytes(entry["bytes"])] for name, entry in sorted(files.items())] if isinstance(files, dict) else []
    parts = [f"{path}: checkpoint", table(["key", "value"], [*plain, *groups])]
    return "\n\n".join([*parts, table(["file", "size"], sizes)] if sizes else parts)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
