"""Compiled functions: also where no folder for their machine code can be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba
import pytest

from mathcode_data.core.machine_code import compiled_with


def double(number: int) -> int:
    return number + number


def test_without_a_folder_for_machine_code_a_function_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch):
    asked: list[dict[str, object]] = []

    def njit(**options: object):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'double': no locator available for file 'x.py'")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled_with(double, boundscheck=False)(21) == 42
    assert asked == [{"cache": True, "nogil": True, "boundscheck": False}, {"nogil": True, "boundscheck": False}]


def test_other_errors_of_the_compiler_are_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def njit(**_: object):
        raise RuntimeError("something else")

    monkeypatch.setattr(numba, "njit", njit)
    with pytest.raises(RuntimeError, match="something else"):
        compiled_with(double)


RUN = """
import sys
from pathlib import Path
from mathcode_data.core import machine_code
machine_code.PACKAGE = Path(sys.argv[1])
machine_code.sources_digest.cache_clear()
sys.path.insert(0, str(machine_code.PACKAGE.parent))
from toy.outer import plus_one_twice
print(plus_one_twice(0), sum(plus_one_twice.stats.cache_hits.values()))
"""


def test_machine_code_is_made_again_when_a_function_or_a_constant_it_uses_changes_in_another_file(tmp_path: Path):
    package = tmp_path / "toy"
    package.mkdir()
    head = "from mathcode_data.core.machine_code import compiled\n"
    inner = head + "from toy.steps import STEP\n@compiled\ndef plus_one(n):\n    return n + STEP\n"
    outer = head + "from toy.inner import plus_one\n@compiled\ndef plus_one_twice(n):\n    return plus_one(plus_one(n))\n"
    for name, source in {"steps": "STEP = 1\n", "inner": inner, "outer": outer, "other": "x = 1\n"}.items():
        (package / f"{name}.py").write_text(source)

    def answer() -> list[str]:
        return subprocess.run([sys.executable, "-c", RUN, package], check=True, capture_output=True, text=True).stdout.split()

    assert answer() == ["2", "0"]
    (package / "other.py").write_text("x = 2\n")
    assert answer() == ["2", "1"], "the machine code was not kept"
    (package / "inner.py").write_text(inner.replace("n + STEP", "n + 10 * STEP"))
    assert answer() == ["20", "0"], "machine code of the earlier function was used"
    (package / "steps.py").write_text("STEP = 2\n")
    assert answer() == ["40", "0"], "machine code with the earlier constant was used"
