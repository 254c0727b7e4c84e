"""Imports of Python and Cython: `import a.b`, `from .a import b`, `cimport`, `include`.

An absolute name is looked up as the interpreter would: in the folders above the file that are no packages, the nearest
first; then in `src`, `lib` and `python`; then anywhere, if one place only can be meant. `from a import b` needs the
module `a/b.py` where there is one, else `a`.
"""

from __future__ import annotations

import re

from mathcode_data.stages.arrange.source_text import PYTHON, blank
from mathcode_data.stages.arrange.tree import Tree, folder_of, join

LANGUAGES: tuple[str, ...] = ("Python", "Cython", "Sage")
SUFFIXES = (".py", ".pyx", ".pxd", ".pyi", ".pyw", ".sage")
ROOTS = ("src", "lib", "python")
FROM = re.compile(r"(?:^|;)[ \t]*from[ \t]+(\.*[ \t]*[\w.]*)[ \t]*\bc?import\b[ \t]*(\([^)]*\)?|[^\n;]*)", re.MULTILINE)
IMPORT = re.compile(r"(?:^|;|:)[ \t]*c?import[ \t]+([^\n;]+)", re.MULTILINE)
INCLUDE = re.compile(r"^[ \t]*include[ \t]+[\"']([^\"'\n]+)", re.MULTILINE)
NAME = re.compile(r"[\w.]+")


def find_imports(text: str) -> list[str]:
    r"""What a file imports: `module`, `module:name`, or `include file`.

    >>> find_imports("import a.b, c as d\nfrom ..e import (f,\n  g)\n'''\nimport h\n'''")
    ['..e:f', '..e:g', 'a.b', 'c']
    """
    found = [f"include {name}" for name in INCLUDE.findall(text)]
    text = blank(text, PYTHON).replace("\\\n", " ")
    for module, names in FROM.findall(text):
        module = module.replace(" ", "").replace("\t", "")
        items = [match[0] for part in names.strip("()").split(",") if (match := NAME.match(part.strip()))]
        found += [f"{module}:{item}" for item in items] or ([module] if module.strip(".") else [])
    for names in IMPORT.findall(text):
        found += [match[0] for part in names.split(",") if (match := NAME.match(part.strip()))]
    return found


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """Files that an import means."""
    if name.startswith("include "):
        return _listed(tree.first([join(folder_of(path), name[8:])]))
    module, _, item = name.partition(":")
    level = len(module) - len(module.lstrip("."))
    parts = [part for part in module[level:].split(".") if part]
    if level:
        base = join(folder_of(path), "/".join([".."] * (level - 1)))
        return [] if base is None else _listed(_module(base, parts, item, tree))
    for base in _roots(folder_of(path), tree):
        found = _module(base, parts, item, tree)
        if found is not None:
            return [found]
    return _listed(_anywhere(parts, item, tree))


def _listed(path: str | None) -> list[str]:
    return [] if path is None else [path]


def _files(folder: str) -> list[str]:
    return [f"{folder}{suffix}" for suffix in SUFFIXES] + [f"{folder}/__init__{suffix}" for suffix in SUFFIXES]


def _module(base: str, parts: list[str], item: str, tree: Tree) -> str | None:
    """The longest beginning of the name that is a file: a submodule, the module, a package above it."""
    names = [*parts, item] if item else parts
    for size in range(len(names), 0, -1):
        found = tree.first(_files("/".join(filter(None, [base, *names[:size]]))))
        if found is not None:
            return found
    return tree.first(f"{base}/__init__{suffix}" for suffix in SUFFIXES) if base and not parts else None


def _roots(folder: str, tree: Tree) -> list[str]:
    """Folders in which absolute names are looked up from a folder."""
    found: list[str] | None = tree.cache.get(("roots", folder))
    if found is None:
        parts = folder.split("/") if folder else []
        above = ["/".join(parts[:size]) for size in range(len(parts), -1, -1)]
        found = [base for base in dict.fromkeys([*above, *ROOTS]) if not _is_package(base, tree)]
        tree.cache["roots", folder] = found
    return found


def _is_package(folder: str, tree: Tree) -> bool:
    return tree.first(f"{folder}/__init__{suffix}" for suffix in SUFFIXES[:2]) is not None if folder else False


def _anywhere(parts: list[str], item: str, tree: Tree) -> str | None:
    """The one file outside of the usual roots that has this name of two parts or more."""
    for names in ([*parts, item], parts) if item else (parts,):
        if not names:
            continue
        ends = ["/".join(names) + suffix for suffix in SUFFIXES] if len(names) > 1 else []
        ends += ["/".join(names) + f"/__init__{suffix}" for suffix in SUFFIXES[:2]]
        found = [path for end in ends for path in tree.ending(end) if not _is_package(path[: -len(end) - 1], tree)]
        if len(found) == 1:
            return found[0]
    return None
