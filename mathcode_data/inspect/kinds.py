"""What a path is: a result, a pipeline's output, a mixture, a training run, a checkpoint, or token shards from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, read_result
from mathcode_data.core.storage import read_json

Kind = Literal["result", "output", "mixture", "training", "checkpoint", "shards"]

PIPELINE_NAME = "pipeline.json"
MARKERS: tuple[tuple[str, Kind], ...] = (
    (MANIFEST_NAME, "result"),
    ("mixture.json", "mixture"),
    ("checkpoint.json", "checkpoint"),
    ("metrics.jsonl", "training"),
    (PIPELINE_NAME, "output"),
)


def identify(path: Path) -> Kind:
    """Tell what a path is.

    Raises:
        ConfigError: nothing is there, or nothing that this program knows.

    >>> identify(Path("no-such-folder"))
    Traceback (most recent call last):
    mathcode_data.core.errors.ConfigError: no-such-folder: no such file or folder; check the path
    """
    if path.is_dir():
        found = kind_of_folder(path)
        if found is not None:
            return found
        raise ConfigError(
            f"{path}: none of {', '.join(name for name, _ in MARKERS)} or token shards in this folder; name the folder of a result, "
            "a mixture, a checkpoint or .bin/.idx shards"
        )
    if path.suffix in (".bin", ".idx") or Path(f"{path}.idx").exists():
        if not path.exists() and not Path(f"{path}.idx").exists():
            raise ConfigError(f"{path}: no such file; check the path")
        return "shards"
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder{_nearest_beside(path)}; check the path")
    record = next((kind for name, kind in MARKERS if path.name == name), None)
    if record is not None:
        raise ConfigError(f"{path}: the record of a {record}; name its folder, {path.parent}")
    raise ConfigError(f"{path}: not a result, a mixture or token shards; name a folder of one, or a .bin/.idx pair")


def kind_of_folder(folder: Path) -> Kind | None:
    """What a folder is by the record in it, or the shards; None where it is nothing that this program knows."""
    for name, kind in MARKERS:
        if (folder / name).exists():
            return kind
    return "shards" if any(folder.glob("*.idx")) or any(folder.glob("*.bin")) else None


def is_plain_name(name: str) -> bool:
    """Whether a name read from a file stays inside its folder.

    >>> is_plain_name("pages"), is_plain_name("../pages"), is_plain_name("")
    (True, False, False)
    """
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def sub_results(output: Path) -> list[Path]:
    """Folders of the finished results in a pipeline's output folder."""
    return sorted(path.parent for path in output.glob(f"*/{MANIFEST_NAME}"))


def ordered_results(output: Path) -> list[Result]:
    """The finished results of an output folder in the order of their pipeline; those it does not name come last.

    Raises:
        VerificationError: a manifest was edited.
    """
    names = named_results(output)
    folders = sub_results(output)
    return [read_result(path) for path in sorted(folders, key=lambda path: names.index(path.name) if path.name in names else len(names))]


def named_results(output: Path) -> list[str]:
    """Ids of the results that a pipeline's output folder should hold; empty where its pipeline.json does not say."""
    try:
        data = read_json(output / PIPELINE_NAME)
    except DataError:
        return []
    ids = data.get("results") if isinstance(data, dict) else None
    return [name for name in ids if isinstance(name, str) and is_plain_name(name)] if isinstance(ids, list) else []


def _nearest_beside(path: Path) -> str:
    """The name of the same folder that the first missing part of a path is most like."""
    missing = path
    while not missing.parent.exists() and missing != missing.parent:
        missing = missing.parent
    try:
        names = [entry.name for entry in missing.parent.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return ""
    found = nearest(missing.name, names)
    return found.replace("?", "") + f" in {missing.parent}?" if found.startswith("; did you mean") else ""
