"""Imports of JavaScript, TypeScript and Vue: `import`, `export ... from`, `require`, dynamic `import()`, `/// <reference>`.

Relative names are looked up as bundlers do: the file itself, with each extension, the index file of a folder; `x.js` may
be written `x.ts`. `@/` and `~/` mean the top or `src`. A bare name is a package of the repository where a `package.json`
there has that name; others are libraries.
"""

from __future__ import annotations

import re

from mathcode_data.stages.arrange.source_text import JAVASCRIPT, blank
from mathcode_data.stages.arrange.tree import Tree, folder_of, join

LANGUAGES: tuple[str, ...] = ("JavaScript", "TypeScript", "Vue")
SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".json")
WRITTEN_AS = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
FROM = re.compile(r"""(?<![.\w"'])from\s{0,100}["']([^"'\n]+)["']""")
BARE = re.compile(r"""\bimport\s{0,100}["']([^"'\n]+)["']""")
CALL = re.compile(r"""\b(?:require|import)\s{0,100}\(\s{0,100}["']([^"'\n]+)["']""")
REFERENCE = re.compile(r"""^[ \t]*///[ \t]*<reference[ \t]+path[ \t]*=[ \t]*["']([^"'\n]+)""", re.MULTILINE)
MANIFEST = "package.json"


def find_imports(text: str) -> list[str]:
    r"""What a file imports.

    >>> find_imports("import {a} from './b'\nconst c = require('d')\nexport * from \"../e\" // from 'f'")
    ['./b', '../e', 'd']
    """
    plain = blank(text, JAVASCRIPT, keep="\"'")
    found = [name for pattern in (FROM, BARE, CALL) for name in pattern.findall(plain)]
    return found + [name if name.startswith(".") else f"./{name}" for name in REFERENCE.findall(text)]


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """The file that an import means."""
    name = name.partition("?")[0]
    if name.startswith("."):
        bases = [join(folder_of(path), name)]
    elif name.startswith(("@/", "~/")):
        bases = [f"src/{name[2:]}", name[2:]]
    elif name.startswith("/"):
        bases = [join("", name)]
    else:
        bases = _package(name, tree)
    for base in bases:
        found = None if base is None else tree.first(_candidates(base))
        if found is not None:
            return [found]
    return []


def _candidates(base: str) -> list[str]:
    found = [base] if base else []
    for written, meant in WRITTEN_AS.items():
        if base.endswith(written):
            found += [base.removesuffix(written) + suffix for suffix in meant]
    found += [base + suffix for suffix in SUFFIXES] if base else []
    return found + [f"{base}/index{suffix}".lstrip("/") for suffix in SUFFIXES]


def _package(name: str, tree: Tree) -> list[str | None]:
    """Where a package of the repository may keep what a bare name means."""
    packages = tree.names.get(MANIFEST, {})
    parts = name.split("/")
    for size in (2, 1):
        folder = packages.get("/".join(parts[:size])) if len(parts) >= size else None
        if folder is not None:
            rest = "/".join(parts[size:])
            return [join(folder, rest), join(folder, f"src/{rest}"), join(folder, f"lib/{rest}")]
    return []
