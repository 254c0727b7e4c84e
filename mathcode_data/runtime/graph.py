"""From pipeline files to results: nodes with fingerprints, across files.

A node is a result to be: a fused pass (a source or input results, then map stages) or a global stage. Its fingerprint
covers the names, versions and configurations of its stages, the content of its input files, and the fingerprints of the
results it reads, so it is known before anything runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathcode_data.core.blame import at_place
from mathcode_data.core.config import InputMarker, ResultRef, StageConfig
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.fingerprint import FileHashes, fingerprint
from mathcode_data.core.manifest import MANIFEST_NAME, InputRecord, Result, check_file_name, read_result
from mathcode_data.core.object_store import bring, url_of
from mathcode_data.core.plugins import blaming
from mathcode_data.core.stage import GlobalStage, MapStage, Source, Split
from mathcode_data.core.storage import read_json
from mathcode_data.runtime.pipeline import Pipeline, Step, load_pipeline, result_refs

PIPELINE_NAME = "pipeline.json"
WORK_NAME = ".work"
HASHES_NAME = ".input-hashes.json"
ENGINE_VERSION = 2
"""Raised when the engine itself changes what results look like; part of every fingerprint."""


@dataclass
class Node:
    """A result to be."""

    id: str
    pipeline: Pipeline
    steps: list[Step]
    stages: list[Any]
    inputs: list[Node | Result] = field(default_factory=list)
    references: dict[str, Node | Result] = field(default_factory=dict)
    """Results that configurations name, by the JSON of the reference."""
    splits: list[Split] = field(default_factory=list)
    split_hashes: list[list[str]] = field(default_factory=list)
    """sha256 of the files of each split."""
    file_records: list[InputRecord] = field(default_factory=list)
    fingerprint: str = ""

    @property
    def folder(self) -> Path:
        """Where the finished result stands."""
        return self.pipeline.output / self.id

    @property
    def work(self) -> Path:
        """Where it is made."""
        return self.pipeline.output / WORK_NAME / f"{self.id}-{self.fingerprint[:16]}"

    @property
    def is_pass(self) -> bool:
        """Whether this is a fused pass (else a global stage)."""
        return not isinstance(self.stages[0], GlobalStage)

    @property
    def is_source(self) -> bool:
        """Whether it reads from outside, or the files of a crawl."""
        return isinstance(self.stages[0], Source)

    @property
    def kind(self) -> str:
        """Kind of the result."""
        return "documents" if self.is_pass else str(self.stages[0].kind)

    @property
    def dependencies(self) -> list[Node]:
        """Nodes that must be finished first."""
        return [node for node in (*self.inputs, *self.references.values()) if isinstance(node, Node)]

    def labels(self) -> list[str]:
        """Names of the stages in counters: the plug-in's name, or the id where the user gave one to that step alone."""
        names = [step.plugin.name for step in self.steps]
        return [name if names.count(name) == 1 else f"{name}#{position}" for position, name in enumerate(names)]


class Graph:
    """All nodes of one pipeline file and of those it refers to."""

    def __init__(self, limit: int | None = None) -> None:
        """`limit` holds for pipelines that are referred to as well."""
        self._limit = limit
        self._pipelines: dict[Path, dict[str, Node]] = {}
        self._loading: list[Path] = []
        self.hashes: dict[Path, FileHashes] = {}

    def add(self, pipeline: Pipeline) -> dict[str, Node]:
        """Make the nodes of a pipeline, and of pipelines it refers to; returns its nodes by id, in file order."""
        if pipeline.path in self._loading:
            way = " -> ".join(path.name for path in [*self._loading, pipeline.path])
            raise ConfigError(f"{pipeline.path}: pipelines refer to each other in a circle: {way}")
        if pipeline.path in self._pipelines:
            return self._pipelines[pipeline.path]
        self._loading.append(pipeline.path)
        nodes = {group[-1].id: _make_node(group, pipeline) for group in _group(pipeline)}
        owner = {step.id: node for node in nodes.values() for step in node.steps}
        for node in nodes.values():
            self._connect(node, owner, list(nodes.values()))
        for node in _in_order(list(nodes.values())):
            self._name(node)
        self._loading.pop()
        self._pipelines[pipeline.path] = nodes
        return nodes

    def ids(self, pipeline: Pipeline) -> list[str]:
        """Ids of the results of a pipeline that was added, in file order."""
        return list(self._pipelines[pipeline.path])

    @staticmethod
    def result_ids(pipeline: Pipeline) -> list[str]:
        """Ids of the results of a pipeline, in file order, without a look at any input."""
        return [group[-1].id for group in _group(pipeline)]

    def _connect(self, node: Node, owner: dict[str, Node], nodes: list[Node]) -> None:
        first = node.steps[0]
        sources: list[str | ResultRef] = list(first.sources or ())
        if first.sources is None and not isinstance(node.stages[0], Source):
            position = nodes.index(node)
            if position == 0 and node.is_pass:
                raise ConfigError(f"{first.place}: {first.plugin.name} needs documents; put a read.* stage before it or give `from`")
            takes_input = getattr(node.stages[0], "takes_input", True)
            sources = [nodes[position - 1].id] if position and takes_input else []
        if sources and isinstance(node.stages[0], Source) and getattr(first.config, "paths", True):
            raise ConfigError(f"{first.place}: {first.plugin.name} has both paths and `from`; give one of them")
        for source in sources:
            node.inputs.append(self._find(source, owner, first.place))
        if not node.inputs and not isinstance(node.stages[0], Source | GlobalStage):
            raise ConfigError(f"{first.place}: {first.plugin.name} needs documents; give `from` an id, or put a read.* stage before it")
        for step in node.steps:
            for ref in result_refs(step.config):
                node.references[ref.model_dump_json()] = self._find(ref, owner, step.place)

    def _find(self, source: str | ResultRef, owner: dict[str, Node], place: str) -> Node | Result:
        if isinstance(source, str):
            return owner[source]
        if source.path is not None:
            return _existing(source, place)
        if source.pipeline is None:
            assert source.stage is not None, "a reference names a stage, a pipeline or a path"
            return owner[source.stage]
        try:
            nodes = self.add(load_pipeline(Path(source.pipeline), limit=self._limit))
        except ConfigError as error:
            if str(error).startswith(str(source.pipeline)):
                raise
            raise ConfigError(at_place(place, error)) from error
        return find_node(nodes, source.stage, place)

    def _name(self, node: Node) -> None:
        """Find the splits and the fingerprint; the nodes it depends on have theirs."""
        hashes = self.hashes.setdefault(node.pipeline.output, FileHashes(node.pipeline.output / HASHES_NAME))
        stages = []
        for step, stage in zip(node.steps, node.stages, strict=True):
            with blaming(step.place, step.plugin):
                identity = _config_identity(step.config, node, hashes, stage)
            stages.append({"name": step.plugin.name, "version": step.plugin.version, "config": identity})
        causes: dict[str, Any] = {"engine": ENGINE_VERSION, "stages": stages, "inputs": [part.fingerprint for part in node.inputs]}
        if isinstance(node.stages[0], Source) and not node.inputs:
            with blaming(node.steps[0].place, node.steps[0].plugin):
                node.splits = node.stages[0].splits()
            if not node.splits:
                raise ConfigError(f"{node.steps[0].place}: {node.steps[0].plugin.name} finds no input file; check its paths")
            node.split_hashes = [[hashes.sha256(Path(path)) for path in split.files] for split in node.splits]
            contents = [
                [list(pair) for pair in zip(split.names, digests, strict=True)] + [split.options]
                for split, digests in zip(node.splits, node.split_hashes, strict=True)
            ]
            causes["splits"] = contents
            node.file_records.append(InputRecord(f"{sum(len(split.files) for split in node.splits)} files", fingerprint(contents)))
        if not node.is_pass:
            causes["seed"] = node.pipeline.config.seed
        if node.pipeline.limit is not None and node.is_source:
            causes["limit"] = node.pipeline.limit
        node.fingerprint = fingerprint(causes)


def splits_of(node: Node, results: Sequence[Result]) -> list[Split]:
    """The splits of a source: found when the graph was made, or now, in the files of the results it reads."""
    if not node.inputs:
        return node.splits
    files = [str(path) for result in results for path in result.paths() if not path.name.startswith("dropped-")]
    config = node.steps[0].config.model_copy(update={"paths": tuple(files)})
    with blaming(node.steps[0].place, node.steps[0].plugin):
        splits: list[Split] = node.steps[0].plugin.build(config).splits()
    return splits


def find_node(nodes: dict[str, Node], stage: str | None, place: str) -> Node:
    """The node of an id, or the last one of the file.

    Raises:
        ConfigError: no such id, or the id is inside a fused pass and has no result of its own.
    """
    if stage is None:
        return list(nodes.values())[-1]
    if stage not in nodes:
        raise ConfigError(f"{place}: no result {stage!r} in {next(iter(nodes.values())).pipeline.path.name}; it has {', '.join(nodes)}")
    return nodes[stage]


def _group(pipeline: Pipeline) -> list[list[Step]]:
    """Cut the steps into nodes: global stages alone, maps fused with what is before them until an id that is given or used."""
    groups: list[list[Step]] = []
    is_open = False
    named = _referenced_ids(pipeline)
    for step in pipeline.steps:
        stage = _build(step)
        if isinstance(stage, MapStage) and not isinstance(stage, GlobalStage | Source) and step.sources is None and is_open:
            groups[-1].append(step)
        else:
            groups.append([step])
        is_open = not isinstance(stage, GlobalStage) and not step.is_named and step.id not in named
    return groups


def _referenced_ids(pipeline: Pipeline) -> set[str]:
    """Ids that other items of the file read from; each needs a result of its own."""
    found: set[str] = set()
    for step in pipeline.steps:
        sources = step.sources or ()
        refs = [source for source in sources if isinstance(source, ResultRef)] + result_refs(step.config)
        found |= {source for source in sources if isinstance(source, str)}
        found |= {ref.stage for ref in refs if ref.stage is not None and ref.pipeline is None}
    return found


def _build(step: Step) -> Any:
    with blaming(step.place, step.plugin):
        stage = step.plugin.build(step.config)
    if not isinstance(stage, Source | MapStage | GlobalStage):
        raise ConfigError(f"{step.place}: {step.plugin.name} builds {type(stage).__name__}, which is no Source, MapStage or GlobalStage")
    return stage


def _make_node(group: list[Step], pipeline: Pipeline) -> Node:
    return Node(group[-1].id, pipeline, group, [_build(step) for step in group])


def _in_order(nodes: list[Node]) -> list[Node]:
    """Nodes so that dependencies come first (ties in file order).

    Raises:
        ConfigError: stages read from each other in a circle.
    """
    done: list[Node] = []
    waiting = list(nodes)
    while waiting:
        ready = next((node for node in waiting if not any(other in waiting for other in node.dependencies)), None)
        if ready is None:
            raise ConfigError(f"{waiting[0].steps[0].place}: stages read from each other in a circle: {', '.join(n.id for n in waiting)}")
        waiting.remove(ready)
        done.append(ready)
    return done


def all_nodes(targets: list[Node]) -> list[Node]:
    """Targets and everything they need, dependencies first."""
    found: list[Node] = []
    stack = list(targets)
    while stack:
        node = stack.pop()
        if node not in found:
            found.append(node)
            stack += node.dependencies
    position = {id(node): index for index, node in enumerate(found)}
    return _in_order(sorted(found, key=lambda node: -position[id(node)]))


def _existing(ref: ResultRef, place: str) -> Result:
    """A finished result by folder, or a single file with its sha256 as a result of one shard."""
    assert ref.path is not None, "only references by path come here"
    path = Path(ref.path)
    if path.is_file():
        from mathcode_data.runtime.single_file import file_result

        return file_result(path, ref.sha256, place)
    try:
        return read_result(resolve_result(path))
    except DataError as error:
        raise ConfigError(at_place(place, error)) from error


def resolve_result(folder: Path) -> Path:
    """The result folder itself, or the last result of a pipeline's output folder; from an object store it is brought down."""
    folder = bring(folder)
    marker = folder / PIPELINE_NAME
    if not (folder / MANIFEST_NAME).exists() and marker.exists():
        data = read_json(marker)
        if not isinstance(data, dict) or not isinstance(data.get("last"), str):
            raise DataError(f"{marker}: not the marker of a pipeline's output; remove it and run the pipeline again")
        return folder / check_file_name(data["last"], str(marker))
    return folder


def _config_identity(value: Any, node: Node, hashes: FileHashes, stage: Any) -> Any:
    """A configuration as fingerprints see it: files by content, results by fingerprint, nothing by place."""
    if isinstance(value, ResultRef):
        return {"result": node.references[value.model_dump_json()].fingerprint}
    if isinstance(value, StageConfig):
        fields = {}
        for name, info in type(value).model_fields.items():
            item = getattr(value, name)
            if any(isinstance(mark, InputMarker) for mark in info.metadata):
                # the files of a source count through its splits
                fields[name] = None if isinstance(stage, Source) else _file_identity(item, hashes)
            else:
                fields[name] = _config_identity(item, node, hashes, stage)
        return fields
    if isinstance(value, dict):
        return {str(key): _config_identity(item, node, hashes, stage) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_config_identity(item, node, hashes, stage) for item in value]
    if isinstance(value, Path):
        raise ConfigError(f"{type(value).__name__} in a configuration; declare the field as InputPaths so that its content counts")
    return value.value if hasattr(value, "value") and not isinstance(value, int | float | str) else value


def _file_identity(paths: tuple[str, ...], hashes: FileHashes) -> list[list[str]]:
    identity = []
    for path in map(Path, paths):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        identity += [[str(file.relative_to(path.parent)), hashes.sha256(file)] for file in files]
    return identity


def config_for_worker(config: StageConfig, node: Node) -> dict[str, Any]:
    """The JSON from which a worker rebuilds the configuration: references replaced by folders of finished results."""

    def replace(value: Any, data: Any) -> Any:
        if isinstance(value, ResultRef):
            target = node.references[value.model_dump_json()]
            path = str(value.path) if value.sha256 else str(target.folder)
            return {"path": path} | ({"sha256": value.sha256} if value.sha256 else {})
        if isinstance(value, StageConfig):
            return {name: replace(getattr(value, name), data[name]) for name in type(value).model_fields}
        if isinstance(value, dict):
            return {key: replace(item, data[key]) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [replace(item, part) for item, part in zip(value, data, strict=True)]
        return data

    replaced: dict[str, Any] = replace(config, config.model_dump(mode="json"))
    return replaced


def config_for_manifest(config: StageConfig, node: Node) -> dict[str, Any]:
    """The JSON of a configuration for people: its paths relative to the pipeline file, so that a moved project keeps its bytes.

    Only what is a path by its type is rewritten; a text that begins with `/` (a prefix, a pattern) stays as it was written.
    """
    folder = node.pipeline.path.parent

    def replace(value: Any, data: Any) -> Any:
        if isinstance(value, ResultRef):
            return data | {"path": url_of(Path(data["path"])) or os.path.relpath(data["path"], folder)}
        if isinstance(value, StageConfig):
            fields = type(value).model_fields
            return {
                name: [path if "://" in path else url_of(Path(path)) or os.path.relpath(path, folder) for path in data[name]]
                if any(isinstance(mark, InputMarker) for mark in fields[name].metadata)
                else replace(getattr(value, name), data[name])
                for name in fields
            }
        if isinstance(value, dict):
            return {key: replace(item, data[key]) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [replace(item, part) for item, part in zip(value, data, strict=True)]
        return data

    replaced: dict[str, Any] = replace(config, config_for_worker(config, node))
    return replaced
