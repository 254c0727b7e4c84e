"""Two mixtures side by side: budgets and quotas, sources, where their orders part, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.inspect.tables import table
from mathcode_data.mixture.order import all_rows
from mathcode_data.mixture.plan import Plan

MAX_SAMPLES = 200_000_000
"""Of each side; larger mixtures are compared by their records alone (some 20 s at this size)."""
MAX_ROWS = 20
SHORT_HASH = 12
EFFECTS = ("order.", "samples.")
IN_TABLES = ("fingerprint", "files", "notices", "num_samples", "num_tokens", "sources", "stages", "name", "shards")
"""First parts of keys that the tables show, or that follow from what they show."""

Rows = list[dict[str, Any]]


def mixture_effects(a: dict[str, Any], b: dict[str, Any]) -> Rows:
    """Where the orders of two mixtures part and what share of samples they have in common, from their records alone.

    A sample is known by its shard's bytes and its place there, so that another name of a source or of a folder changes nothing.

    Returns:
        Rows as `diff` gives them; none where the orders are equal, or a mixture is too large to be compared.
    """
    if max(a["num_samples"], b["num_samples"]) > MAX_SAMPLES or a["sequence_length"] != b["sequence_length"]:
        return []
    if a.get("packing") != b.get("packing"):
        return []
    offsets = _offsets(a, b)
    sides = [_Side(info, offsets) for info in (a, b)]
    first = _first_difference(sides[0], sides[1])
    if first is None:
        return []
    rows: Rows = [{"key": "order.first_difference", "a": sides[0].place(first), "b": sides[1].place(first)}]
    counts = [side.visits(sum(num for _, num in offsets.values())) for side in sides]
    common = int(np.minimum(*counts).sum())
    shares = [common / side.num_samples if side.num_samples else None for side in sides]
    return [*rows, {"key": "samples.in_common", "a": shares[0], "b": shares[1]}]


def _units(info: dict[str, Any], source: dict[str, Any]) -> list[tuple[str, int]]:
    """The parts that a source's windows are numbered through: its shards, or with another packing the source as a whole."""
    if info.get("packing", "concat") != "concat":
        return [(f"source {source['fingerprint']}", int(source["windows"]))]
    return [(f"shard {shard['fingerprint']} {shard['bin_sha256']}", int(shard["windows"])) for shard in source["shards"]]


def _offsets(*infos: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """First number and windows of every unit of either mixture, in one numbering."""
    offsets: dict[str, tuple[int, int]] = {}
    total = 0
    for info in infos:
        for source in info["sources"]:
            for name, windows in _units(info, source):
                if name not in offsets:
                    offsets[name] = (total, windows)
                    total += windows
    return offsets


class _Side:
    """One of the two mixtures."""

    def __init__(self, info: dict[str, Any], offsets: dict[str, tuple[int, int]]) -> None:
        self.info = info
        self.plan = Plan(info)
        self.num_samples = int(info["num_samples"])
        self._ends, self._shifts = [], []
        for source in info["sources"]:
            units = _units(info, source)
            ends = np.cumsum([windows for _, windows in units], dtype=np.int64)
            starts = ends - np.array([windows for _, windows in units], dtype=np.int64)
            self._ends.append(ends)
            self._shifts.append(np.array([offsets[name][0] for name, _ in units], dtype=np.int64) - starts)

    def rows(self) -> Iterator[tuple[NDArray[np.int16], NDArray[np.int64]]]:
        """Sources and windows of all samples, block by block."""
        if self.plan.blend != "megatron":
            yield from all_rows(self.plan)
            return
        position = 0
        for sources, counts in all_rows(self.plan):
            stage = self.plan.stage_at(position)
            windows = np.empty_like(counts)
            for source in np.unique(sources).tolist():
                here = sources == source
                first = self.plan.stages[stage].first_draws[source]
                low, high = int(counts[here].min()), int(counts[here].max()) + 1
                windows[here] = self.plan.draws(stage, source).windows(first + low, first + high)[counts[here] - low]
            yield sources, windows
            position += sources.size

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """Numbers of all samples in the common numbering."""
        for sources, windows in self.rows():
            found = np.empty(windows.size, dtype=np.int64)
            for source in np.unique(sources).tolist():
                here = sources == source
                unit = np.searchsorted(self._ends[source], windows[here], side="right")
                found[here] = windows[here] + self._shifts[source][unit]
            yield found

    def visits(self, total: int) -> NDArray[np.int64]:
        """How often each window of the common numbering is drawn."""
        counts = np.zeros(total, dtype=np.int64)
        for block in self.blocks():
            np.add.at(counts, block, 1)
        return counts

    def place(self, position: int) -> dict[str, Any]:
        """Source and window of one sample; None for both behind the end."""
        if position >= self.num_samples:
            return {"sample": position, "source": None, "window": None}
        first = 0
        for sources, windows in self.rows():
            if position < first + sources.size:
                row = position - first
                name = self.info["sources"][int(sources[row])]["name"]
                return {"sample": position, "source": name, "window": int(windows[row])}
            first += sources.size
        raise AssertionError(f"the rows of a mixture of {self.num_samples} samples ended before sample {position}")


def _first_difference(one: _Side, other: _Side) -> int | None:
    """Sample at which two orders part; None if they are equal."""
    empty = np.zeros(0, dtype=np.int64)
    left, right = empty, empty
    ones, others = one.blocks(), other.blocks()
    position = 0
    while True:
        left = left if left.size else next(ones, empty)
        right = right if right.size else next(others, empty)
        size = min(left.size, right.size)
        if not size:
            return None if left.size == right.size else position
        bad = np.flatnonzero(left[:size] != right[:size])
        if bad.size:
            return position + int(bad[0])
        position += size
        left, right = left[size:], right[size:]


def mixtures_text(a: dict[str, Any], b: dict[str, Any], names: tuple[str, str], rows: Rows) -> str:
    """Two mixtures for people."""
    parts = [f"a: {names[0]}  {a['fingerprint']}\nb: {names[1]}  {b['fingerprint']}", _budgets(a, b), _sources(a, b)]
    plain = [row for row in rows if row["key"].split(".")[0] not in IN_TABLES and not row["key"].startswith(EFFECTS)]
    if plain:
        parts.append(table(["setting", "a", "b"], [[row["key"], row["a"], row["b"]] for row in plain[:MAX_ROWS]]))
    parts.append(_order_text(a, b, {row["key"]: row for row in rows}))
    parts.append(f"{len(rows)} values differ; --json has all of them")
    return "\n\n".join(part for part in parts if part)


def _budgets(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Asked and given per stage and source; stages are matched by name."""
    parts: dict[tuple[str, str], list[dict[str, Any] | None]] = {}
    for side, info in enumerate((a, b)):
        for stage in info["stages"]:
            for name, part in stage["sources"].items():
                parts.setdefault((stage["name"], name), [None, None])[side] = part
    rows = []
    for (stage_name, source), pair in parts.items():
        values = [[(part or {}).get(key) for part in pair] for key in ("tokens_asked", "tokens", "epochs")]
        change = (values[1][1] or 0) - (values[1][0] or 0)
        rows.append([stage_name, source, *values[0], *values[1], f"{change:+,}" if change else "=", *values[2]])
    headers = ["stage", "source", "asked a", "asked b", "tokens a", "tokens b", "change", "epochs a", "epochs b"]
    return table(headers, rows)


def _sources(a: dict[str, Any], b: dict[str, Any]) -> str:
    known = [{source["name"]: source for source in info["sources"]} for info in (a, b)]
    rows = []
    for name in dict.fromkeys([*known[0], *known[1]]):
        pair = [side.get(name) for side in known]
        prints = [str(source["fingerprint"])[:SHORT_HASH] if source else None for source in pair]
        tokens = [source["num_tokens"] if source else None for source in pair]
        same = "same" if None not in pair and pair[0]["fingerprint"] == pair[1]["fingerprint"] else "other"  # type: ignore[index]
        rows.append([name, same, *prints, *tokens, *(source["max_epochs"] if source else None for source in pair)])
    headers = ["source", "shards", "fingerprint a", "fingerprint b", "tokens a", "tokens b", "max_epochs a", "max_epochs b"]
    return table(headers, rows)


def _order_text(a: dict[str, Any], b: dict[str, Any], rows: dict[str, dict[str, Any]]) -> str:
    first = rows.get("order.first_difference")
    if first is None:
        large = max(a["num_samples"], b["num_samples"]) > MAX_SAMPLES
        is_compared = not large and all(a.get(key) == b.get(key) for key in ("sequence_length", "packing"))
        return "the orders are equal" if is_compared else "the orders were not compared: their samples are not of one kind, or too many"
    shares = rows["samples.in_common"]
    places = [
        "has ended" if first[side]["source"] is None else f"{first[side]['source']} window {first[side]['window']:,}" for side in ("a", "b")
    ]
    return (
        f"the orders part at sample {first['a']['sample']:,}: a {places[0]}, b {places[1]}\n"
        f"in common: {shares['a'] or 0:.2%} of a's samples are drawn by b, {shares['b'] or 0:.2%} of b's by a"
    )
