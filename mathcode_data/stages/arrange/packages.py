"""What files of one package take from each other without an import: a folder of Go, a package of Java or Kotlin.

Each file says which package it belongs to, which names it declares for it and which names it uses; a file needs those that declare
a name it uses and does not declare itself. Names that very many files declare (`init`) mean none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mathcode_data.stages.arrange.tree import nearest

PACKAGE, DECLARES, USES = "package ", "declares ", "uses "
"""Beginnings of entries among the imports of a file; no import of these languages has a space in it."""
MAX_DECLARERS = 20
"""Files of one package that declare one name; more of them are variants for platforms or no one's names."""


def entries(package: str, declared: Iterable[str], used: Iterable[str]) -> list[str]:
    """Spell out a package and its names, sorted.

    >>> entries("a.b", ["C"], ["E", "D", "C"])
    ['package a.b', 'declares C', 'uses D', 'uses E']
    """
    own = set(declared)
    return [PACKAGE + package, *(DECLARES + name for name in sorted(own)), *(USES + name for name in sorted(set(used) - own))]


def is_entry(name: str) -> bool:
    """Whether this is no import but an entry of a package."""
    return name.startswith((PACKAGE, DECLARES, USES))


class Packages:
    """The names that the packages of a repository declare."""

    def __init__(self, paths: Sequence[str], imports: Sequence[Sequence[str]], kinds: Sequence[str]) -> None:
        """Gather what all files declare.

        Args:
            paths: of the files.
            imports: what `find_imports` said of each.
            kinds: of the languages of each file; names of one kind never mean files of another.
        """
        self._paths = paths
        self._imports = imports
        self._package = [
            (kind, next((name[len(PACKAGE) :] for name in found if name.startswith(PACKAGE)), ""))
            for kind, found in zip(kinds, imports, strict=True)
        ]
        self._declarers: dict[tuple[tuple[str, str], str], list[int]] = {}
        for number, found in enumerate(imports):
            for name in found:
                if name.startswith(DECLARES):
                    self._declarers.setdefault((self._package[number], name[len(DECLARES) :]), []).append(number)

    def needed(self, number: int) -> list[int]:
        """Numbers of the files that declare what a file uses; of several with one name the nearest by its path."""
        meant: set[int] = set()
        for name in self._imports[number]:
            if not name.startswith(USES):
                continue
            declarers = self._declarers.get((self._package[number], name[len(USES) :]), [])
            if 0 < len(declarers) <= MAX_DECLARERS:
                path = nearest(sorted({self._paths[other] for other in declarers}), self._paths[number])
                meant.update(other for other in declarers if self._paths[other] == path)
        return sorted(meant - {number})
