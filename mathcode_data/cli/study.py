"""The command that compares mixtures by training on them: study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, Overrides, Quiet, emit, say
from mathcode_data.core.errors import ConfigError

if TYPE_CHECKING:
    from mathcode_data.core.yaml_file import YamlFile
    from mathcode_data.study.config import StudyConfig
    from mathcode_data.study.plan import Plan


@app.command(epilog="Example: mathcode-data study mixtures/study/core-study.yaml --workers 2")
def study(
    file: Annotated[Path, typer.Argument(help="A study file.")],
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Runs that are trained side by side; the numbers are the same.")] = 1,
    plan_only: Annotated[bool, typer.Option("--plan", help="Build the mixtures, say what would be trained, and stop.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train several arms with several seeds, compare them with the paper, and write one page; a killed study goes on."""
    from mathcode_data.core.plugins import install_hint

    try:
        import mathcode_data.study.node  # noqa: F401  (loads torch: what is missing is said now, not after an hour of pipelines)
        from mathcode_data.study.config import load_study
        from mathcode_data.study.run import run_study
    except ModuleNotFoundError as error:
        raise ConfigError(f"a study needs the package {error.name!r}; {install_hint(error.name)}") from error
    config, read = load_study(file, tuple(overrides or ()))
    shards = find_shards(config, read, quiet=quiet or json)
    tell = say if not quiet else (lambda _: None)
    if plan_only:
        from mathcode_data.study.plan import plan_study

        plan = plan_study(config, shards)
        emit(plan_data(plan), json, plan_text(plan))
        return
    results = run_study(config, shards, workers=workers, say=tell)
    emit(results, json, results_text(results))


def find_shards(config: StudyConfig, read: YamlFile, *, quiet: bool) -> dict[str, list[Path]]:
    """Shards of every source; pipelines are brought up to date first."""
    from mathcode_data.runtime.graph import resolve_result
    from mathcode_data.runtime.session import run_pipeline, run_session

    found: dict[str, list[Path]] = {}
    for name, source in config.sources.items():
        if source.pipeline is None:
            found[name] = [resolve_result(path) for path in source.shards or ()]
            missing = next((path for path in found[name] if not _is_there(path)), None)
            if missing is not None:
                raise ConfigError(
                    f"{read.place(('sources', name))}: source {name!r}: nothing at {missing}; check the path, or run its pipeline"
                )
            continue
        with run_session(quiet=quiet) as settings:
            found[name] = [run_pipeline(source.pipeline, settings, stage=source.stage)[-1].node.folder]
    return found


def _is_there(path: Path) -> bool:
    return path.exists() or path.with_name(f"{path.name}.bin").exists()


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    jobs = [
        {"label": job.label, "model": job.model, "seed": job.seed, "steps": job.end_step - job.start_step, "folder": job.folder}
        for job in plan.jobs.values()
    ]
    return {"kind": "study plan", "runs": jobs, "arms": plan.arms}


def plan_text(plan: Plan) -> str:
    """A plan for people: runs of the first seed, since all seeds have the same."""
    from mathcode_data.inspect.tables import table

    first = next(iter(plan.jobs.values()))
    jobs = [job for job in plan.jobs.values() if (job.seed, job.model) == (first.seed, first.model)]
    tokens = {key: plan.arms[arm][number]["tokens"] for (_, _, arm), chain in plan.chains.items() for number, key in enumerate(chain)}
    rows = [[job.label, job.end_step - job.start_step, tokens[job.key]] for job in jobs]
    times = len(plan.jobs) // len(jobs)
    return (
        table(["run", "steps", "tokens"], rows)
        + f"\n{len(jobs)} runs, {sum(row[2] for row in rows):,} tokens, {times} times (seeds and sizes)"
    )


def results_text(results: dict[str, Any]) -> str:
    """What was found, and where the report lies."""
    lines = [results["claim"], ""]
    for name, model in results["models"].items():
        for found in model["hypotheses"]:
            lines.append(f"{name}  {found['name']}  {found['verdict']}: {found['text']}")
            lines += [f"    {claim['verdict']}: {claim['text']}: {claim['value']['value']:.4g}" for claim in found["claims"]]
            lines += [f"    not tested: {found['untested']}"] if found["untested"] else []
    return "\n".join([*lines, "", f"report: {results['folder']}/report.html, report.md, results.json"])
