"""The run's records: metrics.jsonl and TensorBoard.

metrics.jsonl: one JSON line per step, evaluation and start; what a resumed run would write again is cut off first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.storage import naming_full_disk, write_bytes

Report = Callable[[dict[str, Any]], None]


class Board:
    """Scalars for TensorBoard: those of steps as train/NAME, held-out losses as held_out/SOURCE."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is written before `begin`.

        Raises:
            ConfigError: the package tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                f"tensorboard: it needs a package that is not installed ({error}); pip install tensorboard, or write false"
            ) from error
        self._folder = folder
        self._make = SummaryWriter
        self._writer: Any = None

    def begin(self, step: int) -> None:
        """Open the files; what is in them from `step` on is no longer shown."""
        self._writer = self._make(str(self._folder), purge_step=step)

    def write(self, record: dict[str, Any]) -> None:
        """Add the numbers of a record."""
        if self._writer is None:
            return
        for name, value in scalars(record):
            self._writer.add_scalar(name, value, record["step"])

    def close(self) -> None:
        """Write the last of it."""
        if self._writer is not None:
            self._writer.close()


def scalars(record: dict[str, Any]) -> list[tuple[str, float]]:
    """Names and numbers of a record for plotting.

    >>> scalars({"kind": "step", "step": 3, "loss": 2.0, "mfu_palm": None, "loss_per_source": {"code": 1.5}})
    [('train/loss', 2.0), ('train/loss_per_source/code', 1.5)]
    """
    if record["kind"] == "evaluation":
        return [(f"held_out/{source}", float(found["loss"])) for source, found in record["held_out"].items()]
    if record["kind"] != "step":
        return []
    found = []
    for key, value in record.items():
        if isinstance(value, dict):
            found += [(f"train/{key}/{name}", float(number)) for name, number in value.items()]
        elif isinstance(value, int | float) and key != "step":
            found.append((f"train/{key}", float(value)))
    return found


class MetricsLog:
    """Appends records to the file and passes them on."""

    def __init__(self, path: Path, report: Report | None = None, board: Board | None = None) -> None:
        """Name the file.

        Args:
            path: metrics.jsonl.
            report: given every record too.
            board: TensorBoard's files, if they are wanted.
        """
        self.path = path
        self._report = report
        self._board = board

    def trim(self, last_step: int) -> None:
        """Keep the records up to a step; lines that a kill cut in two go as well."""
        kept = [orjson.dumps(record) + b"\n" for record in self.read() if record["step"] <= last_step]
        write_bytes(self.path, b"".join(kept))
        if self._board is not None:
            self._board.begin(last_step + 1)

    def clear(self) -> None:
        """Begin an empty file."""
        write_bytes(self.path, b"")
        if self._board is not None:
            self._board.begin(0)

    def write(self, record: dict[str, Any]) -> None:
        """Append a record, which has `kind` and `step`."""
        with naming_full_disk(self.path), self.path.open("ab") as file:
            file.write(orjson.dumps(record) + b"\n")
        if self._board is not None:
            self._board.write(record)
        if self._report is not None:
            self._report(record)

    def close(self) -> None:
        """Close TensorBoard's files."""
        if self._board is not None:
            self._board.close()

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
        "loader_wait_share": waited / seconds if seconds else None,
    }
