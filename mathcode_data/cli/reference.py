"""The command that tells every key of every file: keys."""

from __future__ import annotations

import ast
import importlib
import inspect
import shutil
import textwrap
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit
from mathcode_data.core.errors import ConfigError

FILES = {
    "pipeline": ("mathcode_data.runtime.pipeline", "PipelineConfig"),
    "mixture": ("mathcode_data.mixture.schema", "Recipe"),
    "train": ("mathcode_data.trainer.config", "TrainConfig"),
    "recall": ("mathcode_data.recall.config", "RecallConfig"),
    "study": ("mathcode_data.study.config", "StudyConfig"),
}
"""Kinds of files: the module whose docstring tells what they are, and the model of their top."""
OWN_STAGE = "stage"
"""The name under which the contract for a stage of one's own is told."""
MAX_COLUMNS = 110


@app.command("keys", epilog="Example: mathcode-data keys dedup.minhash")
def keys(
    name: Annotated[
        str, typer.Argument(help="A stage (dedup.minhash), a family (dedup), pipeline, recall, mixture, train, study, or stage.")
    ] = "",
    json: Json = False,
) -> None:
    """List all stages and files, or tell the keys of one: type, range, default, meaning. --json gives its JSON schema."""
    from mathcode_data.core.plugins import stage_names

    names = [known for known in stage_names() if not name or known.startswith(f"{name}.")]
    if name == OWN_STAGE:
        text = _document("mathcode_data.core.stage")
        emit({"name": name, "text": text}, json, text)
    elif not name or (names and name not in stage_names()):
        rows = [{"name": known, "kind": "stage", "text": _first_line(f"mathcode_data.stages.{known}")} for known in names]
        if not name:
            rows += [{"name": known, "kind": "file", "text": _first_line(module)} for known, (module, _) in FILES.items()]
            rows.append({"name": OWN_STAGE, "kind": "contract", "text": "How to write a stage of your own."})
        emit(rows, json, _list(rows))
    else:
        text, model = _find(name)
        # bounds such as 2**64 are beyond what orjson writes
        typer.echo(dumps(_schema(name, model), indent=2, ensure_ascii=False) if json else _tell(name, text, model))


def _find(name: str) -> tuple[str, Any]:
    """What a stage or file is, and its model.

    Raises:
        ConfigError: no such stage or file; with the nearest name.
    """
    from mathcode_data.core.config import nearest
    from mathcode_data.core.plugins import load_plugin, stage_names

    if name in FILES:
        module, attribute = FILES[name]
        return _document(module), getattr(importlib.import_module(module), attribute)
    known = [*stage_names(), *FILES, OWN_STAGE, *{stage.split(".")[0] for stage in stage_names()}]
    if "." not in name and name not in known:
        raise ConfigError(f"no stage or file {name!r}{nearest(name, known)}; `mathcode-data keys` lists all")
    plugin = load_plugin(name)
    own = inspect.getmodule(plugin.build)
    if own is not None and hasattr(own, "Config"):
        return inspect.cleandoc(own.__doc__ or ""), plugin.config
    text = f"A block of {name.split('.')[0]}; its keys are the arguments of its constructor, told in its own documentation."
    return text, plugin.config


def _schema(name: str, model: Any) -> dict[str, Any]:
    from mathcode_data.core.plugins import load_plugin, stage_names
    from mathcode_data.core.reference import pipeline_schema

    if name == "pipeline":
        schema = pipeline_schema(model, {stage: load_plugin(stage).config for stage in stage_names()})
    else:
        schema = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": name}


def _document(module: str) -> str:
    """Docstring of a module of ours, which is not imported for it."""
    path = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return inspect.cleandoc(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "")


def _first_line(module: str) -> str:
    """First sentence or line of a module's docstring."""
    paragraph = " ".join(_document(module).split("\n\n")[0].split())
    return paragraph if len(paragraph) <= MAX_COLUMNS else _document(module).split("\n")[0]


def _list(rows: list[dict[str, str]]) -> str:
    width = max(len(row["name"]) for row in rows) + 2
    lines = [f"{row['name']:{width}}{row['text']}" for row in rows]
    return "\n".join([*lines, "", "mathcode-data keys NAME tells the keys of one; with --json as a JSON schema."])


def _tell(name: str, text: str, model: Any) -> str:
    from mathcode_data.core.reference import reference

    columns = min(shutil.get_terminal_size((MAX_COLUMNS, 24)).columns, MAX_COLUMNS)
    lines = [name, "", text]
    for group in reference(model):
        lines += ["", f"{group.name or 'Keys'}{': ' if group.text else ''}{group.text}" if group.name else "Keys:"]
        for key in group.keys:
            value = f"default {key.default}" if key.default else "must be given"
            head = f"  {key.name}: {key.kind}; {value}"
            lines += textwrap.wrap(head, columns, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
            lines += textwrap.wrap(key.text, columns, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False)
    if name not in FILES:
        lines += ["", "An item of a pipeline file may also have `id` and `from` beside its stage: mathcode-data keys pipeline"]
    return "\n".join(lines)
