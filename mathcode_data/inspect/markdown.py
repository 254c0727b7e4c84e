"""Markdown that text from pages and manifests cannot break out of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mathcode_data.core.terminal import visible
from mathcode_data.inspect.markup import cell_text

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
FENCE = re.compile(r"`{3,}")


def escaped(value: Any) -> str:
    """One line of text; nothing in it means anything.

    >>> escaped("a|b <script>")
    'a\\\\|b \\\\<script\\\\>'
    """
    line = " ".join(visible(cell_text(value)).split())
    return SPECIAL.sub(r"\\\1", line).replace("://", ":&#47;&#47;")  # no link that nobody wrote


def code(value: str) -> str:
    """A short piece of code, which holds no backtick afterwards."""
    return "`" + " ".join(visible(value).split()).replace("`", "'") + "`"


def block(text: str, language: str = "") -> str:
    """A block of code."""
    longest = max((len(found) for found in FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


class Written(str):
    """Markdown that is already safe, as a cell of a table."""

    __slots__ = ()


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; numbers to the right.

    >>> print(markdown_table(["source", "tokens"], [["code", 1234]]))
    | source | tokens |
    | --- | ---: |
    | code | 1,234 |
    """
    is_number = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(headers))]
    lines = [f"| {' | '.join(headers)} |", f"| {' | '.join('---:' if right else '---' for right in is_number)} |"]
    lines += [f"| {' | '.join(str(cell) if isinstance(cell, Written) else escaped(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def bullet_list(lines: Sequence[str]) -> str:
    """Lines of Markdown as a list."""
    return "\n".join(f"- {line}" for line in lines)
