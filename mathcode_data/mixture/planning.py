"""From recipe and shards to the plan: exact quotas, epochs, and every refusal, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.budgets import StageQuotas, Stock, resolve_budgets, stock_of
from mathcode_data.mixture.continuing import Parent, check_continues
from mathcode_data.mixture.draws import decimal_fraction
from mathcode_data.mixture.quotas import ANNEAL_ROUNDING, EPOCHS_ROUNDING, REPLAY_ROUNDING, ROUNDING, largest_remainder
from mathcode_data.mixture.recipe import Recipe, check_recipe, check_replayed_stages, place_of
from mathcode_data.mixture.sources import SourceInput
from mathcode_data.mixture.survey import survey

FORMAT = 2
"""Raised when the same recipe and shards would give other index files."""


def plan_mixture(
    recipe: Recipe,
    sources: Sequence[SourceInput],
    *,
    file: YamlFile | None = None,
    read_all: bool = False,
    parent: Parent | None = None,
) -> dict[str, Any]:
    """Plan a mixture; nothing is written.

    Args:
        recipe: from `load_recipe`.
        sources: one for each source of the recipe, in any order.
        file: the recipe's file, for the places in errors.
        read_all: hash every byte of foreign shards, whatever their size, so that `verify --full` can find any change.
        parent: the mixture that this one continues, and what of it was consumed.

    Returns:
        The object of `mixture.json` without the files' hashes; paths of shards are absolute.

    Raises:
        ConfigError: the recipe asks for what the shards cannot give; names the place, the need, the stock and what to do.
        DataError: a shard is damaged.
    """
    check_recipe(recipe, file)
    entries, tokenizer, notices = survey(recipe, sources, file=file, read_all=read_all)
    return plan_entries(recipe, entries, tokenizer, notices, file=file, parent=parent)


def plan_entries(
    recipe: Recipe,
    entries: list[dict[str, Any]],
    tokenizer: str | None,
    notices: list[str],
    *,
    file: YamlFile | None = None,
    parent: Parent | None = None,
) -> dict[str, Any]:
    """The plan of sources whose shards were looked at; `entries` are those of `survey`."""
    seen = parent.seen(list(recipe.sources)) if parent else {}
    if parent is not None:
        notices = notices + check_continues(recipe, entries, parent, file)
    check_replayed_stages(recipe, file, list(seen), parent.info["name"] if parent else None)
    stocks = [stock_of(entry["training_windows"], entry["max_epochs"], parent.draws(entry["name"]) if parent else 0) for entry in entries]
    quotas = resolve_budgets(recipe, stocks, seen, file)
    check_stock(recipe, entries, stocks, quotas, file)
    stages = []
    first = 0
    for stage, counts in zip(recipe.stages, quotas, strict=True):
        described = describe_stage(recipe, stage.name, counts, stocks, first)
        notices += counts.notices
        notices += [
            f"stage {stage.name!r} asks for {part['tokens_asked']:,} tokens of {name!r}, less than one sample: it gets none"
            for name, part in described["sources"].items()
            if 0 < part["tokens_asked"] < recipe.sequence_length and not part["num_samples"]
        ]
        stages.append(described)
        first += described["num_samples"]
    entries = [entry | {"epochs": epochs} for entry, epochs in zip(entries, _epochs_in_all(recipe, entries, stocks, stages), strict=True)]
    notices += _beyond(recipe, entries, stocks, quotas)
    info = {
        "format": FORMAT, "kind": "mixture", "name": recipe.name, "fingerprint": _fingerprint(recipe, entries, tokenizer, parent),
        "seed": recipe.seed, "sequence_length": recipe.sequence_length, "tokenizer": {"sha256": tokenizer} if tokenizer else None,
        "blend": recipe.blend, "index": recipe.index, "packing": recipe.packing, "across_stages": recipe.across_stages,
        "allow_overlap": recipe.allow_overlap, "rounding": rounding(recipe), "num_samples": first,
        "num_tokens": first * recipe.sequence_length, "sources": entries, "stages": stages, "notices": notices,
    }  # fmt: skip
    return info | {"continues": parent.ledger} if parent else info


def rounding(recipe: Recipe) -> str:
    """The rule by which budgets became samples, as far as the recipe needs it."""
    parts = (
        (REPLAY_ROUNDING, any(stage.replay for stage in recipe.stages)),
        (EPOCHS_ROUNDING, any(stage.epochs for stage in recipe.stages)),
        (ANNEAL_ROUNDING, any(stage.final_weights for stage in recipe.stages)),
    )
    return ROUNDING + "".join(text for text, is_needed in parts if is_needed)


def describe_stage(recipe: Recipe, name: str, quotas: StageQuotas, stocks: Sequence[Stock | None], first: int) -> dict[str, Any]:
    """The object of one stage in `mixture.json`: what was asked and what is got, replays included."""
    asked = dict(quotas.asked)
    names = list(recipe.sources)
    numbers = {source: number for number, source in enumerate(names)}
    total = sum(asked.values(), Fraction(0))
    fresh = 1 - sum((decimal_fraction(replay.share) for replay in quotas.replays), Fraction(0))
    for replay in quotas.replays:
        for source, count in zip(names, replay.quotas, strict=True):
            if count:
                part = total / fresh * decimal_fraction(replay.share) * Fraction(count, sum(replay.quotas))
                asked[source] = asked.get(source, Fraction(0)) + part
    shown = [source for source in names if source in asked]
    # weights can ask for a part of a token; what is shown is whole and sums to the total
    whole = largest_remainder([asked[source] for source in shown], int(sum(asked.values(), Fraction(0))))
    replayed = [sum(replay.quotas[number] for replay in quotas.replays) for number in range(len(names))]
    parts = {}
    for source, tokens in zip(shown, whole, strict=True):
        number = numbers[source]
        count, stock = quotas.own[number] + replayed[number], stocks[number]
        epochs = None if stock is None else count / stock.training_windows if count else 0.0
        parts[source] = {"tokens_asked": tokens, "tokens": count * recipe.sequence_length, "num_samples": count, "epochs": epochs}
    found: dict[str, Any] = {
        "name": name, "first_sample": first, "num_samples": quotas.num_samples, "tokens": quotas.num_samples * recipe.sequence_length,
        "sources": parts,
    }  # fmt: skip
    if quotas.replays:
        found["replay"] = [
            {"stage": replay.stage, "share": replay.share, "num_samples": sum(replay.quotas),
             "sources": {source: count for source, count in zip(names, replay.quotas, strict=True) if count}}
            for replay in quotas.replays
        ]  # fmt: skip
        found["replayed"] = {
            source: {"tokens": count * recipe.sequence_length, "num_samples": count}
            for source, count in zip(names, replayed, strict=True)
            if count
        }
    if quotas.curve is not None:
        weights = ({source: weight for source, weight in zip(names, side, strict=True) if weight} for side in quotas.curve[:2])
        found["anneal"] = dict(zip(("weights", "final_weights"), weights, strict=True)) | {"steps": quotas.curve.steps}
    return found


def _epochs_in_all(recipe: Recipe, entries: list[dict[str, Any]], stocks: list[Stock], stages: list[dict[str, Any]]) -> list[float]:
    """Epochs of each source over all stages, replays included, and over the mixtures that this one continues."""
    totals = [stock.drawn + sum(stage["sources"].get(name, {"num_samples": 0})["num_samples"] for stage in stages)
              for name, stock in zip(recipe.sources, stocks, strict=True)]  # fmt: skip
    return [total / entry["training_windows"] if total else 0.0 for total, entry in zip(totals, entries, strict=True)]


def check_stock(
    recipe: Recipe,
    entries: Sequence[dict[str, Any] | None],
    stocks: Sequence[Stock | None],
    quotas: list[StageQuotas],
    file: YamlFile | None,
) -> None:
    """Refuse what the windows cannot give: with disjoint stages in all, with repeated ones in each stage.

    Raises:
        ConfigError: names the source, the need, the stock and what to do. A source that is not known (None) is not looked at.
    """
    for number, (entry, stock) in enumerate(zip(entries, stocks, strict=True)):
        if entry is None or stock is None:
            continue
        needs = [(stage, counts.own[number], counts.is_short[number]) for stage, counts in zip(recipe.stages, quotas, strict=True)]
        if recipe.across_stages == "disjoint" and any(is_short for _, _, is_short in needs):
            short = " + ".join(stage.name for stage, count, _ in needs if count), sum(count for _, count, _ in needs)
        else:
            short = next(((stage.name, count) for stage, count, is_short in needs if is_short), ("", 0))
        if short[1] or (not entry["training_windows"] and any(count for _, count, _ in needs)):
            stages, need = short if short[1] else next((stage.name, count) for stage, count, _ in needs if count)
            where = place_of(file, ("sources", entry["name"]))
            raise ConfigError(f"{where}: {_shortage(entry, stock, stages, need, recipe.sequence_length)}")


def _shortage(entry: dict[str, Any], stock: Stock, stages: str, need: int, length: int) -> str:
    """Say what a source must give, what it has, and what to do."""
    name, windows = entry["name"], stock.training_windows
    if not windows:
        return (
            f"source {name!r} must give {need:,} samples to stage {stages} and has none to train on: {entry['num_tokens']:,} tokens make "
            f"{entry['windows']:,} windows of {length + 1:,} tokens, {entry['holdout_windows']:,} of them held out; "
            "give it more or longer shards, or lower sequence_length or holdout"
        )
    epochs = _up((need + stock.drawn) / windows)
    before = f" after {stock.drawn:,} that were consumed" if stock.drawn else ""
    return (
        f"source {name!r} must give {need:,} samples ({need * length:,} tokens) to stage {stages}{before}: {epochs} epochs of its "
        f"{windows:,} training windows ({windows * length:,} tokens), and max_epochs is {entry['max_epochs']:g}; raise max_epochs to "
        f"{epochs}, ask for at most {max(stock.allowed - stock.drawn, 0) * length:,} tokens, add shards, or say on_exhausted: "
        "repeat or renormalise"
    )


def _beyond(recipe: Recipe, entries: list[dict[str, Any]], stocks: list[Stock], quotas: list[StageQuotas]) -> list[str]:
    """One notice for each source that `on_exhausted: repeat` takes beyond its `max_epochs`."""
    notices = []
    for number, (entry, stock) in enumerate(zip(entries, stocks, strict=True)):
        needs = [counts.own[number] for counts in quotas]
        most = stock.drawn + sum(needs) if recipe.across_stages == "disjoint" else max(needs)
        if most > stock.allowed and any(needs):
            epochs = _up(most / stock.training_windows)
            notices.append(f"source {entry['name']!r} is repeated beyond its max_epochs of {entry['max_epochs']:g}: {epochs} epochs")
    return notices


def _up(epochs: float) -> str:
    """A number of epochs with two decimals, rounded up so that it suffices."""
    return f"{math.ceil(epochs * 100) / 100:g}"


def _fingerprint(recipe: Recipe, entries: list[dict[str, Any]], tokenizer: str | None, parent: Parent | None) -> str:
    """Name the mixture by its causes: every value of the recipe and the content of every shard, by no path.

    Whether the index is written out changes no row, so it does not count.
    """
    values = recipe.model_dump(mode="json", exclude={"sources", "tokenizer", "index"})
    sources = [
        [
            entry["name"], entry["fingerprint"], recipe.sources[entry["name"]].model_dump(mode="json", include={"max_epochs", "holdout"}),
            [[shard["fingerprint"], shard["bin_sha256"]] for shard in entry["shards"]],
        ]
        for entry in entries
    ]  # fmt: skip
    causes: dict[str, Any] = {"format": FORMAT, "recipe": values, "tokenizer": tokenizer, "sources": sources}
    if parent is not None:
        causes["continues"] = [parent.ledger["fingerprint"], parent.ledger["consumed"]]
    return fingerprint(causes)
