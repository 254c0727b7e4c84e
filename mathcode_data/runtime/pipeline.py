"""Pipeline files: a name, a seed, an output folder, and a list of stages.

    name: math
    seed: 17
    output: ../results/math
    stages:
      - read.warc: {paths: crawl/*.warc.gz}
      - id: pages
        extract.html: {}
      - score.fasttext: {model: {stage: model}}
      - id: model
        from: [seed, random]
        learn.fasttext: {}

An item names one stage. `id` names its result (and ends a fused pass there); `from` says whose documents it reads, by
default the item before it: an id, a list of ids, or results of other pipelines as `{pipeline: file.yaml, stage: id}` or
`{path: folder}`. The order of the file is free: ids may be used before they are defined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from mathcode_data.core.blame import at_place
from mathcode_data.core.config import ResultRef, StageConfig, nearest, parse_data, resolve_path
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.overrides import override_value
from mathcode_data.core.plugins import Plugin, blaming, load_plugin
from mathcode_data.core.secrets import refuse_secrets
from mathcode_data.core.yaml_file import Location, YamlFile, load_yaml

NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$"
ID = re.compile(NAME)
COMMANDS = {"pipeline": "run", "recall": "recall", "mixture": "build-mixture", "training": "train", "study": "study"}
RESERVED_IDS = ("pipeline.json", "runs.jsonl")
"""Files of the engine in the output folder."""


class PipelineConfig(StageConfig):
    """The top of a pipeline file."""

    name: str = Field(pattern=NAME)
    """Names the pipeline in messages and marks its output folder as ours."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seeds every random draw of every stage."""
    output: str
    """Folder of the results, one sub-folder per stage with an id, relative to this file; or `s3://bucket/prefix`."""
    task_timeout_s: float | None = Field(default=None, gt=0)
    """Kill a task that runs longer; none by default."""
    stages: list[dict[str, Any]] = Field(min_length=1)
    """The stages, in the order in which documents pass."""

    @field_validator("output")
    @classmethod
    def _resolve_output(cls, value: str, info: ValidationInfo) -> str:
        return str(resolve_path(value, info))


@dataclass(frozen=True)
class Step:
    """One item of a pipeline file."""

    id: str
    is_named: bool
    plugin: Plugin
    config: StageConfig
    sources: tuple[str | ResultRef, ...] | None
    """Ids or results to read from; None for the item before."""
    place: str
    """File, line and column, for errors."""


@dataclass(frozen=True)
class Pipeline:
    """A parsed pipeline file."""

    path: Path
    config: PipelineConfig
    steps: tuple[Step, ...]
    limit: int | None = None

    @property
    def output(self) -> Path:
        """Folder of the results; runs with a limit get their own beside it."""
        folder = Path(self.config.output)
        return folder if self.limit is None else folder.with_name(f"{folder.name}.limit-{self.limit}")


def load_pipeline(path: Path, overrides: list[str] | None = None, limit: int | None = None) -> Pipeline:
    """Read and check a pipeline file; `overrides` are `a.b=c` of the command line.

    Raises:
        ConfigError: file, line, column and the nearest legal word.
    """
    path = path.absolute()
    file = load_yaml(path)
    refuse_other_kind(file.data, path, "pipeline")
    for override in overrides or []:
        override_value(file, override)
    return parse_pipeline(file, limit)


def parse_pipeline(file: YamlFile, limit: int | None = None) -> Pipeline:
    """Check a pipeline whose file was read; also one that a program put together, with the places of what it was made from."""
    if not isinstance(file.data, dict):
        raise ConfigError(f"{file.path}: a pipeline file is a map with name, output and stages")
    refuse_secrets(file.data, file.path)
    config = parse_data(PipelineConfig, file.data, file)
    steps: list[Step] = []
    for position, item in enumerate(config.stages):
        steps.append(_step(item, file, ("stages", position), taken={step.id for step in steps}))
    pipeline = Pipeline(file.path, config, tuple(steps), limit)
    _check_references(pipeline)
    return pipeline


def kind_of_file(data: Any) -> str:
    """What a YAML file is by its top keys: pipeline, recall, study, mixture or training; "" if it could be anything."""
    keys = set(data) if isinstance(data, dict) else set()
    if "recall" in keys:
        return "recall"
    if "arms" in keys or ("seeds" in keys and "stages" not in keys):  # a mixture has `stages`, and may have `seeds` for `seed`
        return "study"
    if "sources" in keys:
        return "mixture"
    if "mixture" in keys and "model" in keys:
        return "training"
    return "pipeline" if "stages" in keys and "output" in keys else ""


def refuse_other_kind(data: Any, path: Path, wanted: str) -> None:
    """Name the right command for a file of another kind.

    Raises:
        ConfigError: the file is plainly of another kind.
    """
    kind = kind_of_file(data)
    if kind and kind != wanted:
        raise ConfigError(f"{path}: a {kind} file, this command takes a {wanted} file; use `mathcode-data {COMMANDS[kind]} {path}`")


def _step(item: dict[str, Any], file: YamlFile, location: Location, taken: set[str]) -> Step:
    place = file.place(location)
    names = [key for key in item if key not in ("id", "from")]
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise ConfigError(f"{place}: an item names one stage, found {found}; write `- stage.name: {{...}}`, with `id` and `from` beside it")
    name = names[0]
    place = file.place((*location, name))
    try:
        plugin = load_plugin(name)
    except ConfigError as error:
        raise ConfigError(at_place(place, error)) from error
    with blaming(place, plugin):
        config = parse_data(plugin.config, {} if item[name] is None else item[name], file, (*location, name))
    step_id = item.get("id")
    if step_id is None:
        step_id = next(text for text in (name, *(f"{name}-{n}" for n in range(2, 1000))) if text not in taken)
    elif not isinstance(step_id, str) or not ID.fullmatch(step_id) or step_id in RESERVED_IDS:
        raise ConfigError(f"{file.place((*location, 'id'))}: id {step_id!r}; use letters, digits, '.', '-', '_', first a letter or digit")
    elif step_id in taken:
        raise ConfigError(f"{file.place((*location, 'id'))}: id {step_id!r} stands twice; rename one")
    return Step(step_id, "id" in item, plugin, config, _sources(item, file, location), place)


def _sources(item: dict[str, Any], file: YamlFile, location: Location) -> tuple[str | ResultRef, ...] | None:
    if "from" not in item:
        return None
    given = item["from"] if isinstance(item["from"], list) else [item["from"]]
    sources: list[str | ResultRef] = []
    for value in given:
        if isinstance(value, str):
            sources.append(value)
        elif isinstance(value, dict):
            sources.append(parse_data(ResultRef, value, file, (*location, "from")))
        else:
            raise ConfigError(f"{file.place((*location, 'from'))}: from is an id, {{pipeline: file.yaml}}, {{path: folder}} or a list")
    return tuple(sources)


def result_refs(value: Any) -> list[ResultRef]:
    """All references to results inside a configuration."""
    if isinstance(value, ResultRef):
        return [value]
    if isinstance(value, StageConfig):
        return [ref for name in type(value).model_fields for ref in result_refs(getattr(value, name))]
    if isinstance(value, dict):
        return [ref for item in value.values() for ref in result_refs(item)]
    if isinstance(value, list | tuple):
        return [ref for item in value for ref in result_refs(item)]
    return []


def _check_references(pipeline: Pipeline) -> None:
    known = {step.id for step in pipeline.steps}
    for step in pipeline.steps:
        wanted = [source for source in step.sources or () if isinstance(source, str)]
        refs = [source for source in step.sources or () if isinstance(source, ResultRef)] + result_refs(step.config)
        wanted += [ref.stage for ref in refs if ref.stage is not None and ref.pipeline is None]
        for name in wanted:
            if name not in known:
                raise ConfigError(f"{step.place}: no stage with id {name!r} in this file{nearest(name, known)}")
