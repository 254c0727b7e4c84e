"""The main job: bring the sources of a mixture up to date, then build it. Here the runtime and the mixture room meet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError, DataError, MathcodeError
from mathcode_data.core.lock import locked
from mathcode_data.core.object_store import bring, bring_if_there, local_place, push_folder, url_of
from mathcode_data.core.storage import read_json
from mathcode_data.core.yaml_file import YamlFile, load_yaml
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.continuing import Parent, read_parent
from mathcode_data.mixture.index_files import MIXTURE_NAME
from mathcode_data.mixture.opened import read_mixture
from mathcode_data.mixture.recipe import Recipe, load_recipe
from mathcode_data.mixture.sources import SourceInput, source_from_paths
from mathcode_data.mixture.whatif import Speed, estimate, parse_assumed, preview
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import resolve_result
from mathcode_data.runtime.pipeline import kind_of_file, refuse_other_kind
from mathcode_data.runtime.session import plan_pipeline, run_pipeline
from mathcode_data.runtime.store import held
from mathcode_data.runtime.update import NodeReport

DEFAULT_FOLDER = Path("results") / "mixtures"


def build(
    mixture: Path,
    output: Path | None,
    settings: RunSettings,
    overrides: Sequence[str] = (),
    *,
    read_all: bool = False,
    force: bool = False,
    continue_from: Path | None = None,
    consumed: int | None = None,
) -> tuple[dict[str, Any], list[NodeReport], list[str]]:
    """Build a mixture; sources that are pipelines are brought up to date first.

    Args:
        mixture: the mixture file.
        output: folder of the mixture, or its URL on an object store; None for results/mixtures/NAME in the current folder.
        settings: runner and display, for the pipelines.
        overrides: `a.b=c` for values of the mixture file.
        read_all: hash every byte of foreign shards, so that `verify --full` finds any change in them.
        force: replace a finished mixture of another name.
        continue_from: folder of the mixture that this one goes on from.
        consumed: samples of it that were trained on.

    Returns:
        The object of `mixture.json` with `folder` and, where another mixture of this name stood there, `replaced` (its
        fingerprint); what happened to the results that the sources need; and inputs that were damaged or set aside on the way,
        each once.

    Raises:
        ConfigError: the recipe cannot be met, or the folder holds something else; nothing is written.
    """
    refuse_other_kind(load_yaml(mixture).data, mixture, "mixture")
    recipe, file = load_recipe(mixture, overrides)
    parent = _parent(continue_from, consumed)
    folder = bring_if_there(local_place(output or DEFAULT_FOLDER / recipe.name))
    earlier = _earlier(folder)
    if earlier is not None and earlier["name"] != recipe.name and not force:
        raise ConfigError(
            f"{folder}: holds the mixture {earlier['name']!r}, this recipe is {recipe.name!r}; name another output, or give --force"
        )
    sources: list[SourceInput] = []
    reports: dict[Path, NodeReport] = {}
    for name, source in recipe.sources.items():
        if source.pipeline is None:
            paths = _shard_paths(recipe, name)
        else:
            found = run_pipeline(source.pipeline, settings, stage=source.stage)
            # a result that this build made first is not reported again as up to date
            reports = {report.node.folder: report for report in found} | reports
            paths = [found[-1].node.folder]
        sources.append(source_from_paths(name, paths, place=file.place(("sources", name))))
    with held(folder), locked(folder, remove_if_unused=True):
        origin: dict[str, Any] = {"file": os.path.relpath(mixture.resolve(), folder.resolve())}
        if overrides:
            origin["overrides"] = list(overrides)
        if continue_from is not None:
            origin |= {"continue_from": os.path.relpath(continue_from.resolve(), folder.resolve()), "consumed": consumed}
        info = build_mixture(recipe, sources, folder, file=file, read_all=read_all, parent=parent, origin=origin)
        if url_of(folder) is not None:
            push_folder(folder, info["files"], MIXTURE_NAME)
    if earlier is not None and earlier["fingerprint"] != info["fingerprint"]:
        info = info | {"replaced": earlier["fingerprint"]}
    damage = damage_of(list(reports.values())) + [line for source in sources for line in getattr(source, "damage", ())]
    return info, list(reports.values()), list(dict.fromkeys(damage))


def _earlier(folder: Path) -> dict[str, Any] | None:
    """The finished mixture in a folder, if one stands there."""
    path = folder / MIXTURE_NAME
    try:
        data = read_json(path) if path.is_file() else None
    except DataError:
        return None
    is_mixture = isinstance(data, dict) and data.get("kind") == "mixture" and {"name", "fingerprint"} <= data.keys()
    return data if is_mixture else None


def _shard_paths(recipe: Recipe, name: str) -> list[Path]:
    return [resolve_result(path) for path in recipe.sources[name].shards or ()]


def damage_of(reports: Sequence[NodeReport]) -> list[str]:
    """Inputs that were damaged or set aside on the way, each once."""
    lines = [line for report in reports for line in (*report.result.manifest.damage, *report.result.manifest.quarantined)]
    return list(dict.fromkeys(lines))


def plan(
    path: Path,
    overrides: Sequence[str] = (),
    limit: int | None = None,
    *,
    speed: Speed | None = None,
    assume: Sequence[str] = (),
    continue_from: Path | None = None,
    consumed: int | None = None,
) -> dict[str, Any]:
    """What a run of a pipeline file, or a build of a mixture file, would do; nothing is written.

    Args:
        path: of the pipeline or mixture file.
        overrides: `a.b=c` for values of the file.
        limit: documents per source, for a pipeline.
        speed: how a mixture would be trained on, for steps and GPU-days.
        assume: `source=tokens`: sizes of sources whose shards are not there yet.
        continue_from: folder of the mixture that the file goes on from.
        consumed: samples of it that were trained on.

    Returns:
        `{"kind": "pipeline", "results": [...]}` or `{"kind": "mixture", "results": [...], "mixture": {...}, "estimate": {...},
        "missing": [...]}`. Where a source is not there yet, its epochs are None and `missing` names it.
    """
    if kind_of_file(load_yaml(path).data) != "mixture":
        return {"kind": "pipeline", "results": plan_pipeline(path, overrides=overrides, limit=limit)}
    if limit is not None:
        raise ConfigError(f"--limit {limit}: a limit is for pipelines; a mixture has budgets")
    recipe, file = load_recipe(path, overrides)
    assumed = parse_assumed(recipe, assume)
    results: dict[str, dict[str, Any]] = {}
    sources, missing = [], {}
    for name in recipe.sources:
        try:
            found = None if name in assumed else _source_that_is_there(recipe, file, name, results)
        except MathcodeError as error:
            missing[name] = str(error)
            continue
        if found is not None:
            sources.append(found)
        elif name not in assumed:
            missing[name] = "its pipeline must be run first"
    mixture = preview(recipe, sources, missing, assumed, file=file, parent=_parent(continue_from, consumed))
    return {
        "kind": "mixture", "results": list(results.values()), "mixture": mixture, "estimate": estimate(mixture, speed or Speed()),
        "missing": list(missing),
    }  # fmt: skip


def _source_that_is_there(recipe: Recipe, file: YamlFile, name: str, results: dict[str, dict[str, Any]]) -> SourceInput | None:
    """A source whose shards are there; None where its pipeline was not run. What would run is added to `results`."""
    source, place = recipe.sources[name], file.place(("sources", name))
    if source.pipeline is None:
        return source_from_paths(name, _shard_paths(recipe, name), place=place)
    nodes = plan_pipeline(source.pipeline, stage=source.stage)
    results |= {node["output"]: node for node in nodes if node["output"] not in results}
    if nodes[-1]["state"] != "up to date":
        return None
    return source_from_paths(name, [bring(Path(nodes[-1]["output"]))], place=place)


def _parent(folder: Path | None, consumed: int | None) -> Parent | None:
    if (folder is None) != (consumed is None):
        raise ConfigError(
            "--continue-from and --consumed belong together: the folder of the mixture, and the number of its samples that were trained on"
        )
    return None if folder is None or consumed is None else read_parent(folder, read_mixture(folder), consumed)
