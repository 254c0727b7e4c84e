"""A mixture as plain numbers: everything that `mixture.json` says about which window stands at which position.

Build, dataset, verify and trace all work from this one object, so what stands in `mixture.json` is enough to make every
row again. A stage is one segment after the other, each a lattice of the stage's streams: one per source of the file, drawn
anew, then one for each source of each replay.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.mixture import lattice
from mathcode_data.mixture.annealing import Curve, Segment, annealed, constant
from mathcode_data.mixture.draws import Draws
from mathcode_data.mixture.index_files import MIXTURE_NAME
from mathcode_data.mixture.replays import Ranges, Replays, replayable
from mathcode_data.mixture.windows import Windows


@dataclass(frozen=True)
class PlannedSource:
    """What a plan needs of a source."""

    name: str
    num_windows: int
    num_holdout: int
    windows: Windows


@dataclass(frozen=True)
class ReplayStream:
    """Samples of one source that a stage takes from what an earlier one drew."""

    stage: str
    """The earlier stage."""
    source: int
    num_samples: int
    first_draw: int
    """Replay draw that it begins with; above 0 where a stage between replayed the same."""
    draws: Replays


@dataclass(frozen=True)
class PlannedStage:
    """Samples of one stage."""

    name: str
    first_sample: int
    num_samples: int
    quotas: list[int]
    """Samples drawn anew, by source number."""
    first_draws: list[int]
    """Draw of each source that the stage begins with."""
    replays: list[ReplayStream]
    segments: list[Segment]
    """In order; their quotas are by stream: the sources by number, then the replays."""
    stream_sources: NDArray[np.int16]
    """Source of each stream."""

    @cached_property
    def num_by_source(self) -> list[int]:
        """Samples of each source, replays included."""
        counts = list(self.quotas)
        for replay in self.replays:
            counts[replay.source] += replay.num_samples
        return counts

    def segment_at(self, row: int) -> Segment:
        """The segment that a row of the stage belongs to."""
        return self.segments[bisect_right(self.segments, row, key=lambda segment: segment.first_sample) - 1]


@dataclass(frozen=True)
class Place:
    """Where a position of the mixture comes from."""

    stage: int
    source: int
    draw: int
    """Of the source; of the replay, where it is one."""
    epoch: int
    """Epoch of the source, or pass of the replay, from 0."""
    window: int
    replay: str | None = None
    """The earlier stage that is replayed here."""


class Plan:
    """The order of a mixture in closed form."""

    def __init__(self, info: dict[str, Any]) -> None:
        """Take the object of `mixture.json`.

        Raises:
            DataError: its stages name what is not there, or the counts of one whose weights change are not those of its segments.
        """
        try:
            self._take(info)
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(
                f"{MIXTURE_NAME} of {info.get('name')!r}: not what a build writes ({error!r}); build the mixture again"
            ) from error

    def _take(self, info: dict[str, Any]) -> None:
        self.sequence_length = int(info["sequence_length"])
        self.seed = int(info["seed"])
        self.blend = str(info["blend"])
        self.is_disjoint = info["across_stages"] == "disjoint"
        self.is_virtual = info.get("index") == "virtual"
        self.packing = str(info["packing"])
        self.sources = [
            PlannedSource(
                source["name"], source["windows"], source["holdout_windows"],
                Windows.packed([shard["windows"] for shard in source["shards"]])
                if self.packing == "best_fit"
                else Windows([shard["num_tokens"] for shard in source["shards"]], self.sequence_length),
            )
            for source in info["sources"]
        ]  # fmt: skip
        self.stages: list[PlannedStage] = []
        self._numbers = {source.name: number for number, source in enumerate(self.sources)}
        self._draws: dict[tuple[str, int], Draws] = {}
        known = info.get("continues") or {"sources": {}, "seen": [], "replayed": []}
        drawn = [int(known["sources"].get(source.name, {"draws": 0})["draws"]) for source in self.sources]
        self.first_draws = list(drawn)
        """Draws of each source that a mixture which this one continues has consumed."""
        self._seen: dict[tuple[str, int], Ranges] = {}
        self._replayed = {(part["stage"], part["source"]): (int(part["size"]), int(part["draws"])) for part in known["replayed"]}
        for part in known["seen"]:
            if part["source"] in self._numbers:
                self._see(part["stage"], self._numbers[part["source"]], part["first"], part["stop"])
        for stage in info["stages"]:
            planned = self._stage(stage, drawn)
            self.stages.append(planned)
            for source, (first, count) in enumerate(zip(planned.first_draws, planned.quotas, strict=True)):
                self._see(planned.name, source, first, first + count)
            if self.is_disjoint:
                drawn = [before + quota for before, quota in zip(drawn, planned.quotas, strict=True)]

    def _stage(self, stage: dict[str, Any], drawn: list[int]) -> PlannedStage:
        quotas = [0] * len(self.sources)
        for name, part in stage["sources"].items():
            quotas[self._numbers[name]] = int(part["num_samples"])
        replays = []
        for replay in stage.get("replay", ()):
            for name, count in replay["sources"].items():
                replays.append(self._replay(replay["stage"], self._numbers[name], int(count)))
                quotas[self._numbers[name]] -= int(count)
        replays.sort(key=lambda stream: (stream.stage, stream.source))  # mixture.json sorts keys, so their order says nothing
        counts = [stream.num_samples for stream in replays]
        segments = constant([*quotas, *counts])
        if "anneal" in stage:
            segments = annealed(self._curve(stage["anneal"]), sum(quotas), counts)
            sums = [sum(column) for column in zip(*(segment.quotas for segment in segments), strict=True)]
            if sums != [*quotas, *counts]:
                raise ValueError(f"stage {stage['name']!r}: its segments add up to {sums}, its sources to {[*quotas, *counts]}")
        sources = [*range(len(self.sources)), *(stream.source for stream in replays)]
        return PlannedStage(
            stage["name"], stage["first_sample"], stage["num_samples"], quotas, list(drawn) if self.is_disjoint else [0] * len(drawn),
            replays, segments, np.array(sources, dtype=np.int16),
        )  # fmt: skip

    def _curve(self, anneal: dict[str, Any]) -> Curve:
        start, end = ([int(anneal[key].get(source.name, 0)) for source in self.sources] for key in ("weights", "final_weights"))
        return Curve(start, end, anneal["steps"])

    def _see(self, stage: str, source: int, first: int, stop: int) -> None:
        if first < stop:
            self._seen.setdefault((stage, source), []).append((first, stop))

    def _replay(self, stage: str, source: int, count: int) -> ReplayStream:
        draws = self._in_scope("" if self.is_disjoint else stage, source)
        replays = Replays(draws, replayable(self._seen[stage, source], draws.num_training), stage)
        name = self.sources[source].name
        size, first = self._replayed.get((stage, name), (0, 0))
        if size != replays.num_training:
            first = 0  # more was seen since: another set, in another order
        self._replayed[stage, name] = replays.num_training, first + count
        return ReplayStream(stage, source, count, first, replays)

    @cached_property
    def num_samples(self) -> int:
        """Samples of all stages."""
        return sum(stage.num_samples for stage in self.stages)

    def draws(self, stage: int, source: int) -> Draws:
        """Draws of a source in a stage; stages that continue each other share them."""
        return self._in_scope("" if self.is_disjoint else self.stages[stage].name, source)

    def _in_scope(self, scope: str, source: int) -> Draws:
        found = self._draws.get((scope, source))
        if found is None:
            planned = self.sources[source]
            found = Draws(
                seed=self.seed, source=planned.name, scope=scope, num_windows=planned.num_windows, num_holdout=planned.num_holdout
            )
            self._draws[scope, source] = found
        return found

    def stream(self, stage: int, stream: int) -> tuple[Draws | Replays, int]:
        """What a stream of a stage draws from, and its first draw."""
        planned = self.stages[stage]
        if stream < len(self.sources):
            return self.draws(stage, stream), planned.first_draws[stream]
        replay = planned.replays[stream - len(self.sources)]
        return replay.draws, replay.first_draw

    def stage_at(self, position: int) -> int:
        """Number of the stage that a position belongs to."""
        if not 0 <= position < self.num_samples:
            raise IndexError(f"sample {position:,} of a mixture of {self.num_samples:,}; positions are 0..{self.num_samples - 1:,}")
        return bisect_right(self._stage_starts, position) - 1

    @cached_property
    def _stage_starts(self) -> list[int]:
        return [stage.first_sample for stage in self.stages]

    def place(self, position: int, drawn: tuple[int, int] | None = None) -> Place:
        """Resolve a position without any index file.

        Args:
            position: of a sample in the mixture.
            drawn: source and count within the stage, where the order is Megatron's and stands in the index.
        """
        number = self.stage_at(position)
        if drawn is not None:
            return self.resolve(number, *drawn)
        stage = self.stages[number]
        row = position - stage.first_sample
        segment = stage.segment_at(row)
        stream, count = lattice.at(segment.quotas, row - segment.first_sample)
        return self.resolve(number, stream, segment.before[stream] + count)

    def resolve(self, stage: int, stream: int, count: int) -> Place:
        """The count-th draw of a stream within a stage; the streams of the sources have their numbers."""
        draws, first = self.stream(stage, stream)
        replay = self.stages[stage].replays[stream - len(self.sources)].stage if stream >= len(self.sources) else None
        source = int(self.stages[stage].stream_sources[stream])
        draw = first + count
        return Place(stage, source, draw, draws.epoch_of(draw), draws.window(draw), replay)

    def drawn_before(self, position: int) -> list[list[int]]:
        """How often each stream of each stage was drawn before a position: the consumption at any step, in closed form."""
        if not 0 <= position <= self.num_samples:
            raise IndexError(f"{position:,} samples of a mixture of {self.num_samples:,}; legal are 0..{self.num_samples:,}")
        found = []
        for stage in self.stages:
            row = min(max(position - stage.first_sample, 0), stage.num_samples)
            segment = stage.segment_at(row)
            within = lattice.drawn_before(segment.quotas, row - segment.first_sample)
            found.append([before + count for before, count in zip(segment.before, within, strict=True)])
        return found

    def entries(self, positions_N: NDArray[np.int64]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
        """Sources and windows of any positions, without any index file: what the two index files hold there.

        Raises:
            IndexError: a position is not one of 0..num_samples - 1.
        """
        from mathcode_data.mixture.order import entries_at  # it needs this class

        return entries_at(self, positions_N)
