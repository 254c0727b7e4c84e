"""The command that trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, line_every_s, say
from mathcode_data.core.errors import ConfigError


@app.command(epilog="Example: mathcode-data train quickstart/mixtures/quickstart-train.yaml")
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

    summary = train_model(load_train_config(config), report=StepLines(say, line_every_s()))
    emit(summary, json, summary_text(summary))
