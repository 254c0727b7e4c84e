"""The command on single pages: extract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, say
from mathcode_data.core.errors import PartialResultError


@app.command(epilog="Example: mathcode-data extract page.html --json")
def extract(
    paths: Annotated[list[Path], typer.Argument(help="HTML files (also .gz) or folders; - reads a page from standard input.")],
    url: Annotated[str, typer.Option("--url", help="Address of the page, for relative links and site rules.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="Encoding to use, whatever the page says.")] = "",
    content_type: Annotated[str, typer.Option("--content-type", help="The HTTP header, for its charset.")] = "",
    comments: Annotated[bool, typer.Option("--comments", help="Keep readers' comments below an article.")] = False,
    boilerplate: Annotated[bool, typer.Option("--boilerplate", help="Keep all that the page shows, navigation too.")] = False,
    deadline: Annotated[
        float,
        typer.Option("--deadline", min=0.1, max=600, help="Seconds of processor time for one page, and one more for each megabyte of it."),
    ] = 2.0,
    json: Json = False,
) -> None:
    """Extract pages: Markdown with formulas between \\( \\) and \\[ \\], or one JSON object a line.

    Several pages are set apart by a line with the path. A page that cannot be used, or only in part, costs a line on standard error and
    exit code 3.
    """
    import orjson

    from mathcode_data.core.terminal import harmless, harmless_json
    from mathcode_data.stages.extract.files import extract_files, find_pages
    from mathcode_data.stages.extract.records import Scope

    files = find_pages(paths)
    num_bad = num_torn = 0
    shown = harmless if sys.stdout.isatty() else str  # a pipe or a file gets the text as it is
    scope = Scope(comments=comments, boilerplate=boilerplate)
    for row in extract_files(files, url=url, encoding=encoding, content_type=content_type, scope=scope, deadline_s=deadline):
        if row["error"]:
            num_bad += 1
            say(f"{row['path']}: {row['error']}")
        elif row.get("damage"):
            num_torn += 1
            say(f"{row['path']}: {row['damage']}")
        if json:
            typer.echo(harmless_json(orjson.dumps(row).decode()))
        elif not row["error"]:
            typer.echo(shown(f"<!-- {row['path']} -->\n\n{row['text']}\n" if len(files) > 1 else row["text"]))
    if num_bad or num_torn:
        pages = "pages" if len(files) > 1 else "page"
        parts = [f"{num_bad} of {len(files)} {pages} could not be used"] if num_bad else []
        parts += [f"{num_torn} of {len(files)} {pages} could be read in part only"] if num_torn else []
        raise PartialResultError(f"{', '.join(parts)}; see the lines above")
