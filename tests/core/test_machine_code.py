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
sys.path.insert(0, sys.argv[1])
from outer import plus_one_twice
print(plus_one_twice(0), sum(plus_one_twice.stats.cache_hits.values()))
"""


def test_machine_code_is_made_again_when_a_function_it_calls_changes_in_another_file(tmp_path: Path):
    head = "from mathcode_data.core.machine_code import compiled\n"
    (tmp_path / "inner.py").write_text(head + "@compiled\ndef plus_one(n):\n    return n + 1\n")
    (tmp_path / "outer.py").write_text(
        head + "from inner import plus_one\n@compiled\ndef plus_one_twice(n):\n    return plus_one(plus_one(n))\n"
    )

    def answer() -> list[str]:
        return subprocess.run([sys.executable, "-c", RUN, tmp_path], check=True, capture_output=True, text=True).stdout.split()

    assert answer() == ["2", "0"]
    assert answer() == ["2", "1"], "the machine code was not kept"
    (tmp_path / "inner.py").write_text(head + "@compiled\ndef plus_one(n):\n    return n + 10\n")
    assert answer() == ["20", "0"], "machine code of the earlier source was used"
