"""The values of a mixture file: paths beside the file, budgets, weights and epochs, exactly as they were written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from mathcode_data.core.config import UNITS, parse_quantity, resolve_path

MAX_EPOCHS = 1_000_000
MAX_STEPS = 1024


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
    if value is None:
        return value
    if isinstance(value, dict):
        return {str(name): positive_tokens(count, str(name)) for name, count in value.items()}
    return positive_tokens(value, "tokens")


def positive_tokens(value: Any, name: str) -> int:
    """A number of tokens, 0 or more.

    Raises:
        ValueError: it is none; `name` says whose.
    """
    count = parse_quantity(value, UNITS, "tokens")
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"{name}: {value!r} is no number of tokens; write a number, as in 400B, or a map of sources to numbers")
    return count


def _parse_weight(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no weight; write a finite number, 0 or more")
    return value


def _parse_epochs(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_EPOCHS:
        raise ValueError(f"{value!r} is no number of epochs; write a number of 0 to {MAX_EPOCHS:,}, as in 1.5")
    return value


def _parse_anneal(value: Any) -> Any:
    if value is None or value == "linear" or (isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= MAX_STEPS):
        return value
    raise ValueError(f"{value!r} is no way to change the weights; write `linear`, or a number of steps of 2 to {MAX_STEPS}")


def as_list(value: Any) -> Any:
    """One map where a list of them may stand."""
    return [value] if isinstance(value, dict) else value


FilePath = Annotated[Path, BeforeValidator(_path_from_file)]
FilePaths = Annotated[tuple[Path, ...], BeforeValidator(_paths_from_file)]
Weight = Annotated[int | float, BeforeValidator(_parse_weight)]
Epochs = Annotated[int | float, BeforeValidator(_parse_epochs)]
Tokens = Annotated[int | dict[str, int] | None, BeforeValidator(_parse_tokens)]
Anneal = Annotated[Literal["linear"] | int | None, BeforeValidator(_parse_anneal)]
Packing = Literal["concat", "best_fit"]
OnExhausted = Literal["error", "repeat", "renormalise"]
Text = Annotated[str, Field(min_length=1, max_length=200)]
