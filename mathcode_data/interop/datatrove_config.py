"""The configuration of a datatrove block, made from the signature of its constructor.

Arguments that YAML can hold become keys, so that a typo is an error with the nearest key. Arguments that it cannot hold
(functions, writers), or that the engine decides (where files go, in which order they are read), are refused with the
reason. Annotations are datatrove's own; where one contradicts its default, any plain value is taken.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, create_model, model_validator

from mathcode_data.core.config import InputPaths, ResultRef, StageConfig, parse_data
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.yaml_file import YamlFile

LEFT_OUT = {
    "add_file_path": "the file's name stands in the document's metadata as file_path, relative to its folder",
    "doc_progress": "the run shows its own progress",
    "exclusion_writer": "dropped documents stand in the result's dropped-*.parquet, with the reason",
    "file_progress": "the run shows its own progress",
    "limit": "run with --limit N",
    "output_folder": "the files become the stage's result",
    "paths_file": "list the files, or a pattern, in data_folder",
    "save_media_bytes": "documents carry no media here",
    "schema": "it is made from the columns of the documents",
    "shuffle_files": "files are read in the order of their names, so that the same input gives the same result",
    "skip": "it would drop documents without a count",
}
"""Arguments that are no keys, and why or what to do instead."""

SCALARS: dict[Any, Any] = {bool: bool, int: int | float, float: float, str: str, types.NoneType: None}
"""Types of arguments that are checked; datatrove writes `int` where it compares with any number."""


@dataclass(frozen=True)
class Block:
    """A class of datatrove and the name it has in pipeline files."""

    name: str
    family: str
    cls: type[Any]

    def make(self, **arguments: Any) -> Any:
        """Construct the block.

        Raises:
            ConfigError: a package that it needs is not installed, or it refuses its arguments.
        """
        from mathcode_data.interop.datatrove_documents import quiet

        try:
            with quiet():
                block = self.cls(**arguments)
        except ImportError as error:
            raise ConfigError(f"stage {self.name!r}: {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"stage {self.name!r}: {self.cls.__name__} refuses its arguments: {error}; see its documentation") from error
        _go_offline(block)
        return block


def _go_offline(block: Any) -> None:
    """Let the URL filter split host names by the list that tldextract ships, not by one from the network."""
    if hasattr(block, "tldextractor"):
        from tldextract import TLDExtract

        block.tldextractor = TLDExtract(cache_dir=None, suffix_list_urls=())


class BlockConfig(StageConfig):
    """Base of the configurations of datatrove blocks."""

    block: ClassVar[Block]
    parameters: ClassVar[Mapping[str, inspect.Parameter]]
    left_out: ClassVar[Mapping[str, str]]

    @model_validator(mode="before")
    @classmethod
    def _say_why_not(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key in cls.left_out:
                raise ValueError(f"{key} is no key here: {cls.left_out[key]}")
        return data

    def make_block(self, **more: Any) -> Any:
        """Construct the block with these arguments and `more`.

        Raises:
            ConfigError: see `Block.make`.
        """
        arguments = {}
        for name, parameter in self.parameters.items():
            value = getattr(self, name)
            if parameter.default is parameter.empty or value != _plain(parameter.default):
                arguments[name] = _as_tuples(value) if "tuple" in str(parameter.annotation) else value
        return self.block.make(**arguments, **more)


class ReaderConfig(BlockConfig):
    """What every reader has."""

    data_folder: Annotated[InputPaths, BeforeValidator(lambda value: _local(value))]
    """Files or folders on this machine, as a path, a pattern or a list."""
    source: str = Field(default="datatrove", min_length=1)
    """Name of the source; part of the documents' identity."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The inputs, under the name by which the engine checks that the output lies outside them."""
        return self.data_folder


def _local(value: Any) -> Any:
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, str) and "://" in item:
            raise ValueError(f"{item!r} is not on this machine; results are named by the content of their inputs, so copy it here first")
    return value


class WriterConfig(BlockConfig):
    """What every writer has."""

    @model_validator(mode="after")
    def _writes_one_file_per_shard(self) -> WriterConfig:
        name = getattr(self, "output_filename", None)
        if name is not None and ("${rank}" not in name or Path(name).name != name or name.startswith(".")):
            raise ValueError(f"output_filename {name!r} is no plain file name with ${{rank}} in it; write one as ${{rank}}.jsonl")
        return self


def make_config(block: Block) -> type[BlockConfig]:
    """Make the configuration of a block from the signature of its constructor.

    Raises:
        ConfigError: an argument that must be given cannot stand in a YAML file.
    """
    bases: dict[str, type[BlockConfig]] = {"readers": ReaderConfig, "writers": WriterConfig}
    base = bases.get(block.family, BlockConfig)
    left_out = dict(LEFT_OUT)
    parameters: dict[str, inspect.Parameter] = {}
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(block.cls).parameters.items():
        if name in LEFT_OUT or name in base.model_fields or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        is_required = parameter.default is parameter.empty
        if _holds_a_function(parameter.annotation) or not (is_required or _is_plain(parameter.default)):
            left_out[name] = "it is no plain value; write a stage of your own for it (a module with Config, VERSION and build)"
            if is_required:
                raise ConfigError(f"stage {block.name!r}: its argument {name} cannot stand in a YAML file: {left_out[name]}")
            continue
        parameters[name] = parameter
        fields[name] = _field(name, parameter)
    make: Any = create_model  # its overloads know no base that is chosen at run time
    model: type[BlockConfig] = make(f"{block.cls.__name__}Config", __base__=base, __module__=__name__, **fields)
    model.block, model.parameters, model.left_out = block, parameters, left_out
    return model


def _field(name: str, parameter: inspect.Parameter) -> tuple[Any, Any]:
    """Type and default of a key; a seed must be given, because datatrove's default is the clock."""
    kind = _type(parameter.annotation)
    if parameter.default is parameter.empty or (name == "seed" and parameter.default is None):
        return kind, ...
    if parameter.default is None:
        return kind | None if kind is not Any else Any, None
    default = _plain(parameter.default)
    try:
        TypeAdapter(kind).validate_python(default)
    except ValidationError:
        kind = Any
    return kind, default


def _type(annotation: Any) -> Any:
    """The type that a key is checked against; Any where datatrove's annotation is missing or not plain."""
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return annotation
    if origin in (Union, types.UnionType):
        parts = [_type(argument) for argument in arguments]
        return Any if Any in parts else Union[tuple(parts)]  # noqa: UP007  (the parts are known only here)
    if origin is list and arguments:
        inner = _type(arguments[0])
        return Any if inner is Any else list[inner]  # type: ignore[valid-type]
    return Any


def _holds_a_function(annotation: Any) -> bool:
    return "Callable" in str(annotation)


def _is_plain(value: Any) -> bool:
    from mathcode_data.core.fingerprint import canonical_json

    try:
        canonical_json(value)
    except (ConfigError, DataError):
        return False
    return True


def _plain(value: Any) -> Any:
    """A default as it comes back from a plan: tuples are lists."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def check_config(name: str, config: dict[str, Any]) -> StageConfig:
    """Validate the configuration of a stage of ours that is used outside a pipeline file; paths are relative to the working folder.

    Raises:
        ConfigError: an unknown key (with the nearest), a wrong value, or a reference to a stage of a pipeline file.
    """
    plugin = load_plugin(name)
    checked = parse_data(plugin.config, config, YamlFile(Path(name), config, {}))
    for key in type(checked).model_fields:
        value = getattr(checked, key)
        if isinstance(value, ResultRef) and value.path is None:
            raise ConfigError(f"{name}: {key}: there is no pipeline file here; name a folder or a file, as {{path: ..., sha256: ...}}")
    return checked
