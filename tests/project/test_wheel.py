"""The wheel holds the whole package, and runs quickstart and README's commands away from the repository; the sdist builds it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mathcode_data.core.first_compile import KEPT
from support.readme import commands

BEFORE = (
    "mathcode-data doctor --compile",
    "mathcode-data quickstart --skip-training",
    "mathcode-data status quickstart/results/quickstart",
)
"""What is run before README's commands."""


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist and of the wheel that was built from it, without network."""
    pytest.importorskip("build", reason="build is in the extra dev")
    pytest.importorskip("hatchling", reason="hatchling is in the extra dev")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(repository)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def tracked(repository: Path, *folders: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    return {name for name in listed.stdout.splitlines() if (repository / name).exists()}


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_the_shipped_yaml(repository: Path, built: Path):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert tracked(repository, "mathcode_data") <= names
    assert {f"mathcode_data/shipped/{name}" for name in tracked(repository, "pipelines", "mixtures")} <= names
    foreign = {name for name in names if not name.startswith(("mathcode_data/", "mathcode_data-"))}
    assert not foreign, "a wheel installs nothing beside the package"
    assert not {name for name in names if "__pycache__" in name}


@pytest.mark.slow
def test_the_sdist_holds_what_is_needed_to_build_and_to_test(repository: Path, built: Path):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked(repository, "mathcode_data", "pipelines", "mixtures", "tests", "docker") <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names


@pytest.fixture(scope="module")
def run(repository: Path, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Run a line in the shell, away from the repository, where the wheel is installed; gives what it says.

    The packages that ours needs are those of this environment, laid behind the new one's own; ours comes from the wheel.
    """
    place = tmp_path_factory.mktemp("away")
    venv.create(place / "venv")
    python = place / "venv" / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True)
    (site,) = (place / "venv" / "lib").glob("python*/site-packages")
    behind = sysconfig.get_paths()["purelib"]  # may lie below the repository, in .venv
    (site / "behind.pth").write_text(f"{behind}\n", encoding="utf-8")
    (place / "home").mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(place / "loops"))}
    environment["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"

    def run(line: str) -> str:
        options = {"cwd": place / "home", "env": environment, "capture_output": True, "text": True, "check": False}
        done = subprocess.run(["bash", "-c", line], **options)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        said = done.stdout + done.stderr
        assert str(repository) not in said.replace(behind, ""), "nothing was taken from the repository"
        return said

    assert run("python -c 'import mathcode_data; print(mathcode_data.__file__)'").startswith(str(site)), "the package is the wheel's"
    return run


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_installed_wheel_runs_the_quickstart_and_readmes_commands_in_order_away_from_the_repository(run: Callable[[str], str]):
    pytest.importorskip("torch", reason="the commands train")
    first, *others = (*BEFORE, *commands())
    assert " compiled already, in " in run(first)
    for line in others:
        said = run(line)
        assert said.strip(), line
        assert KEPT not in said, f"{line}: `doctor --compile` left loops to be compiled; let quickstart/loops.py go that way too"
