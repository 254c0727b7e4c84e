r"""User macros: collected from the page's configuration and from `\newcommand` and its kin, then expanded.

A formula must mean the same outside its page, so `\RR` becomes `\mathbb{R}`. Definitions that cannot be read stay in
the text as they are. Expansion is bounded in depth and in size: a macro bomb comes out unexpanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mathcode_data.stages.extract.latex import closes_at

MAX_DEPTH = 8
MAX_EXPANDED_CHARACTERS = 20_000
_MAX_MACROS = 500

DEFINITION = re.compile(
    r"\\(?:(?P<new>(?:re)?newcommand|providecommand|DeclareRobustCommand)\*?\s{0,9}"
    r"(?:\{\s{0,9}\\(?P<name1>[a-zA-Z@]{1,40}|[^a-zA-Z\s])\s{0,9}\}|\\(?P<name2>[a-zA-Z@]{1,40}|[^a-zA-Z\s]))\s{0,9}"
    r"(?:\[(?P<num>[0-9])\]\s{0,9})?(?:\[(?P<default>[^\[\]]{0,200})\]\s{0,9})?(?=\{)"
    r"|(?P<operator>DeclareMathOperator)(?P<star>\*?)\s{0,9}\{?\s{0,9}\\(?P<name3>[a-zA-Z]{1,40})\s{0,9}\}?\s{0,9}(?=\{)"
    r"|(?:g|x|e)?(?P<def>def)\s{0,9}\\(?P<name4>[a-zA-Z]{1,40})(?P<params>(?:#[0-9]){0,9})\s{0,9}(?=\{))"
)
_LET = re.compile(r"\\let\s{0,9}\\([a-zA-Z]{1,40})\s{0,9}=?\s{0,9}(\\[a-zA-Z]{1,40})")
_MAX_CUT_CHARACTERS = 300  # a longer rest of a formula is no definition without its last braces
# What is left of a formula that only prepares others: white space, braces, spaces and commands that show nothing.
_NOTHING = re.compile(
    r"(?:[\s{}~]|\\[,;:!> ]|\\(?:begingroup|endgroup|bgroup|egroup|relax|quad|qquad|strut|makeatletter|makeatother|allowbreak"
    r"|nonumber|notag|displaystyle|textstyle)(?![a-zA-Z])|\\require\s?\{[^{}]{0,80}\})*"
)
_GROUPS = re.compile(r"\\(?:begin|end)group(?![a-zA-Z])\s{0,9}|\\require\s{0,4}\{[^{}]{0,80}\}\s{0,9}")
_COLOUR = re.compile(r"\\definecolor\{[^{}]{0,60}\}\{[^{}]{0,20}\}\{[^{}]{0,60}\}")
_CONTROL = re.compile(r"\\([a-zA-Z]+|.)", re.S)
_PARAMETER = re.compile(r"#([1-9])")
_JS_STRING = r"""(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`)"""
_JS_KEY = re.compile(r"""\s*(?://[^\n]*\n\s*)*["']?((?:\\\\)?[A-Za-z@]{1,40})["']?\s*:\s*""")
_JS_VALUE = re.compile(_JS_STRING)
_JS_ARRAY = re.compile(r"\[\s*" + _JS_STRING + r"\s*,\s*([0-9])\s*(?:,\s*" + _JS_STRING + r"\s*)?,?\s*\]")
_JS_ESCAPE = re.compile(r"\\(.)", re.S)


DEFINERS = ("newcommand", "\\def", "\\gdef", "\\xdef", "\\edef", "\\let", "\\Declare", "providecommand")


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro with `num_arguments` parameters #1, #2, ...; the first has a default unless it is None."""

    body: str
    num_arguments: int = 0
    default: str | None = None


def from_config(script: str) -> dict[str, Macro]:
    r"""Read the inside of `Macros: {...}` of MathJax or `macros: {...}` of KaTeX, up to what cannot be read.

    >>> from_config('RR: "{\\\\bf R}", bold: ["{\\\\bf #1}", 1]}')["bold"]
    Macro(body='{\\bf #1}', num_arguments=1, default=None)
    """
    macros: dict[str, Macro] = {}
    position = 0
    while len(macros) < _MAX_MACROS and (key := _JS_KEY.match(script, position)):
        name = key[1].lstrip("\\")
        if array := _JS_ARRAY.match(script, key.end()):
            default = next((_unescape(text) for text in array.groups()[4:] if text is not None), None)
            macros[name] = Macro(_unescape(_first(array.groups()[:3])), int(array[4]), default)
            position = array.end()
        elif value := _JS_VALUE.match(script, key.end()):
            body = _unescape(_first(value.groups()))
            macros[name] = Macro(body, max((int(digit) for digit in _PARAMETER.findall(body)), default=0))
            position = value.end()
        else:
            break
        while position < len(script) and script[position] in " \t\r\n,":
            position += 1
    return {name: macro for name, macro in macros.items() if len(macro.body) <= 2_000}


def _first(groups: tuple[str | None, ...]) -> str:
    return next((text for text in groups if text is not None), "")


def _unescape(literal: str) -> str:
    return _JS_ESCAPE.sub(r"\1", literal)


def take_definitions(latex: str, macros: dict[str, Macro]) -> str:
    r"""Move the definitions of a formula into `macros` and return what is left of the formula.

    >>> table = {}
    >>> take_definitions(r"\newcommand{\RR}{\mathbb{R}} x \in \RR", table), table["RR"].body
    ('x \\in \\RR', '\\mathbb{R}')
    """
    if "\\" not in latex:
        return latex
    if "\\begingroup" in latex or "\\endgroup" in latex or "\\require" in latex:  # what they enclose stays, also beyond the formula
        latex = _GROUPS.sub("", latex).strip()
    if not any(sign in latex for sign in DEFINERS):
        return latex
    if "\\definecolor" in latex:  # sets up colours, shows nothing
        latex = _COLOUR.sub("", latex)
    pieces, position = [], 0
    for match in DEFINITION.finditer(latex):
        if match.start() < position:
            continue
        end = closes_at(latex, match.end())
        if end < 0:
            end = _cut_at(latex, match.end())
        if end < 0 or len(macros) >= _MAX_MACROS:
            break
        name = match["name1"] or match["name2"] or match["name3"] or match["name4"]
        body = latex[match.end() + 1 : end]
        is_cut = end >= len(latex)
        if is_cut:
            body += "}" * (body.count("{") - body.count("}"))
        if match["operator"]:
            body = f"\\operatorname{match['star']}{{{body}}}"
        count = int(match["num"] or 0) or len(match["params"] or "") // 2
        if not (is_cut and name in macros):
            macros[name] = Macro(body.strip(), count, match["default"])
        pieces.append(latex[position : match.start()])
        position = end + 1
    pieces.append(latex[position:])
    rest = "".join(pieces)
    for match in _LET.finditer(rest):
        macros.setdefault(match[1], Macro(match[2]))
    rest = _LET.sub("", rest)
    return "" if _NOTHING.fullmatch(rest) else " ".join(rest.split())


def _cut_at(latex: str, start: int) -> int:
    """Where a definition whose last braces were lost ends: with its formula, if that is short; else -1."""
    rest = latex[start:]
    is_one = len(rest) <= _MAX_CUT_CHARACTERS and not any(sign in rest for sign in DEFINERS) and rest.strip("{ ") != ""
    return len(latex) if is_one else -1


def expand(latex: str, macros: dict[str, Macro]) -> str:
    r"""Replace the macros of a page, nested ones too; a recursive or exploding one is left as it is.

    >>> expand(r"\abs{x} \in \RR", {"abs": Macro(r"\left|#1\right|", 1), "RR": Macro(r"\mathbb{R}")})
    '\\left|x\\right| \\in \\mathbb{R}'
    """
    if not macros or "\\" not in latex:
        return latex
    current = latex
    for _ in range(MAX_DEPTH):
        following = _expand_once(current, macros)
        if following == current:
            return current
        if len(following) > MAX_EXPANDED_CHARACTERS + len(latex):
            return latex
        current = following
    return latex  # still changing: a macro that calls itself


def _expand_once(latex: str, macros: dict[str, Macro]) -> str:
    pieces, position = [], 0
    for match in _CONTROL.finditer(latex):
        macro = macros.get(match[1])
        if macro is None or match.start() < position:
            continue
        if latex[max(0, match.start() - 14) : match.start()].endswith(("command{", "command*{", "command", "\\def")):
            continue
        end = match.end()
        arguments: list[str] = []
        if macro.default is not None:
            optional, end = _optional(latex, end, macro.default)
            arguments.append(optional)
        while len(arguments) < macro.num_arguments:
            argument, end = _argument(latex, end)
            if end < 0:
                break
            arguments.append(argument)
        if end < 0:
            continue
        pieces.append(latex[position : match.start()])
        body = _PARAMETER.sub(lambda found: _pick(arguments, int(found[1])), macro.body)  # noqa: B023
        if body[-1:].isalpha() and "\\" in body and latex[end : end + 1].isalpha():
            body += " "
        pieces.append(body)
        position = end
    pieces.append(latex[position:])
    return "".join(pieces)


def _pick(arguments: list[str], number: int) -> str:
    return arguments[number - 1] if number <= len(arguments) else ""


def _optional(latex: str, position: int, default: str) -> tuple[str, int]:
    start = _skip_space(latex, position)
    if latex[start : start + 1] == "[":
        end = latex.find("]", start)
        if end > 0:
            return latex[start + 1 : end], end + 1
    return default, position


def _argument(latex: str, position: int) -> tuple[str, int]:
    """One argument: a group, a control sequence or a character; position -1 where there is none."""
    start = _skip_space(latex, position)
    if start >= len(latex) or latex[start] == "}":
        return "", -1
    if latex[start] == "{":
        end = closes_at(latex, start)
        return (latex[start + 1 : end], end + 1) if end > 0 else ("", -1)
    if latex[start] == "\\":
        control = _CONTROL.match(latex, start)
        return (control[0], control.end()) if control else ("", -1)
    return latex[start], start + 1


def _skip_space(latex: str, position: int) -> int:
    while position < len(latex) and latex[position].isspace():
        position += 1
    return position
