"""Programming languages by file name: those of DeepSeek-Coder (arXiv 2401.14196, table 1) and a few more.

Where an extension is shared (`.m`, `.v`, `.pl`, `.h`), the language with more code on GitHub has it.
"""

from __future__ import annotations

EXTENSIONS: dict[str, str] = {
    "Ada": "adb ads ada",
    "Agda": "agda",
    "Alloy": "als",
    "ANTLR": "g4",
    "AppleScript": "applescript",
    "Assembly": "asm s",
    "Augeas": "aug",
    "AWK": "awk gawk",
    "Batchfile": "bat cmd",
    "Bluespec": "bsv",
    "C": "c h",
    "C#": "cs csx",
    "C++": "cpp cc cxx c++ hpp hh hxx h++ ipp tpp inl",
    "Clojure": "clj cljs cljc edn",
    "CMake": "cmake",
    "CoffeeScript": "coffee",
    "Common Lisp": "lisp lsp asd",
    "Coq": "coq",
    "CSS": "css scss less",
    "CUDA": "cu cuh",
    "Cython": "pyx pxd pxi",
    "Dart": "dart",
    "Dockerfile": "dockerfile",
    "Elixir": "ex exs",
    "Elm": "elm",
    "Emacs Lisp": "el",
    "Erlang": "erl hrl",
    "F#": "fs fsi fsx",
    "Fortran": "f f77 f90 f95 f03 f08 for",
    "GAP": "gap gi gd",
    "GLSL": "glsl vert frag geom comp",
    "Go": "go",
    "GraphQL": "graphql gql",
    "Groovy": "groovy gradle",
    "Haskell": "hs hsc",
    "HTML": "html htm xhtml",
    "Idris": "idr",
    "Isabelle": "thy",
    "Java": "java",
    "Java Server Pages": "jsp",
    "JavaScript": "js mjs cjs jsx",
    "JSON": "json",
    "Julia": "jl",
    "Jupyter Notebook": "ipynb",
    "Kotlin": "kt kts",
    "Lean": "lean",
    "Literate Agda": "lagda",
    "Literate CoffeeScript": "litcoffee",
    "Literate Haskell": "lhs",
    "Lua": "lua",
    "Makefile": "mk mak",
    "Maple": "mpl",
    "Markdown": "md markdown",
    "Mathematica": "wl nb mathematica",
    "Matlab": "m",
    "Objective-C": "mm",
    "OCaml": "ml mli mll mly",
    "Pascal": "pas pp dpr",
    "Perl": "pl pm t",
    "PHP": "php phtml",
    "PowerShell": "ps1 psm1 psd1",
    "Prolog": "prolog pro",
    "Protocol Buffer": "proto",
    "Python": "py pyi pyw",
    "R": "r",
    "Racket": "rkt",
    "reStructuredText": "rst",
    "RMarkdown": "rmd",
    "Ruby": "rb rake gemspec",
    "Rust": "rs",
    "Sage": "sage",
    "SAS": "sas",
    "Scala": "scala sc sbt",
    "Scheme": "scm ss sld",
    "Shell": "sh bash zsh ksh",
    "Smalltalk": "st",
    "Solidity": "sol",
    "SPARQL": "sparql rq",
    "SQL": "sql",
    "Stan": "stan",
    "Standard ML": "sml sig fun",
    "Stata": "do ado mata",
    "Swift": "swift",
    "SystemVerilog": "sv svh",
    "Tcl": "tcl tk",
    "Tcsh": "tcsh csh",
    "TeX": "tex sty cls ltx bib",
    "Thrift": "thrift",
    "TOML": "toml",
    "TypeScript": "ts tsx mts cts",
    "Verilog": "v vh",
    "VHDL": "vhd vhdl",
    "Visual Basic": "vb bas vbs",
    "Vue": "vue",
    "XML": "xml xsd",
    "XSLT": "xsl xslt",
    "Yacc": "y yy",
    "YAML": "yaml yml",
    "Zig": "zig",
}
"""Extensions of each language, lower case."""

FILE_NAMES: dict[str, str] = {
    "cmakelists.txt": "CMake",
    "containerfile": "Dockerfile",
    "dockerfile": "Dockerfile",
    "gemfile": "Ruby",
    "gnumakefile": "Makefile",
    "jenkinsfile": "Groovy",
    "makefile": "Makefile",
    "rakefile": "Ruby",
    "sconstruct": "Python",
}
"""Whole file names, lower case."""

BY_EXTENSION = {extension: language for language, names in EXTENSIONS.items() for extension in names.split()}


def language_of(name: str) -> str | None:
    """Language of a file by its name, None if it is none of ours.

    >>> language_of("src/main.RS"), language_of("Makefile"), language_of("photo.jpeg")
    ('Rust', 'Makefile', None)
    """
    base = name.rsplit("/", 1)[-1].lower()
    return FILE_NAMES.get(base) or BY_EXTENSION.get(base.rpartition(".")[2] if "." in base else "")
