"""The results that something was made of, first causes first, as far as their manifests lie beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import DataError, MathcodeError
from mathcode_data.core.manifest import InputRecord, Result, read_result
from mathcode_data.core.storage import read_json
from mathcode_data.inspect.find import inputs_of
from mathcode_data.inspect.kinds import identify, ordered_results
from mathcode_data.mixture.opened import read_mixture, shard_prefix
from mathcode_data.shards.resolve import token_result

LEARNED = ("model", "tokenizer")
"""Kinds of results that documents do not pass through."""


@dataclass
class Lineage:
    """Where one thing comes from."""

    name: str
    """Source of a mixture, or the result itself."""
    results: list[Result] = field(default_factory=list)
    """In an order in which each comes after those that it was made from."""
    flow: set[Path] = field(default_factory=set)
    """Folders of those that its documents passed; the others taught a model or a tokenizer."""
    missing: list[tuple[str, InputRecord]] = field(default_factory=list)
    """Inputs without a manifest beside the result: (result, input)."""
    problem: str = ""
    """Why nothing is known, where that is so."""


def lineages(path: Path, data: dict[str, Any]) -> list[Lineage]:
    """The lineage of each source of a mixture, or the one of a result, an output folder or shards."""
    kind = identify(path)
    if kind == "mixture":
        return [_of_source(path, source) for source in read_mixture(path)["sources"]]
    if kind == "output":
        return [_of_results(path.name, ordered_results(path))]
    folder = path if path.is_dir() else path.parent
    if kind == "shards":
        return [Lineage(path.name, problem="shards from elsewhere, without a manifest of ours")]
    return [_of_results(path.name or str(data["path"]), [read_result(folder)])]


def _of_source(mixture: Path, source: dict[str, Any]) -> Lineage:
    name = str(source["name"])
    folders = dict.fromkeys(shard_prefix(mixture, shard).parent for shard in source["shards"])
    try:
        found = [token_result(Path(folder)) for folder in folders]
    except MathcodeError as error:
        return Lineage(name, problem=str(error))
    results = [result for result in found if result is not None]
    lineage = _of_results(name, results)
    if not results:
        lineage.problem = "shards from elsewhere, without a manifest of ours"
    elif source.get("is_ours") and len(folders) == 1 and results[0].fingerprint != source["fingerprint"]:
        lineage.problem = "its shards were made again since the mixture was built; what follows is said of the new ones"
    return lineage


def _of_results(name: str, results: Iterable[Result]) -> Lineage:
    lineage = Lineage(name)
    seen: set[Path] = set()
    for result in results:
        _visit(result, lineage, seen)
        _flow(result, lineage.flow)
    return lineage


def _flow(result: Result, found: set[Path]) -> None:
    folder = result.folder.absolute()
    if folder not in found:
        found.add(folder)
        for before in inputs_of(result):
            if before.manifest.kind not in LEARNED:
                _flow(before, found)


def _visit(result: Result, lineage: Lineage, seen: set[Path]) -> None:
    folder = result.folder.absolute()
    if folder in seen:
        return
    seen.add(folder)
    found = inputs_of(result)
    for before in found:
        _visit(before, lineage, seen)
    known = {before.fingerprint for before in found}
    lineage.missing += [(result.folder.name, record) for record in result.manifest.inputs if record.fingerprint not in known]
    lineage.results.append(result)


def pipeline_name(result: Result) -> str:
    """Name of the pipeline whose output folder a result lies in; empty where its pipeline.json does not say."""
    try:
        data = read_json(result.folder.absolute().parent / "pipeline.json")
    except DataError:
        return ""
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""
