"""Run pipelines of the toy stages in tests of the engine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import orjson

from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.runner import Runner
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.progress import Progress
from mathcode_data.runtime.update import NodeReport, update

TESTS = Path(__file__).parents[1]

PIPELINE = """
name: toy
seed: 1
output: out
stages:
  - support.toy_source: {{paths: in, wait_s: {wait_s}, poison: "{poison}"}}
  - support.toy_map: {{}}
  - id: sorted
    support.toy_global: {{num_shards: 3, wait_s: {wait_s}}}
"""


def make_toy(folder: Path, *, num_files: int = 6, wait_s: float = 0.0, poison: str = "") -> Path:
    """Write inputs and a pipeline file; returns the file."""
    (folder / "in").mkdir(parents=True)
    for index in range(num_files):
        lines = [f"line {index} {number} {'drop' if number % 5 == 0 else 'x'}" for number in range(20)]
        (folder / "in" / f"{index}.txt").write_text("\n".join([*lines, "", *([poison] if poison and index == 2 else [])]) + "\n")
    path = folder / "toy.yaml"
    path.write_text(PIPELINE.format(wait_s=wait_s, poison=poison))
    return path


class Notes(Progress):
    """Keeps what the driver says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def run(path: Path, runner: Runner | None = None, progress: Progress | None = None, **settings: object) -> list[NodeReport]:
    """Bring a pipeline's results up to date."""
    graph = Graph()
    nodes = graph.add(load_pipeline(path))
    return update(list(nodes.values()), graph, RunSettings(runner or InlineRunner(), progress or Progress(), Interrupt(), **settings))  # type: ignore[arg-type]


def tree_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file of the results (logs, locks and caches aside).

    Of a manifest `made_by` does not count: it names commit and host, which may change between two attempts.
    """
    skipped = {".lock", ".input-hashes.json", "runs.jsonl"}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in skipped)
    return {str(path.relative_to(folder)): hashlib.sha256(_content(path)).hexdigest() for path in files}


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name != "manifest.json":
        return content
    data = orjson.loads(content)
    return orjson.dumps({key: value for key, value in data.items() if key not in ("made_by", "self_hash")})


def start_driver(path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `mathcode-data run` in a process of its own, with the toy stages importable."""
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "mathcode_data.cli", "run", str(path), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
