"""Compiled functions: also where no folder for their machine code can be written."""

from __future__ import annotations

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
