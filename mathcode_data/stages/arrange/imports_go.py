"""Imports of Go: a package is a folder, so an import means all its files but tests.

The module's path comes from `go.mod` where that file is among the documents. Without one, an import of a host (`x.org/a/b`)
means the folder that its longest end names.
"""

from __future__ import annotations

import re

from mathcode_data.stages.arrange.source_text import GO, blank
from mathcode_data.stages.arrange.tree import Tree, join

LANGUAGES: tuple[str, ...] = ("Go",)
ONE = re.compile(r"^[ \t]*import[ \t]+(?:[\w.]+[ \t]+)?[\"`]([^\"`\n]+)[\"`]", re.MULTILINE)
BLOCK = re.compile(r"^[ \t]*import[ \t]*\(([^)]*)\)?", re.MULTILINE)
QUOTED = re.compile(r"[\"`]([^\"`\n]+)[\"`]")
MANIFEST = "go.mod"


def find_imports(text: str) -> list[str]:
    r"""What a file imports.

    >>> find_imports('import "a"\nimport (\n  b "c/d"\n  // "e"\n)')
    ['a', 'c/d']
    """
    text = blank(text, GO, keep="\"'`")
    return ONE.findall(text) + [name for names in BLOCK.findall(text) for name in QUOTED.findall(names)]


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """Files of the package that an import means."""
    if name.startswith("."):
        return _files(join(path.rpartition("/")[0], name), tree)
    modules = tree.names.get(MANIFEST, {})
    for module in sorted(modules, key=len, reverse=True):
        if name == module or name.startswith(f"{module}/"):
            return _files(join(modules[module], name[len(module) + 1 :]), tree)
    parts = name.split("/")
    if modules or "." not in parts[0]:
        return []
    for first in range(1, len(parts)):
        found = _files("/".join(parts[first:]), tree)
        if found:
            return found
    return []


def _files(folder: str | None, tree: Tree) -> list[str]:
    return [] if folder is None else [file for file in tree.files_in(folder) if file.endswith(".go") and not file.endswith("_test.go")]
