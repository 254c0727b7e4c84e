"""Small whole jobs on which faults of the disk are enumerated: a beginning, the job, and what may stand after it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import typer.main

import mathcode_data.build
import mathcode_data.inspect.tables
import mathcode_data.runtime.session
import mathcode_data.stages.dedup.exact
import mathcode_data.stages.read.jsonl
import mathcode_data.stages.tokenize.encode
import mathcode_data.stages.tokenize.gather  # noqa: F401  (imported once, before the first fork)
from mathcode_data.cli.commands import app
from mathcode_data.cli.main import main
from mathcode_data.core.manifest import MANIFEST_NAME, check_shards, read_result
from mathcode_data.core.storage import sha256_file
from mathcode_data.mixture.index_files import MIXTURE_NAME
from mathcode_data.runtime import driver
from mathcode_data.stages.learn import probe_tokenizer
from mathcode_data.stages.tokenize import tokenizer_file
from support.tiny_job import tree, write_inputs


def make_ready() -> None:
    """Make jobs cheap: no waiting before a task is tried again, the commands made once, and the probe of a tokenizer, which a child
    process makes and which costs more than the rest of the job, made here."""
    driver.RETRY_WAIT_S = 0.0
    tokenizer_file.run_in_child = lambda function, message, **_: probe_tokenizer.probe(message)
    made = typer.main.get_command(app)
    typer.main.get_command = lambda _: made


def command(*arguments: str | Path) -> int:
    """The command line in this process; its exit code."""
    sys.argv = ["mathcode-data", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def build(folder: Path) -> int:
    """From the input files to the mixture in one command."""
    return command("build-mixture", folder / "mix.yaml", "--output", folder / "mixture", "--runner", "inline", "--quiet")


def prepare_build(folder: Path) -> None:
    """Two small files: with one more, a third more operations, all of the same kinds."""
    write_inputs(folder, num_files=2)


def prepare_rebuild(folder: Path) -> None:
    """A finished mixture, and then another wish."""
    prepare_build(folder)
    assert build(folder) == 0, "the mixture that shall be replaced was not built"
    for name, old, new in (("tiny.yaml", "drop: blot", "drop: clean 1"), ("mix.yaml", "tiny: 1600", "tiny: 800")):
        path = folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r} to change"
        path.write_text(text.replace(old, new))


def results(folder: Path) -> dict[str, str]:
    """Names of what stands: the fingerprint of each finished result and mixture ("" for none)."""
    found = {}
    for place in (*(path for path in sorted(folder.glob("out/*")) if path.is_dir() and path.name != ".work"), folder / "mixture"):
        name = MIXTURE_NAME if place.name == "mixture" else MANIFEST_NAME
        found[place.name] = json.loads((place / name).read_text())["fingerprint"] if (place / name).exists() else ""
    return found


def damage(folder: Path) -> list[str]:
    """What is finished by its word, and is not whole by its bytes."""
    problems = []
    for manifest in sorted(folder.glob(f"out/*/{MANIFEST_NAME}")):
        problems += check_shards(read_result(manifest.parent), full=True)
    if (folder / "mixture" / MIXTURE_NAME).exists():
        info = json.loads((folder / "mixture" / MIXTURE_NAME).read_text())
        for name, record in info["files"].items():
            path = folder / "mixture" / name
            if not path.exists() or sha256_file(path) != record["sha256"]:
                problems.append(f"{path}: not the file of its mixture.json")
    return problems


@dataclass(frozen=True)
class Scenario:
    """A job; `state` names what stands, so that a fault leaves each name as it was or as it will be."""

    name: str
    prepare: Callable[[Path], object]
    act: Callable[[Path], int]
    state: Callable[[Path], dict[str, str]] = field(default=results)
    damage: Callable[[Path], list[str]] = field(default=damage)
    tree: Callable[[Path], dict[str, str]] = field(default=tree)
    finish: Callable[[Path], int] = field(default=lambda _: 0)
    """What comes after the job, undisturbed, before trees are compared."""


NAMES = ("build", "rebuild", "checkpoint", "crawl")


def scenario(name: str) -> Scenario:
    """The job of that name."""
    if name == "checkpoint":
        import checkpoint_scenario as checkpoint  # torch makes every fork dearer

        return Scenario(
            name,
            prepare=lambda folder: checkpoint.save(folder, 1, 2),
            act=lambda folder: checkpoint.save(folder, 3),
            state=checkpoint.newest,
            damage=checkpoint.damage,
            tree=tree,
            finish=lambda folder: checkpoint.save(folder, 4),  # where the removal of an old one failed, the next save does it
        )
    if name == "crawl":
        import crawl_scenario as crawl

        return Scenario(
            name,
            prepare=crawl.prepare,
            act=lambda folder: command("run", folder / "crawl.yaml", "--runner", "inline", "--quiet"),
            state=lambda _: {},
            tree=crawl.tree,
        )
    return Scenario(name, prepare_build if name == "build" else prepare_rebuild, build)
