r"""Content MathML to LaTeX: what is applied to what, with the brackets that the order of operations asks for."""

from __future__ import annotations

from collections.abc import Callable

from mathcode_data.stages.extract.mathml import convert, local_name, parts
from mathcode_data.stages.extract.mathml_symbols import FUNCTIONS, to_command
from mathcode_data.stages.extract.mathml_tokens import glue, group
from mathcode_data.stages.extract.tree import Element, text_of

_RELATIONS = {
    "eq": "=", "neq": "\\neq", "lt": "<", "gt": ">", "leq": "\\leq", "geq": "\\geq", "equivalent": "\\equiv", "approx": "\\approx",
    "in": "\\in", "notin": "\\notin", "subset": "\\subseteq", "prsubset": "\\subset", "notsubset": "\\nsubseteq", "implies": "\\implies",
    "tendsto": "\\to", "factorof": "\\mid", "notprsubset": "\\not\\subset",
}  # fmt: skip
_SUMS = {"plus": "+", "or": "\\lor", "xor": "\\oplus", "union": "\\cup", "setdiff": "\\setminus"}
_PRODUCTS = {"and": "\\land", "intersect": "\\cap", "cartesianproduct": "\\times", "vectorproduct": "\\times", "scalarproduct": "\\cdot",
             "compose": "\\circ", "rem": "\\bmod", "outerproduct": "\\otimes"}  # fmt: skip
_AROUND = {"abs": ("|", "|"), "floor": ("\\lfloor ", "\\rfloor"), "ceiling": ("\\lceil ", "\\rceil"), "card": ("|", "|")}
_BIG = {"sum": "\\sum", "product": "\\prod", "int": "\\int", "limit": "\\lim"}
_NAMES = {"determinant": "\\det", "gcd": "\\gcd", "min": "\\min", "max": "\\max", "real": "\\operatorname{Re}", "arg": "\\arg",
          "imaginary": "\\operatorname{Im}", "lcm": "\\operatorname{lcm}", "grad": "\\nabla", "divergence": "\\nabla\\cdot",
          "curl": "\\nabla\\times", "laplacian": "\\nabla^{2}"}  # fmt: skip
_CONSTANTS = {
    "pi": "\\pi", "infinity": "\\infty", "exponentiale": "e", "imaginaryi": "i", "eulergamma": "\\gamma", "emptyset": "\\emptyset",
    "true": "\\text{true}", "false": "\\text{false}", "notanumber": "\\text{NaN}", "integers": "\\mathbb{Z}", "reals": "\\mathbb{R}",
    "rationals": "\\mathbb{Q}", "naturalnumbers": "\\mathbb{N}", "complexes": "\\mathbb{C}", "primes": "\\mathbb{P}",
    "ident": "\\mathrm{id}",
}  # fmt: skip
_QUALIFIERS = ("bvar", "lowlimit", "uplimit", "interval", "condition", "domainofapplication", "degree", "logbase")
_RELATION, _SUM, _PRODUCT, _PREFIX, _ATOM = range(5)


def apply(element: Element) -> str:
    """`<apply>`: an operator, its qualifiers and its arguments."""
    operator, *rest = parts(element) or [Element("", {})]
    name = local_name(operator.tag)
    qualifiers = {local_name(part.tag): part for part in rest if local_name(part.tag) in _QUALIFIERS}
    kept = ("interval",) if name not in _BIG else ()
    arguments = [part for part in rest if local_name(part.tag) not in _QUALIFIERS or local_name(part.tag) in kept]
    if not arguments:
        return to_command(name) if len(name) == 1 else ""
    if name in _BIG:
        return _big(name, qualifiers, arguments)
    if name in ("diff", "partialdiff"):
        return _derivative("d" if name == "diff" else "\\partial", qualifiers, arguments)
    if name in _RELATIONS:
        return f" {_RELATIONS[name]} ".join(_bracketed(argument, _RELATION + 1) for argument in arguments)
    if name in _SUMS:
        return f" {_SUMS[name]} ".join(_bracketed(argument, _SUM + bool(index)) for index, argument in enumerate(arguments))
    if name == "minus":
        first = _bracketed(arguments[0], _PRODUCT if len(arguments) == 1 else _SUM)
        return f"-{first}" if len(arguments) == 1 else f"{first} - {_bracketed(arguments[1], _PRODUCT)}"
    if name == "times":
        return _product(arguments)
    if name in _PRODUCTS:
        return f" {_PRODUCTS[name]} ".join(_bracketed(argument, _PREFIX) for argument in arguments)
    return _of_arguments(operator, name, qualifiers, arguments)


def _of_arguments(operator: Element, name: str, qualifiers: dict[str, Element], arguments: list[Element]) -> str:
    """Fractions, powers, roots and functions."""
    converted = [convert(argument) for argument in arguments]
    first, second = converted[0], converted[1] if len(converted) > 1 else ""
    atom = f"({first})" if _level(arguments[0]) < _ATOM else first
    if name in ("divide", "quotient"):
        return f"\\frac{{{first}}}{{{second}}}"
    if name == "power":
        return f"{group(atom)}^{{{second}}}"
    if name == "root":
        degree = _inside(qualifiers, "degree")
        return f"\\sqrt[{degree}]{{{first}}}" if degree and degree != "2" else f"\\sqrt{{{first}}}"
    if name == "exp":
        return f"e^{{{first}}}"
    if name in _AROUND:
        return f"{_AROUND[name][0]}{first}{_AROUND[name][1]}"
    if name in ("factorial", "transpose", "inverse"):
        mark = {"factorial": "!", "transpose": "^{T}", "inverse": "^{-1}"}[name]
        return atom + mark
    if name == "conjugate":
        return f"\\overline{{{first}}}"
    if name == "not":
        return f"\\neg {first if _level(arguments[0]) >= _PREFIX else atom}"
    if name == "selector":
        return f"{group(first)}_{{{','.join(converted[1:])}}}"
    if name in ("forall", "exists"):
        return f"\\{name} {_inside(qualifiers, 'bvar')}: {first}"
    function = _function(operator, name)
    if name == "log" and "logbase" in qualifiers:
        function += f"_{{{_inside(qualifiers, 'logbase')}}}"
    is_simple = len(arguments) == 1 and function.startswith("\\") and function[1:].isalpha() and _level(arguments[0]) == _ATOM
    return glue([function, first]) if is_simple else f"{function}({', '.join(converted)})"


def _function(operator: Element, name: str) -> str:
    if name in ("apply", "ci", "csymbol"):
        return _bracketed(operator, _PREFIX)
    if name in _NAMES:
        return _NAMES[name]
    return f"\\{name}" if name in FUNCTIONS else f"\\operatorname{{{name}}}"


def _product(arguments: list[Element]) -> str:
    pieces: list[str] = []
    for index, argument in enumerate(arguments):
        latex = _bracketed(argument, _PRODUCT)
        pieces += ["\\cdot ", latex] if index and (latex[:1].isdigit() or latex.startswith(("-", "\\frac{d", "+"))) else [latex]
    return glue(pieces)


def _big(name: str, qualifiers: dict[str, Element], arguments: list[Element]) -> str:
    """Sums, products, integrals and limits."""
    variable, lower, upper = (_inside(qualifiers, part) for part in ("bvar", "lowlimit", "uplimit"))
    if "interval" in qualifiers and not lower:
        ends = [convert(part) for part in parts(qualifiers["interval"])]
        lower, upper = [*ends, "", ""][:2]
    if "condition" in qualifiers:
        lower = _inside(qualifiers, "condition")
    elif lower and name in ("sum", "product"):
        lower = f"{variable} = {lower}"
    elif lower and name == "limit":
        lower = f"{variable} \\to {lower}"
    elif not lower:
        lower = _inside(qualifiers, "domainofapplication") or (variable if name != "int" else "")
    scripts = (f"_{{{lower}}}" if lower else "") + (f"^{{{upper}}}" if upper else "")
    end = f" \\, d{variable}" if name == "int" and variable else ""
    return glue([_BIG[name] + scripts, _bracketed(arguments[0], _SUM if name == "int" else _PRODUCT)]) + end


def _derivative(sign: str, qualifiers: dict[str, Element], arguments: list[Element]) -> str:
    bound = qualifiers.get("bvar")
    if bound is None:
        return f"{group(_bracketed(arguments[0], _ATOM))}'"
    inner = parts(bound)
    degree = next((f"^{{{_row(part)}}}" for part in inner if local_name(part.tag) == "degree"), "")
    variable = glue([convert(part) for part in inner if local_name(part.tag) != "degree"])
    return f"\\frac{{{glue([sign + degree, _bracketed(arguments[0], _PREFIX)])}}}{{{glue([sign, variable])}{degree}}}"


def _inside(qualifiers: dict[str, Element], name: str) -> str:
    return _row(qualifiers[name]) if name in qualifiers else ""


def _row(element: Element) -> str:
    return glue([convert(part) for part in parts(element)])


def _bracketed(element: Element, least: int) -> str:
    """LaTeX of an argument, in brackets if it binds less than is needed."""
    latex = convert(element)
    return f"({latex})" if _level(element) < least else latex


def _level(element: Element) -> int:
    """How tightly an expression holds together."""
    if local_name(element.tag) != "apply":
        return _PRODUCT if text_of(element).strip().startswith(("-", "−")) else _ATOM
    inner = parts(element)
    name = local_name(inner[0].tag) if inner else ""
    if name in _RELATIONS or name in ("not", "forall", "exists"):
        return _RELATION
    if name in _SUMS or name == "minus":
        return _SUM
    if name == "times" or name in _PRODUCTS or name in _BIG:
        return _PRODUCT
    return _ATOM if name in _AROUND else _PREFIX


def identifier(element: Element) -> str:
    """`<ci>` and `<csymbol>`: a name, or Presentation MathML in its place."""
    if parts(element):
        return _row(element)
    text = text_of(element).strip()
    if len(text) <= 1:
        return to_command(text) if text else ""
    if text in FUNCTIONS:
        return f"\\{text}"
    head, _, index = text.partition("_")
    if len(head) == 1 and index.isalnum():
        return f"{head}_{{{index}}}"
    return f"\\mathrm{{{''.join(map(to_command, text))}}}"


def number(element: Element) -> str:
    """`<cn>`: also fractions, powers of ten and complex numbers, whose two parts stand around `<sep/>`."""
    two = [" ".join(child.split()) for child in element.children if isinstance(child, str) and child.strip()]
    kind = element.get("type")
    if len(two) == 2 and kind == "rational":
        return f"\\frac{{{two[0]}}}{{{two[1]}}}"
    if len(two) == 2 and kind == "e-notation":
        return f"{two[0]} \\times 10^{{{two[1]}}}"
    if len(two) == 2 and kind == "complex-cartesian":
        return f"{two[0]} + {two[1]}i"
    text = "".join(text_of(element).split())
    return _CONSTANTS.get(text, "".join(map(to_command, text)))


def _between(left: str, right: str) -> Callable[[Element], str]:
    return lambda element: left + ", ".join(convert(part) for part in parts(element)) + right


def interval(element: Element) -> str:
    """`<interval>`: which ends belong to it stands in `closure`."""
    closure = element.get("closure") or "closed"
    left = "(" if closure in ("open", "open-closed") else "["
    right = ")" if closure in ("open", "closed-open") else "]"
    return _between(left, right)(element)


def matrix(element: Element) -> str:
    """`<matrix>` of `<matrixrow>`."""
    rows = [" & ".join(convert(cell) for cell in parts(line)) for line in parts(element)]
    return "\\begin{pmatrix} " + " \\\\ ".join(rows) + " \\end{pmatrix}"


def vector(element: Element) -> str:
    """`<vector>`, written as a column."""
    return "\\begin{pmatrix} " + " \\\\ ".join(convert(part) for part in parts(element)) + " \\end{pmatrix}"


def piecewise(element: Element) -> str:
    """`<piecewise>` of `<piece>` and `<otherwise>`."""
    lines = []
    for part in parts(element):
        cells = [convert(inner) for inner in parts(part)]
        lines.append(" & ".join(cells) if local_name(part.tag) == "piece" else f"{cells[0] if cells else ''} & \\text{{otherwise}}")
    return "\\begin{cases} " + " \\\\ ".join(lines) + " \\end{cases}"


def _constant(latex: str) -> Callable[[Element], str]:
    return lambda _: latex


CONTENT: dict[str, Callable[[Element], str]] = {
    "apply": apply,
    "reln": apply,
    "ci": identifier,
    "csymbol": identifier,
    "cn": number,
    "interval": interval,
    "matrix": matrix,
    "vector": vector,
    "piecewise": piecewise,
    "set": _between("\\{", "\\}"),
    "list": _between("(", ")"),
    **{name: _constant(latex) for name, latex in _CONSTANTS.items()},
}
