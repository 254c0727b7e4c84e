"""Commands that look after runs: status, retry, gc."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.runs import run as run_command
from mathcode_data.cli.show import Json, Limit, MaxFailed, Overrides, Quiet, RayAddress, RunnerName, Workers, emit, say
from mathcode_data.core.errors import ConfigError


@app.command(epilog="Example: mathcode-data status quickstart/results/quickstart")
def status(
    path: Annotated[Path, typer.Argument(help="A result, an output folder, a folder of such, a pipeline or a mixture file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Say what a run did and does: tasks, rate, time left, who is at work, what was set aside, disk; reads records only."""
    from mathcode_data.inspect.status_text import status_text
    from mathcode_data.runtime.places import find_places
    from mathcode_data.runtime.store_status import status_of

    places = find_places(path, overrides=overrides or [], limit=limit)
    outputs = [status_of(place) for place in places]
    emit({"outputs": outputs}, json, status_text(outputs))


@app.command(epilog="Example: mathcode-data retry pipelines/math.yaml --stage pages --shard 17 --run")
def retry(
    path: Annotated[Path, typer.Argument(help="A pipeline file or its output folder.")],
    stage: Annotated[str | None, typer.Option("--stage", help="Only tasks of this result.")] = None,
    shard: Annotated[list[int] | None, typer.Option("--shard", min=0, help="Only the task of this number; may be repeated.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Run the pipeline at once.")] = False,
    overrides: Overrides = None,
    limit: Limit = None,
    workers: Workers = None,
    runner: RunnerName = "pool",
    ray_address: RayAddress = None,
    max_failed_shards: MaxFailed = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Forget which tasks were set aside, so that the next run does them again; with --shard, the others stay aside."""
    from mathcode_data.inspect.status_text import retry_text
    from mathcode_data.runtime.places import find_places
    from mathcode_data.runtime.retry import retry as clear

    places = find_places(path, overrides=overrides or [], limit=limit)
    if len(places) > 1:
        raise ConfigError(f"{path}: stands for {len(places)} output folders; name one: {', '.join(str(place.output) for place in places)}")
    if run and path.is_dir():
        raise ConfigError(f"{path}: --run needs the pipeline file, this is a folder; name the file")
    cleared = clear(places[0], stage=stage, shards=shard or ())
    if not run:
        emit({"cleared": cleared}, json, retry_text(cleared, path))
        return
    say(retry_text(cleared, path))
    run_command(path, overrides, limit, None, workers, runner, ray_address, max_failed_shards, quiet, json)


@app.command(epilog="Example: mathcode-data gc results --older-than 24")
def gc(
    folder: Annotated[Path, typer.Argument(help="An output folder, a mixture, a training run, or a folder that holds such.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed; without it nothing is touched.")] = False,
    older_than: Annotated[float, typer.Option("--older-than", metavar="HOURS", min=0, help="Only what did not change for so long.")] = 0.0,
    keep_checkpoints: Annotated[
        int | None, typer.Option("--keep-checkpoints", min=1, help="List checkpoints beyond so many newest of each training run.")
    ] = None,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="List also work that the next run would go on with.")] = False,
    refer: Annotated[
        list[Path] | None, typer.Option("--refer", help="A further folder whose YAML files and mixtures refer to results.")
    ] = None,
    json: Json = False,
) -> None:
    """List what no manifest, mixture or YAML file of the project refers to; delete it only with --yes."""
    from mathcode_data.inspect.status_text import garbage_text
    from mathcode_data.runtime.gc import delete_garbage, find_garbage

    found, notes = find_garbage(folder, refer=refer or [], keep_checkpoints=keep_checkpoints, unfinished=unfinished)
    found = [item for item in found if item.age_s >= older_than * 3600]
    gone, more = delete_garbage(found) if yes else ([], [])
    for note in (*notes, *more):
        say(f"note: {note}")
    data = {"found": [item.to_json() for item in found], "deleted": [str(item.path) for item in gone], "notes": [*notes, *more]}
    emit(data, json, garbage_text(data, folder, deleted=yes))
