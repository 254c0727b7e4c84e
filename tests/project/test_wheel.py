"""The wheel holds the whole package and runs away from the repository; so does the sdist that it is built from."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

QUICKSTART = ("quickstart", "away", "--skip-training")
READ_ME = (
    ("status", "away/results/quickstart"),
    ("trace", "away/mixture", "--sample", "7"),
)


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


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_installed_wheel_runs_the_quickstart_away_from_the_repository(repository: Path, built: Path, tmp_path: Path):
    """The packages that ours needs are those of this environment, laid behind the new one's own; ours comes from the wheel."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "behind.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    where = [python, "-c", "import mathcode_data; print(mathcode_data.__file__)"]
    found = subprocess.run(where, cwd=home, env=environment, capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(site)), "the package is the wheel's"
    for arguments in (QUICKSTART, *READ_ME):
        command = [tmp_path / "venv" / "bin" / "mathcode-data", *arguments]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert str(repository) not in done.stdout + done.stderr, "nothing was taken from the repository"
