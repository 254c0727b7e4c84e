"""metrics.jsonl: one JSON line per step, evaluation and start; what a resumed run would write again is cut off first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.storage import naming_full_disk, write_bytes

Report = Callable[[dict[str, Any]], None]


class MetricsLog:
    """Appends records to the file and passes them on."""

    def __init__(self, path: Path, report: Report | None = None) -> None:
        self.path = path
        self._report = report

    def trim(self, last_step: int) -> None:
        """Keep the records up to a step; lines that a kill cut in two go as well."""
        kept = [orjson.dumps(record) + b"\n" for record in self.read() if record["step"] <= last_step]
        write_bytes(self.path, b"".join(kept))

    def clear(self) -> None:
        """Begin an empty file."""
        write_bytes(self.path, b"")

    def write(self, record: dict[str, Any]) -> None:
        """Append a record, which has `kind` and `step`."""
        with naming_full_disk(self.path), self.path.open("ab") as file:
            file.write(orjson.dumps(record) + b"\n")
        if self._report is not None:
            self._report(record)

    def read(self) -> Iterator[dict[str, Any]]:
        """All whole records, in order."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue  # the last line of a killed run
                yield record


def loss_per_source(sums: list[float], tokens: list[int], names: list[str]) -> dict[str, float]:
    """Mean loss of each source that had tokens.

    >>> loss_per_source([6.0, 0.0], [3, 0], ["code", "math"])
    {'code': 2.0}
    """
    return {name: total / count for name, total, count in zip(names, sums, tokens, strict=True) if count}


def summarise(log: MetricsLog) -> dict[str, Any]:
    """First and last loss, mean loss per source over the last tenth of the steps so far, last held-out losses, speed."""
    num_steps = max((record["step"] for record in log.read()), default=0)
    first: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    held_out: dict[str, Any] = {}
    tokens, seconds, waited = 0, 0.0, 0.0
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for record in log.read():
        if record["kind"] == "evaluation":
            held_out = record["held_out"]
        if record["kind"] != "step":
            continue
        first, last = first or record, record
        tokens += sum(record["tokens_per_source"].values())
        seconds += record["seconds"]
        waited += record["loader_wait_s"]
        if record["step"] > num_steps - max(1, num_steps // 10):
            for name, loss in record["loss_per_source"].items():
                sums[name] = sums.get(name, 0.0) + loss * record["tokens_per_source"][name]
                counts[name] = counts.get(name, 0) + record["tokens_per_source"][name]
    return {
        "first_loss": first["loss"] if first else None,
        "last_loss": last["loss"] if last else None,
        "loss_per_source": {name: sums[name] / counts[name] for name in sums},
        "held_out": held_out,
        "steps": last["step"] if last else 0,
        "tokens": last["tokens"] if last else 0,
        "tokens_per_s": tokens / seconds if seconds else None,
        "loader_wait_s": waited,
    }
