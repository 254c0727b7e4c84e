"""Commands that look at what was made: inspect, decode, trace, explain, diff, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, say
from mathcode_data.cli.targets import of_kinds, one_target, targets
from mathcode_data.core.errors import ConfigError, VerificationError
from mathcode_data.core.object_store import bring


@app.command("inspect", epilog="Example: mathcode-data inspect quickstart/results/quickstart/math --html math.html")
def inspect_command(
    path: Annotated[
        Path, typer.Argument(help="A result, a pipeline's output, shards, a mixture, a training run, a checkpoint, or its YAML file.")
    ],
    card_file: Annotated[Path | None, typer.Argument(metavar="FILE.md", help="With --card: the file to write the card to.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a report as one HTML file that loads nothing.")] = None,
    card: Annotated[bool, typer.Option("--card", help="Make a data card in Markdown: printed, or written to FILE.md.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not a sample of what is large.")] = False,
    sample_rows: Annotated[
        int | None, typer.Option("--sample-rows", min=1, help="Read at most this many documents; by default 2,000 of what is large.")
    ] = None,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="tokenizer.json, for shards from elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Show statistics of documents, shards, a mixture or a checkpoint."""
    from mathcode_data.inspect.reports import make_reports
    from mathcode_data.inspect.sampling import Look

    if card_file is not None and not card:
        raise ConfigError(f"{card_file}: a second path is the file of a data card; add --card, or inspect one path at a time")
    path = one_target(path, "inspect")
    report = make_reports(path, Look(full, sample_rows, tokenizer), html=html, card=card, card_file=card_file)
    for line in report.messages:
        say(line)
    emit(report.data, json, report.text)


@app.command(epilog="Example: mathcode-data decode quickstart/results/quickstart/math --document 3")
def decode(
    path: Annotated[Path, typer.Argument(help="A tokens result, a .bin/.idx pair or a folder of them; or a mixture.")],
    document: Annotated[
        str | None, typer.Option("--document", "-d", help="Number of the document, through all shards (by default 0), or its doc_id.")
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", "-s", min=0, help="Of a mixture: position of the training sample.")] = None,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="tokenizer.json, for shards from elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Show the tokens of a document, or of a mixture's sample, as text; boundaries and special ids marked."""
    from mathcode_data.inspect.decode import decode_document, decode_sample, sample_text
    from mathcode_data.inspect.kinds import identify

    path = one_target(path, "decode")
    if identify(path) == "mixture":
        if document is not None:
            raise ConfigError(f"{path}: a mixture, which has samples; give --sample N, or name the shards for --document")
        data = decode_sample(path, sample or 0, tokenizer)
        emit(data, json, sample_text(data))
        return
    if sample is not None:
        raise ConfigError(f"{path}: no mixture, so it has no samples; give --document N, or name a mixture for --sample")
    data = decode_document(path, document or "0", tokenizer)
    emit(data, json, data["marked"])


@app.command(epilog="Example: mathcode-data trace quickstart/mixture --sample 17")
def trace(
    mixture: Annotated[Path, typer.Argument(help="Folder of a mixture.")],
    sample: Annotated[str, typer.Option("--sample", "-s", help="Position of the training sample, or a range: 17-20.")] = "0",
    verdicts: Annotated[
        bool | None,
        typer.Option(
            "--verdicts/--no-verdicts", help="Look up what each stage said; by default where that takes seconds.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say which documents, URLs and WARC offsets a training sample came from, and what each stage said of them."""
    from mathcode_data.inspect.trace import parse_range, trace_text
    from mathcode_data.inspect.trace import trace as follow

    [(folder, _), *others] = of_kinds(mixture, ("mixture",), "trace")
    if others:
        one_target(mixture, "trace")
    data = follow(folder, parse_range(sample), verdicts=verdicts)
    emit(data[0] if sample.strip().isdigit() else data, json, trace_text(data))


@app.command(
    epilog="Example: mathcode-data explain quickstart/results/quickstart --url http://crawl.example/lessons/sums-and-induction-1.html"
)
def explain(
    result: Annotated[Path, typer.Argument(help="A result, an output, a mixture; a YAML file, or a folder of such.")],
    url: Annotated[str, typer.Option("--url", help="URL of the page.")] = "",
    doc_id: Annotated[str, typer.Option("--doc-id", help="Id of the document.")] = "",
    path: Annotated[str, typer.Option("--path", help="Path of the source file, with or without its repository.")] = "",
    json: Json = False,
) -> None:
    """Say which stage kept or dropped a page, and why: scores and bounds, its twin, what was cut out, and the samples that hold it."""
    from mathcode_data.inspect.explain import explain as follow
    from mathcode_data.inspect.explain import explain_text, why_unknown

    if sum(map(bool, (url, doc_id, path))) != 1:
        raise ConfigError("explain needs --url, --doc-id or --path, one of them")
    places = [place for place, _ in of_kinds(result, ("result", "output", "mixture"), "explain")]
    data: list[dict[str, Any]] = []
    for place in places:  # a mixture tells of its sources' results too, which may be among the places
        data += [entry for entry in follow(place, url=url, doc_id=doc_id, code_path=path) if entry not in data]
    emit(data, json, explain_text(data) if data else "")
    if not data:
        *others, last = [why_unknown(place, url=url, doc_id=doc_id, code_path=path) for place in places]
        for line in others:
            say(line)
        raise ConfigError(last)


@app.command(
    "diff", epilog="Example: mathcode-data diff quickstart/results/quickstart/dedup.exact quickstart/results/quickstart/dedup.minhash"
)
def diff_command(
    a: Annotated[Path, typer.Argument(help="A result or a mixture.")],
    b: Annotated[Path, typer.Argument(help="Another of the same kind.")],
    json: Json = False,
) -> None:
    """Show what differs between two mixtures or two results: causes, budgets, counters, documents, order."""
    from mathcode_data.inspect.diff import diff, diff_text

    a, b = bring(a), bring(b)
    data = diff(a, b)
    emit(data, json, "" if json else diff_text(a, b, data))


@app.command(epilog="Example: mathcode-data verify quickstart/mixture --full")
def verify(
    path: Annotated[Path, typer.Argument(help="A result, an output, shards, a mixture, a checkpoint; a YAML file, or a folder of such.")],
    full: Annotated[bool, typer.Option("--full", help="Read every byte, not sizes and headers alone.")] = False,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="tokenizer.json of shards from elsewhere, to check ids.")] = None,
    json: Json = False,
) -> None:
    """Check checksums, counts and laws; exit code 5 names the file and the place."""
    from mathcode_data.inspect.verify import limits_of, verify_path

    places = [place for place, _ in targets(path)]
    found = [verify_path(place, full=full, tokenizer=tokenizer) for place in places]
    problems = list(dict.fromkeys(problem for _, part in found for problem in part))
    limits = list(dict.fromkeys(line for place in places for line in limits_of(place, full=full, tokenizer=tokenizer)))
    data: dict[str, Any] = {"checked": "; ".join(checked for checked, _ in found), "problems": problems, "full": full, "limits": limits}
    if len(places) > 1:
        data["places"] = [{"path": str(place), "checked": checked, "problems": part}
                          for place, (checked, part) in zip(places, found, strict=True)]  # fmt: skip
    whole = [f"{place}: {checked}: no problem found" for place, (checked, part) in zip(places, found, strict=True) if not part]
    emit(data, json, "\n".join(whole))
    for limit in limits if not problems and not json else ():
        say(f"note: not checked: {limit}")
    if problems:
        for problem in problems[1:]:
            say(problem)
        raise VerificationError(problems[0])
