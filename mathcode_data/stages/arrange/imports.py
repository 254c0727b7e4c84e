"""Which file of a repository needs which: the families of languages, and the manifests that name its packages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from mathcode_data.stages.arrange import imports_c, imports_go, imports_java, imports_javascript, imports_python, imports_rust
from mathcode_data.stages.arrange.packages import Packages, is_entry
from mathcode_data.stages.arrange.tree import Tree, folder_of
from mathcode_data.stages.read.languages import language_of

MAX_IMPORTS = 10_000
"""Of one file, with the names it shares with its package; what stands behind is not looked at."""
MAX_NEEDED = 1000
"""Files that one file needs, in the order of their paths."""
MANIFESTS = {
    "go.mod": re.compile(r"^[ \t]*module[ \t]+\"?([^\s\"]+)", re.MULTILINE),
    "Cargo.toml": re.compile(r"^\[package\][^\[]{0,2000}?^[ \t]*name[ \t]*=[ \t]*[\"']([^\"'\n]+)", re.MULTILINE),
    "package.json": re.compile(r"^[ \t]{0,8}(?:\{[ \t]*)?\"name\"[ \t]*:[ \t]*\"([^\"\n]+)\"", re.MULTILINE),
}
"""Files that name the package of their folder, and where."""


class Family(Protocol):
    """A module for languages that import each other's files."""

    LANGUAGES: tuple[str, ...]

    def find_imports(self, text: str) -> list[str]:
        """Names that a file imports, as `resolve` reads them."""
        ...

    def resolve(self, name: str, path: str, tree: Tree) -> list[str]:
        """Paths of the files that such a name means, seen from the file at `path`; none if it is no file of the repository."""
        ...


FAMILIES: tuple[Family, ...] = (imports_python, imports_c, imports_java, imports_javascript, imports_go, imports_rust)
BY_LANGUAGE: dict[str, Family] = {language: family for family in FAMILIES for language in family.LANGUAGES}


SHARING: dict[Family, Callable[[str, str, Sequence[str]], list[str]]] = {
    imports_go: imports_go.find_names,
    imports_java: imports_java.find_names,
}
"""Families whose files see names of their package without an import: text, path and imports to entries of packages.py."""


def family_of(language: str | None, path: str) -> Family | None:
    """The family of a file, by the language that it was given, or else by its name."""
    return BY_LANGUAGE.get(language or "") or BY_LANGUAGE.get(language_of(path) or "")


def find_imports(language: str | None, path: str, text: str) -> list[str]:
    """What a file imports, or the name that a manifest gives its package; each once, in order; then names of packages (packages.py).

    >>> find_imports("Python", "a.py", "import b\\nimport b"), find_imports(None, "x/go.mod", "module example.org/x")
    (['b'], ['example.org/x'])
    """
    manifest = MANIFESTS.get(path.rpartition("/")[2])
    if manifest is not None:
        match = manifest.search(text)
        return [match[1]] if match else []
    family = family_of(language, path)
    if family is None:
        return []
    found = family.find_imports(text)
    if family in SHARING:
        found += SHARING[family](text, path, found)
    return list(dict.fromkeys(found))[:MAX_IMPORTS]


def needed_files(paths: Sequence[str], languages: Sequence[str | None], imports: Sequence[Sequence[str]]) -> list[list[int]]:
    """For each file of a repository the numbers of the files that it needs, ascending.

    Args:
        paths: of the files; where two have the same path, both are meant.
        languages: of the files, as documents have them.
        imports: what `find_imports` said of each.
    """
    names: dict[str, dict[str, str]] = {}
    numbers: dict[str, list[int]] = {}
    for number, (path, found) in enumerate(zip(paths, imports, strict=True)):
        numbers.setdefault(path, []).append(number)
        base = path.rpartition("/")[2]
        if base in MANIFESTS and found:
            names.setdefault(base, {}).setdefault(found[0], folder_of(path))
            names.setdefault(f"{base}/", {}).setdefault(folder_of(path), found[0])
    tree = Tree(paths, names)
    packages = Packages(paths, imports, [_kind(language, path) for language, path in zip(languages, paths, strict=True)])
    needed: list[list[int]] = []
    for number, (path, language, found) in enumerate(zip(paths, languages, imports, strict=True)):
        family = None if path.rpartition("/")[2] in MANIFESTS else family_of(language, path)
        meant: set[int] = set()
        if family is not None:
            shares = family in SHARING
            targets = [target for name in found if not (shares and is_entry(name)) for target in family.resolve(name, path, tree)]
            meant = {other for target in targets for other in numbers[target]} | set(packages.needed(number) if shares else ())
        meant.discard(number)
        needed.append(sorted(meant)[:MAX_NEEDED])
    return needed


def _kind(language: str | None, path: str) -> str:
    family = None if path.rpartition("/")[2] in MANIFESTS else family_of(language, path)
    return family.LANGUAGES[0] if family is not None and family in SHARING else ""
