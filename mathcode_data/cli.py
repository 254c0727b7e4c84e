"""The command line: thin functions over the rooms, and the only layer that prints.

Data goes to standard output, messages and progress to standard error. Rooms are imported inside the commands, so that
`--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mathcode_data import __version__
from mathcode_data.core.errors import (
    ConfigError,
    InterruptedRunError,
    MathcodeError,
    PartialResultError,
    VerificationError,
    is_out_of_resource,
)

if TYPE_CHECKING:
    from mathcode_data.runtime.update import NodeReport

app = typer.Typer(
    name="mathcode-data",
    help="Mathematical web pages and source code to exact token mixtures, and a trainer that reads them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Worker processes; by default one per usable core.")]
RunnerName = Annotated[str, typer.Option("--runner", help="inline, pool or ray; the bytes are the same.")]
RayAddress = Annotated[str | None, typer.Option("--ray-address", help="Run on the Ray cluster at this address.")]
MaxFailed = Annotated[int, typer.Option("--max-failed-shards", help="Go on without up to this many failed shards; exit code stays 3.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a value of the file: --set seed=3.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="About this many documents per source, into a folder of its own.")]
TRACED = ("doc_id", "url", "path", "warc_file", "warc_offset", "token_start", "num_tokens")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _line_every_s() -> float:
    """Seconds between lines of progress: a terminal scrolls, a log file should stay short."""
    return 1.0 if sys.stderr.isatty() else 10.0


def _emit(data: Any, as_json: bool, text: str) -> None:
    """Print data for programs or for people."""
    if as_json:
        import orjson

        typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())
    elif text:
        typer.echo(text)


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
    _emit(rows, json, stage_table(rows))
    _refuse_partial(damage_of(reports))


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
    _emit(data, json, plan_text(data))


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
        _say_reports(reports)
    _show_mixture(info, json)
    _refuse_partial(damage)


def _say_reports(reports: list[NodeReport]) -> None:
    from mathcode_data.inspect.tables import stage_table
    from mathcode_data.runtime.session import report_rows

    if reports:
        _say(stage_table(report_rows(reports)) + "\n")


def _refuse_partial(damage: list[str]) -> None:
    """Part of the input never counts as success: damage and failed shards end a finished run with exit code 3."""
    if damage:
        more = f" (and {len(damage) - 1} more, in the manifests)" if len(damage) > 1 else ""
        raise PartialResultError(f"done, but not with all of the input: {damage[0]}{more}")


def _show_mixture(info: dict[str, Any], json: bool) -> None:
    from mathcode_data.inspect.tables import mixture_table

    for notice in info.get("notices", []):
        _say(f"note: {notice}")
    _emit(info, json, f"{mixture_table(info)}\nrounding: {info['rounding']}\nfingerprint {info['fingerprint']}\n{info['folder']}")


@app.command("inspect", epilog="Example: mathcode-data inspect results/quickstart/math --json")
def inspect_command(
    path: Annotated[Path, typer.Argument(help="A result, a pipeline's output, shards, a mixture, a training run or a checkpoint.")],
    json: Json = False,
) -> None:
    """Show statistics of documents, shards, a mixture or a checkpoint."""
    from mathcode_data.inspect.statistics import statistics, statistics_text

    data = statistics(path)
    _emit(data, json, statistics_text(data))


@app.command(epilog="Example: mathcode-data decode results/quickstart/math --document 3")
def decode(
    shards: Annotated[Path, typer.Argument(help="A tokens result, a .bin/.idx pair or a folder of them.")],
    document: Annotated[int, typer.Option("--document", "-d", min=0, help="Number of the document, through all shards.")] = 0,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="tokenizer.json, for shards from elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Show the tokens of a document as text, boundaries and special ids marked."""
    from mathcode_data.inspect.decode import decode_document

    data = decode_document(shards, document, tokenizer)
    _emit(data, json, data["marked"])


@app.command(epilog="Example: mathcode-data trace results/mixture --sample 17")
def trace(
    mixture: Annotated[Path, typer.Argument(help="Folder of a mixture.")],
    sample: Annotated[int, typer.Option("--sample", "-s", min=0, help="Position of the training sample.")] = 0,
    json: Json = False,
) -> None:
    """Say which documents, URLs and WARC offsets a training sample came from."""
    from mathcode_data.inspect.tables import table
    from mathcode_data.mixture.trace import trace_sample

    data = trace_sample(mixture, sample)
    documents = data["documents"]
    names = [name for name in TRACED if any(document.get(name) is not None for document in documents)]
    head = {key: value for key, value in data.items() if key != "documents"}
    text = "\n".join(f"{key}: {value}" for key, value in head.items())
    rows = [[document.get(name) for name in names] for document in documents]
    _emit(data, json, f"{text}\n\n{table(names, rows)}" if documents else text)


@app.command(epilog="Example: mathcode-data explain results/quickstart --url http://crawl.example/recipes/1.html")
def explain(
    result: Annotated[Path, typer.Argument(help="A result, or a pipeline's output folder.")],
    url: Annotated[str, typer.Option("--url", help="URL of the page.")] = "",
    doc_id: Annotated[str, typer.Option("--doc-id", help="Id of the document.")] = "",
    json: Json = False,
) -> None:
    """Say which stage kept or dropped a page, and why."""
    from mathcode_data.inspect.explain import explain as follow
    from mathcode_data.inspect.tables import table

    if bool(url) == bool(doc_id):
        raise ConfigError("explain needs --url or --doc-id, one of them")
    data = follow(result, url=url, doc_id=doc_id)
    rows = [[row["result"], row["verdict"], row["stage"], row["reason"], row["document"]["doc_id"]] for row in data]
    none = f"no document {url or doc_id} in {result}: it never became one; the counters of the source say what it set aside"
    _emit(data, json, table(["result", "verdict", "stage", "reason", "doc_id"], rows) if rows else none)


@app.command("diff", epilog="Example: mathcode-data diff results/one-stage results/two-stage")
def diff_command(
    a: Annotated[Path, typer.Argument(help="A result or a mixture.")],
    b: Annotated[Path, typer.Argument(help="Another of the same kind.")],
    json: Json = False,
) -> None:
    """Show what differs between two mixtures or two results."""
    from mathcode_data.inspect.diff import diff
    from mathcode_data.inspect.tables import table

    data = diff(a, b)
    _emit(data, json, table(["key", a.name, b.name], [[row["key"], row["a"], row["b"]] for row in data]) if data else "no difference")


@app.command(epilog="Example: mathcode-data verify results/mixture --full")
def verify(
    path: Annotated[Path, typer.Argument(help="A result, a pipeline's output, shards, a mixture or a checkpoint.")],
    full: Annotated[bool, typer.Option("--full", help="Read every byte, not sizes and headers alone.")] = False,
    json: Json = False,
) -> None:
    """Check checksums, counts and laws; exit code 5 names the file and the place."""
    from mathcode_data.inspect.verify import verify_path

    checked, problems = verify_path(path, full=full)
    _emit({"checked": checked, "problems": problems, "full": full}, json, "" if problems else f"{path}: {checked}: no problem found")
    if problems:
        for problem in problems[1:]:
            _say(problem)
        raise VerificationError(problems[0])


@app.command(epilog="Example: mathcode-data extract page.html --json")
def extract(
    paths: Annotated[list[Path], typer.Argument(help="HTML files or folders.")],
    url: Annotated[str, typer.Option("--url", help="Address of the page, for relative links and site rules.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="Encoding to use, whatever the page says.")] = "",
    content_type: Annotated[str, typer.Option("--content-type", help="The HTTP header, for its charset.")] = "",
    json: Json = False,
) -> None:
    """Extract pages: Markdown with formulas between \\( \\) and \\[ \\], or one JSON object a line."""
    import orjson

    from mathcode_data.stages.extract.files import extract_files

    num_bad = 0
    for row in extract_files(paths, url=url, encoding=encoding, content_type=content_type):
        num_bad += bool(row["error"])
        if json:
            typer.echo(orjson.dumps(row).decode())
        elif not row["error"]:
            typer.echo(row["text"])
    if num_bad:
        raise PartialResultError(f"{num_bad} pages could not be used; --json names each with its error")


@app.command(epilog="Example: mathcode-data train train.yaml")
def train(
    config: Annotated[Path, typer.Argument(help="A training file.")],
    json: Json = False,
) -> None:
    """Train on a mixture; goes on from the newest checkpoint."""
    from mathcode_data.core.plugins import install_hint

    try:
        from mathcode_data.trainer.config import load_train_config
        from mathcode_data.trainer.loop import train as train_model
    except ModuleNotFoundError as error:
        raise ConfigError(f"training needs the package {error.name!r}; {install_hint(error.name)}") from error
    from mathcode_data.inspect.training import StepLines, summary_text

    summary = train_model(load_train_config(config), report=StepLines(_say, _line_every_s()))
    _emit(summary, json, summary_text(summary))


@app.command(epilog="Example: mathcode-data quickstart demo")
def quickstart(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")] = Path("quickstart"),
    workers: Workers = None,
    runner: RunnerName = "pool",
    skip_training: Annotated[bool, typer.Option("--skip-training", help="End with the mixture.")] = False,
    json: Json = False,
) -> None:
    """Run everything once, offline, in a few minutes: pages, shards, a mixture, a short training run."""
    from mathcode_data.build import build
    from mathcode_data.inspect.statistics import statistics, statistics_text
    from mathcode_data.inspect.training import StepLines, summary_text
    from mathcode_data.quickstart.run import closing_text, prepare, train_shortly
    from mathcode_data.runtime.session import run_session

    mixture = prepare(folder, _say)
    with run_session(runner=runner, workers=workers, quiet=json) as settings:
        info, reports, damage = build(mixture, folder / "mixture", settings)
    if not json:
        _say_reports(reports)
        for name in ("code", "math"):
            typer.echo(statistics_text(statistics(folder / "results" / "quickstart" / name)) + "\n")
        _show_mixture(info, json=False)
    training = None if skip_training else train_shortly(folder, StepLines(_say, 2.0), _say)
    if json:
        _emit({"mixture": info, "damage": damage, "training": training}, json, "")
        return
    if training is not None:
        typer.echo("\n" + summary_text(training))
    typer.echo("\n" + closing_text(folder))


@app.command(epilog="Example: mathcode-data doctor")
def doctor(json: Json = False) -> None:
    """Say what is installed, what runs, and what to do about the rest."""
    from mathcode_data.inspect.doctor import examine
    from mathcode_data.inspect.tables import table

    rows = examine()
    _emit(rows, json, table(["what", "state", "detail", "what to do"], [[r["what"], r["state"], r["detail"], r["advice"]] for r in rows]))


def _version(show: bool) -> None:
    if show:
        typer.echo(f"mathcode-data {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: every error a user can see becomes one line and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except MathcodeError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went away (| head): no message, no traceback
        sys.exit(0)
    except KeyboardInterrupt:
        _fail("stopped; finished tasks are kept, the same command goes on from there", InterruptedRunError.exit_code)
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug gets a traceback and code 1)
        if is_out_of_resource(error):
            _fail(f"{error}; make room and run again: what is committed is kept", 6)
        traceback.print_exc()
        _fail(f"internal error: {type(error).__name__}: {error}; please report it with the lines above", 1)


def _fail(message: str, code: int) -> None:
    try:
        _say(f"error: {' '.join(message.split())}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(code)


if __name__ == "__main__":
    main()
