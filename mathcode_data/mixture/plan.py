"""A mixture as plain numbers: everything that `mixture.json` says about which window stands at which position.

Build, dataset, verify and trace all work from this one object, so what stands in `mixture.json` is enough to make every
row again.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mathcode_data.mixture import lattice
from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.windows import Windows


@dataclass(frozen=True)
class PlannedSource:
    """What a plan needs of a source."""

    name: str
    num_windows: int
    num_holdout: int
    windows: Windows


@dataclass(frozen=True)
class PlannedStage:
    """Samples of one stage; lists are by source number."""

    name: str
    first_sample: int
    num_samples: int
    quotas: list[int]
    first_draws: list[int]
    """Draw of each source that the stage begins with."""


@dataclass(frozen=True)
class Place:
    """Where a position of the mixture comes from."""

    stage: int
    source: int
    draw: int
    epoch: int
    window: int


class Plan:
    """The order of a mixture in closed form."""

    def __init__(self, info: dict[str, Any]) -> None:
        """Take the object of `mixture.json`."""
        self.sequence_length = int(info["sequence_length"])
        self.seed = int(info["seed"])
        self.blend = str(info["blend"])
        self.is_disjoint = info["across_stages"] == "disjoint"
        self.sources = [
            PlannedSource(
                source["name"], source["windows"], source["holdout_windows"],
                Windows([shard["num_tokens"] for shard in source["shards"]], self.sequence_length),
            )
            for source in info["sources"]
        ]  # fmt: skip
        self.stages: list[PlannedStage] = []
        drawn = [0] * len(self.sources)
        for stage in info["stages"]:
            quotas = [int(stage["sources"].get(source.name, {"num_samples": 0})["num_samples"]) for source in self.sources]
            self.stages.append(PlannedStage(stage["name"], stage["first_sample"], stage["num_samples"], quotas, list(drawn)))
            if self.is_disjoint:
                drawn = [before + quota for before, quota in zip(drawn, quotas, strict=True)]
        self._draws: dict[tuple[str, int], Draws] = {}

    @cached_property
    def num_samples(self) -> int:
        """Samples of all stages."""
        return sum(stage.num_samples for stage in self.stages)

    def draws(self, stage: int, source: int) -> Draws:
        """Draws of a source in a stage; stages that continue each other share them."""
        scope = "" if self.is_disjoint else self.stages[stage].name
        found = self._draws.get((scope, source))
        if found is None:
            planned = self.sources[source]
            found = Draws(
                seed=self.seed, source=planned.name, scope=scope, num_windows=planned.num_windows, num_holdout=planned.num_holdout
            )
            self._draws[scope, source] = found
        return found

    def stage_at(self, position: int) -> int:
        """Number of the stage that a position belongs to."""
        if not 0 <= position < self.num_samples:
            raise IndexError(f"sample {position:,} of a mixture of {self.num_samples:,}; positions are 0..{self.num_samples - 1:,}")
        return bisect_right([stage.first_sample for stage in self.stages], position) - 1

    def place(self, position: int, drawn: tuple[int, int] | None = None) -> Place:
        """Resolve a position without any index file.

        Args:
            position: of a sample in the mixture.
            drawn: source and count within the stage, where the order is Megatron's and stands in the index.
        """
        number = self.stage_at(position)
        stage = self.stages[number]
        source, count = lattice.at(stage.quotas, position - stage.first_sample) if drawn is None else drawn
        return self.resolve(number, source, count)

    def resolve(self, stage: int, source: int, count: int) -> Place:
        """The count-th draw of a source within a stage."""
        draw = self.stages[stage].first_draws[source] + count
        draws = self.draws(stage, source)
        return Place(stage, source, draw, draws.epoch_of(draw), draws.window(draw))
