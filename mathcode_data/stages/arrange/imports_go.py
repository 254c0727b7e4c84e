"""Imports of Go: a package is a folder, so an import means all its files but tests; inside it names go without an import.

The module's path comes from `go.mod` where that file is among the documents; of several of one name (examples, versions) the one
nearest above the file counts. Without one, an import of a host (`x.org/a/b`) means the folder that its longest end names, in the
folder of the file or in the nearest above it: that is where the `go.mod` must lie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathcode_data.stages.arrange import packages
from mathcode_data.stages.arrange.source_text import GO, blank
from mathcode_data.stages.arrange.tree import Tree, folder_of, join

LANGUAGES: tuple[str, ...] = ("Go",)
ONE = re.compile(r"^[ \t]*import[ \t]+(?:[\w.]+[ \t]+)?[\"`]([^\"`\n]+)[\"`]", re.MULTILINE)
BLOCK = re.compile(r"^[ \t]*import[ \t]*\(([^)]*)\)?", re.MULTILINE)
QUOTED = re.compile(r"[\"`]([^\"`\n]+)[\"`]")
MANIFEST = "go.mod"
CLAUSE = re.compile(r"^package[ \t]+(\w+)", re.MULTILINE)
DECLARATION = re.compile(r"^(?:func|type|var|const)[ \t]+([^\W\d]\w*)", re.MULTILINE)
GROUP = re.compile(r"^(?:type|var|const)[ \t]*\(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
IN_GROUP = re.compile(r"^(?:\t| {1,8})([^\W\d]\w*)", re.MULTILINE)
"""gofmt indents the names of a group once, and what belongs to them further."""
METHOD = re.compile(r"^(func[ \t]*\([^)\n]*\))[ \t]*\w+", re.MULTILINE)
NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
UNSHARED = frozenset({"init", "main", "_"})
"""Names that every file may have."""


def find_imports(text: str) -> list[str]:
    r"""What a file imports.

    >>> find_imports('import "a"\nimport (\n  b "c/d"\n  // "e"\n)')
    ['a', 'c/d']
    """
    text = blank(text, GO, keep="\"'`")
    return ONE.findall(text) + [name for names in BLOCK.findall(text) for name in QUOTED.findall(names)]


def find_names(text: str, path: str, _imports: Sequence[str]) -> list[str]:
    r"""What a file declares at its top and what it uses, for packages.py.

    >>> find_names("package p\nfunc F() { x.G(); h() }\nfunc (t T) M() {}\nconst (\n\tA = iota\n)", "d/a.go", [])[:3]
    ['package d p', 'declares A', 'declares F']
    """
    text = blank(text, GO)
    clause = CLAUSE.search(text)
    declared = {*DECLARATION.findall(text), *(name for group in GROUP.findall(text) for name in IN_GROUP.findall(group))} - UNSHARED
    used = set(NAME.findall(METHOD.sub(r"\1", text))) - UNSHARED
    return packages.entries(f"{folder_of(path)} {clause[1] if clause else ''}", declared, used)


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """Files of the package that an import means."""
    if name.startswith("."):
        return _files(join(path.rpartition("/")[0], name), tree)
    modules = tree.names.get(f"{MANIFEST}/", {})
    meant = [folder for folder, module in modules.items() if name == module or name.startswith(f"{module}/")]
    if meant:
        folder = min(meant, key=lambda folder: (-len(modules[folder]), not _is_in(path, folder), -len(folder), folder))
        return _files(join(folder, name[len(modules[folder]) + 1 :]), tree)
    parts = name.split("/")
    if "." not in parts[0] or any(_is_in(path, folder) for folder in modules):
        return []
    for first in range(1, len(parts)):
        above = folder_of(path)
        while True:
            found = _files(join(above, "/".join(parts[first:])), tree)
            if found:
                return found
            if not above:
                break
            above = folder_of(above)
    return []


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _files(folder: str | None, tree: Tree) -> list[str]:
    return [] if folder is None else [file for file in tree.files_in(folder) if file.endswith(".go") and not file.endswith("_test.go")]
