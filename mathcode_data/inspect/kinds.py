"""What a path is: a result, a pipeline's output, a mixture, a training run, a checkpoint, or token shards from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import MANIFEST_NAME

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
        for name, kind in MARKERS:
            if (path / name).exists():
                return kind
        if any(path.glob("*.idx")) or any(path.glob("*.bin")):
            return "shards"
        raise ConfigError(
            f"{path}: none of {', '.join(name for name, _ in MARKERS)} or token shards in this folder; name the folder of a result, "
            "a mixture, a checkpoint or .bin/.idx shards"
        )
    if path.suffix in (".bin", ".idx") or Path(f"{path}.idx").exists():
        if not path.exists() and not Path(f"{path}.idx").exists():
            raise ConfigError(f"{path}: no such file; check the path")
        return "shards"
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; check the path")
    raise ConfigError(f"{path}: not a result, a mixture or token shards; name a folder of one, or a .bin/.idx pair")


def is_plain_name(name: str) -> bool:
    """Whether a name read from a file stays inside its folder.

    >>> is_plain_name("pages"), is_plain_name("../pages"), is_plain_name("")
    (True, False, False)
    """
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def sub_results(output: Path) -> list[Path]:
    """Folders of the finished results in a pipeline's output folder."""
    return sorted(path.parent for path in output.glob(f"*/{MANIFEST_NAME}"))
