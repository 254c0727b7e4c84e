"""Configuration: frozen pydantic models whose errors name file, line, column and the nearest legal key.

Two kinds of values reach outside the file. An `InputPaths` field names files; they count by their content. A `ResultRef`
field names a result of another stage or pipeline; it counts by that result's fingerprint. Relative paths are relative to
the YAML file they stand in.
"""

from __future__ import annotations

import difflib
import glob
import math
import os
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic.fields import FieldInfo

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.object_store import bring, is_store_url, mirror_of
from mathcode_data.core.secrets import without_secrets
from mathcode_data.core.yaml_file import Location, YamlFile

Model = TypeVar("Model", bound=BaseModel)

BINARY_UNITS = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12} | BINARY_UNITS
BYTE_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12} | {
    f"{unit}b": size for unit, size in BINARY_UNITS.items()
}
LENGTH_UNITS = {"": 1} | BINARY_UNITS
UNITS_IN_WORDS = {"bytes": "KB, MB, GB, TB or KiB, MiB, GiB, TiB, as in 64MB"}
QUANTITY = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE]\+?[0-9]{1,2})?)\s*([A-Za-z]*)")
MAX_WORDS_LISTED = 40
NUM_NEAREST = 8
WHOLE_NUMBER = "an integer, as in 4096, 4_096, 4Ki (= 4,096) or 4k (= 4,000)"


class StageConfig(BaseModel):
    """Base of every configuration: frozen, unknown keys refused, the text under a field becomes its description.

    A field that is a plain integer may be written with a unit: 4Ki is 4,096 and 4k is 4,000.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _read_counts(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        texts = {name: value for name, value in data.items() if isinstance(value, str) and _is_count(cls.model_fields.get(name))}
        return data | {name: _count(value) for name, value in texts.items()} if texts else data


def _is_count(field: FieldInfo | None) -> bool:
    """Whether a field is an integer that is read by no rule of its own."""
    return field is not None and field.annotation in (int, int | None) and not any(isinstance(m, BeforeValidator) for m in field.metadata)


def _count(text: str) -> int | str:
    try:
        count: int = parse_quantity(text, UNITS, "things")
    except ValueError:
        return text  # pydantic names the place
    return count


def parse_quantity(value: Any, units: Mapping[str, int], kind: str) -> Any:
    """Read "400B", "1.5M", "4Ki", 4e9 or 4000 as an exact integer; anything else is returned for pydantic to refuse.

    >>> parse_quantity("1.5M", UNITS, "tokens"), parse_quantity(550e9, UNITS, "tokens"), parse_quantity("4_096", UNITS, "tokens")
    (1500000, 550000000000, 4096)
    """
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number of {kind}")
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            raise ValueError(f"{value} is no whole number of {kind}")
        return int(value)
    if not isinstance(value, str):
        return value
    match = QUANTITY.fullmatch(value.strip())
    if match is None or match[2].lower() not in units:
        legal = UNITS_IN_WORDS.get(kind, "k, M, B (or G), T or Ki, Mi, Gi, Ti, as in 400B")
        raise ValueError(f"{value!r} is no number of {kind}; write a number, with or without a unit of {legal}")
    exact = Fraction(match[1].replace("_", "")) * units[match[2].lower()]
    if exact.denominator != 1:
        raise ValueError(f"{value!r} is no whole number of {kind}")
    return int(exact)


def parse_length(value: Any) -> Any:
    """Read a length that is usually a power of two; "4k" is refused, as half of its readers take it for 4,000.

    >>> parse_length("4Ki"), parse_length("4_096")
    (4096, 4096)
    """
    if isinstance(value, str):
        match = QUANTITY.fullmatch(value.strip())
        unit = match[2].lower() if match is not None else ""
        if match is not None and f"{unit}i" in LENGTH_UNITS:
            decimal, binary = (parse_quantity(match[1] + unit + i, UNITS, "tokens") for i in ("", "i"))
            raise ValueError(f"{value!r} may mean {decimal:,} or {binary:,}; write {decimal}, {binary} or {match[1]}{match[2].title()}i")
        if match is None or unit not in LENGTH_UNITS:
            raise ValueError(f"{value!r} is no length; write a whole number of tokens: 4096, 4_096 or 4Ki")
        return parse_quantity(value, LENGTH_UNITS, "tokens")
    return value


def parse_share(value: Any) -> Any:
    """Read "0.1%" as 0.001.

    >>> parse_share("0.1%")
    0.001
    """
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(Fraction(value.strip()[:-1].strip()) / 100)
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(f"{value!r} is no percentage; write a number and %, as in 0.1%") from error
    return value


@dataclass(frozen=True)
class Kind:
    """Says in a type's annotation how its values are written, for `mathcode-data keys`."""

    text: str


def _reader(read: Callable[[Any], Any], written: Any) -> BeforeValidator:
    """A validator that reads what people write, and the types which that has in a JSON schema."""
    return BeforeValidator(read, json_schema_input_type=written)


TokenCount = Annotated[
    int,
    _reader(lambda value: parse_quantity(value, UNITS, "tokens"), int | float | str),
    Field(ge=0),
    Kind("tokens (4096, 4Ki, 1.5M, 400B)"),
]
"""A number of tokens: 4096, 4Ki, 400B, 1.5M, 550e9."""
ByteCount = Annotated[
    int, _reader(lambda value: parse_quantity(value, BYTE_UNITS, "bytes"), int | float | str), Field(ge=0), Kind("bytes (4096, 64MB, 2GiB)")
]
"""A number of bytes: 4096, 64MB, 2GiB."""
Length = Annotated[int, _reader(parse_length, int | str), Kind("whole number (4096 or 4Ki)")]
"""A length in tokens, usually a power of two: 4096, 4Ki."""
Share = Annotated[float, _reader(parse_share, float | str), Field(ge=0.0, le=1.0), Kind("share (0.001 or 0.1%)")]
"""A share of a whole: 0.001 or 0.1%."""


def resolve_path(value: str, info: ValidationInfo) -> Path:
    """Take a path relative to the folder of the YAML file it stands in; of an object store's URL its mirror on this machine."""
    if is_store_url(value):
        return mirror_of(value)
    folder = Path((info.context or {}).get("folder", "."))
    try:
        return Path(os.path.normpath(Path(folder, Path(value).expanduser()).absolute()))
    except RuntimeError as error:  # `~name` of nobody here
        raise ValueError(f"{value!r} begins with the home folder of nobody on this machine; write the path out, or ./{value}") from error


WEB_URL = re.compile("(?i)(https?|ftp):/")


def _resolve_inputs(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item and "\0" not in item for item in value):
        raise ValueError(f"{value!r} is no path; write a path, a pattern such as pages/*.warc.gz, or a list of them")
    if (info.context or {}).get("resolved"):
        return tuple(value)  # a worker takes the paths that the driver found
    found: set[str] = set()
    for item in value:
        if WEB_URL.match(item):
            raise ValueError(f"{without_secrets(item)!r} is a URL, and those are not read here; download it and give the file's path")
        path = bring(resolve_path(item, info))
        # a name that is there is meant as it stands, even with [ or * in it; so is the folder of the file itself
        pattern = os.path.join(glob.escape(str((info.context or {}).get("folder", "."))), os.path.expanduser(item))  # noqa: PTH111, PTH118  (a pattern, no path)
        matches = [str(path)] if path.exists() else sorted(map(os.path.normpath, glob.glob(pattern, recursive=True)))
        unreadable = next((match for match in matches if not _is_text(match)), None)
        if unreadable is not None:
            raise ValueError(f"{item!r} matches {unreadable!r}, whose name is not UTF-8; rename that file")
        if not matches:
            raise ValueError(f"{item!r} matches no file ({path}); check the path, it is relative to the YAML file")
        special = next((match for match in matches if _is_special(match)), None)
        if special is not None:
            raise ValueError(f"{item!r} names {special}, which is a pipe or a device and no file; write its content to a file first")
        found.update(str(Path(match)) for match in matches)
    return tuple(sorted(found))


def _is_special(name: str) -> bool:
    """Whether a pipe, a socket or a device stands there: reading it may never end."""
    path = Path(name)
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


RESOLVED = {"folder": "/", "resolved": True}
"""Validation context of a worker: paths are absolute and were looked up by the driver."""


class InputMarker:
    """Marks a field as paths whose content, not name, counts in the fingerprint."""


InputPaths = Annotated[
    tuple[str, ...],
    BeforeValidator(_resolve_inputs, json_schema_input_type=str | list[str]),
    InputMarker(),
    Kind("path or list of paths"),
]
"""Files or folders, as a path, a pattern or a list; resolved to absolute paths, which must exist."""


class ResultRef(BaseModel):
    """A result that a configuration uses: `{stage: id}`, `{pipeline: file.yaml, stage: id}` or `{path: folder}`.

    Plain text is short for a path. A single file (a model from elsewhere) needs its `sha256`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    stage: str | None = None
    """Id of a stage, in the same pipeline file or in `pipeline`."""
    pipeline: str | None = None
    """A pipeline file, brought up to date before the result is used; its last stage unless `stage` names another."""
    path: str | None = None
    """Folder of a finished result, or a single file."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Hash that a single file must have."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _resolve(self, info: ValidationInfo) -> ResultRef:
        if (self.path is None) == (self.stage is None and self.pipeline is None):
            raise ValueError("name one result: {stage: id}, {pipeline: file.yaml} or {path: folder}")
        for name in ("path", "pipeline"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, str(resolve_path(value, info)))
        return self


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Suggest the nearest legal word as "; did you mean 'x'?", or list the legal ones (the nearest few of very many).

    >>> nearest("sede", ["seed", "name"])
    "; did you mean 'seed'?"
    """
    known = sorted(candidates)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if len(known) > MAX_WORDS_LISTED:
        close = difflib.get_close_matches(word, known, n=NUM_NEAREST, cutoff=0.0)
        return f"; nearest of {len(known)} known: {', '.join(close)}"
    return f"; known: {', '.join(known)}" if known else ""


def parse_config(model: type[Model], file: YamlFile, location: Location = ()) -> Model:
    """Validate the part of a YAML file at `location`.

    Raises:
        ConfigError: names file, line, column, the value found, what is legal and the nearest legal key.
    """
    data = file.data
    for step in location:
        data = data[step]
    return parse_data(model, {} if data is None else data, file, location)


def parse_data(model: type[Model], data: Any, file: YamlFile, location: Location = ()) -> Model:
    """Validate data that came from `location` of a YAML file."""
    try:
        return model.model_validate(data, context={"folder": str(file.path.parent)})
    except ValidationError as error:
        raise ConfigError(_describe(model, error, file, location)) from error


def _describe(model: type[BaseModel], error: ValidationError, file: YamlFile, location: Location) -> str:
    problems = error.errors(include_url=False, include_context=False)
    # an unknown key is nearly always the cause of a missing one, so it goes first
    problems.sort(key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    where: Location = (*location, *first["loc"])
    name = ".".join(str(step) for step in where) or "the file"
    if first["type"] == "extra_forbidden":
        fields = _fields_at(model, first["loc"][:-1])
        text = f"unknown key {first['loc'][-1]!r}{nearest(str(first['loc'][-1]), fields)}"
    elif first["type"] == "missing":
        text = f"{name} is missing"
    else:
        reason = first["msg"].removeprefix("Value error, ").replace("Input should", "input should")
        if first["type"] in ("int_parsing", "int_type", "int_from_float"):
            reason = f"input should be {WHOLE_NUMBER}"
        found = repr(first["input"])
        text = f"{name}: {reason}" if found in reason or len(found) > 80 else f"{name}: {reason}, found {found}"
    others = [".".join(map(str, (*location, *problem["loc"]))) for problem in problems[1:]]
    more = f"; further problems at {', '.join(dict.fromkeys(others))}" if others else ""
    return " ".join(f"{file.place(where)}: {text}{more}".split())


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Names of the fields of the nested model at `location`."""
    current: Any = model
    for step in location:
        if isinstance(current, type) and issubclass(current, BaseModel) and step in current.model_fields:
            current = current.model_fields[str(step)].annotation
        models = _models_in(current)
        if not models:
            return []
        current = models[0]
    models = _models_in(current)
    return [name for found in models for name in found.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
