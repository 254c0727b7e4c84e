"""Compiling a function to machine code on first use, and keeping that code for as long as it is the code of these sources.

numba keeps the machine code of a function with the functions it calls and the constants it uses compiled into it, and makes it again when
the file of the function changes. What changed in another file is not noticed, and old numbers are computed without a word. Here machine
code belongs to the sources of all compiled modules and of what they import: when one changes, all are compiled again. Of processes that
need the same function at once, one compiles and the others wait for its code (`compile_turn`). A folder that
NUMBA_CACHE_DIR names is read also where it cannot be written, so that an image can bring machine code with it (`mathcode-data doctor
--compile`); what it lacks, for another processor say, is kept in the user's cache.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator
from numba.core.event import Event, Listener, register

from mathcode_data.core import first_compile
from mathcode_data.core.compile_turn import Turn
from mathcode_data.core.first_compile import compiling

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).parents[1]
SETTINGS: Any = numba.config


@functools.cache
def sources_digest() -> str:
    """The hash of the modules of this package that name this one, for these compile, and of all that they import from it.

    Imported ones count because numba takes the value of a constant when it compiles.
    """
    waiting = [path for path in PACKAGE.rglob("*.py") if b"machine_code" in path.read_bytes()]
    sources: dict[str, bytes] = {}
    while waiting:
        path = waiting.pop()
        name = str(path.relative_to(PACKAGE))
        if name not in sources:
            sources[name] = path.read_bytes()
            waiting += _imported(sources[name])
    digest = hashlib.sha256()
    for name, source in sorted(sources.items()):
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def _imported(source: bytes) -> list[Path]:
    """Files of this package that a module imports, as far as its import lines say it."""
    found: list[Path] = []
    for module, names in re.findall(rf"^\s*from {PACKAGE.name}\.?([\w.]*) import (\([^)]*\)|.*)$", source.decode(), re.MULTILINE):
        folder = PACKAGE.joinpath(*filter(None, module.split(".")))
        found += [folder.with_suffix(".py"), *(folder / f"{name}.py" for name in re.findall(r"\w+", names))]
    return [path for path in found if path.is_file()]


class _OfTheseSources:
    """Machine code is valid for a stamp of the function's file; here also for the sources of all compiled modules."""

    def get_source_stamp(self) -> tuple[Any, ...]:
        return (super().get_source_stamp(), sources_digest())  # type: ignore[misc]


class InAskedFolder(_OfTheseSources, UserProvidedCacheLocator):
    """Machine code in the folder that NUMBA_CACHE_DIR names."""

    is_read_only = False
    """Found warm, and not to be written."""
    keeps = True
    """Whether what is compiled now is kept, here or elsewhere."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        """Functions of ours lie by their module's name, not by where it is installed: checkouts of the same sources share the code."""
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]
        module = Path(py_file)
        if PACKAGE in module.parents:
            self._cache_path = str(Path(SETTINGS.CACHE_DIR, ".".join(module.relative_to(PACKAGE.parent).parent.parts)))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        """The folder, if it can be written, or if it has code of this function's module and can be read."""
        found = super().from_function(py_func, py_file)  # type: ignore[no-untyped-call]
        if found is None and SETTINGS.CACHE_DIR and Path(py_file).exists():
            candidate = cls(py_func, py_file)
            if any(Path(candidate._cache_path).glob(f"{Path(py_file).stem}.*.nbi")):
                candidate.is_read_only = True
                return candidate
        return found


class BesideModule(_OfTheseSources, InTreeCacheLocator):
    """Machine code in `__pycache__` beside the module."""


class InUserCache(_OfTheseSources, UserWideCacheLocator):
    """Machine code in the user's cache, for a package whose folders are read-only."""


LOCATORS = ",".join(f"{__name__}.{locator.__name__}" for locator in (InAskedFolder, BesideModule, InUserCache))


class _AtWork(Listener):
    """Hears of every compilation that no kept code spares."""

    def on_start(self, event: Event) -> None:
        dispatcher = event.data["dispatcher"]
        if dispatcher.py_func.__module__.startswith("mathcode_data."):
            locator = getattr(getattr(dispatcher._cache, "_impl", None), "locator", None)
            compiling(locator is not None and getattr(locator, "keeps", True))

    def on_end(self, event: Event) -> None:
        if event.data["dispatcher"].py_func.__module__.startswith("mathcode_data."):
            first_compile.done_compiling()


register("numba:compile", _AtWork())  # type: ignore[no-untyped-call]
_all_compiled: list[Any] = []
"""Functions of this process whose machine code is kept."""


def summary() -> dict[str, Any]:
    """What this process compiled and found, and where it is kept."""
    stats = [function.stats for function in _all_compiled]
    return {
        "functions": len(stats),
        "compiled": sum(sum(one.cache_misses.values()) for one in stats),
        "found": sum(sum(one.cache_hits.values()) for one in stats),
        "folders": sorted({str(Path(one.cache_path).parent if SETTINGS.CACHE_DIR else one.cache_path) for one in stats}),
    }


def compiled(function: Function) -> Function:
    """Compile on first use and keep the machine code beside the module, or in the user's cache where that is read-only."""
    return compiled_with(function)


def compiled_with(function: Function, **options: Any) -> Function:
    """The same with options of `numba.njit`; where neither folder can be written, every process compiles for itself."""
    others, SETTINGS.CACHE_LOCATOR_CLASSES = SETTINGS.CACHE_LOCATOR_CLASSES, LOCATORS
    try:
        made = numba.njit(cache=True, nogil=True, **options)(function)
        _all_compiled.append(made)
        if getattr(made._cache._impl.locator, "is_read_only", False):
            _keep_elsewhere(made._cache, function)
        _one_at_a_time(made)
        return cast("Function", made)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cast("Function", numba.njit(nogil=True, **options)(function))
    finally:
        SETTINGS.CACHE_LOCATOR_CLASSES = others


def _keep_elsewhere(cache: Any, function: Callable[..., Any]) -> None:
    """Give a cache that cannot be written another one for what it lacks: the user's, or none."""
    SETTINGS.CACHE_LOCATOR_CLASSES = f"{__name__}.{InUserCache.__name__}"  # the caller sets it back
    try:
        second: Any = FunctionCache(function)  # type: ignore[no-untyped-call]
    except RuntimeError:  # no such folder either
        cache._impl.locator.keeps = False
        cache.save_overload = lambda *_: None
        return
    first = cache.load_overload
    cache.load_overload = lambda *key: first(*key) or second.load_overload(*key)
    cache.save_overload = second.save_overload
    cache.is_kept_at = second


def _one_at_a_time(made: Any) -> None:
    """Let a process that finds no code wait for the one that compiles this function, and look again."""
    cache, compile_now = made._cache, made.compile
    kept_at = getattr(cache, "is_kept_at", cache)
    load, turn = cache.load_overload, Turn(Path(kept_at._cache_path, f"{kept_at._impl.filename_base}.turn"))

    def load_or_wait(*key: Any) -> Any:
        found = load(*key)
        if found is None and getattr(kept_at._impl.locator, "keeps", True) and turn.take():
            found = load(*key)
        return found

    def compile_in_turn(*signature: Any) -> Any:
        with turn:
            return compile_now(*signature)

    cache.load_overload, made.compile = load_or_wait, compile_in_turn


@compiled
def as_variable(number: int) -> int:
    """The same number. A literal that is handed on makes numba compile the function it is given to a second time for it alone."""
    return number + 0  # a sum is not taken for a literal
