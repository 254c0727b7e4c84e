"""From what a user names to what a command can work on: a folder of ours, a project that holds such, or a YAML file.

One rule for the commands that look: what is ours is taken as it is; a YAML file stands for the outputs that it makes; any other folder for
what lies in it. A command that takes one thing takes the only one there is, and otherwise says what is there.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.object_store import bring, is_store_url
from mathcode_data.core.storage import read_json
from mathcode_data.inspect.kinds import Kind, identify, kind_of_folder

MAX_DEPTH = 4
"""Levels below a folder in which something of ours is looked for."""
MAX_NAMED = 6
WEB = ("http:/", "https:/")
YAML = (".yaml", ".yml")
WORDS: dict[str, str] = {
    "result": "a result",
    "output": "a pipeline's output",
    "mixture": "a mixture",
    "training": "a training run",
    "checkpoint": "a checkpoint",
    "shards": "token shards",
}
TAKEN_BY: dict[str, str] = {
    "result": "inspect, verify, explain and status",
    "output": "inspect, verify, explain and status",
    "mixture": "inspect, verify, explain, decode and trace",
    "training": "inspect, verify and generate",
    "checkpoint": "inspect, verify and generate",
    "shards": "inspect, verify and decode",
}
Target = tuple[Path, Kind]


def targets(path: Path) -> list[Target]:
    """All that a path stands for, in order of path.

    Raises:
        ConfigError: nothing is there, or nothing of ours.
    """
    refuse_web(path)
    if path.is_file() and path.suffix in YAML:
        return of_file(path)
    path = bring(path)
    if path.is_dir() and kind_of_folder(path) is None:
        found = below(path, MAX_DEPTH)
        if found:
            return found
    return [(path, identify(path))]


def one_target(path: Path, command: str) -> Path:
    """The one thing that a path stands for.

    Raises:
        ConfigError: there are several; the message names them.
    """
    found = targets(path)
    if len(found) == 1:
        return found[0][0]
    named = ", ".join(f"{place} ({WORDS[kind]})" for place, kind in found[:MAX_NAMED])
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    raise ConfigError(f"{path}: a folder that holds {named}{more}; `mathcode-data {command}` takes one of them")


def of_kinds(path: Path, kinds: Container[str], command: str) -> list[Target]:
    """Those targets of a path that a command can do something with.

    Raises:
        ConfigError: none of them; the message says what the path is, and which commands take that.
    """
    found = targets(path)
    usable = [target for target in found if target[1] in kinds]
    if not usable:
        place, kind = found[0]
        wanted = ", ".join(words for name, words in WORDS.items() if name in kinds)
        raise ConfigError(f"{place}: {WORDS[kind]}, which {TAKEN_BY[kind]} take; {command} takes {wanted}, or a folder or file of such")
    return usable


def of_file(file: Path) -> list[Target]:
    """What was made of a YAML file: outputs of a pipeline or recall file, mixtures of a mixture file, the run of a training file.

    Raises:
        ConfigError: nothing was made of it yet, or nothing that can be found.
    """
    from mathcode_data.core.yaml_file import load_yaml
    from mathcode_data.runtime.pipeline import COMMANDS, kind_of_file
    from mathcode_data.runtime.places import find_places

    data = load_yaml(file).data
    kind = kind_of_file(data)
    if kind == "mixture":
        built = list(built_of(file, str(data.get("name"))))
        if built:
            return [(folder, "mixture") for folder in built]
        raise ConfigError(f"{file}: a mixture file; name the folder of the mixture that `mathcode-data build-mixture {file}` made")
    if kind in ("training", "study"):
        folder = Path(os.path.normpath(file.parent / str(data.get("output", ""))))
        if data.get("output") and folder.is_dir() and kind_of_folder(folder) == "training":
            return [(folder, "training")]
        raise ConfigError(f"{file}: a {kind} file; name the folder of what `mathcode-data {COMMANDS[kind]} {file}` made")
    outputs = list(dict.fromkeys(place.output for place in find_places(file)))
    there = [bring(output) for output in outputs if is_store_url(output) or output.is_dir()]
    if not there:
        raise ConfigError(f"{file}: not run yet: nothing at {', '.join(map(str, outputs[:MAX_NAMED]))}; run it first")
    return [(output, "output") for output in there]


def built_of(file: Path, name: str) -> Iterator[Path]:
    """Mixtures near a mixture file that say they were built of it."""
    project = file.parent.parent if file.parent.name == "mixtures" else file.parent
    seen = set()
    for folder, kind in [(Path("results", "mixtures", name), "mixture"), *below(project, MAX_DEPTH)]:
        if kind == "mixture" and (folder / "mixture.json").is_file() and folder.resolve() not in seen:
            seen.add(folder.resolve())
            try:
                origin = read_json(folder / "mixture.json")["made_by"]["origin"]["file"]
            except (DataError, KeyError, TypeError):
                continue
            if (folder / str(origin)).resolve() == file.resolve():
                yield folder


def below(folder: Path, depth: int) -> list[Target]:
    """What of ours lies in a folder; the inside of such a thing counts as part of it."""
    found: list[Target] = []
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return []
    for entry in entries:
        kind = None if entry.name.startswith(".") else kind_of_folder(entry)
        if kind is not None:
            found.append((entry, kind))
        elif depth > 1 and not entry.name.startswith("."):
            found += below(entry, depth - 1)
    return found


def refuse_web(path: Path) -> None:
    """Say what to do with an address on the web, which only a trainer reads.

    Raises:
        ConfigError: the path is one.
    """
    if str(path).startswith(WEB):
        address = str(path).replace(":/", "://", 1)
        raise ConfigError(
            f"{address}: on the web, where only MixtureDataset reads, part by part; for this command copy the folder here, or name it as "
            "s3://BUCKET/FOLDER if it is on such a store"
        )
