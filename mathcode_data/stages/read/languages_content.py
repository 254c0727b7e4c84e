r"""The language of a file where its name does not tell: shared extensions (`.h`, `.m`, `.ts`, ...), and scripts without one.

A table per extension names the signs of each language that shares it, strongest first; the first sign that stands in the head
of the file decides, and without any the language of the name stays. Files without an extension are scripts if they begin with
`#!` or an editor's mode line.
"""

from __future__ import annotations

import re

from mathcode_data.stages.read.languages import BY_EXTENSION, language_of

HEAD = 20_000
"""Characters that are looked at: licence comments are long."""

SIGNS: dict[str, tuple[tuple[str, str], ...]] = {
    "h": (
        ("Objective-C", r"^[ \t]*(?:@interface|@protocol|@class|@end|@property|#[ \t]*import\b)"),
        (
            "C++",
            r"^[ \t]*(?:class[ \t]+[\w \t]+(?:[{:]|\n[ \t]*\{)|namespace[ \t]*(?:\w[\w:]*)?[ \t]*(?:\{|$)|template[ \t]*<"
            r"|using[ \t]+(?:namespace\b|\w+[ \t]*=|[\w:]+::\w+;)|(?:public|private|protected)[ \t]*:|virtual[ \t]+[^\n]*\()"
            r"|^[ \t]*#[ \t]*include[ \t]*<[a-z_]+>|\bstd::\w|\boperator[ \t]*[=+<\[(]|\bconstexpr\b|\bnullptr\b",
        ),
    ),
    "m": (
        ("Objective-C", r"^[ \t]*(?:@interface|@implementation|@protocol|@class|@end\b|#[ \t]*(?:import|include)\b)|^[ \t]*//"),
        ("Matlab", r"^[ \t]*(?:%|function\b|classdef\b|end\b)|\bfprintf[ \t]*\("),
        ("Mathematica", r"\(\*|\bBeginPackage\[|:=|\b[A-Z]\w+\[\w*_\w*[,\]]"),
    ),
    "pl": (
        ("Perl", r"\A#!.*\bperl|^[ \t]*(?:use[ \t]+(?:strict|warnings|\w+::|v?5)|package[ \t]+[\w:]+;|my[ \t]+[$@%(]|sub[ \t]+\w+)"),
        ("Prolog", r"\A#!.*\bswipl|^[ \t]*:-|^[a-z]\w*(?:\([^)\n]*\))?[ \t]*:-|^[a-z]\w*\([^)\n]*\)\."),
    ),
    "pro": (("Prolog", r"^[ \t]*:-|^[a-z]\w*(?:\([^)\n]*\))?[ \t]*:-"), ("", r"^[ \t]*(?:QT|TARGET|TEMPLATE|SOURCES)[ \t]*[+*]?=")),
    "t": (("Perl", r"\A#!.*\bperl|^[ \t]*(?:use[ \t]+\w|my[ \t]+[$@%(]|package[ \t]+\w)"), ("", r"")),
    "pm": (("Perl", r"^[ \t]*(?:package|use|sub|my|our|__PACKAGE__)\b"), ("", r"\A/\*[ \t]*XPM")),
    "ts": (("", r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE TS>|<TS\b)"),),
    "v": (
        ("Coq", r"^[ \t]*(?:Require|Import|Theorem|Lemma|Definition|Inductive|Fixpoint|Proof|Qed|Section|Ltac|Notation)\b"),
        ("Verilog", r"^[ \t]*(?:module|endmodule|input|output|wire|reg|assign|always|`\w+)\b|^[ \t]*`"),
        ("", r"^[ \t]*(?:pub[ \t]+)?fn[ \t]+\w|^import[ \t]+\w+$|^module[ \t]+\w+[ \t]*$"),
    ),
    "cls": (("TeX", r"\\(?:NeedsTeXFormat|ProvidesClass|LoadClass|def|newcommand|RequirePackage)"), ("Visual Basic",
    r"^VERSION \d|^Attribute VB_"), ("", r"")),
    "fs": (("GLSL", r"^[ \t]*(?:#version|precision[ \t]|uniform[ \t]|varying[ \t])|\bgl_\w+"), ("F#",
    r"^[ \t]*(?:let|open|module|namespace|type)\b"), ("", r"")),
    "r": (("", r"\A\s*REBOL\b|\A\s*Red[ \t]*\["),),
    "rs": (("", r"\A\s*#pragma[ \t]+version|^[ \t]*rs_allocation\b"),),
    "f": (("Fortran", r"(?i)^[c*!]|^ {5,}\w|^[ \t]*(?:program|subroutine|function|end)\b"), ("", r"^: \w+")),
    "for": (("Fortran", r"(?i)^[c*!]|^ {5,}\w|^[ \t]*(?:program|subroutine|function|end)\b"), ("", r"")),
    "st": (("Smalltalk", r"^!|^[ \t]*(?:Object|\w+)[ \t]+subclass:|\|[ \t]*\w+[ \t]*\||\^[ \t]*\w"), ("", r"")),
    "sc": (("Scala", r"^[ \t]*(?:import|object|class|def|val|package)\b"), ("", r"")),
    "md": (("", r"^[ \t]*\((?:define_insn|define_expand|define_constants)\b"),),
    "pp": (("Pascal", r"(?i)^[ \t]*(?:unit|program|library|uses|begin|procedure|function)\b"), ("",
    r"^[ \t]*(?:class|node|define)[ \t]+[\w:]+.*\{|=>")),
    "gd": (("GAP", r"^[ \t]*(?:Declare\w+|#[ \t]*W|#\s*gap)|:="), ("", r"^(?:extends|func|var|class_name)\b")),
    "sig": (("Standard ML", r"^[ \t]*signature\b|\bsig\b|\bval\b"), ("", r"")),
    "fun": (("Standard ML", r"^[ \t]*(?:functor|structure|fun|val)\b"), ("", r"")),
    "bas": (("Visual Basic", r"(?i)^[ \t]*(?:attribute|sub|function|dim|public|private|option)\b"), ("", r"")),
    "s": (("Assembly", r"^[ \t]*[.#;/*@]|^[ \t]*\w+:|^[ \t]+[a-z]{2,7}\b"), ("", r"")),
    "mpl": (("Maple", r":=|\bproc\b|\bend[ \t]*:"), ("", r"")),
    "als": (("Alloy", r"^[ \t]*(?:sig|module|open|pred|fact|abstract|one|check|run)\b"), ("", r"")),
    "tk": (("Tcl", r"^[ \t]*(?:proc|set|package|namespace|#)"), ("", r"")),
    "ado": (("Stata", r"(?i)^[ \t]*(?:\*|program\b|version\b)"), ("", r"")),
    "do": (("Stata", r"(?i)^[ \t]*(?:\*|program\b|version\b|use\b|gen\b|reg\b|local\b|clear\b|//)"), ("", r"")),
    "nb": (("Mathematica", r"\bNotebook\[|\(\*"), ("", r"")),
}  # fmt: skip
"""Extension -> (language, sign) in order. "" is none of ours: such a file is left out."""

_SIGNS = {extension: [(language, re.compile(sign, re.M)) for language, sign in signs] for extension, signs in SIGNS.items() if signs}

INTERPRETERS = {
    "ash": "Shell", "awk": "AWK", "bash": "Shell", "coffee": "CoffeeScript", "csh": "Tcsh", "dash": "Shell", "deno": "TypeScript",
    "escript": "Erlang", "elixir": "Elixir", "expect": "Tcl", "gawk": "AWK", "groovy": "Groovy", "guile": "Scheme", "julia": "Julia",
    "ksh": "Shell", "lua": "Lua", "luajit": "Lua", "make": "Makefile", "mawk": "AWK", "node": "JavaScript", "nodejs": "JavaScript",
    "ocaml": "OCaml", "perl": "Perl", "php": "PHP", "pwsh": "PowerShell", "pypy": "Python", "python": "Python", "racket": "Racket",
    "Rscript": "R", "ruby": "Ruby", "runghc": "Haskell", "runhaskell": "Haskell", "sage": "Sage", "sbcl": "Common Lisp", "scala": "Scala",
    "sh": "Shell", "swift": "Swift", "swipl": "Prolog", "tclsh": "Tcl", "tcsh": "Tcsh", "wish": "Tcl", "zsh": "Shell",
}  # fmt: skip
MODES = {
    "c": "C", "c++": "C++", "cperl": "Perl", "cpp": "C++", "emacs-lisp": "Emacs Lisp", "java": "Java", "javascript": "JavaScript",
    "lisp": "Common Lisp", "lua": "Lua", "makefile": "Makefile", "objc": "Objective-C", "perl": "Perl", "prolog": "Prolog",
    "python": "Python", "ruby": "Ruby", "scheme": "Scheme", "sh": "Shell", "shell-script": "Shell", "tcl": "Tcl", "tex": "TeX",
}  # fmt: skip
"""What editors call languages in a mode line (`-*- mode: python -*-`)."""

_SHEBANG = re.compile(r"\A#![ \t]*(\S+)(?:[ \t]+(?:-S[ \t]+)?(?:\w+=\S*[ \t]+)*(\S+))?")
_EXEC = re.compile(r"^exec[ \t]+(\S+)", re.M)
_MODE = re.compile(r"-\*-[ \t]*(?:[^\n]*?\bmode:[ \t]*)?([\w+-]+)[ \t]*(?:;[^\n]*?)?-\*-", re.I)


def is_nameless(name: str) -> bool:
    """Whether only its content can tell the language of a file: it has no extension, and no name of ours.

    >>> is_nameless("bin/run"), is_nameless("a.py"), is_nameless("Makefile"), is_nameless("photo.jpeg")
    (True, False, False, False)
    """
    return "." not in name.rsplit("/", 1)[-1] and language_of(name) is None


def language_by_content(name: str, text: str, named: str | None = None) -> str | None:
    """The language of a file by its name and the beginning of its text; None if it is none of ours.

    Args:
        name: path of the file.
        text: its text.
        named: what the name says, where more names are known than `language_of` knows.

    >>> language_by_content("a.h", "class A {\\n};\\n"), language_by_content("run", "#!/usr/bin/env python3\\n")
    ('C++', 'Python')
    >>> language_by_content("qt.ts", '<?xml version="1.0"?>\\n<!DOCTYPE TS><TS version="2.0">') is None
    True
    """
    named = named or language_of(name)
    head = text[:HEAD]
    base = name.rsplit("/", 1)[-1].lower()
    extension = base.rpartition(".")[2] if "." in base else ""
    if extension in _SIGNS and BY_EXTENSION.get(extension) == named:
        for language, sign in _SIGNS[extension]:
            if sign.search(head):
                return language or None
        return named
    return named or (script_language(head) if not extension else None)


def script_language(head: str) -> str | None:
    r"""The language that the first line of a script names, None if it names none of ours.

    >>> script_language("#!/usr/bin/env -S python3.11 -u\n"), script_language("#!/bin/sh\nexec tclsh $0"), script_language("hello")
    ('Python', 'Tcl', None)
    """
    found = _SHEBANG.match(head)
    if found is None:
        mode = _MODE.search("\n".join(head[:2000].split("\n", 2)[:2]))
        return MODES.get(mode[1].lower()) if mode else None
    program = found[1].rsplit("/", 1)[-1]
    if program == "env":
        program = (found[2] or "").rsplit("/", 1)[-1]
    language = INTERPRETERS.get(program) or INTERPRETERS.get(program.rstrip("0123456789.-"))
    if language == "Shell" and (inner := _EXEC.search(head[:500])):  # a shell that hands over at once to the real interpreter
        return INTERPRETERS.get(inner[1].strip("\"'").rsplit("/", 1)[-1].rstrip("0123456789.")) or language
    return language
