"""Compiling a function to machine code on first use, and keeping that code for as long as it is the code of these sources.

numba keeps the machine code of a function with the functions it calls compiled into it, and makes it again when the file of the function
changes. A callee that changed in another file is not noticed, and old numbers are computed without a word. Here machine code belongs to
the sources of all compiled modules: when one changes, all are compiled again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).parents[1]


@functools.cache
def sources_digest() -> str:
    """The hash of all modules of this package that name this one, for these are the ones that compile."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if b"machine_code" in source:
            digest.update(f"{path.relative_to(PACKAGE)} {len(source)}\n".encode() + source)
    return digest.hexdigest()


class _OfTheseSources:
    """Machine code is valid for a stamp of the function's file; here also for the sources of all compiled modules."""

    def get_source_stamp(self) -> tuple[Any, ...]:
        return (super().get_source_stamp(), sources_digest())  # type: ignore[misc]


class InAskedFolder(_OfTheseSources, UserProvidedCacheLocator):
    """Machine code in the folder that NUMBA_CACHE_DIR names."""


class BesideModule(_OfTheseSources, InTreeCacheLocator):
    """Machine code in `__pycache__` beside the module."""


class InUserCache(_OfTheseSources, UserWideCacheLocator):
    """Machine code in the user's cache, for a package whose folders are read-only."""


LOCATORS = ",".join(f"{__name__}.{locator.__name__}" for locator in (InAskedFolder, BesideModule, InUserCache))


def compiled(function: Function) -> Function:
    """Compile on first use and keep the machine code beside the module, or in the user's cache where that is read-only."""
    return compiled_with(function)


def compiled_with(function: Function, **options: Any) -> Function:
    """The same with options of `numba.njit`; where neither folder can be written, every process compiles for itself."""
    settings: Any = numba.config
    others, settings.CACHE_LOCATOR_CLASSES = settings.CACHE_LOCATOR_CLASSES, LOCATORS
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cast("Function", numba.njit(nogil=True, **options)(function))
    finally:
        settings.CACHE_LOCATOR_CLASSES = others


@compiled
def as_variable(number: int) -> int:
    """The same number. A literal that is handed on makes numba compile the function it is given to a second time for it alone."""
    return number + 0  # a sum is not taken for a literal
