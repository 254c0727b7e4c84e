"""Modules of Rust: `mod x;` and `use`, whose paths mean the longest beginning of them that is a file.

A file needs the modules that it declares, so a crate's root comes behind them; a `use` of what the root itself defines adds
nothing, for it would only close a cycle. Another crate of the repository is found by the name in its `Cargo.toml`, or by
that of its folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mathcode_data.stages.arrange.source_text import RUST, blank
from mathcode_data.stages.arrange.tree import Tree, folder_of, join

LANGUAGES: tuple[str, ...] = ("Rust",)
PATH_MOD = re.compile(r"#\[[ \t]*path[ \t]*=[ \t]*\"([^\"\n]+)\"[ \t]*\][^;{}]{0,200}?\bmod[ \t]+\w+[ \t]*;")
MOD = re.compile(r"(?:^|[;{}\]])[ \t]*(?:pub(?:[ \t]*\([^)\n]*\))?[ \t]+)?mod[ \t]+(?:r#)?(\w+)[ \t]*;", re.MULTILINE)
USE = re.compile(r"(?:^|[;{}\]])[ \t]*(?:pub(?:[ \t]*\([^)\n]*\))?[ \t]+)?use[ \t]+", re.MULTILINE)
EXTERN = re.compile(r"^[ \t]*(?:pub[ \t]+)?extern[ \t]+crate[ \t]+(\w+)", re.MULTILINE)
TOKEN = re.compile(r"[{},]|[^{},]+")
ROOTS = ("lib.rs", "main.rs")
TOPS = (*ROOTS, "mod.rs")
MANIFEST = "Cargo.toml"
MAX_NAMES = 1000
MAX_USE_CHARACTERS = 10_000


def find_imports(text: str) -> list[str]:
    r"""What a file declares and uses: `mod x`, `path x.rs`, `use a::b`.

    >>> find_imports("mod a;\nuse crate::{b::{C, d}, e as f};\n// mod g;")
    ['mod a', 'use crate::b::C', 'use crate::b::d', 'use crate::e']
    """
    found = [f"path {name}" for name in PATH_MOD.findall(text)]
    text = blank(text, RUST)
    found += [f"mod {name}" for name in MOD.findall(text)]
    found += [f"use {name}" for tree in _use_trees(text) for name in _flat(tree)]
    return found + [f"use {name}" for name in EXTERN.findall(text)]


def _use_trees(text: str) -> Iterator[str]:
    """What stands between `use` and the next semicolon."""
    end = -1
    for match in USE.finditer(text):
        if match.end() <= end:
            continue  # inside of the one before
        end = text.find(";", match.end())
        if end < 0:
            return
        if end - match.end() <= MAX_USE_CHARACTERS:
            yield text[match.end() : end]


def _flat(tree: str) -> list[str]:
    """The paths of a use tree, one by one."""
    found: list[str] = []
    before: list[str] = []
    here = ""
    for token in TOKEN.findall(tree):
        if token == "{":
            before.append(here)
        elif token in "},":
            if here and not here.endswith("::"):
                found.append(here)
            if token == "}" and before:
                before.pop()
                here = ""
            else:
                here = before[-1] if before else ""
        else:
            here += token.partition(" as ")[0].strip().removeprefix("r#")
        if len(found) > MAX_NAMES:
            break
    found += [here] if here and not here.endswith("::") else []
    return [name.removeprefix("::").removesuffix("::self").removesuffix("::*") for name in found]


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """The file that a declaration or a use means."""
    kind, _, name = name.partition(" ")
    folder = folder_of(path)
    if kind == "path":
        found = tree.first([join(folder, name)])
    elif kind == "mod":
        found = tree.first(file for base in (_children(path), folder) for file in _files(join(base, name)))
    else:
        found = _used([part.strip() for part in name.split("::")], path, tree)
    return [] if found is None else [found]


def _files(base: str | None) -> list[str]:
    return [] if not base else [f"{base}.rs", f"{base}/mod.rs"]


def _children(path: str) -> str:
    """The folder of the modules that a file declares."""
    folder, _, name = path.rpartition("/")
    return folder if name in TOPS else path.removesuffix(".rs")


def _longest(base: str | None, parts: list[str], tree: Tree) -> str | None:
    if base is None:
        return None
    for size in range(len(parts), 0, -1):
        found = tree.first(_files(join(base, "/".join(parts[:size]))))
        if found is not None:
            return found
    return None


def _used(parts: list[str], path: str, tree: Tree) -> str | None:
    if parts[0] == "crate":
        return _longest(_crate(folder_of(path), tree), parts[1:], tree)
    base: str | None = _children(path)
    if parts[0] in ("self", "super"):
        while parts and parts[0] in ("self", "super"):
            base = join(base, "..") if base is not None and parts[0] == "super" else base
            parts = parts[1:]
        return _longest(base, parts, tree)
    root = _other_crate(parts[0], tree)
    if root is not None:
        return _longest(root, parts[1:], tree) or tree.first([f"{root}/lib.rs".lstrip("/")])
    return _longest(base, parts, tree)


def _crate(folder: str, tree: Tree) -> str:
    """The nearest folder above with the root of a crate; the folder itself where there is none."""
    above = folder
    while True:
        if tree.first(f"{above}/{root}".lstrip("/") for root in ROOTS) is not None:
            return above
        if not above:
            return folder
        above = folder_of(above)


def _other_crate(name: str, tree: Tree) -> str | None:
    """The folder of the sources of another crate of the repository."""
    crates: dict[str, str] | None = tree.cache.get("crates")
    if crates is None:
        crates = {}
        for file in reversed(tree.ending("src/lib.rs")):
            source = folder_of(file)
            crates[folder_of(source).rpartition("/")[2].replace("-", "_")] = source
        for written, folder in tree.names.get(MANIFEST, {}).items():
            crates[written.replace("-", "_")] = f"{folder}/src".lstrip("/")
        tree.cache["crates"] = crates
    return crates.get(name)
