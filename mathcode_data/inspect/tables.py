"""Plain data as aligned text tables, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

INDEX_BYTES = 10
"""Of a written mixture, per sample: int16 source and int64 window."""


def width(text: str) -> int:
    """Columns that a text takes on a terminal: wide East Asian characters take two.

    >>> width("ab"), width("数学")
    (2, 4)
    """
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Align columns: numbers to the right, with thousands separators, text to the left.

    >>> print(table(["source", "tokens"], [["code", 1234], ["math", 7]]))
    source  tokens
    code     1,234
    math         7
    """
    cells = [[_cell(value) for value in row] for row in rows]
    is_number = [all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(headers))]
    widths = [max([width(headers[i]), *(width(row[i]) for row in cells)]) for i in range(len(headers))]
    lines = []
    for row in [list(headers), *cells]:
        parts = []
        for text, size, right in zip(row, widths, is_number, strict=True):
            space = " " * (size - width(text))
            parts.append(space + text if right else text + space)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return str(value)


def human_bytes(number: float) -> str:
    """Bytes with a unit of thousands.

    >>> human_bytes(1_234_567)
    '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(number) < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError("the last unit ends the loop")


def stage_table(rows: Sequence[dict[str, Any]]) -> str:
    """The table of a run: one line per stage, with reasons of drops below each other."""
    lines: list[list[Any]] = []
    for row in rows:
        stages = row["stages"] or [{"stage": row["id"], "read": None, "kept": None, "dropped": {}, "seconds": row["seconds"]}]
        for position, stage in enumerate(stages):
            dropped = ", ".join(f"{reason} {number:,}" for reason, number in stage["dropped"].items()) or "-"
            last = position == len(stages) - 1
            lines.append(
                [
                    row["id"] if position == 0 else "",
                    stage["stage"],
                    stage["read"],
                    stage["kept"],
                    dropped,
                    (row["tokens"] or None) if last else None,
                    None if row["up_to_date"] else float(stage["seconds"]),
                    "up to date" if row["up_to_date"] and position == 0 else "",
                ]
            )
    return table(["result", "stage", "in", "kept", "dropped", "tokens", "seconds", ""], lines)


def mixture_table(info: dict[str, Any]) -> str:
    """Asked against got, per stage and source."""
    rows = [
        [stage["name"], name, part["tokens_asked"], part["tokens"], part["num_samples"], part["epochs"]]
        for stage in info["stages"]
        for name, part in stage["sources"].items()
    ]
    return table(["stage", "source", "tokens asked", "tokens", "samples", "epochs"], rows)


def plan_text(data: dict[str, Any]) -> str:
    """What a run or a build would do."""
    rows = [
        [
            node["id"], ", ".join(node["stages"]), node["kind"], node["state"], node["tasks"], node["input_files"] or None,
            human_bytes(node["input_bytes"]) if node["input_bytes"] else "-", node.get("documents"), node.get("tokens") or None,
        ]
        for node in data["results"]
    ]  # fmt: skip
    parts = []
    if rows:
        parts.append(table(["result", "stages", "kind", "state", "tasks", "files", "input", "documents", "tokens"], rows))
    if data["kind"] == "mixture":
        parts.append(f"{mixture_table(data['mixture'])}\nrounding: {data['mixture']['rounding']}")
        num_samples = sum(stage["num_samples"] for stage in data["mixture"]["stages"])
        parts.append(f"{num_samples:,} samples, index {human_bytes(num_samples * INDEX_BYTES)}")
        if data["missing"]:
            parts.append(f"epochs are not known yet: {', '.join(data['missing'])} must be run first")
    return "\n\n".join(parts)
