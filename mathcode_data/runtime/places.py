"""From what a user names (a result, a folder, a YAML file) to the output folders of pipelines that are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.lock import LOCK_NAME
from mathcode_data.core.manifest import MANIFEST_NAME
from mathcode_data.core.object_store import STORE, is_store_url, mirror_of
from mathcode_data.core.storage import read_json
from mathcode_data.core.yaml_file import load_yaml
from mathcode_data.runtime.graph import HASHES_NAME, PIPELINE_NAME, WORK_NAME, Graph
from mathcode_data.runtime.pipeline import COMMANDS, kind_of_file, load_pipeline

OURS = (PIPELINE_NAME, HASHES_NAME, WORK_NAME, LOCK_NAME)
MAX_DEPTH = 3
"""Levels below a folder in which outputs are looked for."""
YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Place:
    """An output folder, and which of its results are meant: None for all."""

    output: Path
    ids: tuple[str, ...] | None = None


def find_places(path: Path, *, overrides: Sequence[str] = (), limit: int | None = None) -> list[Place]:
    """The output folders that a path stands for.

    Args:
        path: a pipeline, recall or mixture file (the outputs of its sources' pipelines); an output folder; one of its results;
            or a folder that holds outputs.
        overrides: `a.b=c` for values of a pipeline file.
        limit: as the run had it.

    Raises:
        ConfigError: nothing is there, or nothing that a pipeline made.
    """
    if path.is_file() and path.suffix in YAML:
        return _of_file(path, overrides, limit)
    if is_store_url(path) and limit is None and not overrides:
        return _on_store(path)
    if limit is not None or overrides:
        raise ConfigError(f"{path}: --limit and --set belong to a pipeline file; name the folder of that run, or the file")
    if not path.is_dir():
        if path.exists():
            raise ConfigError(f"{path}: neither a folder nor a .yaml file; name a pipeline file, its output folder, or a result")
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ConfigError(f"{path}: no such file or folder{nearest(path.name, names) if names else ''}; check the path")
    if is_output(path):
        return [Place(path)]
    if (path / MANIFEST_NAME).exists():
        return [Place(path.parent, (path.name,))] if _has_manifest_of_ours(path) else _refuse(path)
    found = [folder for folder in _below(path, MAX_DEPTH) if is_output(folder)]
    return [Place(folder) for folder in found] or _refuse(path)


def _on_store(url: Path) -> list[Place]:
    folder = mirror_of(url)
    names = STORE.sizes(folder)
    outputs = [name.parent for name in names if name.name == PIPELINE_NAME and len(name.relative_to(folder).parts) <= MAX_DEPTH + 1]
    if folder / MANIFEST_NAME in names and folder not in outputs:
        return [Place(folder.parent, (folder.name,))]
    found = [output for output in sorted(outputs) if not any(other in output.parents for other in outputs)]
    return [Place(output) for output in found] or _refuse(folder)


def _refuse(path: Path) -> list[Place]:
    raise ConfigError(
        f"{path}: no result of a pipeline and no output folder of one here or up to {MAX_DEPTH} levels below; name a pipeline file, "
        "its output folder, or a result"
    )


def is_output(folder: Path) -> bool:
    """Whether a folder is the output of a pipeline, perhaps of a run that was killed at once."""
    marker = folder / PIPELINE_NAME
    if marker.is_file():
        try:
            data = read_json(marker)
        except DataError:
            return (folder / WORK_NAME).is_dir()
        return isinstance(data, dict) and "name" in data and "results" in data
    return (folder / WORK_NAME).is_dir() and (folder / LOCK_NAME).exists()


def _has_manifest_of_ours(folder: Path) -> bool:
    try:
        data = read_json(folder / MANIFEST_NAME)
    except DataError:
        return is_output(folder.parent)  # damaged, but it lies where we put results
    return isinstance(data, dict) and {"fingerprint", "shards", "self_hash"} <= data.keys()


def _below(folder: Path, depth: int) -> list[Path]:
    try:
        folders = sorted(
            entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
        )
    except OSError:
        return []
    found = list(folders)
    if depth > 1:
        for entry in folders:
            if not is_output(entry):
                found += _below(entry, depth - 1)
    return found


def _of_file(path: Path, overrides: Sequence[str], limit: int | None) -> list[Place]:
    file = load_yaml(path)
    kind = kind_of_file(file.data)
    if kind == "mixture":
        sources = file.data["sources"] if isinstance(file.data["sources"], dict) else {}
        names = [source["pipeline"] for source in sources.values() if isinstance(source, dict) and isinstance(source.get("pipeline"), str)]
        if not names:
            raise ConfigError(f"{path}: none of the mixture's sources is a pipeline; nothing is run for it")
        return [place for name in dict.fromkeys(names) for place in _of_file(path.parent / name, (), limit)]
    if kind == "recall":
        output = path.parent / str(file.data["output"])
        return [Place(output if limit is None else output.with_name(f"{output.name}.limit-{limit}"))]
    if kind not in ("pipeline", ""):
        raise ConfigError(f"{path}: a {kind} file, not a pipeline or mixture; `mathcode-data {COMMANDS[kind]}` says how far it is")
    pipeline = load_pipeline(path, list(overrides), limit)
    return [Place(pipeline.output, tuple(Graph.result_ids(pipeline)))]
