"""Commands to and from other programs' files: export, import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mathcode_data.cli.app import app
from mathcode_data.cli.show import Json, emit, one_of, say
from mathcode_data.core.errors import ConfigError


class Target(StrEnum):
    """What `export` writes."""

    DATATROVE = "datatrove"
    PARQUET = "parquet"
    MEGATRON_ARGUMENTS = "megatron-arguments"
    SAMPLES = "samples"
    HUGGINGFACE = "huggingface"


@app.command("export", epilog="Example: mathcode-data export quickstart/mixture --to megatron-arguments --output quickstart/megatron")
def export_command(
    path: Annotated[
        Path,
        typer.Argument(
            help="Token shards or a result of them; for megatron-arguments and samples a mixture; for huggingface a run or checkpoint."
        ),
    ],
    wanted: Annotated[
        str,
        typer.Option(
            "--to",
            **one_of(*(target.value for target in Target)),
            help="datatrove: .ds files. parquet: rows of input_ids. megatron-arguments: --data-path and per-split files of each stage. "
            "samples: the mixture written out, one sequence per sample. huggingface: the model as LlamaForCausalLM.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new or empty folder.")],
    json: Json = False,
) -> None:
    """Write shards or a mixture for another program."""
    _check_new(output)
    target = Target(wanted)
    if target is Target.HUGGINGFACE:
        from mathcode_data.cli.train import needing_torch

        with needing_torch():
            from mathcode_data.trainer.export import export_huggingface
        if output.is_dir():
            output.rmdir()  # it is empty; the export takes its place whole
        emit({"written": [str(export_huggingface(path, output))]}, json, str(output))
        return
    if target in (Target.MEGATRON_ARGUMENTS, Target.SAMPLES):
        from mathcode_data.mixture.export import export_megatron_arguments, export_samples, lost_in_arguments
        from mathcode_data.mixture.opened import read_mixture

        if target is Target.SAMPLES and read_mixture(path)["packing"] == "best_fit":
            raise ConfigError(
                f"{path}: packed samples have padding and borders that a .bin/.idx cannot tell; read the mixture itself "
                "(MixtureDataset gives `is_target` and the borders), or build it with packing: concat"
            )
        if target is Target.SAMPLES:
            output.mkdir(parents=True, exist_ok=True)
            prefix = output / "samples-00000"
            num_tokens = export_samples(path, prefix)
            emit({"written": [str(prefix)], "num_tokens": num_tokens}, json, f"{prefix}.bin: {num_tokens:,} tokens")
            return
        files = export_megatron_arguments(path, output)
        for line in lost_in_arguments(path):
            say(f"note: {line}")
        say("note: Megatron keeps these budgets in its own order; for ours, byte for byte: --to samples, or read the mixture itself")
    else:
        from mathcode_data.interop.datatrove_shards import export_ds
        from mathcode_data.interop.huggingface_ids import export_parquet
        from mathcode_data.shards.resolve import resolve_shards

        prefixes = resolve_shards(path)
        files = export_ds(prefixes, output) if target is Target.DATATROVE else export_parquet(prefixes, output)
    emit({"written": [str(file) for file in files]}, json, "\n".join(map(str, files)))


@app.command("import", epilog="Example: mathcode-data import tokens/00000_unshuffled.ds --output results/imported")
def import_command(
    paths: Annotated[
        list[Path], typer.Argument(help="datatrove .ds files, Parquet files of ids, or folders of them; or one LlamaForCausalLM folder.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new or empty folder for the .bin/.idx pairs, or for the checkpoint.")],
    column: Annotated[str, typer.Option("--column", help="Column of the ids in Parquet files.")] = "input_ids",
    json: Json = False,
) -> None:
    """Make token shards of other programs' token files, which a mixture takes as a source; or a checkpoint of a Llama folder."""
    from mathcode_data.interop.datatrove_shards import import_ds
    from mathcode_data.interop.huggingface_ids import import_parquet

    _check_new(output)
    if len(paths) == 1 and (paths[0] / "config.json").is_file():
        from mathcode_data.cli.train import needing_torch

        with needing_torch():
            from mathcode_data.trainer.export import import_huggingface
        made = import_huggingface(paths[0], output)
        emit({"checkpoint": str(made)}, json, f"{made}: name it as initial_checkpoint in a training file")
        return
    files = [file for path in paths for file in _token_files(path)]
    stems = [file.name.removesuffix(file.suffix) for file in files]
    if len(set(stems)) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise ConfigError(f"two files are called {twice!r}; import them into two folders")
    output.mkdir(parents=True, exist_ok=True)
    rows = []
    for file, stem in zip(files, stems, strict=True):
        num_tokens = import_ds(file, output / stem) if file.suffix == ".ds" else import_parquet(file, output / stem, column=column)
        rows.append({"file": str(file), "prefix": str(output / stem), "num_tokens": num_tokens})
    emit(rows, json, "\n".join(f"{row['prefix']}: {row['num_tokens']:,} tokens" for row in rows))


def _token_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".ds", ".parquet"))
        if not files:
            raise ConfigError(f"{path}: no .ds or .parquet file in this folder (subfolders are not searched)")
        return files
    if path.suffix not in (".ds", ".parquet") or not path.is_file():
        raise ConfigError(f"{path}: no such .ds or .parquet file; Megatron's .bin/.idx pairs need no import, name them in the mixture")
    return [path]


def _check_new(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigError(f"{output}: not a new or empty folder; name another output, so that nothing there is mixed up")
