"""The application that every module of commands adds to."""

from __future__ import annotations

from typing import Annotated

import typer

from mathcode_data import __version__

app = typer.Typer(
    name="mathcode-data",
    help="Mathematical web pages and source code to exact token mixtures, and a trainer that reads them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"mathcode-data {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass
