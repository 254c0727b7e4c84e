"""README's blocks are run as they stand: the commands after a quickstart, the stage of one's own, the mixture file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.stages import documents

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    return [line for line in lines if line.startswith("mathcode-data ")]


def test_every_bash_block_is_a_set_up_line_or_commands_of_ours():
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    others = [line for line in lines if not line.startswith("mathcode-data ")]
    assert len(others) == 2
    assert all(line.startswith("python3 -m venv .venv && ") for line in others)


def test_the_two_set_up_lines_are_where_ci_looks_for_them():
    for name, end in (("demo", "mathcode-data quickstart"), ("tests", "pytest")):
        found = re.search(rf"<!-- set-up: {name} -->\n```bash\n([^\n]*)\n```", README)
        assert found is not None
        assert end in found[1].rpartition("&&")[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_commands_run_in_order_after_a_quickstart(tmp_path: Path):
    pytest.importorskip("torch", reason="the commands train")
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    for command in ["mathcode-data quickstart --skip-training", *commands()]:
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert (done.stdout + done.stderr).strip(), command


def test_the_stage_of_ones_own_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from support.stages import run_map

    (block,) = blocks("python")
    (tmp_path / "readme_example").mkdir()
    (tmp_path / "readme_example" / "length.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    table, _ = run_map("readme_example.length", documents(["ab", "数学题"]))
    assert table["score_length"].to_pylist() == [2.0, 3.0]


def test_the_mixture_file_is_legal(tmp_path: Path):
    from mathcode_data.mixture.budgets import resolve_budgets
    from mathcode_data.mixture.recipe import load_recipe

    (block,) = blocks("yaml")
    (tmp_path / "m.yaml").write_text(block)
    recipe, _ = load_recipe(tmp_path / "m.yaml")
    assert [stage.num_samples for stage in resolve_budgets(recipe, [None, None], {})] == [400_000_000_000 // 4096, 150_000_000_000 // 4096]


def test_every_linked_file_is_there(repository: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (repository / target).exists(), target


def test_every_room_and_file_that_is_named_is_there(repository: Path):
    for name in re.findall(r"`(mathcode_data/[a-z_/.]+)`", README):
        assert (repository / name).exists() or name.endswith("score/length.py"), name
    for name in re.findall(r"`((?:core|runtime|mixture|stages|trainer)/[a-z_/]+\.py)`", README):
        assert (repository / "mathcode_data" / name).exists(), name
