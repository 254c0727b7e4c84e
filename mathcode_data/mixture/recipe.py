"""The mixture file: what its keys mean, and every check that needs no shard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from mathcode_data.core.config import UNITS, Share, StageConfig, nearest, parse_config, parse_quantity, resolve_path
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.overrides import override_value
from mathcode_data.core.yaml_file import Location, YamlFile, load_yaml
from mathcode_data.mixture.draws import decimal_fraction
from mathcode_data.mixture.quotas import split_by_weight, stage_quotas

MAX_SOURCES = 2**15 - 1
"""`dataset_index` is int16, as Megatron's is."""
MAX_SEQUENCE_LENGTH = 2**31 - 2
PACKINGS_TO_COME = ("best_fit",)


def _path_from_file(value: Any, info: ValidationInfo) -> Any:
    if value is None or isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"{value!r} is no path; write a path, relative to this file or absolute")
    return resolve_path(value, info)


def _paths_from_file(value: Any, info: ValidationInfo) -> Any:
    if value is None:
        return value
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items or any(item is None for item in items):
        raise ValueError(f"{value!r} names no shards; write a path, or a list of paths")
    return tuple(_path_from_file(item, info) for item in items)


def _parse_tokens(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _positive_tokens(count, str(name)) for name, count in value.items()}
    return _positive_tokens(value, "tokens")


def _positive_tokens(value: Any, name: str) -> int:
    count = parse_quantity(value, UNITS, "tokens")
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"{name}: {value!r} is no number of tokens; write a number, as in 400B, or a map of sources to numbers")
    return count


def _parse_weight(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no weight; write a finite number, 0 or more")
    return value


def _parse_packing(value: Any) -> Any:
    if value in PACKINGS_TO_COME:
        raise ValueError(f"{value!r} is not there yet; write `packing: concat`, or leave the key out")
    return value


FilePath = Annotated[Path, BeforeValidator(_path_from_file)]
FilePaths = Annotated[tuple[Path, ...], BeforeValidator(_paths_from_file)]
Weight = Annotated[int | float, BeforeValidator(_parse_weight)]
Tokens = Annotated[int | dict[str, int], BeforeValidator(_parse_tokens)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class SourceRecipe(StageConfig):
    """Where a source's shards come from, and how much of it may be used."""

    shards: FilePaths | None = None
    """Token shards: a prefix, a .bin or .idx file, a folder, or a list of those, taken in its order."""
    pipeline: FilePath | None = None
    """A pipeline file whose result the shards are; it is brought up to date first."""
    stage: Text | None = None
    """The stage of `pipeline` whose result is meant; the last one if absent."""
    max_epochs: float = Field(default=1, gt=0, le=1_000_000)
    """How often the training windows may be seen, 1.5 for one and a half times; asking for more is an error."""
    holdout: Share = 0.0
    """Share of the windows that no stage trains on."""

    @model_validator(mode="after")
    def _names_one_origin(self) -> SourceRecipe:
        if (self.shards is None) == (self.pipeline is None):
            raise ValueError("name one origin: `shards: PATH` or `pipeline: FILE.yaml`")
        if self.stage is not None and self.pipeline is None:
            raise ValueError("`stage` names a stage of a `pipeline`; leave it out with `shards`")
        return self


class StageRecipe(StageConfig):
    """One mixed schedule: tokens of each source, or a total and weights."""

    name: Text
    """Name of the stage; unique in the file."""
    tokens: Tokens
    """Budget: a map of source to tokens, or one total that `weights` divides."""
    weights: dict[str, Weight] | None = None
    """Parts of the total by source; any scale, only the proportions count."""

    def asked(self) -> dict[str, Fraction]:
        """Tokens asked of each source of the stage, exactly."""
        if isinstance(self.tokens, dict):
            return {name: Fraction(count) for name, count in self.tokens.items()}
        assert self.weights is not None, "check_recipe refuses a total without weights"
        return split_by_weight(self.tokens, {name: decimal_fraction(weight) for name, weight in self.weights.items()})


class Recipe(StageConfig):
    """A mixture file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")
    """Name of the mixture, and of its folder where no other is given."""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    """Seed of every permutation."""
    sequence_length: int = Field(ge=1, le=MAX_SEQUENCE_LENGTH)
    """Tokens of a sample that are predicted; a window has one more."""
    tokenizer: FilePath | None = None
    """Tokenizer file that the shards must have been made with, by hash."""
    sources: dict[str, SourceRecipe] = Field(min_length=1, max_length=MAX_SOURCES)
    """Sources by name; their order numbers them."""
    stages: tuple[StageRecipe, ...] = Field(min_length=1)
    """Stages in order; several are a staged schedule in one plan."""
    packing: Annotated[Literal["concat"], BeforeValidator(_parse_packing)] = "concat"
    """How documents fill samples: one after the other, cut where a sample ends."""
    across_stages: Literal["disjoint", "repeat"] = "disjoint"
    """Whether a stage goes on where the one before stopped drawing, or draws anew."""
    blend: Literal["lattice", "megatron"] = "lattice"
    """Order of the samples: exact closed form, or Megatron's greedy order bit for bit."""
    allow_overlap: bool = False
    """Let two sources share a shard."""

    def quotas(self, stage: StageRecipe) -> list[int]:
        """Samples of every source of the file, in its order, in one stage."""
        asked = stage.asked()
        return stage_quotas([asked.get(name, Fraction(0)) for name in self.sources], self.sequence_length)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> tuple[Recipe, YamlFile]:
    """Read and check a mixture file; `overrides` are `a.b=c` of the command line.

    Raises:
        ConfigError: names file, line and column, what stands there, what is legal and the nearest legal word.
    """
    file = load_yaml(path)
    for override in overrides:
        override_value(file, override)
    _check_token_maps(file)
    recipe = parse_config(Recipe, file)
    check_recipe(recipe, file)
    return recipe, file


def _check_token_maps(file: YamlFile) -> None:
    """Name the very entry of `tokens: {source: count}` that is wrong; pydantic would only name the map."""
    stages = file.data.get("stages") if isinstance(file.data, dict) else None
    for number, stage in enumerate(stages if isinstance(stages, list) else []):
        tokens = stage.get("tokens") if isinstance(stage, dict) else None
        for name, count in (tokens if isinstance(tokens, dict) else {}).items():
            try:
                _positive_tokens(count, name)
            except ValueError as error:
                raise ConfigError(f"{file.place(('stages', number, 'tokens', name))}: {error}") from error


def check_recipe(recipe: Recipe, file: YamlFile | None = None) -> None:
    """Check what one key alone cannot show.

    Raises:
        ConfigError: names the place in `file`, where the recipe came from one.
    """
    seen: dict[str, int] = {}
    for number, stage in enumerate(recipe.stages):
        here: Location = ("stages", number)
        if stage.name in seen:
            raise ConfigError(
                f"{place_of(file, (*here, 'name'))}: two stages are called {stage.name!r} (number {seen[stage.name] + 1} and "
                f"{number + 1}); give each its own name"
            )
        seen[stage.name] = number
        _check_budget(stage, here, file)
        _check_names(recipe, stage, here, file)
        if not sum(recipe.quotas(stage)):
            total = sum(stage.asked().values(), Fraction(0))
            raise ConfigError(
                f"{place_of(file, (*here, 'tokens'))}: stage {stage.name!r} asks for {float(total):,.0f} tokens, less "
                f"than one sample of {recipe.sequence_length:,}; ask for more or lower sequence_length"
            )


def _check_budget(stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    if isinstance(stage.tokens, dict):
        if stage.weights is not None:
            raise ConfigError(
                f"{place_of(file, (*here, 'weights'))}: stage {stage.name!r} gives tokens per source and weights; leave the "
                "weights out, or give one total under `tokens`"
            )
        return
    if stage.weights is None:
        raise ConfigError(
            f"{place_of(file, (*here, 'tokens'))}: stage {stage.name!r} gives a total of tokens and no `weights`; add them, "
            "or write tokens: {source: count}"
        )
    if not any(stage.weights.values()):
        where = place_of(file, (*here, "weights"))
        raise ConfigError(f"{where}: the weights of stage {stage.name!r} sum to 0; give one source more than 0")


def _check_names(recipe: Recipe, stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    key = "tokens" if isinstance(stage.tokens, dict) else "weights"
    for name in stage.tokens if isinstance(stage.tokens, dict) else stage.weights or {}:
        if name not in recipe.sources:
            raise ConfigError(
                f"{place_of(file, (*here, key, name))}: stage {stage.name!r} draws from {name!r}, which is not under "
                f"`sources`{nearest(name, recipe.sources)}"
            )


def place_of(file: YamlFile | None, location: Location) -> str:
    """Name a place in the mixture file, or the key alone for a recipe that came from no file."""
    return file.place(location) if file is not None else ".".join(str(step) for step in location)
