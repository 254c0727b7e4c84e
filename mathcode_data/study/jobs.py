"""One run of a study: a stage of an arm, for one model and one seed, as plain data that another process can take.

A stage that several arms begin with is one run: the arms that go on from it share it. Its key is the fingerprint of all that decides
its numbers (the runs before it, the stage, the shards, the model, the training), so a run of another configuration is never taken for it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TRAINED_NAME = "trained.json"
MEASURES_NAME = "measures.json"


@dataclass(frozen=True)
class Measuring:
    """What is measured where a run ends."""

    key: str
    """Fingerprint of the run and of everything here."""
    heldout_windows: int
    items: str | None
    """The test items; None: no word problems."""
    tokenizer: str | None
    eos_id: int
    max_new_tokens: int
    batch: int


@dataclass(frozen=True)
class Job:
    """One run."""

    key: str
    label: str
    """arm.stage of the first arm that has it."""
    model: str
    seed: int
    folder: str
    mixture: str
    """Folder of that arm's mixture, of all its stages."""
    stage: int
    start_step: int
    end_step: int
    parent: str | None
    """Key of the run of the stage before; weights, optimizer and position go on from it."""
    parent_folder: str | None
    base: str | None
    """Key of the base's last run; weights alone are taken from it. None in the base itself."""
    base_folder: str | None
    training: dict[str, Any]
    """Content of a training file, except `initial_checkpoint`."""
    threads: int
    measuring: Measuring

    @property
    def needs(self) -> list[str]:
        """Keys of the runs that must be finished before."""
        return [key for key in (self.parent, self.base) if key is not None]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Job:
        """The way back."""
        return Job(**{**data, "measuring": Measuring(**data["measuring"])})

    @property
    def checkpoints(self) -> Path:
        """Folder of the run's checkpoints."""
        return Path(self.folder) / "checkpoints"
