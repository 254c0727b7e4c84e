"""`init` writes a project whose files are legal, that runs as it stands, and never touches what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathcode_data.core.storage import read_json
from support.command import call


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project."""
    folder = tmp_path_factory.mktemp("place") / "project"
    done = call("init", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.timeout(400)
def test_every_file_of_the_project_plans_without_a_word_of_change(project: Path) -> None:
    for name in (
        "pipelines/math.yaml",
        "pipelines/code.yaml",
        "pipelines/code-shards.yaml",
        "mixtures/mixed.yaml",
        "mixtures/two-stage.yaml",
    ):
        done = call("plan", str(project / name))
        assert done.returncode == 0, f"{name}: {done.stderr}"
    assert not (project / "results").exists(), "a plan writes nothing"


def test_every_yaml_file_of_the_project_says_what_it_is_and_how_to_run_it(project: Path) -> None:
    files = sorted(project.rglob("*.yaml"))
    assert len(files) == 6
    for path in files:
        assert path.read_text(encoding="utf-8").startswith("# What: "), path


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    done = call("init", str(tmp_path))
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_project_runs_offline_to_exact_budgets(project: Path) -> None:
    code = project / "pipelines/code.yaml"
    code.write_text(code.read_text(encoding="utf-8").replace("[stdlib]", "[asyncio, email, json]"), encoding="utf-8")
    asked = ["--set", "stages.mixed.tokens={code: 100k, math: 50k}", "--set", "sources.code.holdout=0", "--quiet"]
    done = call("build-mixture", str(project / "mixtures/mixed.yaml"), "--output", str(project / "mixture"), *asked)
    assert done.returncode == 0, done.stderr
    stage = read_json(project / "mixture" / "mixture.json")["stages"][0]
    tokens = {name: source["tokens"] for name, source in stage["sources"].items()}
    assert sum(tokens.values()) == stage["num_samples"] * 256
    assert abs(tokens["code"] - 100_000) < 256
    assert abs(tokens["math"] - 50_000) < 256
