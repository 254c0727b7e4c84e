r"""Comments and documentation in source code, found by a table of what opens and closes comments and strings in each language.

One regular expression per language walks over strings (so that `"//"` in one is no comment) and comments, linear in the text. Comments
that documentation tools read (`/** */`, `///`, `--|`, POD, ...) are documentation; Python's documentation is its docstrings
(`code_syntax.py`). What opens a comment inside a regular expression literal is not told apart.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Syntax:
    """What opens comments and strings, and which comments are documentation."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = ('"', "'")
    long_strings: tuple[tuple[str, str], ...] = ()
    """Strings that may hold line ends."""
    documentation: str = r"(?!)"
    """Matches at the beginning of a comment that documents."""
    whole_lines: tuple[tuple[str, str], ...] = ()
    """Comments between lines that begin so, as POD."""


_C = Syntax(("//",), (("/*", "*/"),), documentation=r"/\*[*!](?!/)|//[/!]")
_HASH = Syntax(("#",))
_LISP = Syntax((";",), (("#|", "|#"),), ('"',), documentation=r";;;")
_DASH = Syntax(("--",), (("{-", "-}"),), ('"',), documentation=r"(?:--|\{-) ?[|^]")
_ML = Syntax((), (("(*", "*)"),), ('"',), documentation=r"\(\*\*(?!\))")
_MARKUP = Syntax((), (("<!--", "-->"),), ())

_TABLE: tuple[tuple[Syntax, str], ...] = (
    (
        _C,
        "Alloy ANTLR Bluespec C C# C++ CUDA Dart GLSL Groovy Java Kotlin Objective-C Scala Solidity Stan Swift"
        " SystemVerilog Thrift Verilog Yacc",
    ),
    (Syntax(("//",), (("/*", "*/"),), long_strings=(("`", "`"),), documentation=r"/\*\*(?!/)|///"), "JavaScript TypeScript Vue"),
    (Syntax(("//",), (("/*", "*/"),), ('"',), (("`", "`"),)), "Go"),
    (Syntax(("//",), (("/*", "*/"),), ('"',), documentation=r"//[/!]|/\*[*!](?!/)"), "Rust Zig"),
    (Syntax(("//",), (("/*", "*/"),)), "F# Stata"),
    (Syntax(("//",), (("/*", "*/"),), documentation=r"//[/@]|/\*\*"), "Protocol_Buffer"),
    (Syntax(("//", "#"), (("/*", "*/"),), documentation=r"/\*\*(?!/)"), "PHP"),
    (Syntax(("#",), (), ('"', "'"), (('"""', '"""'), ("'''", "'''"))), "Python Cython Sage"),
    (Syntax(("#",), (), ('"', "'"), (('"""', '"""'),), documentation="##"), "Elixir Julia GraphQL"),
    (_HASH, "AWK CMake Dockerfile GAP Makefile PowerShell SPARQL Shell TOML Tcl Tcsh YAML Maple"),
    (Syntax(("#",), (), documentation="#'"), "R RMarkdown"),
    (Syntax(("#",), (("###", "###"),)), "CoffeeScript Literate_CoffeeScript"),
    (Syntax(("#",), documentation="=", whole_lines=(("=begin", "=end"),)), "Ruby"),
    (Syntax(("#",), documentation="=", whole_lines=(("=[a-z]", "=cut"),)), "Perl"),
    (_LISP, "Clojure Common_Lisp Emacs_Lisp Racket Scheme"),
    (Syntax((";", "#"), (("/*", "*/"),), ('"',)), "Assembly"),
    (_DASH, "Agda Elm Haskell Idris Literate_Agda Literate_Haskell"),
    (Syntax(("--",), (("/-", "-/"),), ('"',), documentation=r"/-[-!]"), "Lean"),
    (Syntax(("--",), (("--[[", "]]"), ("--[=[", "]=]")), documentation="---"), "Lua"),
    (Syntax(("--",), (("/*", "*/"),), ("'", '"')), "SQL"),
    (Syntax(("--",), (), ('"',)), "Ada VHDL AppleScript"),
    (_ML, "Augeas Coq Isabelle Mathematica OCaml Standard_ML"),
    (Syntax(("//",), (("{", "}"), ("(*", "*)")), ("'",)), "Pascal"),
    (Syntax(("%",), (("%{", "%}"),), ('"',)), "Matlab"),
    (Syntax(("%",), (("/*", "*/"),), ('"',), documentation=r"%%|%!"), "Erlang Prolog"),
    (Syntax(("%",), (), ()), "TeX"),
    (Syntax(("!",), documentation=r"![>!]"), "Fortran"),
    (Syntax(("'",), (), ('"',), documentation=r"'''"), "Visual_Basic"),
    (Syntax(("REM ", "rem ", "::"), (), ()), "Batchfile"),
    (Syntax((), (("/*", "*/"),)), "CSS SAS"),
    (Syntax((), (('"', '"'),), ("'",)), "Smalltalk"),
    (_MARKUP, "HTML XML XSLT Markdown"),
    (Syntax((), (("<!--", "-->"), ("<%--", "--%>")), ()), "Java_Server_Pages"),
)
SYNTAX = {name.replace("_", " "): syntax for syntax, names in _TABLE for name in names.split()}
"""Languages without comments (JSON, notebooks) are not in it."""


@functools.cache
def _pattern(syntax: Syntax) -> re.Pattern[str]:
    quoted = [rf"{q}(?:[^{q}\\\n]|\\[\s\S])*{q}?" for q in syntax.strings]
    longer = [rf"{re.escape(begin)}(?:(?!{re.escape(end)})[^\\]|\\[\s\S])*(?:{re.escape(end)})?" for begin, end in syntax.long_strings]
    blocks = [rf"{re.escape(begin)}[\s\S]*?(?:{re.escape(end)}|\Z)" for begin, end in syntax.block]
    lines = [rf"{re.escape(begin)}[^\n]*" for begin in syntax.line]
    whole = [rf"^{begin}[\s\S]*?(?:^{end}[^\n]*|\Z)" for begin, end in syntax.whole_lines]
    comments = "|".join(sorted(whole) + sorted(blocks, key=len, reverse=True) + lines) or r"(?!)"
    return re.compile(rf"(?P<comment>{comments})|{'|'.join(longer + quoted) or '(?!)'}", re.M)


@functools.cache
def _documents(syntax: Syntax) -> re.Pattern[str]:
    return re.compile(syntax.documentation)


def count_comments(text: str, language: str) -> tuple[int, int] | None:
    r"""Characters in comments, and in those of them that are documentation; None for a language whose comments are not known.

    >>> count_comments('int a; // one\nchar *s = "// no";\n/** doc */\n', "C")
    (16, 10)
    """
    syntax = SYNTAX.get(language)
    if syntax is None:
        return None
    documents = _documents(syntax)
    comments = documented = 0
    for match in _pattern(syntax).finditer(text):
        if match.lastgroup == "comment":
            length = match.end() - match.start()
            comments += length
            if documents.match(text, match.start()):
                documented += length
    return comments, documented
