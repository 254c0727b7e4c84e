"""Commands for the first hour: quickstart, init, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.runs import show_mixture
from mathcode_data.cli.show import Json, RayAddress, RunnerName, Workers, emit, say


@app.command(epilog="Example: mathcode-data quickstart")
def quickstart(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")] = Path("quickstart"),
    workers: Workers = None,
    runner: RunnerName = "pool",
    ray_address: RayAddress = None,
    skip_training: Annotated[bool, typer.Option("--skip-training", help="End with the mixture.")] = False,
    json: Json = False,
) -> None:
    """Run everything once, offline, in a few minutes: pages, shards, a mixture, a short training run."""
    from mathcode_data.build import build
    from mathcode_data.inspect.statistics import statistics
    from mathcode_data.inspect.statistics_text import statistics_text
    from mathcode_data.inspect.tables import stage_table
    from mathcode_data.inspect.training import StepLines, summary_text
    from mathcode_data.quickstart.run import closing_text, prepare, train_shortly
    from mathcode_data.runtime.session import report_rows, run_session

    with run_session(runner=runner, workers=workers, ray_address=ray_address, quiet=json) as settings:
        mixture = prepare(folder, say)
        info, reports, damage = build(mixture, folder / "mixture", settings)
    if not json:
        emit({}, False, stage_table(report_rows(reports)) + "\n")
        for name in ("code", "math"):
            emit({}, False, statistics_text(statistics(folder / "results" / "quickstart" / name)) + "\n")
        show_mixture(info, json=False)
    training = None if skip_training else train_shortly(folder, StepLines(say, 2.0), say)
    if json:
        emit({"mixture": info, "damage": damage, "training": training}, json, "")
        return
    if training is not None:
        emit({}, False, "\n" + summary_text(training))
    emit({}, False, "\n" + closing_text(folder))


@app.command(epilog="Example: mathcode-data init my-project")
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    json: Json = False,
) -> None:
    """Write a commented example project that runs offline: pages, pipelines, mixtures, a training file."""
    from mathcode_data.quickstart.init import init_project, next_steps

    files = init_project(folder, say)
    emit({"folder": str(folder), "files": [str(path) for path in files]}, json, next_steps(folder))


@app.command(epilog="Example: mathcode-data doctor")
def doctor(
    compile_loops: Annotated[
        bool, typer.Option("--compile", help="Compile all loops now, into NUMBA_CACHE_DIR where that is set, so that no run waits for it.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what is installed, what runs, and what to do about the rest; or compile the loops that a first run would wait for."""
    if compile_loops:
        from mathcode_data.cli.loops import compile_all, compiled_text

        data = compile_all()
        emit(data, json, compiled_text(data))
        return
    from mathcode_data.inspect.doctor import examine
    from mathcode_data.inspect.tables import table

    rows = examine()
    emit(rows, json, table(["what", "state", "detail", "what to do"], [[r["what"], r["state"], r["detail"], r["advice"]] for r in rows]))
