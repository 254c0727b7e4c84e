"""Commands that make something: run, plan, build-mixture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, Limit, MaxFailed, Overrides, Quiet, RayAddress, RunnerName, Workers, emit, say
from mathcode_data.core.errors import PartialResultError

if TYPE_CHECKING:
    from mathcode_data.runtime.update import NodeReport


@app.command(epilog="Example: mathcode-data run pipelines/quickstart.yaml --limit 100")
def run(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    stage: Annotated[str | None, typer.Option("--stage", help="Only this result and what it needs.")] = None,
    workers: Workers = None,
    runner: RunnerName = "pool",
    ray_address: RayAddress = None,
    max_failed_shards: MaxFailed = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a pipeline; what is up to date stays, an interrupted run goes on."""
    from mathcode_data.build import damage_of
    from mathcode_data.inspect.tables import stage_table
    from mathcode_data.runtime.session import report_rows, run_pipeline, run_session

    with run_session(runner=runner, workers=workers, ray_address=ray_address, quiet=quiet, max_failed_shards=max_failed_shards) as settings:
        reports = run_pipeline(pipeline, settings, stage=stage, overrides=overrides or [], limit=limit)
    rows = report_rows(reports)
    emit(rows, json, stage_table(rows))
    refuse_partial(damage_of(reports))


@app.command(epilog="Example: mathcode-data plan mixtures/quickstart.yaml")
def plan(
    path: Annotated[Path, typer.Argument(help="A pipeline or a mixture file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Say what a run or a build would do; nothing is written."""
    from mathcode_data.build import plan as plan_file
    from mathcode_data.inspect.tables import plan_text

    data = plan_file(path, overrides or [], limit)
    emit(data, json, plan_text(data))


@app.command("build-mixture", epilog="Example: mathcode-data build-mixture mixtures/quickstart.yaml --output results/quickstart-mixture")
def build_mixture_command(
    mixture: Annotated[Path, typer.Argument(help="A mixture file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the mixture; by default results/mixtures/NAME.")] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    runner: RunnerName = "pool",
    ray_address: RayAddress = None,
    max_failed_shards: MaxFailed = 0,
    quiet: Quiet = False,
    read_all: Annotated[bool, typer.Option("--read-all", help="Hash every byte of foreign shards, for verify --full.")] = False,
    json: Json = False,
) -> None:
    """Build a mixture: exact token budgets as index files. Sources that are pipelines are brought up to date first."""
    from mathcode_data.build import build
    from mathcode_data.runtime.session import run_session

    with run_session(runner=runner, workers=workers, ray_address=ray_address, quiet=quiet, max_failed_shards=max_failed_shards) as settings:
        info, reports, damage = build(mixture, output, settings, overrides or [], read_all=read_all)
    if not quiet and not json:
        say_reports(reports)
    show_mixture(info, json)
    refuse_partial(damage)


def say_reports(reports: list[NodeReport]) -> None:
    """Print what happened to the results that a mixture needed."""
    from mathcode_data.inspect.tables import stage_table
    from mathcode_data.runtime.session import report_rows

    if reports:
        say(stage_table(report_rows(reports)) + "\n")


def refuse_partial(damage: list[str]) -> None:
    """Part of the input never counts as success: damage and failed shards end a finished run with exit code 3."""
    if damage:
        more = f" (and {len(damage) - 1} more, in the manifests)" if len(damage) > 1 else ""
        raise PartialResultError(f"done, but not with all of the input: {damage[0]}{more}")


def show_mixture(info: dict[str, Any], json: bool) -> None:
    """Print a built mixture, its notices on standard error."""
    from mathcode_data.inspect.tables import mixture_table

    for notice in info.get("notices", []):
        say(f"note: {notice}")
    emit(info, json, f"{mixture_table(info)}\nrounding: {info['rounding']}\nfingerprint {info['fingerprint']}\n{info['folder']}")
