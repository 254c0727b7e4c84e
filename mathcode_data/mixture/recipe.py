"""Read a mixture file, and make every check that needs no shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mathcode_data.core.config import nearest, parse_config
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.overrides import override_value
from mathcode_data.core.secrets import refuse_secrets
from mathcode_data.core.yaml_file import Location, YamlFile, load_yaml
from mathcode_data.mixture.recipe_values import positive_tokens
from mathcode_data.mixture.schema import Recipe, ReplayRecipe, SourceRecipe, StageRecipe

__all__ = ["Recipe", "ReplayRecipe", "SourceRecipe", "StageRecipe", "check_recipe", "check_replayed_stages", "load_recipe", "place_of"]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> tuple[Recipe, YamlFile]:
    """Read and check a mixture file; `overrides` are `a.b=c` of the command line.

    Raises:
        ConfigError: names file, line and column, what stands there, what is legal and the nearest legal word.
    """
    file = load_yaml(path)
    for override in overrides:
        override_value(file, override)
    refuse_secrets(file.data, file.path)
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
                positive_tokens(count, name)
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
        _check_budget(recipe, stage, here, file)
        _check_names(recipe, stage, here, file)
        _check_replay(recipe, stage, here, file)
        if recipe.blend == "megatron":
            _check_megatron(stage, here, file)
    if recipe.blend == "megatron" and recipe.index == "virtual":
        raise ConfigError(
            f"{place_of(file, ('index',))}: `index: virtual` computes positions, and Megatron's greedy order has no closed form: each row "
            "hangs on all before it; write `index: written`, or `blend: lattice`"
        )


def _check_budget(recipe: Recipe, stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    where, name = place_of(file, (*here, "tokens")), f"stage {stage.name!r}"
    if stage.tokens is None and not stage.epochs:
        raise ConfigError(f"{where}: {name} has no budget; give `tokens: {{source: 4B}}`, `tokens: 4B` with `weights`, or `epochs`")
    if not isinstance(stage.tokens, int):
        for key in ("weights", "final_weights", "anneal"):
            if getattr(stage, key) is not None:
                what = "tokens per source" if stage.tokens is not None else "epochs"
                raise ConfigError(
                    f"{place_of(file, (*here, key))}: {name} gives {what} and {key}; leave the {key} out, or give one total under `tokens`"
                )
    else:
        _check_weights(stage, here, file)
    for source in (stage.epochs or {}).keys() & stage.token_map.keys():
        raise ConfigError(f"{place_of(file, (*here, 'epochs', source))}: {name} gives {source!r} tokens and epochs; leave one of them out")
    if stage.epochs and isinstance(stage.tokens, int):
        raise ConfigError(
            f"{place_of(file, (*here, 'epochs'))}: {name} gives one total of tokens and epochs; write the tokens of the other sources as "
            "tokens: {source: count}"
        )
    if stage.epochs and stage.replay:
        raise ConfigError(
            f"{place_of(file, (*here, 'epochs'))}: {name} gives epochs and a replay, which takes its share out of the budgets, so that "
            "the epochs would not be those; give the budgets in tokens"
        )
    total = sum(stage.token_map.values()) if stage.token_map else stage.tokens
    if isinstance(total, int) and total < recipe.sequence_length and not any((stage.epochs or {}).values()):
        raise ConfigError(
            f"{where}: {name} asks for {total:,} tokens, less than one sample of {recipe.sequence_length:,}; ask for more or lower "
            "sequence_length"
        )
    if not total and not any((stage.epochs or {}).values()):
        raise ConfigError(f"{where}: {name} asks for 0 tokens, less than one sample of {recipe.sequence_length:,}; ask for more")


def _check_weights(stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    name = f"stage {stage.name!r}"
    if stage.weights is None:
        raise ConfigError(
            f"{place_of(file, (*here, 'tokens'))}: {name} gives a total of tokens and no `weights`; add them, "
            "or write tokens: {source: count}"
        )
    for key in ("weights", "final_weights"):
        weights = getattr(stage, key)
        if weights is not None and not any(weights.values()):
            raise ConfigError(f"{place_of(file, (*here, key))}: the {key} of {name} sum to 0; give one source more than 0")
    if stage.anneal is not None and stage.final_weights is None:
        raise ConfigError(
            f"{place_of(file, (*here, 'anneal'))}: {name} says how the weights change and not what to; add `final_weights`, or leave "
            "`anneal` out"
        )


def _check_names(recipe: Recipe, stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    for key in ("tokens", "epochs", "weights", "final_weights"):
        value = getattr(stage, key)
        for name in value if isinstance(value, dict) else ():
            if name not in recipe.sources:
                raise ConfigError(
                    f"{place_of(file, (*here, key, name))}: stage {stage.name!r} draws from {name!r}, which is not under "
                    f"`sources`{nearest(name, recipe.sources)}"
                )


def _check_replay(recipe: Recipe, stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    names = [other.name for other in recipe.stages]
    earlier = names[: names.index(stage.name)]
    seen: set[str] = set()
    for number, replay in enumerate(stage.replay):
        where = place_of(file, (*here, "replay", number, "stage"))
        if file is not None and (*here, "replay", number) not in file.marks:
            where = place_of(file, (*here, "replay", "stage"))  # one map instead of a list
        if replay.stage in seen:
            raise ConfigError(f"{where}: stage {stage.name!r} replays {replay.stage!r} twice; give one share")
        seen.add(replay.stage)
        if replay.stage in names and replay.stage not in earlier:
            raise ConfigError(
                f"{where}: stage {stage.name!r} replays {replay.stage!r}, which does not stand before it; replay an earlier stage"
            )
    if sum(replay.share for replay in stage.replay) >= 1:
        where = place_of(file, (*here, "replay"))
        raise ConfigError(f"{where}: the replays of stage {stage.name!r} take all of it; leave the sources a share")


def _check_megatron(stage: StageRecipe, here: Location, file: YamlFile | None) -> None:
    """Megatron's blend knows constant weights and one stream of samples per source, and its index files are its own counts."""
    for key, has in (("final_weights", stage.final_weights is not None), ("replay", bool(stage.replay))):
        if has:
            raise ConfigError(
                f"{place_of(file, (*here, key))}: stage {stage.name!r} has {key} and the file `blend: megatron`, whose order has constant "
                "weights and counts each source once; write `blend: lattice`, or one stage after the other"
            )


def check_replayed_stages(recipe: Recipe, file: YamlFile | None, seen_before: Sequence[str], parent: str | None) -> None:
    """Every stage that is replayed is one of the file, or of the mixture that it continues.

    Raises:
        ConfigError: names the place and the nearest stage.
    """
    names = [stage.name for stage in recipe.stages]
    for number, stage in enumerate(recipe.stages):
        for position, replay in enumerate(stage.replay):
            if replay.stage not in (*names, *seen_before):
                where = place_of(file, ("stages", number, "replay", position, "stage"))
                more = f" nor of {parent}, as far as that was consumed" if parent else "; one of another mixture needs --continue-from"
                raise ConfigError(
                    f"{where}: stage {stage.name!r} replays {replay.stage!r}, which is no stage of this file{more}"
                    f"{nearest(replay.stage, {*names[:number], *seen_before})}"
                )


def place_of(file: YamlFile | None, location: Location) -> str:
    """Name a place in the mixture file, or the key alone for a recipe that came from no file."""
    return file.place(location) if file is not None else ".".join(str(step) for step in location)
