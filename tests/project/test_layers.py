"""The import layers of the package, read off the syntax tree, and what must not load at start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mathcode_data"

ALLOWED = {
    "core": set(),
    "shards": {"core"},
    "stages": {"core", "shards"},
    "mixture": {"core", "shards"},
    "runtime": {"core"},
    "inspect": {"core", "shards", "mixture"},
    "trainer": {"core", "shards", "mixture"},
    "study": {"core", "shards", "mixture", "trainer"},
    "interop": {"core", "shards", "stages"},
    "quickstart": {"core", "trainer"},  # the demo's own pages; its stage is named in its pipeline file, the command line runs it
    "build": {"core", "mixture", "runtime"},  # the main job: where runtime and mixture meet
    "recall": {"core", "runtime", "stages", "inspect"},  # rounds: pipelines that grow by what people decided
    "review": {"core", "stages", "inspect"},  # the page on which they decide
    "cli": {
        "build",
        "recall",
        "review",
        "core",
        "shards",
        "stages",
        "mixture",
        "runtime",
        "inspect",
        "trainer",
        "study",
        "interop",
        "quickstart",
    },
}
ONLY_IN = {
    "ray": ("runtime/ray.py",),
    "torch": ("trainer/", "study/"),
    "triton": ("trainer/", "study/"),
    "datatrove": ("interop/",),
    "fasttext": ("stages/score/fasttext.py", "stages/learn/fasttext.py"),
}
LEAN = ("import mathcode_data", "import mathcode_data.core.config, mathcode_data.core.errors", "import mathcode_data.cli.commands")
HEAVY = ("ray", "torch", "pandas", "datatrove", "pyarrow", "fasttext", "tokenizers")


def imports() -> list[tuple[str, int, str]]:
    """(file relative to the package, line, imported module) of every import, also those inside functions."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
                names = [node.module or ""]
                if node.module == "mathcode_data":
                    names = [f"mathcode_data.{alias.name}" for alias in node.names]
            found += [(str(path.relative_to(PACKAGE)), node.lineno, name) for name in names]
    return found


def room_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def test_every_room_imports_only_what_it_may():
    wrong = []
    for file, line, name in imports():
        parts = name.split(".")
        if parts[0] != "mathcode_data" or len(parts) == 1 or room_of(file) == "__init__":
            continue
        target = parts[1]
        if target in ("__version__", room_of(file)):
            continue
        if target not in ALLOWED[room_of(file)]:
            wrong.append(f"{file}:{line} imports {name}")
    assert wrong == []


def test_the_layers_name_every_room():
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} <= set(ALLOWED)


def test_heavy_packages_stand_in_their_one_place():
    wrong = [
        f"{file}:{line} imports {name}"
        for file, line, name in imports()
        for package, places in ONLY_IN.items()
        if name.split(".")[0] == package and not file.startswith(places)
    ]
    assert wrong == []


@pytest.mark.parametrize("statement", LEAN)
def test_the_package_and_its_command_line_load_nothing_heavy(statement: str):
    code = f"{statement}; import sys; print(','.join(sorted(set(sys.modules) & set({HEAVY!r}))))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


def test_the_trainer_runs_without_the_packages_of_the_data_way():
    """With stages' packages hidden, the trainer's modules still import."""
    hidden = ("ray", "datatrove", "fasttext", "pyarrow", "selectolax", "tokenizers", "fastwarc", "resiliparse", "warcio", "typer", "rich")
    code = f"""
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {hidden!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
import mathcode_data.trainer.loop, mathcode_data.mixture.dataset
"""
    pytest.importorskip("torch", reason="the extra 'train' is not installed")
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
