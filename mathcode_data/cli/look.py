"""Commands that look at what was made: inspect, decode, trace, explain, diff, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, say
from mathcode_data.core.errors import ConfigError, VerificationError

TRACED = ("doc_id", "url", "path", "warc_file", "warc_offset", "token_start", "num_tokens")


@app.command("inspect", epilog="Example: mathcode-data inspect results/quickstart/math --json")
def inspect_command(
    path: Annotated[Path, typer.Argument(help="A result, a pipeline's output, shards, a mixture, a training run or a checkpoint.")],
    json: Json = False,
) -> None:
    """Show statistics of documents, shards, a mixture or a checkpoint."""
    from mathcode_data.inspect.statistics import statistics
    from mathcode_data.inspect.statistics_text import statistics_text

    data = statistics(path)
    emit(data, json, statistics_text(data))


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
    emit(data, json, data["marked"])


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
    emit(data, json, f"{text}\n\n{table(names, rows)}" if documents else text)


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
    emit(data, json, table(["result", "verdict", "stage", "reason", "doc_id"], rows) if rows else none)


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
    emit(data, json, table(["key", a.name, b.name], [[row["key"], row["a"], row["b"]] for row in data]) if data else "no difference")


@app.command(epilog="Example: mathcode-data verify results/mixture --full")
def verify(
    path: Annotated[Path, typer.Argument(help="A result, a pipeline's output, shards, a mixture or a checkpoint.")],
    full: Annotated[bool, typer.Option("--full", help="Read every byte, not sizes and headers alone.")] = False,
    json: Json = False,
) -> None:
    """Check checksums, counts and laws; exit code 5 names the file and the place."""
    from mathcode_data.inspect.verify import verify_path

    checked, problems = verify_path(path, full=full)
    emit({"checked": checked, "problems": problems, "full": full}, json, "" if problems else f"{path}: {checked}: no problem found")
    if problems:
        for problem in problems[1:]:
            say(problem)
        raise VerificationError(problems[0])
