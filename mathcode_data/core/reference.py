"""The reference of all keys, made from the configurations themselves: type, range, default and the text under each field.

What a model does not say is not in the reference, so a key without a text, or a range that stands in a validator only, is
mended at the field. `mathcode-data keys` prints it; `--json` gives pydantic's JSON schema of the same models.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema
from pydantic_core import PydanticUndefined

from mathcode_data.core.config import Kind, ResultRef

NAMES = {int: "integer", float: "number", str: "text", bool: "true or false", Path: "path", type(None): "null", dict: "map"}


@dataclass(frozen=True)
class Key:
    """One key of a configuration."""

    name: str
    """The way to it: `rules.max_line`; `NAME` stands for a name of the user's, `[]` for any item of a list."""
    kind: str
    """Its type and range, in words."""
    default: str
    """As it would stand in the file; empty if the key must be given."""
    text: str
    """The text under the field."""


@dataclass(frozen=True)
class Group:
    """The keys of one model, and what the model is."""

    name: str
    """Way to the model; empty for the file or the stage itself."""
    text: str
    keys: tuple[Key, ...]


def reference(model: type[BaseModel]) -> list[Group]:
    """Keys of a model and of all models inside it, in the order of the fields; a model that stands twice is told once."""
    return list(_groups(model, "", "", set()))


def pipeline_schema(top: type[BaseModel], stages: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """JSON schema of a pipeline file whose items may be any of these stages, for editors that complete and check YAML."""
    pairs = [(model, "validation") for model in (top, *stages.values())]
    refs, definitions = models_json_schema(pairs, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    schema: dict[str, Any] = definitions["$defs"].pop(refs[top, "validation"]["$ref"].removeprefix("#/$defs/"))
    item = {name: {"anyOf": [refs[model, "validation"], {"type": "null"}]} for name, model in stages.items()}
    names = {"id": {"type": "string"}, "from": {"type": ["string", "object", "array"]}}
    schema["properties"]["stages"]["items"] = {"type": "object", "properties": names | item}
    return schema | definitions


def _groups(model: type[BaseModel], way: str, label: str, seen: set[type[BaseModel]]) -> Iterator[Group]:
    seen.add(model)
    dot = f"{way}." if way else ""
    keys = tuple(_key(dot, name, field) for name, field in model.model_fields.items())
    yield Group(f"{way}{label}", inspect.cleandoc(model.__doc__ or ""), keys)
    for name, field in model.model_fields.items():
        inner = list(_models(field.annotation, f"{dot}{name}"))
        for place, found in inner:
            if found not in seen:
                tag = _tag(found) if len(inner) > 1 else ""
                yield from _groups(found, place, tag, seen)


def _key(dot: str, name: str, field: FieldInfo) -> Key:
    default = field.get_default(call_default_factory=True)
    text = " ".join((field.description or "").split())
    return Key(f"{dot}{name}", describe(field.annotation, field.metadata), "" if default is PydanticUndefined else _plain(default), text)


def _models(annotation: Any, way: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Models inside a type, each with the way to it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield way, annotation
        return
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        arguments = arguments[:1]
    elif origin is dict:
        way, arguments = f"{way}.NAME", arguments[1:]
    elif origin in (tuple, list):
        way += "[]"
    for argument in arguments:
        yield from _models(argument, way)


def _tag(model: type[BaseModel]) -> str:
    """What tells a model from the others that may stand in its place: ` (kind: cosine)`."""
    for name, field in model.model_fields.items():
        values = typing.get_args(field.annotation)
        if typing.get_origin(field.annotation) is Literal and field.is_required() and len(values) == 1:
            return f" ({name}: {values[0]})"
    return ""


def describe(annotation: Any, metadata: typing.Sequence[Any] = ()) -> str:
    """A type and its range in words.

    >>> describe(int | None), describe(tuple[str, ...]), describe(Literal["a", "b"])
    ('integer or null', 'list of text', 'a or b')
    """
    marks = list(_flat(metadata))
    kind = next((mark.text for mark in marks if isinstance(mark, Kind)), None) or _describe_type(annotation)
    bounds = _bounds(marks)
    return f"{kind}, {bounds}" if bounds else kind


def _describe_type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return describe(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(describe(argument) for argument in arguments))
    if origin is tuple and Ellipsis not in arguments:
        return f"list of {' and '.join(describe(argument) for argument in arguments)}"
    if origin in (tuple, list):
        return f"list of {describe(arguments[0])}"
    if origin is dict:
        return f"map of names to {describe(arguments[1])}"
    if annotation is ResultRef:
        return "result"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "map"
    return "any value" if annotation is Any else NAMES.get(annotation) or str(getattr(annotation, "__name__", annotation))


def _flat(metadata: typing.Sequence[Any]) -> Iterator[Any]:
    """Marks of a type, those inside a nested `Field` too."""
    for mark in metadata:
        yield mark
        yield from getattr(mark, "metadata", None) or ()


def _bounds(marks: list[Any]) -> str:
    """Bounds in words; where two hold, the stricter one counts."""
    low = max((found for mark in marks for found in _limits(mark, ge=0, gt=1)), default=None)
    high = min((found for mark in marks for found in _limits(mark, le=1, lt=0)), default=None)
    text = ""
    if low is not None:
        text = f"above {_number(low[0])}" if low[1] else f"from {_number(low[0])}" if high is not None else f"{_number(low[0])} or more"
    if high is not None:
        text += " to " if text.startswith("from") and high[1] else " and " if text else ""
        text += f"below {_number(high[0])}" if not high[1] else _number(high[0]) if " to " in text else f"at most {_number(high[0])}"
    lengths = [getattr(mark, "min_length", None) for mark in marks]
    if any(lengths):
        text += f"{', ' if text else ''}not empty" if max(filter(None, lengths)) == 1 else f" at least {max(filter(None, lengths))} items"
    patterns = [mark.pattern for mark in marks if getattr(mark, "pattern", None)]
    return text + "".join(f"{', ' if text else ''}matching {pattern}" for pattern in patterns)


def _limits(mark: Any, **strictness: int) -> Iterator[tuple[Any, int]]:
    """Bounds that a mark states, so that the stricter of two is the larger lower or the smaller upper one."""
    for name, rank in strictness.items():
        if getattr(mark, name, None) is not None:
            yield getattr(mark, name), rank


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _plain(value: Any) -> str:
    """A default as it would stand in a file."""
    if isinstance(value, BaseModel):
        kind = getattr(value, "kind", None)
        return f"{{kind: {kind}}}" if kind else "{}"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, default=str, ensure_ascii=False)
