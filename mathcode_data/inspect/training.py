"""Lines about a training run, for people."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mathcode_data.inspect.tables import table


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
