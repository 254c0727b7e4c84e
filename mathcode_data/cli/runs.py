"""Commands that make something: run, plan, build-mixture."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import (
    Consumed,
    ContinueFrom,
    Json,
    Limit,
    MaxFailed,
    Overrides,
    Quiet,
    RayAddress,
    RunnerName,
    Workers,
    emit,
    say,
)
from mathcode_data.core.errors import PartialResultError

if TYPE_CHECKING:
    from mathcode_data.runtime.update import NodeReport


@app.command(epilog="Example: mathcode-data run quickstart/pipelines/quickstart.yaml --limit 100")
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


def _above_zero(value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} tokens a second; give a number above 0")
    return value


@app.command(epilog="Example: mathcode-data plan quickstart/mixtures/quickstart.yaml")
def plan(
    path: Annotated[Path, typer.Argument(help="A pipeline or a mixture file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, help="Samples per training step, for the number of steps.")
    ] = None,
    tokens_per_second: Annotated[
        float | None,
        typer.Option("--tokens-per-second", callback=_above_zero, help="Training speed of one GPU, for GPU-days; above 0."),
    ] = None,
    gpus: Annotated[int | None, typer.Option("--gpus", min=1, help="GPUs, for days.")] = None,
    assume: Annotated[list[str] | None, typer.Option("--assume", help="Size of a source that is not there yet: --assume math=89B.")] = None,
    continue_from: ContinueFrom = None,
    consumed: Consumed = None,
    json: Json = False,
) -> None:
    """Say what a run or a build would do: tokens, epochs, steps, disk, GPU-days; nothing is written."""
    from mathcode_data.build import plan as plan_file
    from mathcode_data.inspect.planned import planned_text
    from mathcode_data.inspect.tables import plan_text
    from mathcode_data.mixture.whatif import Speed

    speed = Speed(batch_size, tokens_per_second, gpus)
    data = plan_file(path, overrides or [], limit, speed=speed, assume=assume or [], continue_from=continue_from, consumed=consumed)
    emit(data, json, (plan_text(data) if data["kind"] == "pipeline" else planned_text(data)) + estimate_text(data["results"]))


def _names(results: list[dict[str, Any]]) -> dict[str, str]:
    """By its output, what a result is called: its id, with its folder where results of several pipelines have one id."""
    numbers = Counter(node["id"] for node in results)
    return {
        node["output"]: node["id"] if numbers[node["id"]] == 1 else f"{Path(node['output']).parent.name}/{node['id']}" for node in results
    }


def estimate_text(results: list[dict[str, Any]]) -> str:
    """About what the results that are not there yet will hold."""
    from mathcode_data.inspect.tables import human_bytes, table

    names = _names(results)
    found = {node["output"]: node["estimate"] for node in results if node.get("estimate")}
    if not found:
        return ""
    rows = [[names[output], part["documents"], part["tokens"], human_bytes(part["bytes"])] for output, part in found.items()]
    rules = next(iter(found.values()))["rules"]
    total = human_bytes(sum(part["bytes"] for part in found.values()))
    unknown = [names[node["output"]] for node in results if node["state"] != "up to date" and node["output"] not in found]
    rest = f"; nobody knows before the run: {', '.join(unknown)}" if unknown else ""
    return f"\n\nto come, about ({rules}):\n{table(['result', 'documents', 'tokens', 'disk'], rows)}\nabout {total} of disk{rest}"


@app.command("build-mixture", epilog="Example: mathcode-data build-mixture quickstart/mixtures/quickstart.yaml --output quickstart/mixture")
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
    force: Annotated[bool, typer.Option("--force", help="Replace a finished mixture of another name in the folder.")] = False,
    continue_from: ContinueFrom = None,
    consumed: Consumed = None,
    json: Json = False,
) -> None:
    """Build a mixture: exact token budgets as index files. Sources that are pipelines are brought up to date first."""
    from mathcode_data.build import build
    from mathcode_data.runtime.session import run_session

    with run_session(runner=runner, workers=workers, ray_address=ray_address, quiet=quiet, max_failed_shards=max_failed_shards) as settings:
        info, reports, damage = build(
            mixture, output, settings, overrides or [], read_all=read_all, force=force, continue_from=continue_from, consumed=consumed
        )
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
    from mathcode_data.core.storage import read_json
    from mathcode_data.inspect.planned import changes_text
    from mathcode_data.inspect.tables import mixture_table
    from mathcode_data.mixture.index_files import MIXTURE_NAME

    for notice in info.get("notices", []):
        say(f"note: {notice}")
    if "replaced" in info:
        say(f"note: the recipe changed: this mixture replaces the one of fingerprint {info['replaced']} in {info['folder']}")
    text = f"{mixture_table(info)}\n{changes_text(info)}rounding: {info['rounding']}\nfingerprint {info['fingerprint']}\n{info['folder']}"
    if json:
        say(f"note: built in {info['folder']}")
        emit(read_json(Path(info["folder"]) / MIXTURE_NAME), json, "")
    else:
        emit(info, json, text)
