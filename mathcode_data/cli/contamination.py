"""The command that shows what of which benchmark stands in which document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, say


@app.command("contamination", epilog="Example: mathcode-data contamination quickstart/results/quickstart/math-documents --html c.html")
def contamination_command(
    result: Annotated[Path, typer.Argument(help="A result of documents that decontaminate.ngram made.")],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a report as one HTML file that loads nothing.")] = None,
    json: Json = False,
) -> None:
    """Show which benchmark items were found in which documents, both texts side by side."""
    from mathcode_data.inspect.contamination import contamination, contamination_text

    data = contamination(result)
    if html is not None:
        from mathcode_data.inspect.contamination_page import write_contamination_page

        write_contamination_page(data, html)
        say(f"wrote {html}")
    emit(data, json, "" if html is not None else contamination_text(data))
