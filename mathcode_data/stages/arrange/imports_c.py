"""Includes of C, C++, CUDA and Objective-C.

`"x.h"` is looked up beside the file first. Then both forms are looked up from the top, in the folders where headers are
kept, and by the end of the path (build files, which know the search path, are not read): the nearest file is taken. Names of
the C library in angle brackets mean the library. Headers of projects that were written on Windows differ in case: where no
spelling fits exactly, case does not count.
"""

from __future__ import annotations

import re

from mathcode_data.stages.arrange.source_text import C_LIKE, blank
from mathcode_data.stages.arrange.tree import Tree, folder_of, join, nearest

LANGUAGES: tuple[str, ...] = ("C", "C++", "CUDA", "Objective-C")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import)[ \t]*([\"<][^\">\n]+)[\">]", re.MULTILINE)
FOLDERS = ("include", "inc", "src")
LIBRARY = re.compile(
    "(?:assert|complex|ctype|errno|fcntl|fenv|float|inttypes|iso646|limits|locale|math|pthread|setjmp|signal|stdalign|stdarg|stdatomic"
    r"|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time|uchar|unistd|wchar|wctype)\.h"
)


def find_imports(text: str) -> list[str]:
    r"""What a file includes, with the quote that it begins with.

    >>> find_imports('#include "a.h"\n# include <b/c.h>\n// #include "d.h"')
    ['"a.h', '<b/c.h']
    """
    return INCLUDE.findall(blank(text, C_LIKE, keep="\"'"))


def resolve(name: str, path: str, tree: Tree) -> list[str]:
    """The file that an include means."""
    quote, name = name[0], name[1:].replace("\\", "/").strip()
    beside = join(folder_of(path), name)
    if quote == '"' and beside is not None and beside in tree:
        return [beside]
    plain = join("", name) or "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
    found = tree.first([*(f"{folder}/{plain}" for folder in FOLDERS), plain])
    if found is not None or not plain or (quote == "<" and LIBRARY.fullmatch(plain)):
        return [] if found is None else [found]
    found = nearest(tree.ending(plain, any_case=True), path)
    return [] if found is None else [found]
