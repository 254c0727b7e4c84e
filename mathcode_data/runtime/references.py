"""Who refers to a folder: YAML files, mixtures and results of the same project, so that nothing in use is cleared away."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import MANIFEST_NAME
from mathcode_data.core.storage import read_json
from mathcode_data.core.yaml_file import load_yaml

PROJECT_SIGNS = (".git", "pyproject.toml", "pipelines", "mixtures")
MAX_LEVELS_UP = 4
MAX_DEPTH = 7
SKIPPED = {"node_modules", "site-packages", "__pycache__", "attempts", "done", "out"}
MIXTURE_NAME = "mixture.json"


@dataclass
class References:
    """What is referred to: folders and files by path, results by fingerprint; each with who refers to it."""

    paths: dict[Path, list[str]] = field(default_factory=dict)
    fingerprints: dict[str, list[Path]] = field(default_factory=dict)

    def of(self, folder: Path) -> list[str]:
        """Who refers to a folder, to what is in it, or to what it lies in."""
        place = folder.resolve()
        return [who for path, names in self.paths.items() if path == place or place in path.parents for who in names]

    def made_from(self, fingerprint: str) -> list[Path]:
        """Folders of the results that were made from a result."""
        return self.fingerprints.get(fingerprint, [])

    def add(self, path: Path, who: object) -> None:
        """Remember that somebody refers to a path."""
        self.paths.setdefault(path.resolve(), []).append(str(who))


def project_of(folder: Path) -> Path:
    """The nearest folder above that looks like the top of a project; the folder above where none does."""
    folder = folder.resolve()
    for parent in [folder, *folder.parents][: MAX_LEVELS_UP + 1]:
        if any((parent / sign).exists() for sign in PROJECT_SIGNS):
            return parent
    return folder.parent


def find_references(roots: Iterable[Path]) -> References:
    """Read every YAML file, mixture and manifest below some folders.

    Raises:
        ConfigError: a root is not there.
    """
    found = References()
    for root in dict.fromkeys(roots):
        if not root.is_dir():
            raise ConfigError(f"{root}: no such folder; --refer takes a folder whose YAML files and mixtures count as references")
        for path in _files(root):
            if path.name == MIXTURE_NAME:
                _of_mixture(path, found)
            elif path.name == MANIFEST_NAME:
                _of_manifest(path, found)
            else:
                _of_yaml(path, found)
    return found


def _files(root: Path) -> Iterator[Path]:
    top = len(root.parts)
    for folder, names, files in os.walk(root):
        deep = len(Path(folder).parts) - top >= MAX_DEPTH
        names[:] = [] if deep else [name for name in names if name not in SKIPPED and not name.startswith(".")]
        for name in files:
            if name in (MIXTURE_NAME, MANIFEST_NAME) or name.endswith((".yaml", ".yml")):
                yield Path(folder) / name


def _of_mixture(path: Path, found: References) -> None:
    for source in _map(path).get("sources") or ():
        for shard in source.get("shards") or () if isinstance(source, dict) else ():
            found.add(path.parent / str(shard["path"]), path)


def _of_manifest(path: Path, found: References) -> None:
    for record in _map(path).get("inputs") or ():
        found.fingerprints.setdefault(str(record.get("fingerprint")), []).append(path.parent)


def _map(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path)
    except (DataError, OSError):
        return {}
    return data if isinstance(data, dict) else {}


def _of_yaml(path: Path, found: References) -> None:
    """Every text of a YAML file may be a path; with `pipeline` and `stage` beside each other, a result of that pipeline."""
    try:
        data = load_yaml(path).data
    except (ConfigError, OSError):
        return
    for value in _values(data):
        if isinstance(value, str) and value and "\n" not in value and "\0" not in value and len(value) < 1000:
            found.add(path.parent / value.partition("*")[0], path)
        elif isinstance(value, dict) and isinstance(value.get("pipeline"), str) and isinstance(value.get("stage"), str):
            other = path.parent / value["pipeline"]
            output = _output_of(other)
            if output is not None:
                found.add(output / value["stage"], path)


def _output_of(pipeline: Path) -> Path | None:
    try:
        data = load_yaml(pipeline).data
    except (ConfigError, OSError):
        return None
    output = data.get("output") if isinstance(data, dict) else None
    return pipeline.parent / output if isinstance(output, str) else None


def _values(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
