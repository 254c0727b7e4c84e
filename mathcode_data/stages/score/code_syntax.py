r"""Does a Python file parse, and how much of it is docstrings; in bounded time and memory, nothing is run.

Verdicts: `ok`; `python2` (the first error is a construct of Python 2: `print x`, `except A, b`, `0777`, mixed tabs, ...); `error`;
`too_large` and `too_deep` (not judged: the parser gives up at its own limits). Which new syntax is `ok` depends on the Python that
runs this: a file may parse on 3.12 and not on 3.11.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Literal

Verdict = Literal["ok", "python2", "error", "too_large", "too_deep"]

MAX_PARSED = 2_000_000
"""Characters; a syntax tree takes about 100 bytes for each."""

_OLD = re.compile(
    r"^\s*(?:print\s*(?:>>|[\"'\w%(\[{-])|print\s*$|exec\s+[\"'\w]|raise\s+[\w.]+\s*,|except\s+[^:]+,\s*\w+\s*:)|<>|`[^`]+`"
    r"|(?<![\w.])0[0-7]+[lL]?\b|(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+)[lL]\b|\b[uU][rR][\"']|\bdef\s+\w+\s*\([^)]*\([^)]*\)|\blambda\s*\([^)]*\)\s*:"
    r"|[:;]\s*(?:print|exec)\s+[\"'\w%(]"
)
_OLD_MESSAGES = ("Missing parentheses in call to", "leading zeros in decimal", "multiple exception types must be parenthesized")


def parse_python(text: str) -> tuple[Verdict, int]:
    """Verdict on a file, and the characters in its docstrings (0 unless it is `ok`).

    >>> parse_python('def f():\\n    "Say it."\\n'), parse_python("print 'hello'\\n"), parse_python("def f(:\\n")
    (('ok', 7), ('python2', 0), ('error', 0))
    """
    if len(text) > MAX_PARSED:
        return "too_large", 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like are the author's
            tree = ast.parse(text)
    except SyntaxError as error:
        if str(error.msg).startswith("too many nested"):
            return "too_deep", 0
        return ("python2" if _is_old(text, error) else "error"), 0
    except (RecursionError, MemoryError):  # "too many nested parentheses" is a MemoryError of the parser
        return "too_deep", 0
    except ValueError:  # NUL, integers of thousands of digits
        return "error", 0
    try:
        return "ok", sum(
            len(found) for node in ast.walk(tree) if isinstance(node, _DOCUMENTED) and (found := ast.get_docstring(node, clean=False))
        )
    except RecursionError:
        return "ok", 0


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _is_old(text: str, error: SyntaxError) -> bool:
    """Whether the first error of a file is Python 2."""
    message = str(error.msg)
    if isinstance(error, TabError) or message.startswith(_OLD_MESSAGES):
        return True
    lines = text.split("\n")
    number = error.lineno or 0
    return 0 < number <= len(lines) and _OLD.search(lines[number - 1][:1000]) is not None
