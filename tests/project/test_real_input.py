"""tests/bench/real_input.py removes only the folders that it made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "bench" / "real_input.py"


@pytest.fixture
def script() -> Any:
    spec = importlib.util.spec_from_file_location("real_input_for_test", SCRIPT)
    assert spec is not None, "the script is not there"
    assert spec.loader is not None, "the script is no module"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_of_somebody_else_stays_unless_forced(script: Any, tmp_path: Path) -> None:
    mine = tmp_path / "data" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    with pytest.raises(SystemExit, match=r"not made by real_input\.py.*--force"):
        script.make_room(mine.parent, force=False)
    assert mine.read_text() == "precious"
    script.make_room(mine.parent, force=True)
    assert [path.name for path in mine.parent.iterdir()] == [script.MARK]


def test_a_folder_of_its_own_is_made_anew(script: Any, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    script.make_room(folder, force=False)
    (folder / "old").write_text("x")
    script.make_room(folder, force=False)
    assert [path.name for path in folder.iterdir()] == [script.MARK]
