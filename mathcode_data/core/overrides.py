"""`--set a.b=c`: change one value of a YAML file from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.yaml_file import YamlFile, parse_yaml

BESIDE_THE_STAGE = ("id", "from")
"""Keys of an item of a pipeline that are not its stage."""


def override_value(file: YamlFile, text: str) -> None:
    """Apply `way.of.keys=value` to the data of a file; the value is read as YAML.

    Items of a list are named by their position, their `id`, their `name`, or the stage in them (whose name may hold dots):
    `stages.dedup.minhash.num_bands=20`, `stages.mixed.tokens.code=4M`.

    Raises:
        ConfigError: no such key (with the nearest one), or no value.
    """
    way, equals, value = text.partition("=")
    if not equals or not way:
        raise ConfigError(f"--set {text}: write --set key=value, as in --set seed=3 or --set stages.dedup.minhash.num_bands=20")
    parsed = parse_yaml(value.encode(), Path(f"--set {way}")).data
    here: Any = file.data
    steps = way.split(".")
    while len(steps) > 1 or isinstance(here, list):
        here, steps = _into_list(here, steps, text) if isinstance(here, list) else _into_map(here, steps, text)
    if not isinstance(here, dict):
        raise ConfigError(f"--set {text}: the way ends inside {here!r}, which has no keys")
    here[steps[0]] = parsed


def _into_map(here: Any, steps: list[str], text: str) -> tuple[Any, list[str]]:
    if not isinstance(here, dict) or steps[0] not in here:
        raise ConfigError(f"--set {text}: no key {steps[0]!r}{nearest(steps[0], here if isinstance(here, dict) else [])}")
    return here[steps[0]], steps[1:]


def _into_list(here: list[Any], steps: list[str], text: str) -> tuple[Any, list[str]]:
    known: list[str] = []
    for length in range(len(steps) - 1, 0, -1):
        wanted = ".".join(steps[:length])
        for position, item in enumerate(here):
            if not isinstance(item, dict):
                continue
            stage = _stage_of(item)
            names = [str(position), item.get("id"), item.get("name"), stage]
            known += [str(name) for name in names[1:] if name]
            if wanted in names:
                if stage is None:
                    return item, steps[length:]
                item[stage] = item[stage] or {}
                return item[stage], steps[length:]
    wanted = ".".join(steps[:-1]) or steps[0]
    raise ConfigError(f"--set {text}: no item {wanted!r} in that list{nearest(wanted, dict.fromkeys(known))}")


def _stage_of(item: dict[str, Any]) -> str | None:
    """The one key of a pipeline's item that names its stage; an item of another list (it has a `name`) has none."""
    keys = [key for key in item if key not in BESIDE_THE_STAGE]
    return keys[0] if len(keys) == 1 and "name" not in item else None
