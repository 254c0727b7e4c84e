"""The budgets of a recipe as whole samples: what each stage draws anew of each source, and what it replays.

A stage's tokens are its total. A replay takes its share of the samples, divided over the sources of the replayed stage in the
proportions of what that stage drew; the sources divide the rest in the proportions of their budgets. `on_exhausted` decides
what becomes of a budget that a source's windows cannot give within `max_epochs`; replays take nothing from those windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.annealing import Curve, annealed, whole_weights
from mathcode_data.mixture.draws import decimal_fraction
from mathcode_data.mixture.quotas import divide, largest_remainder, split_by_weight, within_limits
from mathcode_data.mixture.recipe import Recipe, StageRecipe, place_of

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class ReplayQuotas:
    """Samples of one replay of a stage; `quotas` by source number."""

    stage: str
    share: float
    quotas: list[int]


@dataclass(frozen=True)
class StageQuotas:
    """Samples of one stage; lists are by source number."""

    asked: dict[str, Fraction]
    """Tokens asked anew of each source of the stage; without those whose stock is not known and whose budget is in epochs."""
    own: list[int]
    replays: list[ReplayQuotas]
    curve: Curve | None
    notices: list[str] = field(default_factory=list)
    is_short: list[bool] = field(default_factory=list)
    """Sources that were asked for more than they may give, where that is an error."""

    @property
    def num_samples(self) -> int:
        """Samples of the stage, replays included."""
        return sum(self.own) + sum(sum(replay.quotas) for replay in self.replays)


@dataclass(frozen=True)
class Stock:
    """What a source can give."""

    training_windows: int
    allowed: int
    """Draws within `max_epochs`."""
    drawn: int = 0
    """Draws that a mixture which is continued has consumed."""


def stock_of(training_windows: int, max_epochs: float, drawn: int = 0) -> Stock:
    """The stock of a source with so many windows to train on."""
    return Stock(training_windows, math.floor(decimal_fraction(max_epochs) * training_windows), drawn)


def resolve_budgets(
    recipe: Recipe, stocks: Sequence[Stock | None], seen_before: Mapping[str, Sequence[int]], file: YamlFile | None = None
) -> list[StageQuotas]:
    """Samples of every stage.

    Args:
        recipe: checked.
        stocks: of each source, in the recipe's order; None where it is not known, so that nothing is refused or renormalised.
        seen_before: samples by source number of the stages of a mixture that is continued.
        file: the recipe's file, for the places in errors.

    Raises:
        ConfigError: every source of a stage is exhausted, a stage that anneals cannot be renormalised, or a replayed stage drew nothing.
    """
    seen = {name: list(counts) for name, counts in seen_before.items()}
    drawn = [stock.drawn if stock else 0 for stock in stocks]
    found = []
    for number, stage in enumerate(recipe.stages):
        quotas = _stage(recipe, stage, number, stocks, seen, file)
        start = drawn if recipe.across_stages == "disjoint" else [0] * len(drawn)
        left = [max(stock.allowed - before, 0) if stock else None for stock, before in zip(stocks, start, strict=True)]
        quotas = _within_stock(recipe, number, quotas, left, file)
        drawn = [before + count for before, count in zip(drawn, quotas.own, strict=True)]
        before = seen.get(stage.name, [0] * len(drawn))
        seen[stage.name] = [a + b for a, b in zip(before, quotas.own, strict=True)]
        found.append(quotas)
    return found


def _stage(
    recipe: Recipe,
    stage: StageRecipe,
    number: int,
    stocks: Sequence[Stock | None],
    seen: Mapping[str, Sequence[int]],
    file: YamlFile | None,
) -> StageQuotas:
    """Samples of one stage as its budgets ask for them."""
    parts, curve = _parts(recipe, stage, stocks)
    shares = [parts.get(name, Fraction(0)) for name in recipe.sources]
    total = math.floor(sum(shares, Fraction(0)))
    replayed = [decimal_fraction(replay.share) for replay in stage.replay]
    fresh = 1 - sum(replayed, Fraction(0))
    *counts, own = largest_remainder([share * total for share in (*replayed, fresh)], total)
    replays = []
    for position, (replay, count) in enumerate(zip(stage.replay, counts, strict=True)):
        there = seen.get(replay.stage, [0])
        if not any(there):
            where = place_of(file, ("stages", number, "replay", position))
            raise ConfigError(f"{where}: stage {stage.name!r} replays {replay.stage!r}, which drew nothing; leave the replay out")
        replays.append(ReplayQuotas(replay.stage, replay.share, divide(count, there)))
    if curve is not None:
        _check_steps(stage, number, curve, total, file)
        segments = annealed(curve, own, replay_counts(replays))
        quotas = [sum(column) for column in zip(*(segment.quotas[: len(shares)] for segment in segments), strict=True)]
    else:
        quotas = divide(own, shares) if replays else largest_remainder(shares, total)
    return StageQuotas(
        {name: part * fresh * recipe.sequence_length for name, part in parts.items()}, quotas, replays, curve,
    )  # fmt: skip


def replay_counts(replays: Sequence[ReplayQuotas]) -> list[int]:
    """Samples of each replay stream, in the order that a plan gives them: by stage, then by source."""
    return [count for replay in sorted(replays, key=lambda replay: replay.stage) for count in replay.quotas if count]


def _check_steps(stage: StageRecipe, number: int, curve: Curve, num_samples: int, file: YamlFile | None) -> None:
    if curve.steps is not None and curve.steps > num_samples:
        where = place_of(file, ("stages", number, "anneal"))
        raise ConfigError(f"{where}: stage {stage.name!r} has {num_samples:,} samples and {curve.steps:,} steps; write fewer steps")


def _parts(recipe: Recipe, stage: StageRecipe, stocks: Sequence[Stock | None]) -> tuple[dict[str, Fraction], Curve | None]:
    """Samples asked of each source of a stage as fractions, in the order of the file; and how they change over the stage."""
    asked: dict[str, Fraction] = {name: Fraction(count, recipe.sequence_length) for name, count in stage.token_map.items()}
    curve = None
    if isinstance(stage.tokens, int):
        assert stage.weights is not None, "check_recipe refuses a total without weights"
        total = stage.tokens
        start = {name: decimal_fraction(weight) for name, weight in stage.weights.items()}
        asked = split_by_weight(total, start)
        if stage.final_weights is not None:
            end = {name: decimal_fraction(weight) for name, weight in stage.final_weights.items()}
            ends_with = split_by_weight(total, end)
            names = dict.fromkeys([*start, *end])
            asked = {name: (asked.get(name, Fraction(0)) + ends_with.get(name, Fraction(0))) * HALF for name in names}
            curve = Curve(
                whole_weights([start.get(name, Fraction(0)) for name in recipe.sources]),
                whole_weights([end.get(name, Fraction(0)) for name in recipe.sources]),
                stage.anneal if isinstance(stage.anneal, int) else None,
            )
        asked = {name: tokens / recipe.sequence_length for name, tokens in asked.items()}
    for name, stock in zip(recipe.sources, stocks, strict=True):
        epochs = (stage.epochs or {}).get(name)
        if epochs is not None and stock is not None:
            asked[name] = Fraction(math.floor(decimal_fraction(epochs) * stock.training_windows))
    return {name: asked[name] for name in recipe.sources if name in asked}, curve


def _within_stock(recipe: Recipe, number: int, quotas: StageQuotas, left: Sequence[int | None], file: YamlFile | None) -> StageQuotas:
    """Apply `on_exhausted` to the sources of a stage that are asked for more than they may give."""
    stage, names = recipe.stages[number], list(recipe.sources)
    over = [limit is not None and count > limit for count, limit in zip(quotas.own, left, strict=True)]
    policy = recipe.policy(stage)
    if not any(over) or policy == "error":
        return replace(quotas, is_short=over)
    if policy == "repeat":
        return replace(quotas, is_short=[False] * len(over))
    total = sum(quotas.own)
    where = place_of(file, ("stages", number))
    tired = ", ".join(repr(name) for name, is_over in zip(names, over, strict=True) if is_over)
    if quotas.curve is not None:
        raise ConfigError(
            f"{where}: stage {stage.name!r} cannot be renormalised: {tired} would be exhausted within it, and its weights change, so "
            "that nothing says which of its samples others should take; lower the budget, raise max_epochs, or write on_exhausted: repeat"
        )
    limits = [total if limit is None else limit for limit in left]
    parts = [quotas.asked.get(name, Fraction(0)) for name in names]
    found = within_limits(total, parts, limits)
    if found is None:
        room = sum(limit for limit, part in zip(limits, parts, strict=True) if part)
        raise ConfigError(
            f"{where}: stage {stage.name!r} needs {total:,} samples ({total * recipe.sequence_length:,} tokens) and all its "
            f"sources together may give {room:,} ({room * recipe.sequence_length:,} tokens) within their max_epochs; ask for less, raise "
            "max_epochs, or add shards"
        )
    notices = [
        f"stage {stage.name!r}: source {name!r} is exhausted: it gives {count:,} samples instead of {before:,}, the rest goes to the others"
        for name, before, count in zip(names, quotas.own, found, strict=True)
        if count < before
    ]
    return replace(quotas, own=found, notices=notices, is_short=[False] * len(over))
