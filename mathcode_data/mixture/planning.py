"""From recipe and shards to the plan: exact quotas, epochs, and every refusal, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.draws import decimal_fraction
from mathcode_data.mixture.quotas import ROUNDING, largest_remainder
from mathcode_data.mixture.recipe import Recipe, StageRecipe, check_recipe, place_of
from mathcode_data.mixture.sources import SourceInput
from mathcode_data.mixture.survey import survey

FORMAT = 1
"""Raised when the same recipe and shards would give other index files."""


def plan_mixture(recipe: Recipe, sources: Sequence[SourceInput], *, file: YamlFile | None = None, read_all: bool = False) -> dict[str, Any]:
    """Plan a mixture; nothing is written.

    Args:
        recipe: from `load_recipe`.
        sources: one for each source of the recipe, in any order.
        file: the recipe's file, for the places in errors.
        read_all: hash every byte of foreign shards, whatever their size, so that `verify --full` can find any change.

    Returns:
        The object of `mixture.json` without the files' hashes; paths of shards are absolute.

    Raises:
        ConfigError: the recipe asks for what the shards cannot give; names the place, the need, the stock and what to do.
        DataError: a shard is damaged.
    """
    check_recipe(recipe, file)
    entries, tokenizer, notices = survey(recipe, sources, file=file, read_all=read_all)
    quotas = [recipe.quotas(stage) for stage in recipe.stages]
    _check_stock(recipe, entries, quotas, file)
    stages = []
    first = 0
    for stage, counts in zip(recipe.stages, quotas, strict=True):
        described = _describe_stage(recipe, stage, counts, entries, first)
        notices += [f"stage {stage.name!r} asks for {part['tokens_asked']:,} tokens of {name!r}, less than one sample: it gets none"
                    for name, part in described["sources"].items() if part["tokens_asked"] and not part["num_samples"]]  # fmt: skip
        stages.append(described)
        first += described["num_samples"]
    return {
        "format": FORMAT, "kind": "mixture", "name": recipe.name, "fingerprint": _fingerprint(recipe, entries, tokenizer),
        "seed": recipe.seed, "sequence_length": recipe.sequence_length, "tokenizer": {"sha256": tokenizer} if tokenizer else None,
        "blend": recipe.blend, "packing": recipe.packing, "across_stages": recipe.across_stages, "allow_overlap": recipe.allow_overlap,
        "rounding": ROUNDING, "num_samples": first, "num_tokens": first * recipe.sequence_length,
        "sources": entries, "stages": stages, "notices": notices,
    }  # fmt: skip


def _describe_stage(recipe: Recipe, stage: StageRecipe, quotas: list[int], entries: list[dict[str, Any]], first: int) -> dict[str, Any]:
    asked = stage.asked()
    names = [name for name in recipe.sources if name in asked]
    # weights can ask for a part of a token; what is shown is whole and sums to the total
    whole = largest_remainder([asked[name] for name in names], int(sum(asked.values(), Fraction(0))))
    numbers = {name: number for number, name in enumerate(recipe.sources)}
    parts = {}
    for name, tokens in zip(names, whole, strict=True):
        count, stock = quotas[numbers[name]], entries[numbers[name]]["training_windows"]
        epochs = count / stock if count else 0.0
        parts[name] = {"tokens_asked": tokens, "tokens": count * recipe.sequence_length, "num_samples": count, "epochs": epochs}
    total = sum(quotas)
    return {"name": stage.name, "first_sample": first, "num_samples": total, "tokens": total * recipe.sequence_length, "sources": parts}


def _check_stock(recipe: Recipe, entries: list[dict[str, Any]], quotas: list[list[int]], file: YamlFile | None) -> None:
    """Refuse what the windows cannot give: with disjoint stages in all, with repeated ones in each stage."""
    for number, entry in enumerate(entries):
        name = entry["name"]
        needs = [(stage.name, counts[number]) for stage, counts in zip(recipe.stages, quotas, strict=True)]
        if recipe.across_stages == "disjoint":
            needs = [(" + ".join(stage for stage, count in needs if count), sum(count for _, count in needs))]
        stock = entry["training_windows"]
        allowed = math.floor(decimal_fraction(entry["max_epochs"]) * stock)
        for stages, need in needs:
            if need > allowed:
                where = place_of(file, ("sources", name))
                raise ConfigError(f"{where}: {_shortage(entry, stages, need, allowed, recipe.sequence_length)}")


def _shortage(entry: dict[str, Any], stages: str, need: int, allowed: int, length: int) -> str:
    """Say what a source must give, what it has, and what to do."""
    name, stock = entry["name"], entry["training_windows"]
    if not stock:
        return (
            f"source {name!r} must give {need:,} samples to stage {stages} and has none to train on: {entry['num_tokens']:,} tokens make "
            f"{entry['windows']:,} windows of {length + 1:,} tokens, {entry['holdout_windows']:,} of them held out; "
            "give it more or longer shards, or lower sequence_length or holdout"
        )
    epochs = _up(need / stock)
    return (
        f"source {name!r} must give {need:,} samples ({need * length:,} tokens) to stage {stages}: {epochs} epochs of its {stock:,} "
        f"training windows ({stock * length:,} tokens), and max_epochs is {entry['max_epochs']:g}; raise max_epochs to {epochs}, "
        f"ask for at most {allowed * length:,} tokens, or add shards"
    )


def _up(epochs: float) -> str:
    """A number of epochs with two decimals, rounded up so that it suffices."""
    return f"{math.ceil(epochs * 100) / 100:g}"


def _fingerprint(recipe: Recipe, entries: list[dict[str, Any]], tokenizer: str | None) -> str:
    """Name the mixture by its causes: every value of the recipe and the content of every shard, by no path."""
    values = recipe.model_dump(mode="json", exclude={"sources", "tokenizer"})
    sources = [
        [
            entry["name"], entry["fingerprint"], recipe.sources[entry["name"]].model_dump(mode="json", include={"max_epochs", "holdout"}),
            [[shard["fingerprint"], shard["bin_sha256"]] for shard in entry["shards"]],
        ]
        for entry in entries
    ]  # fmt: skip
    return fingerprint({"format": FORMAT, "recipe": values, "tokenizer": tokenizer, "sources": sources})
