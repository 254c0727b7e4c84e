"""From an arm's mixture file to the arm's recipe in this study: its stages, scaled, on the study's sources.

Three rules, the same for every arm:

- The budget of a stage is that of the file times `scale`, rounded to whole optimizer steps, one at least.
- Where word problems are mixed into a source, each weight of the source is divided between the two, so that every arm gets them in the
  proportion of its own budgets.
- Every arm names all sources of the study in one order, also those it does not draw from: the same windows are held out in all, and
  every arm is measured on every domain.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.mixture.recipe import Recipe, load_recipe
from mathcode_data.mixture.schema import StageRecipe
from mathcode_data.study.config import PROBLEMS_PREFIX, StudyConfig

MAX_PROBLEM_EPOCHS = 1000
"""Word problems may be repeated: templates are few anyhow, and each text is short."""


def problem_source(form: str) -> str:
    """Name of the source of a form of word problems."""
    return PROBLEMS_PREFIX + form


def source_names(config: StudyConfig) -> list[str]:
    """Sources of every arm: those of the file, then the word problems."""
    forms = [part.form for part in config.problems.mix_into.values()] if config.problems else []
    return [*config.sources, *(problem_source(form) for form in dict.fromkeys(forms))]


def arm_recipe(config: StudyConfig, arm: str, seed: int, paths: dict[str, list[Path]]) -> Recipe:
    """The recipe of an arm for one seed.

    Args:
        config: the study.
        arm: its name.
        seed: of the study.
        paths: shards of every source of `source_names`.

    Raises:
        ConfigError: the file asks for a source that the study has not, or for a budget in epochs.
    """
    file = config.arms[arm].mixture
    found, _ = load_recipe(file)
    stages = []
    for stage in found.stages:
        if stage.epochs:
            raise ConfigError(f"{file}: stage {stage.name!r} has a budget in epochs, which cannot be scaled; give it in tokens")
        stages.append(_scaled(config, stage, file))
    if len(found.stages) > 1 and found.across_stages != "disjoint":
        raise ConfigError(
            f"{file}: across_stages: {found.across_stages}; arms of a study go on from the base, write across_stages: disjoint"
        )
    return Recipe.model_validate({
        "name": arm, "seed": seed, "sequence_length": config.sequence_length, "sources": _sources(config, paths), "stages": stages,
        "on_exhausted": found.on_exhausted,
    })  # fmt: skip


def _sources(config: StudyConfig, paths: dict[str, list[Path]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in source_names(config):
        if name in config.sources:
            source = config.sources[name]
            found[name] = {"shards": paths[name], "max_epochs": source.max_epochs, "holdout": source.holdout}
        else:
            assert config.problems is not None, "only word problems bring sources of their own"
            found[name] = {"shards": paths[name], "max_epochs": MAX_PROBLEM_EPOCHS, "holdout": config.problems.holdout}
    return found


def _scaled(config: StudyConfig, stage: StageRecipe, file: Path) -> dict[str, Any]:
    weights = stage.weights if isinstance(stage.tokens, int) else stage.token_map
    assert weights is not None, "check_recipe lets no total without weights through"
    total = stage.tokens if isinstance(stage.tokens, int) else sum(stage.token_map.values())
    step_tokens = config.training.global_batch_samples * config.sequence_length
    num_steps = max(1, round(total * Fraction(repr(config.scale)) / step_tokens))
    result: dict[str, Any] = {"name": stage.name, "tokens": num_steps * step_tokens, "weights": _divided(config, weights, stage, file)}
    if stage.final_weights is not None:
        result |= {"final_weights": _divided(config, stage.final_weights, stage, file), "anneal": stage.anneal}
    if stage.replay:
        result["replay"] = [{"stage": replay.stage, "share": replay.share} for replay in stage.replay]
    if stage.on_exhausted is not None:
        result["on_exhausted"] = stage.on_exhausted
    return result


def _divided(config: StudyConfig, weights: dict[str, Any], stage: StageRecipe, file: Path) -> dict[str, int | float]:
    """Weights with the word problems' part taken out of the sources that they are mixed into."""
    result: dict[str, Any] = {}
    for name, weight in weights.items():
        if name not in config.sources:
            raise ConfigError(
                f"{file}: stage {stage.name!r} draws from {name!r}, which the study has not under `sources`{nearest(name, config.sources)}"
            )
        part = config.problems.mix_into.get(name) if config.problems else None
        share = Fraction(repr(part.share)) if part else Fraction(0)
        result[name] = float(Fraction(repr(weight)) * (1 - share))
        if part:
            other = problem_source(part.form)
            result[other] = result.get(other, 0.0) + float(Fraction(repr(weight)) * share)
    return result
