"""README's blocks are run as they stand: the stage of one's own, the mixture file; the commands are run in test_wheel.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.readme import README, blocks
from support.stages import documents


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
