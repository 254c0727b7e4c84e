"""Commands that look after runs: status, retry, gc."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.runs import run as run_command
from mathcode_data.cli.show import Json, Limit, MaxFailed, Overrides, Quiet, RayAddress, RunnerName, Workers, emit, say
from mathcode_data.cli.targets import TAKEN_BY, WORDS, one_target, refuse_web
from mathcode_data.core.errors import ConfigError

if TYPE_CHECKING:
    from mathcode_data.runtime.places import Place


@app.command(epilog="Example: mathcode-data status quickstart/results/quickstart")
def status(
    path: Annotated[Path, typer.Argument(help="A result, an output folder, a mixture, a folder of such, a pipeline or a mixture file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Say what a run did and does: tasks, rate, time left, who is at work, what was set aside, disk; reads records only."""
    from mathcode_data.inspect.status_text import status_text
    from mathcode_data.runtime.store_status import status_of

    places = _places(path, "status", overrides, limit)
    outputs = [status_of(place) for place in places]
    emit({"outputs": outputs}, json, status_text(outputs))


@app.command(epilog="Example: mathcode-data retry pipelines/math.yaml --stage pages --shard 17 --run")
def retry(
    path: Annotated[Path, typer.Argument(help="A pipeline file, its output folder, or a result.")],
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
    from mathcode_data.runtime.retry import retry as clear

    places = _places(path, "retry", overrides, limit)
    if len(places) > 1:
        raise ConfigError(f"{path}: stands for {len(places)} output folders; name one: {', '.join(str(place.output) for place in places)}")
    if run and path.is_dir():
        raise ConfigError(f"{path}: --run needs the pipeline file, this is a folder; name the file")
    if stage is None and path.is_dir() and places[0].ids is not None and len(places[0].ids) == 1:
        stage = places[0].ids[0]  # the folder of one result
    cleared = clear(places[0], stage=stage, shards=shard or ())
    if not run:
        emit({"cleared": cleared}, json, retry_text(cleared, path))
        return
    say(retry_text(cleared, path))
    run_command(path, overrides, limit, None, workers, runner, ray_address, max_failed_shards, quiet, json)


def _places(path: Path, command: str, overrides: list[str] | None, limit: int | None) -> list[Place]:
    """Outputs that a path stands for; a mixture stands for those that its shards came from.

    Raises:
        ConfigError: something else of ours that no pipeline runs for, or nothing of ours.
    """
    from mathcode_data.inspect.kinds import kind_of_folder
    from mathcode_data.runtime.places import Place, find_places, is_output

    refuse_web(path)
    kind = kind_of_folder(path) if path.is_dir() and not is_output(path) else None
    if kind == "mixture":
        from mathcode_data.inspect.explain import results_at

        outputs = list(dict.fromkeys(result.folder.parent for result in results_at(path)))
        if not outputs:
            raise ConfigError(
                f"{path}: a finished mixture of shards from elsewhere, for which nothing runs; `inspect` and `verify` look at it"
            )
        return [Place(output) for output in outputs]
    if kind in ("training", "checkpoint", "shards"):
        raise ConfigError(f"{path}: {WORDS[kind]}, which {TAKEN_BY[kind]} take; {command} takes what a pipeline makes or made")
    return find_places(path, overrides=overrides or [], limit=limit)


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
    from mathcode_data.inspect.kinds import kind_of_folder
    from mathcode_data.inspect.status_text import garbage_text
    from mathcode_data.runtime.gc import delete_garbage, find_garbage

    if folder.is_file():
        folder = one_target(folder, "gc")
    refuse_web(folder)
    if folder.is_dir() and kind_of_folder(folder) == "result":
        raise ConfigError(f"{folder}: a result; gc looks at all that a pipeline made: name the output folder, {folder.parent}")
    found, notes = find_garbage(folder, refer=refer or [], keep_checkpoints=keep_checkpoints, unfinished=unfinished)
    found = [item for item in found if item.age_s >= older_than * 3600]
    gone, more = delete_garbage(found) if yes else ([], [])
    for note in (*notes, *more):
        say(f"note: {note}")
    data = {"found": [item.to_json() for item in found], "deleted": [str(item.path) for item in gone], "notes": [*notes, *more]}
    emit(data, json, garbage_text(data, folder, deleted=yes))
