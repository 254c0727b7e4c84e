"""Stops a run before a step that would spoil it: a loss or gradient that is not finite, or a loss that stands out."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_data.core.errors import VerificationError
from mathcode_data.core.storage import atomic_writer, write_json
from mathcode_data.trainer.config import SpikeGuard
from mathcode_data.trainer.data import TrainingData

NOT_FINITE = "not finite"


class Guard:
    """Remembers the last losses of the stage; they are part of a checkpoint, so that a resumed run stops where a whole one does."""

    def __init__(self, config: SpikeGuard | None, stage_starts: Iterable[int], max_skipped_steps: int = 0) -> None:
        """Set up.

        Args:
            config: when a loss stands out; None: never.
            stage_starts: positions at which the mixture changes, so that a jump of the loss is no surprise.
            max_skipped_steps: steps that are not finite which may be left out.
        """
        self.config = config
        self.max_skipped_steps = max_skipped_steps
        self.skipped_steps = 0
        self._edges = sorted(stage_starts)
        self.recent: deque[float] = deque(maxlen=config.window_steps if config else 0)

    def fault(self, loss: float, norm: float) -> str | None:
        """Why the step must not be taken, or None."""
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return NOT_FINITE
        if self.config is None or len(self.recent) < self.config.window_steps:
            return None
        mean, deviation = statistics.fmean(self.recent), statistics.stdev(self.recent)
        limit = mean + self.config.max_deviations * deviation
        if loss <= limit:
            return None
        return (
            f"above {limit:.4f}, the mean {mean:.4f} of the last {len(self.recent)} losses and {self.config.max_deviations:g} "
            f"standard deviations of {deviation:.4f}"
        )

    def skips(self, fault: str) -> bool:
        """Whether a faulty step is left out and the run goes on; counts it."""
        if fault != NOT_FINITE or self.skipped_steps >= self.max_skipped_steps:
            return False
        self.skipped_steps += 1
        return True

    def passed(self, loss: float, before: int, after: int) -> None:
        """A step from position `before` to `after` was taken."""
        if any(before < edge <= after for edge in self._edges):
            self.recent.clear()
        elif self.config is not None:
            self.recent.append(loss)


def report_fault(
    folder: Path, fault: str, record: dict[str, Any], positions: range, data: TrainingData, saved: Path | None, *, writes: bool = True
) -> VerificationError:
    """Write the batch and what was seen of it beside the run; gives the error that ends the run.

    Args:
        folder: the run's.
        fault: what `Guard.fault` said.
        record: step, loss, grad_norm, lr, loss_per_source, skipped_steps.
        positions: of the batch in the mixture.
        data: the mixture.
        saved: the last checkpoint.
        writes: false in all processes but one.
    """
    path = folder / "stopped_step.json"
    if writes:
        tokens = data.batch(np.arange(positions.start, positions.stop, dtype=np.int64))[0]
        with atomic_writer(folder / "stopped_batch.npy") as file:
            np.save(file, np.asarray(tokens))
        seen = {
            **record,
            "fault": fault,
            "first_position": positions.start,
            "last_position": positions.stop - 1,
            "loss": repr(record["loss"]),
            "grad_norm": repr(record["grad_norm"]),
            "loss_per_source": {name: repr(value) for name, value in record["loss_per_source"].items()},
        }
        write_json(path, seen)
    skipped = f" after {record['skipped_steps']} steps that were skipped" if record["skipped_steps"] else ""
    return VerificationError(
        f"step {record['step']}{skipped}: loss {record['loss']}, gradient norm {record['grad_norm']}; {fault}, the step was not taken. "
        "Mixture "
        f"positions {positions.start}..{positions.stop - 1} are named in {path}, their tokens lie beside it; last checkpoint: "
        f"{saved or 'none'}; look at those samples, or lower optimizer.peak_lr in a new output folder"
    )
