"""The quickstart's own steps around the main job: lay out a folder, and train a little at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.plugins import install_hint
from mathcode_data.core.storage import TEMPORARY_PREFIX, write_bytes

MARKER = "pipelines/quickstart.yaml"
SHIPPED = (
    "pipelines/quickstart.yaml",
    "pipelines/quickstart-benchmark.jsonl",
    "mixtures/quickstart.yaml",
    "mixtures/quickstart-train.yaml",
)


def shipped_file(name: str) -> Path:
    """A file that ships with the package: inside it when installed, at the top of a checkout otherwise."""
    package = Path(__file__).parents[1]
    for root in (package / "shipped", package.parent):
        if (root / name).exists():
            return root / name
    raise ConfigError(f"{name} is not in this installation ({package}); install mathcode-data again")


def prepare(folder: Path, say: Callable[[str], None]) -> Path:
    """Copy the quickstart's files into a new folder (one that is there already goes on). Returns its mixture file.

    Raises:
        ConfigError: the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; name a new folder")
    if not (folder / MARKER).exists() and any(path.is_file() and not path.name.startswith(TEMPORARY_PREFIX) for path in folder.rglob("*")):
        raise ConfigError(f"{folder}: not empty and not of an earlier quickstart; name a new folder")
    for name in SHIPPED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            write_bytes(folder / name, shipped_file(name).read_bytes())
    say(f"quickstart in {folder}: its files are pipelines/quickstart.yaml and mixtures/quickstart.yaml; change them and run it again")
    return folder / "mixtures" / "quickstart.yaml"


def train_shortly(folder: Path, report: Callable[[dict[str, Any]], None], say: Callable[[str], None]) -> dict[str, Any] | None:
    """Train on the mixture for half a minute; None (and a word) where torch is not installed."""
    try:
        from mathcode_data.trainer.config import load_train_config
        from mathcode_data.trainer.loop import train
    except ModuleNotFoundError as error:
        say(f"training is left out: it needs the package {error.name!r}; {install_hint(error.name)}, then run the quickstart again")
        return None
    return train(load_train_config(folder / "mixtures" / "quickstart-train.yaml"), report=report)


def closing_text(folder: Path) -> str:
    """What to look at next."""
    results = folder / "results" / "quickstart"
    return (
        "look further:\n"
        f"  mathcode-data trace {folder}/mixture --sample 7\n"
        f"  mathcode-data decode {results}/math --document 3\n"
        f"  mathcode-data explain {results} --url http://crawl.example/pages/\n"
        f"  mathcode-data verify {folder}/mixture --full"
    )
