"""What the runs measured, by arm, stage and seed, and the numbers that tables and hypotheses are made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import StaleOutputError
from mathcode_data.study.config import BASE, StudyConfig
from mathcode_data.study.fork import read_trained
from mathcode_data.study.jobs import MEASURES_NAME, TRAINED_NAME
from mathcode_data.study.metrics import Interval, Statistic, forgetting, paired_interval, retention
from mathcode_data.study.plan import Plan

CODE_PEAK = ("code-math", 0)
"""The run whose gain in code is what can be retained: the end of the code stage."""
CODE = "code"
"""The source whose held-out losses say what is known of code."""
PROGRAM, REASONING = "program", "reasoning"
TEST_SET = "new"


@dataclass(frozen=True)
class Place:
    """The end of a stage of an arm."""

    arm: str
    stage: int

    @property
    def label(self) -> str:
        """Unique text."""
        return f"{self.arm}#{self.stage}"


class Findings:
    """All measures of one model size."""

    def __init__(self, config: StudyConfig, plan: Plan, model: str) -> None:
        """Read the measures of every run of a model.

        Raises:
            StaleOutputError: a run is missing.
        """
        self.config, self.plan, self.model = config, plan, model
        self._measures: dict[str, dict[str, Any]] = {}
        self.trained: dict[str, dict[str, Any]] = {}
        for job in plan.jobs.values():
            if job.model != model:
                continue
            found = read_trained(Path(job.folder), MEASURES_NAME, job.measuring.key)
            trained = read_trained(Path(job.folder), TRAINED_NAME, job.key)
            if found is None or trained is None:
                raise StaleOutputError(f"{job.folder}: the run is not finished; run the study again")
            self._measures[job.key], self.trained[job.key] = found, trained

    def places(self) -> list[Place]:
        """Ends of stages in the order of the report; a stage that arms share is told once."""
        found: list[Place] = []
        told: set[str] = set()
        for arm, stages in self.plan.arms.items():
            for number in range(len(stages)):
                key = self.key(Place(arm, number), self.config.seeds[0])
                if key not in told:
                    told.add(key)
                    found.append(Place(arm, number))
        return found

    def last(self, arm: str) -> Place:
        """The end of an arm."""
        return Place(arm, len(self.plan.arms[arm]) - 1)

    def has(self, *arms: str) -> bool:
        """Whether the study has these arms."""
        return all(arm in self.plan.arms for arm in arms)

    def key(self, place: Place, seed: int) -> str:
        """Key of the run that ends there."""
        return self.plan.chains[self.model, seed, place.arm][place.stage]

    def measures(self, place: Place, seed: int) -> dict[str, Any]:
        """Content of measures.json."""
        return self._measures[self.key(place, seed)]

    def domains(self) -> list[str]:
        """Sources with held-out windows."""
        return list(self.measures(Place(BASE, 0), self.config.seeds[0])["heldout"])

    def unit(self, domain: str) -> str:
        """Unit of a domain's losses."""
        return str(self.measures(Place(BASE, 0), self.config.seeds[0])["heldout"][domain]["unit"])

    @property
    def has_problems(self) -> bool:
        """Whether word problems were answered."""
        return self.measures(Place(BASE, 0), self.config.seeds[0])["problems"] is not None

    def losses(self, place: Place, domain: str) -> list[NDArray[np.float64]]:
        """Per seed the losses of the held-out windows."""
        return [np.array(self.measures(place, seed)["heldout"][domain]["values"]) for seed in self.config.seeds]

    def correct(self, place: Place, form: str, test_set: str = TEST_SET) -> list[NDArray[np.float64]]:
        """Per seed 0 or 1 for every item."""
        found = [self.measures(place, seed)["problems"]["sets"][test_set][form]["correct"] for seed in self.config.seeds]
        return [np.array(values, dtype=np.float64) for values in found]

    def share_that_ran(self, place: Place) -> float:
        """Share of the generated programs that gave a value, right or wrong."""
        return float(np.mean([self.measures(place, seed)["problems"]["sets"][TEST_SET][PROGRAM]["ran"] for seed in self.config.seeds]))

    def interval(self, runs: dict[str, list[NDArray[np.float64]]], statistic: Statistic) -> Interval:
        """A statistic with its interval."""
        return paired_interval(runs, statistic, resamples=self.config.bootstrap)

    def mean(self, values: list[NDArray[np.float64]]) -> Interval:
        """The mean of one run with its interval."""
        return self.interval({"x": values}, lambda means: means["x"])

    def curve(self, place: Place, seed: int, domain: str) -> list[tuple[float, float]]:
        """(tokens since the base, loss) through all stages of an arm up to a place."""
        name = "bits_per_byte" if self.unit(domain) == "bits per byte" else "loss"
        points: dict[int, tuple[float, float]] = {}
        for number in range(place.stage + 1):
            for point in self.measures(Place(place.arm, number), seed)["curve"]:
                found = point["held_out"].get(domain, {})
                if name in found:
                    loss = float(found[name]) if name == "bits_per_byte" else float(found[name]) / float(np.log(2))
                    points[int(point["step"])] = (float(point["tokens"]), loss)
        return [points[step] for step in sorted(points)]

    def mean_curve(self, arm: str, domain: str) -> list[tuple[float, float]]:
        """The same, mean of all seeds."""
        curves = [self.curve(self.last(arm), seed, domain) for seed in self.config.seeds]
        return [(points[0][0], float(np.mean([loss for _, loss in points]))) for points in zip(*curves, strict=True)]

    def forgetting(self, arm: str, domain: str) -> list[float]:
        """Per seed: last loss less the best one on the way."""
        return [forgetting([loss for _, loss in self.curve(self.last(arm), seed, domain)]) for seed in self.config.seeds]

    def code_peak(self) -> Place | None:
        """The end of the code stage, if the study has it."""
        return Place(*CODE_PEAK) if self.has(CODE_PEAK[0]) and len(self.plan.arms[CODE_PEAK[0]]) > 1 else None

    def retention_of_losses(self, place: Place, domain: str = CODE) -> Interval | None:
        """Share of the code stage's gain in held-out losses that is there at a place."""
        peak = self.code_peak()
        if peak is None or domain not in self.domains():
            return None
        ends = {"base": self.last(BASE), "peak": peak, "after": place}
        return self.interval({name: self.losses(end, domain) for name, end in ends.items()}, retained)

    def retention_of_programs(self, place: Place) -> Interval | None:
        """The same of the share of programs that give the right answer."""
        peak = self.code_peak()
        if peak is None or not self.has_problems:
            return None
        ends = {"base": self.last(BASE), "peak": peak, "after": place}
        return self.interval({name: self.correct(end, PROGRAM) for name, end in ends.items()}, retained)


def retained(means: Any) -> NDArray[np.float64]:
    """The statistic of retention."""
    return retention(means["base"], means["peak"], means["after"])
