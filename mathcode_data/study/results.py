"""The results of a study as plain data: what both reports and `--json` are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from mathcode_data import __version__
from mathcode_data.study.config import BASE, StudyConfig
from mathcode_data.study.findings import PROGRAM, REASONING, Findings, Place
from mathcode_data.study.hypotheses import judge
from mathcode_data.study.paper import COLUMNS, paper_row
from mathcode_data.study.plan import Plan
from mathcode_data.study.sandbox import isolation_text
from mathcode_data.trainer.size import matrix_parameters, num_parameters

CLAIM = (
    "This verifies directions at proxy scale, nothing more: models a thousand times smaller than the paper's, on other data, with "
    "other tests. The paper's numbers stand beside ours so that signs can be compared, never sizes."
)


def study_results(config: StudyConfig, plan: Plan) -> dict[str, Any]:
    """Everything that the reports tell."""
    sizes = {model: Findings(config, plan, model) for model in config.models}
    first = next(iter(sizes.values()))
    return {
        "kind": "study", "name": config.name, "claim": CLAIM, "version": __version__, "seeds": list(config.seeds), "scale": config.scale,
        "sequence_length": config.sequence_length, "bootstrap": config.bootstrap, "heldout_windows": config.heldout_windows,
        "num_runs": len(plan.jobs), "domains": {name: first.unit(name) for name in first.domains()},
        "arms": {name: _arm(config, plan, name) for name in plan.arms},
        "problems": _problems(config, first),
        "training": config.training.model_dump(mode="json"),
        "models": {name: _model(config, found) for name, found in sizes.items()},
    }  # fmt: skip


def _arm(config: StudyConfig, plan: Plan, name: str) -> dict[str, Any]:
    stages = [
        {"name": stage["name"], "tokens": stage["tokens"],
         "sources": {source: part["tokens"] for source, part in stage["sources"].items() if part["tokens"]},
         "epochs": {source: part["epochs"] for source, part in stage["sources"].items() if part["tokens"]},
         "replayed": {source: part["tokens"] for source, part in stage.get("replayed", {}).items()}}
        for stage in plan.arms[name]
    ]  # fmt: skip
    return {"what": config.arms[name].what, "stages": stages, "tokens": sum(stage["tokens"] for stage in stages)}


def _problems(config: StudyConfig, found: Findings) -> dict[str, Any] | None:
    if config.problems is None:
        return None
    shown_of = {PROGRAM: _first_of(found, "mixed"), REASONING: _first_of(found, "code-math")}
    shown = {
        form: found.measures(found.last(arm), config.seeds[0])["problems"]["sets"]["new"][form]["shown"] for form, arm in shown_of.items()
    }
    return {
        "train": config.problems.train, "test": config.problems.test, "isolation": isolation_text(), "shown": shown,
        "shown_of": shown_of,
        "mix_into": {name: part.model_dump(mode="json") for name, part in config.problems.mix_into.items()},
    }  # fmt: skip


def _first_of(found: Findings, arm: str) -> str:
    return arm if found.has(arm) else BASE


def _model(config: StudyConfig, found: Findings) -> dict[str, Any]:
    model = config.models[found.model]
    speeds = [trained["tokens_per_s"] for trained in found.trained.values() if trained["tokens_per_s"]]
    some = next(iter(found.trained.values()))
    return {
        "parameters": num_parameters(model), "matrix_parameters": matrix_parameters(model), "device": some["device"],
        "torch": some["torch"],
        "tokens_per_s": float(np.median(speeds)) if speeds else None,
        "rows": [_row(found, place) for place in found.places()],
        "curves": {domain: {arm: found.mean_curve(arm, domain) for arm in found.plan.arms} for domain in found.domains()},
        "forgetting": {arm: {domain: found.forgetting(arm, domain) for domain in found.domains()} for arm in found.plan.arms},
        "hypotheses": [hypothesis.to_json() for hypothesis in judge(found)],
    }  # fmt: skip


def _row(found: Findings, place: Place) -> dict[str, Any]:
    """One line of the tables: the end of a stage of an arm."""
    stages = found.plan.arms[place.arm]
    tokens: dict[str, int] = {}
    for stage in stages[: place.stage + 1]:
        for source, part in stage["sources"].items():
            tokens[source] = tokens.get(source, 0) + part["tokens"]
    paper = paper_row(place.arm, place.stage, len(stages))
    is_base = place.arm == BASE
    kept = None if is_base else found.retention_of_losses(place)
    kept_programs = None if is_base else found.retention_of_programs(place)
    row: dict[str, Any] = {
        "arm": place.arm, "stage": stages[place.stage]["name"], "number": place.stage, "is_last": place.stage == len(stages) - 1,
        "tokens": {name: count for name, count in tokens.items() if count},
        "losses": {domain: found.mean(found.losses(place, domain)).to_json() for domain in found.domains()},
        "retention": kept.to_json() if kept else None, "retention_of_programs": kept_programs.to_json() if kept_programs else None,
        "paper": None,
    }  # fmt: skip
    if paper:
        row["paper"] = {"name": paper.name, "tokens": list(paper.tokens), "scores": dict(zip(COLUMNS, paper.scores, strict=True))}
    if found.has_problems:
        for form in (REASONING, PROGRAM):
            row[form] = {name: found.mean(found.correct(place, form, name)).to_json() for name in ("new", "seen")}
        row["ran"] = found.share_that_ran(place)
    return row
