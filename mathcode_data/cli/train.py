"""The commands of the trainer: train, generate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, line_every_s, one_of, say
from mathcode_data.core.errors import ConfigError, MathcodeError


@contextmanager
def needing_torch() -> Iterator[None]:
    """Say which extra brings a package that training needs and that is not installed."""
    from mathcode_data.core.plugins import install_hint

    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(f"training needs the package {error.name!r}; {install_hint(error.name)}") from error


@app.command(epilog="Example: mathcode-data train quickstart/mixtures/quickstart-train.yaml")
def train(
    config: Annotated[Path, typer.Argument(help="A training file.")],
    continue_from: Annotated[
        Path | None,
        typer.Option("--continue-from", help="A run or checkpoint on another mixture: begin with its weights and optimizer state."),
    ] = None,
    json: Json = False,
) -> None:
    """Train on a mixture; goes on from the newest checkpoint."""
    with needing_torch():
        from mathcode_data.trainer.config import load_train_config
        from mathcode_data.trainer.loop import train as train_model
    from mathcode_data.inspect.training import StepLines, summary_text

    summary = train_model(load_train_config(config, continue_from=continue_from), report=StepLines(say, line_every_s()))
    emit(summary, json, summary_text(summary))


@app.command(epilog='Example: mathcode-data generate quickstart/training --prompt "The sum of 2 and 3 is"')
def generate(
    checkpoint: Annotated[Path, typer.Argument(help="A training run, whose newest checkpoint is taken, or a checkpoint.")],
    prompt: Annotated[list[str], typer.Option("--prompt", "-p", help="Text to go on from; may be given several times.")],
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Write at most so many tokens.")] = 128,
    temperature: Annotated[float, typer.Option("--temperature", min=0.0, help="0: always the most probable token.")] = 0.0,
    top_p: Annotated[float, typer.Option("--top-p", min=1e-6, max=1.0, help="Draw among the tokens that together reach this.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 17,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="tokenizer.json; by default that of the run's mixture.")] = None,
    device: Annotated[str, typer.Option("--device", **one_of("auto", "cpu", "cuda"), help="auto: a GPU if there is one.")] = "auto",
    json: Json = False,
) -> None:
    """Let a trained model write on from a prompt."""
    with needing_torch():
        from mathcode_data.trainer.checkpoint import find_checkpoint
        from mathcode_data.trainer.generate import generate as write_on
        from mathcode_data.trainer.generate import load_model, sampler
        from mathcode_data.trainer.loop import DTYPES, resolve_device

    found = find_checkpoint(checkpoint)
    words, eos_id = _tokenizer_of(found.record, tokenizer)
    where = resolve_device(device)
    model = load_model(found, where, DTYPES[found.record["config"].get("dtype", "float32")])
    prompts = [words.encode(text, add_special_tokens=False).ids for text in prompt]
    for text, ids in zip(prompt, prompts, strict=True):
        if not ids or max(ids) >= model.config.vocab_size:
            raise ConfigError(
                f"--prompt {text!r}: {'no token' if not ids else f'id {max(ids):,}, the model knows {model.config.vocab_size:,}'}; "
                "give a text, and with --tokenizer the tokenizer the model was trained with"
            )
    choose = sampler(temperature=temperature, top_p=top_p, seed=seed, device=where)
    written = [write_on(model, [ids], max_new_tokens=max_tokens, eos_id=eos_id, choose=choose)[0] for ids in prompts]
    rows = [{"prompt": text, "text": words.decode(ids), "ids": ids} for text, ids in zip(prompt, written, strict=True)]
    emit(rows, json, "\n\n".join(f"{row['prompt']}{row['text']}" for row in rows))


def _tokenizer_of(record: dict[str, Any], given: Path | None) -> tuple[Any, int | None]:
    """The tokenizer of a checkpoint's mixture and the id that ends its documents, None where that is not known."""
    from mathcode_data.inspect.tokenizer_file import load_tokenizer, read_tokenizer
    from mathcode_data.mixture.opened import read_mixture, shard_prefix
    from mathcode_data.shards.resolve import token_result

    place = record["config"].get("mixture")
    try:
        folder = Path(str(place))
        info = read_mixture(folder)
        prefix = shard_prefix(folder, info["sources"][0]["shards"][0])
        result = token_result(prefix.parent)
        return load_tokenizer(prefix, given), None if result is None else result.manifest.facts.get("eos_id")
    except MathcodeError as error:
        if given is None:
            raise ConfigError(f"the mixture {place} of this checkpoint gives no tokenizer ({error}); name one with --tokenizer") from error
        return read_tokenizer(given), None
