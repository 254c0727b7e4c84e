"""Plug-ins by folder: the name `dedup.minhash` *is* the module `mathcode_data/stages/dedup/minhash.py`.

A dotted name outside the package works as well (`my_package.my_stage`), and a name that begins with `datatrove.` is
wrapped by `interop/datatrove.py`. Nothing is registered, so there is no table to keep in step.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathcode_data.core.blame import at_place, raised
from mathcode_data.core.config import StageConfig, nearest
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, is_out_of_resource
from mathcode_data.core.fingerprint import version_with_libraries
from mathcode_data.core.installation import install_hint as install_hint

PACKAGE = "mathcode_data."
STAGES = f"{PACKAGE}stages"
ADAPTERS = {"datatrove": "mathcode_data.interop.datatrove"}
"""Foreign packages whose blocks a room of ours wraps: its `plugin(name)` gives the Plugin."""


@dataclass(frozen=True)
class Plugin:
    """A stage's name, version, configuration model and builder."""

    name: str
    version: str
    """The module's VERSION, and the releases of the LIBRARIES it names."""
    config: type[StageConfig]
    build: Callable[[Any], Any]

    @property
    def is_ours(self) -> bool:
        """Whether it ships with the package: an unforeseen exception is then a bug of ours, not of the user's."""
        return str(getattr(self.build, "__module__", "")).startswith(PACKAGE)


@contextmanager
def blaming(place: str, plugin: Plugin) -> Iterator[None]:
    """Turn whatever a stage raises in the driver into a ConfigError of one line with its place in the pipeline file.

    Errors of ours keep their words. A bug in a stage of ours, and a full disk or memory, pass through.
    """
    try:
        yield
    except (ConfigError, DataError) as error:
        raise ConfigError(at_place(place, error)) from error
    except MathcodeError:
        raise
    except BaseException as error:
        if plugin.is_ours or is_out_of_resource(error) or isinstance(error, KeyboardInterrupt | GeneratorExit):
            raise
        raise ConfigError(f"{place}: stage {plugin.name}: {raised(error, plugin.name)}; mend the stage, or its configuration") from error


def stage_names() -> list[str]:
    """Names of all stages that ship with the package, from the folders alone (nothing is imported)."""
    root = Path(__file__).parents[1] / "stages"
    names = []
    for family in pkgutil.iter_modules([str(root)]):
        if family.ispkg:
            modules = pkgutil.iter_modules([str(root / family.name)])
            names += [f"{family.name}.{module.name}" for module in modules if _is_plugin(root / family.name, module)]
            if _defines_build(root / family.name / "__init__.py"):
                names.append(family.name)
    return sorted(names)


def _is_plugin(folder: Path, module: pkgutil.ModuleInfo) -> bool:
    return not module.ispkg and _defines_build(folder / f"{module.name}.py")


def _defines_build(path: Path) -> bool:
    return path.exists() and "\ndef build(" in path.read_text(encoding="utf-8")


@functools.cache
def load_plugin(name: str) -> Plugin:
    """Find a stage by name.

    Raises:
        ConfigError: no such stage (with the nearest name), its package is not installed, or the module is no plug-in.
    """
    head = name.split(".")[0]
    if head in ADAPTERS and "." in name:
        adapter = importlib.import_module(ADAPTERS[head])
        return adapter.plugin(name)  # type: ignore[no-any-return]
    ours = name in stage_names()
    module_name = f"{STAGES}.{name}" if ours else name
    if not ours and ("." not in name or not _can_find(module_name)):
        raise ConfigError(
            f"no stage {name!r}{nearest(name, stage_names())}; a stage of your own is named by its module with a dot in it "
            "(mine.filter), which must be importable: installed, or in a folder of PYTHONPATH"
        )
    module = _import(name, module_name)
    missing = [attribute for attribute in ("Config", "VERSION", "build") if not hasattr(module, attribute)]
    if missing:
        raise ConfigError(f"stage {name!r}: module {module_name} lacks {', '.join(missing)}; a stage has Config, VERSION and build")
    if not (isinstance(module.Config, type) and issubclass(module.Config, StageConfig)):
        raise ConfigError(f"stage {name!r}: {module_name}.Config is no StageConfig; write `class Config(StageConfig)` (core/config.py)")
    if not callable(module.build):
        raise ConfigError(f"stage {name!r}: {module_name}.build is no function; write `def build(config)`, which returns the stage")
    libraries = getattr(module, "LIBRARIES", ())
    if not isinstance(libraries, tuple) or not all(isinstance(library, str) and library for library in libraries):
        raise ConfigError(f"stage {name!r}: {module_name}.LIBRARIES is no tuple of names; write them as pip knows them, as in ('regex',)")
    return Plugin(name, version_with_libraries(str(module.VERSION), libraries), module.Config, module.build)


def _import(name: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not error.name:
            raise ConfigError(f"stage {name!r} cannot be imported: {raised(error, module_name)}; mend the module") from error
        place = "" if module_name.startswith(STAGES) else f" ({raised(error, module_name)})"
        hint = install_hint(error.name)
        raise ConfigError(f"stage {name!r} needs the package {error.name!r}, which is not installed{place}; {hint}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"stage {name!r} cannot be imported: {raised(error, module_name)}; mend the module") from error


def _can_find(module_name: str) -> bool:
    """Whether there is such a module; the packages above it are imported by the search."""
    try:
        return importlib.util.find_spec(module_name) is not None
    except ModuleNotFoundError as error:
        # a package above that is not there means "no"; one that is there and lacks something is told by the import
        return not f"{module_name}.".startswith(f"{error.name}.")
    except ValueError:
        return False
    except (Exception, SystemExit) as error:
        raise ConfigError(f"stage {module_name!r} cannot be imported: {raised(error, module_name)}; mend the module") from error
