"""Commands of the collection in rounds: recall, review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, Limit, MaxFailed, Overrides, Quiet, RayAddress, RunnerName, Workers, emit, say

if TYPE_CHECKING:
    from mathcode_data.recall.rounds import Outcome

ENDS = {
    "converged": "the rounds have converged: nearly nothing new was found",
    "max_rounds": "the last round that the file allows",
    "nothing_new": "no page was added to the seed, so the next round would find the same",
}


@app.command(epilog="Example: mathcode-data recall pipelines/math_round.yaml")
def recall(
    file: Annotated[Path, typer.Argument(help="A recall file: a pipeline with a section `recall`.")],
    limit: Limit = None,
    overrides: Overrides = None,
    workers: Workers = None,
    runner: RunnerName = "pool",
    ray_address: RayAddress = None,
    max_failed_shards: MaxFailed = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Collect in rounds: learn, score, take the top, find domains, decide, learn again; goes on where it stopped."""
    from mathcode_data.cli.runs import refuse_partial
    from mathcode_data.recall.config import load_recall
    from mathcode_data.recall.rounds import run_rounds
    from mathcode_data.runtime.session import report_rows, run_session

    read = load_recall(file, overrides, limit)
    with run_session(runner=runner, workers=workers, ray_address=ray_address, quiet=quiet, max_failed_shards=max_failed_shards) as settings:
        outcome = run_rounds(read, settings, (lambda _: None) if json or quiet else say)
    emit(outcome_data(outcome, report_rows(outcome.reports)), json, outcome_text(outcome, read.output))
    refuse_partial(list(dict.fromkeys(line for report in outcome.reports for line in report.result.manifest.damage)))


def outcome_data(outcome: Outcome, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """For programs."""
    return {
        "kind": "recall", "state": outcome.state, "rounds": [found.data | {"fingerprint": found.fingerprint} for found in outcome.rounds],
        "review": str(outcome.domains) if outcome.domains else None, "decisions": str(outcome.decisions) if outcome.decisions else None,
        "results": rows,
    }  # fmt: skip


def outcome_text(outcome: Outcome, output: Path) -> str:
    """For people: a table of the rounds, and what to do next."""
    from mathcode_data.inspect.tables import table

    heads = ["round", "pages", "tokens", "new", "domains", "candidates", "precision", "recall"]
    rows = [
        [
            found.number, found.data["pages"], found.data["tokens"], _percent(found.data["new_share"]), found.data["num_domains"],
            found.data["num_candidates"], *(_percent((found.data[name] or {}).get("share")) for name in ("precision", "recall")),
        ]
        for found in outcome.rounds
    ]  # fmt: skip
    if outcome.state == "review":
        what = f"review, then run again:\n  mathcode-data review {outcome.domains} --decisions {outcome.decisions}"
    else:
        what = f"{ENDS[outcome.state]}; the pages are in {output}/round-{outcome.rounds[-1].number}-recalled"
    return f"{table(heads, rows)}\nreports: {output}/round-N/report.html\n{what}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


@app.command(epilog="Example: mathcode-data review results/math-round")
def review(
    result: Annotated[Path, typer.Argument(help="A result of learn.domains, or the output folder of a recall (its latest round).")],
    decisions: Annotated[
        Path | None, typer.Option("--decisions", help="File to write; by default the one in which `recall` looks.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who decides; stands in every line.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: a free one.")] = 0,
    json: Json = False,
) -> None:
    """Accept or reject suggested domains and URL prefixes in a browser; serves on loopback until interrupted."""
    from mathcode_data.review.candidates import Review, decisions_beside, find_domains
    from mathcode_data.review.server import ReviewServer

    found = find_domains(result)
    file = decisions or decisions_beside(found)
    with ReviewServer(Review(found, file.absolute(), by), found.folder.resolve().name, port) as server:
        emit({"address": server.address, "decisions": str(file)}, json, f"open {server.address}\ndecisions go to {file}; end with Ctrl-C")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")
