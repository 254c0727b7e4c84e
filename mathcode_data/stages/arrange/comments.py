"""The line at the head of a file that names its path, as a comment of the file's own language."""

from __future__ import annotations

import re

SYNTAX: dict[tuple[str, str], tuple[str, ...]] = {
    ("# ", ""): (
        "AWK", "CMake", "CoffeeScript", "Cython", "Dockerfile", "Elixir", "GAP", "GraphQL", "Julia", "Literate CoffeeScript", "Makefile",
        "Perl", "PowerShell", "Python", "R", "RMarkdown", "Ruby", "SPARQL", "Sage", "Shell", "TOML", "Tcl", "Tcsh", "Text", "YAML",
    ),
    ("// ", ""): (
        "ANTLR", "Alloy", "Bluespec", "C", "C#", "C++", "CUDA", "Dart", "F#", "GLSL", "Go", "Groovy", "Java", "JavaScript", "Kotlin",
        "Objective-C", "Pascal", "Protocol Buffer", "Rust", "Scala", "Solidity", "Stan", "Stata", "Swift", "SystemVerilog", "Thrift",
        "TypeScript", "Verilog", "Yacc", "Zig",
    ),
    ("-- ", ""): (
        "Ada", "Agda", "AppleScript", "Elm", "Haskell", "Idris", "Lean", "Literate Agda", "Literate Haskell", "Lua", "SQL", "VHDL",
    ),
    ("% ", ""): ("Erlang", "Matlab", "Prolog", "TeX"),
    ("; ", ""): ("Assembly", "Clojure", "Common Lisp", "Emacs Lisp", "Racket", "Scheme"),
    ("! ", ""): ("Fortran",),
    ("' ", ""): ("Visual Basic",),
    ("REM ", ""): ("Batchfile",),
    (".. ", ""): ("reStructuredText",),
    ("/* ", " */"): ("CSS", "SAS"),
    ("(* ", " *)"): ("Augeas", "Coq", "Isabelle", "Mathematica", "OCaml", "Standard ML"),
    ("# ", " #"): ("Maple",),
    ('" ', ' "'): ("Smalltalk",),
    ("<!-- ", " -->"): ("HTML", "Markdown", "PHP", "Vue", "XML", "XSLT"),
    ("<%-- ", " --%>"): ("Java Server Pages",),
}  # fmt: skip
"""What opens and closes a comment, and in which languages. JSON and notebooks, which are JSON, have none."""

BY_LANGUAGE = {language: syntax for syntax, languages in SYNTAX.items() for language in languages}
BREAKING = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def path_comment(path: str, language: str | None) -> str:
    """A comment line with the path; "" in a language without comments, or one that is not known.

    A path that would end the comment or the line is bent so that it does not.

    >>> path_comment("a/b.py", "Python"), path_comment("a.css", "CSS"), path_comment("a.json", "JSON")
    ('# a/b.py\\n', '/* a.css */\\n', '')
    """
    syntax = BY_LANGUAGE.get(language or "")
    if syntax is None or not path:
        return ""
    opening, closing = syntax
    shown = BREAKING.sub("?", path)
    end = closing.strip()
    if end:
        shown = shown.replace(end, "?" * len(end))
    return f"{opening}{shown}{closing}\n"
