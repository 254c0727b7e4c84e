r"""LaTeX of small computed things: signed terms, polynomials, fractions, matrices, derivations.

Exponents and indices always have braces (`x^{2}`), so that a formula has one way to be written.
"""

from collections.abc import Sequence
from fractions import Fraction


def plus(value: int) -> str:
    """A number as a further summand.

    >>> plus(4), plus(-4)
    ('+ 4', '- 4')
    """
    return f"- {-value}" if value < 0 else f"+ {value}"


def parenthesised(value: int) -> str:
    """A number as a factor: negative ones need parentheses."""
    return f"({value})" if value < 0 else str(value)


def polynomial(coefficients: Sequence[int], variable: str = "x") -> str:
    """The polynomial with these coefficients, highest power first.

    >>> polynomial([1, -3, 0, 4]), polynomial([-1, 5]), polynomial([0])
    ('x^{3} - 3x^{2} + 4', '-x + 5', '0')
    """
    degree = len(coefficients) - 1
    out = ""
    for index, coefficient in enumerate(coefficients):
        if coefficient == 0:
            continue
        term = monomial(abs(coefficient), degree - index, variable)
        if out:
            out += f" - {term}" if coefficient < 0 else f" + {term}"
        else:
            out = f"-{term}" if coefficient < 0 else term
    return out or "0"


def monomial(coefficient: int, power: int, variable: str = "x") -> str:
    """One term of a polynomial, coefficient 1 left out."""
    if power == 0:
        return str(coefficient)
    front = {1: "", -1: "-"}.get(coefficient, str(coefficient))
    return f"{front}{variable}" if power == 1 else f"{front}{variable}^{{{power}}}"


def fraction(value: Fraction | int) -> str:
    r"""A number in lowest terms.

    >>> fraction(Fraction(-6, 4)), fraction(Fraction(8, 4))
    ('-\\frac{3}{2}', '2')
    """
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def root(radicand: int) -> str:
    r"""The square root with square factors taken out.

    >>> root(12), root(49), root(7)
    ('2\\sqrt{3}', '7', '\\sqrt{7}')
    """
    outside = max(factor for factor in range(1, int(radicand**0.5) + 2) if radicand % (factor * factor) == 0)
    inside = radicand // (outside * outside)
    if inside == 1:
        return str(outside)
    return f"\\sqrt{{{inside}}}" if outside == 1 else f"{outside}\\sqrt{{{inside}}}"


def matrix(rows: Sequence[Sequence[object]]) -> str:
    """A matrix in round brackets."""
    body = r" \\ ".join(" & ".join(str(cell) for cell in row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def aligned(*lines: str) -> str:
    """A derivation of several lines; each line marks its place of alignment with `&`."""
    return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def total(values: Sequence[int]) -> str:
    """The sum of several numbers, written out."""
    return " + ".join(parenthesised(value) if index else str(value) for index, value in enumerate(values))
