"""Source text without what only looks like code: comments, and strings where an import never stands in one.

One regular expression per syntax, each alternative of which takes what it begins, closed or not, so that the time is linear.
"""

from __future__ import annotations

import re

LINE_SLASH, BLOCK = r"//[^\n]*", r"/\*(?:.*?\*/|.*)"
DOUBLE, SINGLE = r'"(?:\\.|[^"\\\n])*"?', r"'(?:\\.|[^'\\\n])*'?"
TEMPLATE = r"`(?:\\.|[^`\\])*`?"
TRIPLE = r'"""(?:.*?"""|.*)' + r"|'''(?:.*?'''|.*)"


def _syntax(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.DOTALL)


C_LIKE = _syntax(LINE_SLASH, BLOCK, DOUBLE, SINGLE)
JAVASCRIPT = _syntax(LINE_SLASH, BLOCK, DOUBLE, SINGLE, TEMPLATE)
JAVA = _syntax(LINE_SLASH, BLOCK, TRIPLE, DOUBLE, SINGLE)
GO = _syntax(LINE_SLASH, BLOCK, DOUBLE, SINGLE, r"`[^`]*`?")
RUST = _syntax(LINE_SLASH, BLOCK, DOUBLE)  # a single quote begins a lifetime as well
PYTHON = _syntax(r"#[^\n]*", TRIPLE, DOUBLE, SINGLE)


def blank(text: str, syntax: re.Pattern[str], *, keep: str = "") -> str:
    """Replace comments and strings by nothing, or by line ends where they hold any.

    Args:
        text: of a source file.
        syntax: one of the patterns of this module.
        keep: quotes of the strings that stay.

    >>> blank("a(); /* import b */ // c", C_LIKE)
    'a();    '
    """

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] in keep and not found.startswith(found[0] * 3):
            return found
        return "\n" if "\n" in found else " "

    return syntax.sub(replace, text)
