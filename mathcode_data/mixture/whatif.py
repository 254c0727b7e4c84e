"""What a mixture would be, before anything is built: with the shards that are there, with assumed ones, or with none.

A source whose shards are not there has no known stock: its budget in tokens is whole samples all the same, its epochs are not
known. Where a size is assumed for it, epochs and refusals are those of shards of that size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathcode_data.core.config import UNITS, nearest, parse_quantity
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import YamlFile
from mathcode_data.mixture.budgets import resolve_budgets, stock_of
from mathcode_data.mixture.continuing import Parent, check_continues
from mathcode_data.mixture.draws import holdout_windows
from mathcode_data.mixture.index_files import DTYPES
from mathcode_data.mixture.planning import check_stock, describe_stage, rounding
from mathcode_data.mixture.recipe import Recipe, check_replayed_stages
from mathcode_data.mixture.sources import SourceInput
from mathcode_data.mixture.survey import survey
from mathcode_data.mixture.windows import count_windows

MANY_EPOCHS = 4
"""Up to four epochs of the same tokens are nearly as good as new ones, more soon are not (Muennighoff et al. 2023)."""
DAY_S = 86_400


@dataclass(frozen=True)
class Speed:
    """How the mixture would be trained on; None where nobody says."""

    batch_samples: int | None = None
    tokens_per_second: float | None = None
    """Of one GPU."""
    gpus: int | None = None


def parse_assumed(recipe: Recipe, texts: Sequence[str]) -> dict[str, int]:
    """Sizes of sources as the command line gives them: `math=89B`.

    Raises:
        ConfigError: no such source, or no number of tokens.
    """
    found = {}
    for text in texts:
        name, _, size = text.partition("=")
        if name not in recipe.sources:
            raise ConfigError(f"--assume {text}: {name!r} is not under `sources`{nearest(name, recipe.sources)}")
        try:
            tokens = parse_quantity(size, UNITS, "tokens")
        except ValueError as error:
            raise ConfigError(f"--assume {text}: {error}") from error
        found[name] = int(tokens)
    return found


def preview(
    recipe: Recipe,
    sources: Sequence[SourceInput],
    missing: Mapping[str, str],
    assumed: Mapping[str, int],
    *,
    file: YamlFile | None = None,
    parent: Parent | None = None,
) -> dict[str, Any]:
    """Budgets of a mixture some of whose sources may not be there.

    Args:
        recipe: checked.
        sources: those that are there.
        missing: why each of the others is not.
        assumed: tokens that some sources are taken to have.
        file: the recipe's file, for the places in errors.
        parent: the mixture that this one continues.

    Returns:
        `name`, `sequence_length`, `rounding`, `num_samples`, `num_tokens`, `stages`, `notices` as in `mixture.json`, and
        `sources`: `name`, `num_tokens`, `training_windows`, `max_epochs`, `is_assumed`, `bytes`, None where not known.

    Raises:
        ConfigError: the known shards cannot give what is asked.
        DataError: a shard is damaged.
    """
    there = [source for source in sources if source.name not in assumed]
    names = {source.name for source in there}
    part = recipe.model_copy(update={"sources": {name: source for name, source in recipe.sources.items() if name in names}})
    entries, _, notices = survey(part, there, file=file, read_all=False) if there else ([], None, [])
    by_name = {entry["name"]: entry for entry in entries} | {name: _assumed(recipe, name, tokens) for name, tokens in assumed.items()}
    seen = parent.seen(list(recipe.sources)) if parent else {}
    if parent is not None:
        notices += check_continues(recipe, entries, parent, file)
    check_replayed_stages(recipe, file, list(seen), parent.info["name"] if parent else None)
    stocks = [
        stock_of(entry["training_windows"], entry["max_epochs"], parent.draws(name) if parent else 0)
        if (entry := by_name.get(name))
        else None
        for name in recipe.sources
    ]
    quotas = resolve_budgets(recipe, stocks, seen, file)
    check_stock(recipe, [by_name.get(name) for name in recipe.sources], stocks, quotas, file)
    stages: list[dict[str, Any]] = []
    for stage, counts in zip(recipe.stages, quotas, strict=True):
        stages.append(describe_stage(recipe, stage.name, counts, stocks, sum(before["num_samples"] for before in stages)))
        notices += counts.notices
    num_samples = sum(stage["num_samples"] for stage in stages)
    described = [_describe(name, by_name.get(name), name in assumed, missing.get(name)) for name in recipe.sources]
    return {
        "name": recipe.name, "sequence_length": recipe.sequence_length, "index": recipe.index, "rounding": rounding(recipe),
        "num_samples": num_samples, "num_tokens": num_samples * recipe.sequence_length, "sources": described, "stages": stages,
        "notices": notices,
    }  # fmt: skip


def _assumed(recipe: Recipe, name: str, num_tokens: int) -> dict[str, Any]:
    asked = recipe.sources[name]
    windows = count_windows(num_tokens, recipe.sequence_length)
    held_out = holdout_windows(asked.holdout, windows)
    return {"name": name, "num_tokens": num_tokens, "windows": windows, "holdout_windows": held_out,
            "training_windows": windows - held_out, "max_epochs": asked.max_epochs, "shards": []}  # fmt: skip


def _describe(name: str, entry: dict[str, Any] | None, is_assumed: bool, reason: str | None) -> dict[str, Any]:
    if entry is None:
        return {"name": name, "num_tokens": None, "training_windows": None, "max_epochs": None, "is_assumed": False, "bytes": None,
                "reason": reason}  # fmt: skip
    shard_bytes = None if is_assumed else sum(shard["bin_bytes"] + shard["idx_bytes"] for shard in entry["shards"])
    return {key: entry[key] for key in ("name", "num_tokens", "training_windows", "max_epochs")} | {
        "is_assumed": is_assumed, "bytes": shard_bytes, "reason": None,
    }  # fmt: skip


def estimate(info: dict[str, Any], speed: Speed) -> dict[str, Any]:
    """What the mixture of `preview` costs, and what speaks against it.

    Returns:
        `sources` (a list of `name`, `tokens`, `unique_tokens`, `epochs` with what is replayed, `epochs_anew` without, which `max_epochs`
        bounds), `steps`, `index_bytes`, `shard_bytes`, `gpu_days`, `days`,
        `warnings`; None where not known or not asked.
    """
    length = info["sequence_length"]
    sources = []
    for source in info["sources"]:
        samples = sum(stage["sources"].get(source["name"], {"num_samples": 0})["num_samples"] for stage in info["stages"])
        replayed = sum(stage.get("replayed", {}).get(source["name"], {"num_samples": 0})["num_samples"] for stage in info["stages"])
        windows = source["training_windows"]
        unique = None if windows is None else min(samples - replayed, windows) * length
        epochs = None if windows is None else samples / windows if samples else 0.0
        sources.append(
            {
                "name": source["name"],
                "tokens": samples * length,
                "unique_tokens": unique,
                "epochs": epochs,
                "epochs_anew": None if windows is None else (samples - replayed) / windows if windows else 0.0,
            }
        )
    known = [source["bytes"] for source in info["sources"]]
    gpu_days = info["num_tokens"] / speed.tokens_per_second / DAY_S if speed.tokens_per_second else None
    row_bytes = sum(dtype.itemsize for dtype in DTYPES.values())
    return {
        "sources": sources,
        "steps": math.ceil(info["num_samples"] / speed.batch_samples) if speed.batch_samples else None,
        "index_bytes": 0 if info["index"] == "virtual" else info["num_samples"] * row_bytes,
        "shard_bytes": sum(known) if all(size is not None for size in known) else None,
        "gpu_days": gpu_days, "days": gpu_days / speed.gpus if gpu_days is not None and speed.gpus else None,
        "warnings": _warnings(info, sources, speed),
    }  # fmt: skip


def _warnings(info: dict[str, Any], sources: list[dict[str, Any]], speed: Speed) -> list[str]:
    found = [f"source {source['name']!r} is not known: {source['reason']}" for source in info["sources"] if source.get("reason")]
    found += [
        f"source {source['name']!r} is seen {source['epochs']:.1f} times; beyond {MANY_EPOCHS} epochs repeated tokens are worth little"
        for source in sources
        if source["epochs"] is not None and source["epochs"] > MANY_EPOCHS
    ]
    for stage in info["stages"]:
        batch = speed.batch_samples or 0
        if stage["num_samples"] < batch:
            found.append(f"stage {stage['name']!r} has {_samples(stage['num_samples'])}, less than one batch of {batch:,}")
            continue
        found += [
            f"stage {stage['name']!r}: source {name!r} has {_samples(part['num_samples'])}, less than one batch of {batch:,}"
            for name, part in stage["sources"].items()
            if part["num_samples"] < batch and part["tokens_asked"]
        ]
    return found


def _samples(number: int) -> str:
    return f"{number:,} sample{'' if number == 1 else 's'}"
