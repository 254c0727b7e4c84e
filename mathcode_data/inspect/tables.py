"""Plain data as aligned text tables, for people."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

CHANGES = ("_changed", "_removed", "_replaced", "_masked")
"""Ends of the names of facts about documents that were kept, but not as they came."""
LARGEST_FIRST = ("documents_", "segments_")
INDEX_BYTES = 10
"""Of a written mixture, per sample: int16 source and int64 window."""


def width(text: str) -> int:
    """Columns that a text takes on a terminal: wide East Asian characters take two.

    >>> width("ab"), width("数学")
    (2, 4)
    """
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


GAP = "  "
"""Between columns."""
CUT = "…"
MIN_TEXT_COLUMNS = 8
"""Text columns are not made narrower than this as long as another one is wider."""


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None for a pipe or a file, which take lines of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], max_width: int | None = None) -> str:
    """Align columns: numbers to the right, with thousands separators, text to the left.

    Args:
        headers: of the columns.
        rows: cells; a column whose cells are all numbers is set to the right.
        max_width: columns that a line may take; the widest texts are shortened for it. None: those of the terminal, and no
            limit where standard output is none. Numbers are never cut.

    >>> print(table(["source", "tokens"], [["code", 1234], ["math", 7]]))
    source  tokens
    code     1,234
    math         7
    """
    cells = [[_cell(value) for value in row] for row in rows]
    is_number = [all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(headers))]
    widths = [max([width(headers[i]), *(width(row[i]) for row in cells)]) for i in range(len(headers))]
    limit = terminal_width() if max_width is None else max_width
    if limit is not None:
        widths = _narrowed(widths, is_number, limit)
    lines = []
    for row in [list(headers), *cells]:
        parts = []
        for text, size, right in zip(row, widths, is_number, strict=True):
            shown = text if right else shortened(text, size)
            space = " " * (size - width(shown))
            parts.append(space + shown if right else shown + space)
        lines.append(GAP.join(parts).rstrip())
    return "\n".join(lines)


def _narrowed(widths: list[int], is_number: list[bool], limit: int) -> list[int]:
    """Take columns away from the widest texts until a line fits, or no text has one to give."""
    found = list(widths)
    spare = sum(found) + len(GAP) * (len(found) - 1) - limit
    for least in (MIN_TEXT_COLUMNS, 1):
        texts = [i for i, right in enumerate(is_number) if not right]
        while spare > 0 and (wide := [i for i in texts if found[i] > least]):
            widest = max(wide, key=lambda i: found[i])
            next_widest = max([least, *(found[i] for i in wide if i != widest)])
            cut = min(spare, max(found[widest] - next_widest, 1))
            found[widest] -= cut
            spare -= cut
    return found


def shortened(text: str, size: int) -> str:
    """A text in at most `size` columns: words lose their end, an address or an id its middle.

    >>> shortened("near_duplicate 39, short 2", 12), shortened("http://crawl.example/a/page.html", 16)
    ('near_duplic…', 'http://c…ge.html')
    """
    if width(text) <= size:
        return text
    room = size - width(CUT)
    if room <= 0:
        return CUT[: max(size, 0)]
    tail = "" if " " in text else _first_columns(text[::-1], room // 2)[::-1]
    return _first_columns(text, room - width(tail)) + CUT + tail


def _first_columns(text: str, size: int) -> str:
    taken = 0
    for position, character in enumerate(text):
        taken += width(character)
        if taken > size:
            return text[:position]
    return text


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
    has_changes = any(changes_text(stage.get("facts", {})) for row in rows for stage in row["stages"])
    for row in rows:
        stages = row["stages"] or [{"stage": row["id"], "read": None, "kept": None, "dropped": {}, "seconds": row["seconds"]}]
        for position, stage in enumerate(stages):
            changes = [changes_text(stage.get("facts", {})) or "-"] if has_changes else []
            last = position == len(stages) - 1
            lines.append(
                [
                    row["id"] if position == 0 else "",
                    stage["stage"],
                    stage["read"],
                    stage["kept"],
                    dropped_text(stage["dropped"]),
                    *changes,
                    (row["tokens"] or None) if last else None,
                    None if row["up_to_date"] else float(stage["seconds"]),
                    "; ".join(filter(None, ["up to date" * row["up_to_date"], row.get("note", "")])) if position == 0 else "",
                ]
            )
    return table(["result", "stage", "in", "kept", "dropped", *(["changed"] if has_changes else []), "tokens", "seconds", ""], lines)


def counters_table(counters: Sequence[dict[str, Any]]) -> str:
    """One line per stage of a manifest: what it read, kept, dropped and changed."""
    changes = [changes_text(stage["facts"]) for stage in counters]
    rows = [
        [stage["stage"], stage["read"], stage["kept"], dropped_text(stage["dropped"]), *([change or "-"] if any(changes) else [])]
        for stage, change in zip(counters, changes, strict=True)
    ]
    return table(["stage", "in", "kept", "dropped", *(["changed"] if any(changes) else [])], rows) if rows else ""


def dropped_text(dropped: dict[str, int]) -> str:
    """Reasons with their counts."""
    return ", ".join(f"{reason} {number:,}" for reason, number in dropped.items()) or "-"


def changes_text(facts: dict[str, int]) -> str:
    """What a stage did to documents that it kept, from the facts that say so by their name.

    >>> changes_text({"characters_removed": 900, "documents_changed": 25, "formulas": 7, "segments_removed": 31})
    '25 documents changed, 31 segments removed, 900 characters removed'
    """
    order = sorted(facts, key=lambda name: next((rank for rank, unit in enumerate(LARGEST_FIRST) if name.startswith(unit)), 2))
    named = [(name.rpartition("_"), facts[name]) for name in order if name.endswith(CHANGES) and facts[name]]
    counted = ((number, what.replace("_", " ").removesuffix("s" if number == 1 else ""), done) for (what, _, done), number in named)
    return ", ".join(f"{number:,} {what} {done}" for number, what, done in counted)


def mixture_table(info: dict[str, Any]) -> str:
    """Asked against got, per stage and source."""
    order = {source["name"]: number for number, source in enumerate(info.get("sources", ())) if isinstance(source, dict)}
    rows = [
        [stage["name"], name, part["tokens_asked"], part["tokens"], part["num_samples"], part["epochs"]]
        for stage in info["stages"]
        for name, part in sorted(stage["sources"].items(), key=lambda item: order.get(item[0], 0))
    ]
    text = table(["stage", "source", "tokens asked", "tokens", "samples", "epochs"], rows)
    packed = packing_rows(info)
    return f"{text}\n\n{table(PACKING_COLUMNS, packed)}" if packed else text


PACKING_COLUMNS = ["source, per epoch", "documents", "cut", "tokens in", "trained", "padded", "padded %"]


def packing_rows(info: dict[str, Any]) -> list[list[Any]]:
    """What packing does to each source, in an epoch."""
    rows = []
    for source in info.get("sources", []):
        found = source.get("packing") if isinstance(source, dict) else None
        if found:
            places = found["trained"] + found["pieces"] + found["padded"]
            share = f"{found['padded'] / places:.3%}" if places else "-"
            rows.append([
                source["name"], found["documents"], found["documents_cut"], found["tokens"], found["trained"], found["padded"], share,
            ])  # fmt: skip
    return rows


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
