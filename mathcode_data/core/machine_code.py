"""Compiling a function to machine code on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile on first use and keep the machine code beside the module, or in the user's cache where that is read-only."""
    return compiled_with(function)


def compiled_with(function: Function, **options: Any) -> Function:
    """The same with options of `numba.njit`; where neither folder can be written, every process compiles for itself."""
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cast("Function", numba.njit(nogil=True, **options)(function))


@compiled
def as_variable(number: int) -> int:
    """The same number. A literal that is handed on makes numba compile the function it is given to a second time for it alone."""
    return number + 0  # a sum is not taken for a literal
