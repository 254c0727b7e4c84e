"""What commands share: their options, and how data and messages are printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def one_of(*choices: str) -> dict[str, Any]:
    """Settings of an option whose value is one of a few; another one is answered with the nearest of them."""

    def parse(value: str) -> str:
        if value not in choices:
            from mathcode_data.core.config import nearest

            hint = nearest(value, choices)
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}{'' if 'known: ' in hint else hint}")
        return value

    return {"parser": parse, "metavar": f"[{'|'.join(choices)}]", "autocompletion": lambda: list(choices)}


Json = Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; what workers print goes to a file beside their plan.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Worker processes; by default one per usable core.")]
RunnerName = Annotated[str, typer.Option("--runner", **one_of("inline", "pool", "ray"), help="The bytes are the same.")]
RayAddress = Annotated[str | None, typer.Option("--ray-address", help="Run on the Ray cluster at this address.")]
MaxFailed = Annotated[int, typer.Option("--max-failed-shards", help="Go on without up to this many failed shards; exit code stays 3.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a value of the file: --set seed=3.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, help="About this many documents per source; results go to a folder of their own, OUTPUT.limit-N beside OUTPUT."
    ),
]
ContinueFrom = Annotated[Path | None, typer.Option("--continue-from", help="Folder of a mixture: never draw what was consumed of it.")]
Consumed = Annotated[int | None, typer.Option("--consumed", help="Samples of that mixture that were trained on.")]


def say(text: str) -> None:
    """Print a message on standard error, without secrets and controls; what lies on an object store is called by its URL."""
    from mathcode_data.core.object_store import named
    from mathcode_data.core.secrets import masked
    from mathcode_data.core.terminal import harmless

    typer.echo(harmless(masked(named(text))), err=True)


def line_every_s() -> float:
    """Seconds between lines of progress: a terminal scrolls, a log file should stay short."""
    return 1.0 if sys.stderr.isatty() else 10.0


def emit(data: Any, as_json: bool, text: str) -> None:
    """Print data for programs or for people."""
    from mathcode_data.core.object_store import named

    if as_json:
        import orjson

        from mathcode_data.core.terminal import harmless_json

        typer.echo(harmless_json(named(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())))
    elif text:
        from mathcode_data.core.terminal import harmless

        typer.echo(harmless(named(text)))
