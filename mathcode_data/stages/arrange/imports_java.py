"""Imports of Java and Kotlin: a class is the file `package/Class.java`, wherever the root of the sources is.

A name that goes on behind the class (a nested class, a static member) means the class's file; `package.*` all files of the
package. Classes of its own package a file names without an import; what it imports under the same name hides them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathcode_data.stages.arrange import packages
from mathcode_data.stages.arrange.source_text import JAVA, blank
from mathcode_data.stages.arrange.tree import Tree, nearest

LANGUAGES: tuple[str, ...] = ("Java", "Kotlin")
SUFFIXES = (".java", ".kt")
CLAUSE = re.compile(r"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
DECLARATION = re.compile(r"^(?:[\w@()]+[ \t]+){0,6}?(?:class|interface|enum|record|object|@interface)[ \t]+([A-Z]\w*)", re.MULTILINE)
"""Of a type at the top of a file: nested ones are indented."""
NAME = re.compile(r"(?<![\w.$])[A-Z]\w*")
IMPORT = re.compile(r"^[ \t]*import[ \t]+(?:static[ \t]+)?([\w.$]+\*?)", re.MULTILINE)


def find_imports(text: str) -> list[str]:
    r"""What a file imports.

    >>> find_imports("import a.b.C;\nimport static a.D.e;\nimport f.*;\n/* import g.H; */")
    ['a.b.C', 'a.D.e', 'f.*']
    """
    return IMPORT.findall(blank(text, JAVA))


def find_names(text: str, _path: str, imports: Sequence[str]) -> list[str]:
    r"""The types that a file declares and those that it uses without an import, for packages.py.

    >>> find_names("package a;\nimport b.D;\npublic final class C extends B { D d; E.F f; }", "a/C.java", ["b.D"])
    ['package a', 'declares C', 'uses B', 'uses E']
    """
    text = blank(text, JAVA)
    clause = CLAUSE.search(text)
    imported = {name.rpartition(".")[2] for name in imports}
    return packages.entries(clause[1] if clause else "", DECLARATION.findall(text), set(NAME.findall(text)) - imported)


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """Files that an import means."""
    is_all = name.endswith(".*")
    parts = [part for part in name.removesuffix(".*").split(".") if part]
    for size in range(len(parts), 1 if len(parts) > 1 else 0, -1):
        if size < len(parts) and not parts[size - 1][:1].isupper():
            break  # what is left is the package, not a class
        for suffix in SUFFIXES:
            found = nearest(tree.ending("/".join(parts[:size]) + suffix), path)
            if found is not None:
                return [found]
    folder = nearest([f"{folder}/" for folder in tree.folders_ending("/".join(parts))], path) if is_all and parts else None
    return [] if folder is None else [file for file in tree.files_in(folder[:-1]) if file.endswith(SUFFIXES)]
