"""The main job: bring the sources of a mixture up to date, then build it. Here the runtime and the mixture room meet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathcode_data.core.blame import at_place
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.lock import locked
from mathcode_data.core.yaml_file import YamlFile, load_yaml
from mathcode_data.mixture.build import build_mixture
from mathcode_data.mixture.planning import plan_mixture
from mathcode_data.mixture.quotas import ROUNDING
from mathcode_data.mixture.recipe import Recipe, load_recipe
from mathcode_data.mixture.sources import SourceInput, source_from_paths
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import resolve_result
from mathcode_data.runtime.session import plan_pipeline, run_pipeline
from mathcode_data.runtime.update import NodeReport

DEFAULT_FOLDER = Path("results") / "mixtures"


def build(
    mixture: Path, output: Path | None, settings: RunSettings, overrides: Sequence[str] = (), *, read_all: bool = False
) -> tuple[dict[str, Any], list[NodeReport], list[str]]:
    """Build a mixture; sources that are pipelines are brought up to date first.

    Args:
        mixture: the mixture file.
        output: folder of the mixture; None for results/mixtures/NAME in the current folder.
        settings: runner and display, for the pipelines.
        overrides: `a.b=c` for values of the mixture file.
        read_all: hash every byte of foreign shards, so that `verify --full` finds any change in them.

    Returns:
        The object of `mixture.json` (with `folder`), what happened to the results that the sources need, and inputs that were
        damaged or set aside on the way, each once.
    """
    recipe, file = load_recipe(mixture, overrides)
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
    folder = output or DEFAULT_FOLDER / recipe.name
    with locked(folder, remove_if_unused=True):
        info = build_mixture(recipe, sources, folder, file=file, read_all=read_all)
    damage = damage_of(list(reports.values())) + [line for source in sources for line in getattr(source, "damage", ())]
    return info, list(reports.values()), list(dict.fromkeys(damage))


def _shard_paths(recipe: Recipe, name: str) -> list[Path]:
    return [resolve_result(path) for path in recipe.sources[name].shards or ()]


def damage_of(reports: Sequence[NodeReport]) -> list[str]:
    """Inputs that were damaged or set aside on the way, each once."""
    lines = [line for report in reports for line in (*report.result.manifest.damage, *report.result.manifest.quarantined)]
    return list(dict.fromkeys(lines))


def plan(path: Path, overrides: Sequence[str] = (), limit: int | None = None) -> dict[str, Any]:
    """What a run of a pipeline file, or a build of a mixture file, would do; nothing is written.

    Returns:
        `{"kind": "pipeline", "results": [...]}` or `{"kind": "mixture", "results": [...], "mixture": {...}}`. Where a source is
        not there yet, `mixture` has the quotas without epochs and `missing` names the sources.
    """
    data = load_yaml(path).data
    if not isinstance(data, dict) or "sources" not in data:
        return {"kind": "pipeline", "results": plan_pipeline(path, overrides=overrides, limit=limit)}
    if limit is not None:
        raise ConfigError(f"--limit {limit}: a limit is for pipelines; a mixture has budgets")
    recipe, file = load_recipe(path, overrides)
    results: dict[str, dict[str, Any]] = {}
    for source in recipe.sources.values():
        if source.pipeline is not None:
            results |= {node["output"]: node for node in plan_pipeline(source.pipeline, stage=source.stage)}
    sources, missing = _sources_that_are_there(recipe, file, results)
    mixture = _quotas_alone(recipe) if missing else plan_mixture(recipe, sources, file=file)
    return {"kind": "mixture", "results": list(results.values()), "mixture": mixture, "missing": missing}


def _sources_that_are_there(recipe: Recipe, file: YamlFile, results: dict[str, dict[str, Any]]) -> tuple[list[SourceInput], list[str]]:
    sources, missing = [], []
    for name, source in recipe.sources.items():
        place = file.place(("sources", name))
        if source.pipeline is None:
            sources.append(source_from_paths(name, _shard_paths(recipe, name), place=place))
            continue
        node = plan_pipeline(source.pipeline, stage=source.stage)[-1]
        if results[node["output"]]["state"] != "up to date":
            missing.append(name)
            continue
        try:
            sources.append(source_from_paths(name, [Path(node["output"])], place=place))
        except DataError as error:
            raise ConfigError(at_place(place, error)) from error
    return sources, missing


def _quotas_alone(recipe: Recipe) -> dict[str, Any]:
    """The part of a plan that needs no shard."""
    stages = []
    for stage in recipe.stages:
        asked, quotas = stage.asked(), recipe.quotas(stage)
        parts = {
            name: {"tokens_asked": int(asked[name]), "tokens": count * recipe.sequence_length, "num_samples": count, "epochs": None}
            for name, count in zip(recipe.sources, quotas, strict=True)
            if name in asked
        }
        stages.append({"name": stage.name, "num_samples": sum(quotas), "sources": parts})
    return {"name": recipe.name, "sequence_length": recipe.sequence_length, "rounding": ROUNDING, "stages": stages}
