"""What libraries decide about a result's bytes is part of its fingerprint."""

from __future__ import annotations

import ast
import importlib.util
import sys
import unicodedata
from importlib import metadata
from pathlib import Path

import pytest

import mathcode_data
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.plugins import load_plugin, stage_names
from mathcode_data.runtime.graph import Graph
from mathcode_data.runtime.pipeline import load_pipeline
from support.engine import make_toy

PACKAGE = Path(mathcode_data.__file__).parent
DISTRIBUTIONS = {"ada_url": "ada-url", "fasttext": "fasttext-numpy2-wheel"}
DECIDE_NOTHING = {
    "aiohttp": "carries bytes over HTTP",
    "fastokens": "its ids are compared with those of tokenizers",
    "fastwarc": "its output is taken only where checksum and length prove it",
    "fsspec": "fetches bytes",
    "gigatoken": "its ids are compared with those of tokenizers",
    "numba": "whole numbers and bytes as machine code, compared with plain definitions in tests",
    "numpy": "integers, sorting and arithmetic",
    "orjson": "exact JSON",
    "psutil": "memory and processes",
    "pyarrow": "columns in, the same columns out",
    "pydantic": "checks configurations",
    "typing_extensions": "types alone",
    "xxhash": "a specified hash",
    "yarl": "a part of aiohttp",
    "yaml": "its events are read by rules of our own",
}
SOUND_STREAMS_ONLY = {("decontaminate.ngram", "zstandard"), ("read.html_files", "brotli"), ("read.html_files", "zstandard")}
"""A damaged benchmark file is an error; html_files takes nothing but a digest from the module that decompresses."""


def path_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return next((found for found in (path.with_suffix(".py"), path / "__init__.py") if found.exists()), None)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def foreign_imports(name: str) -> set[str]:
    """Top packages, not of ours and not of the standard library, that a stage's module reaches."""
    waiting, seen, foreign = [f"mathcode_data.stages.{name}"], set(), set()
    while waiting:
        module = waiting.pop()
        path = path_of(module)
        if module in seen or path is None or module == "mathcode_data.core.fingerprint":  # it asks for the tables' version
            continue
        seen.add(module)
        for found in imported(path):
            top = found.split(".")[0]
            if top == "mathcode_data":
                waiting.append(found)
            elif (top not in sys.stdlib_module_names and importlib.util.find_spec(top)) or top in DECIDE_NOTHING or top == "unicodedata":
                foreign.add(top)
    return foreign


@pytest.mark.parametrize("name", stage_names())
def test_a_stage_names_every_library_that_may_decide_its_bytes(name):
    version = load_plugin(name).version
    for top in sorted(foreign_imports(name) - set(DECIDE_NOTHING)):
        if (name, top) not in SOUND_STREAMS_ONLY:
            assert f"{DISTRIBUTIONS.get(top, top)} " in version, (
                f"{name}: LIBRARIES lacks {top}; add it, or say above why it decides nothing"
            )


@pytest.mark.parametrize("name", stage_names())
def test_the_libraries_that_a_stage_names_are_installed_and_reached(name):
    assert "absent" not in load_plugin(name).version


def fingerprints(path: Path) -> list[str]:
    load_plugin.cache_clear()
    graph = Graph()
    return [node.fingerprint for node in graph.add(load_pipeline(path)).values()]


def test_another_release_of_a_library_gives_another_fingerprint_to_what_it_decides_and_what_follows(tmp_path, monkeypatch):
    import support.toy_map

    monkeypatch.setattr(support.toy_map, "LIBRARIES", ("regex", "unicodedata"), raising=False)
    path = make_toy(tmp_path)
    text = path.read_text().replace("  - support.toy_map", "  - id: read\n    support.toy_map")
    path.write_text(text)
    first = fingerprints(path)
    assert fingerprints(path) == first
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9999.1" if name == "regex" else real(name))
    assert all(new != old for new, old in zip(fingerprints(path), first, strict=True))
    assert load_plugin("support.toy_map").version.endswith(f"(regex 9999.1, unicodedata {unicodedata.unidata_version})")
    monkeypatch.undo()
    load_plugin.cache_clear()


def test_a_list_of_libraries_that_is_none_is_named(monkeypatch):
    import support.toy_map

    monkeypatch.setattr(support.toy_map, "LIBRARIES", "regex", raising=False)
    load_plugin.cache_clear()
    with pytest.raises(ConfigError, match=r"toy_map\.LIBRARIES is no tuple of names"):
        load_plugin("support.toy_map")
    monkeypatch.undo()
    load_plugin.cache_clear()
