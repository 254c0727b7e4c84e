"""LaTeX strings: clean-up, macros, AsciiMath, the dollar rule."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.extract.asciimath import to_latex
from mathcode_data.stages.extract.dollars import is_formula
from mathcode_data.stages.extract.latex import clean_latex, is_balanced, unwrap
from mathcode_data.stages.extract.macros import Macro, expand, take_definitions


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (r"{\displaystyle x}", "x"),
        (r"{\displaystyle {\frac {a}{b}}}", r"{\frac {a}{b}}"),
        (r"{\displaystyle a}{b}", r"{\displaystyle a}{b}"),
        (r"\inline \dpi{120} \bg_white \large x", "x"),
        ("a % note\n+ b", "a + b"),
        (r"100\% of x", r"100\% of x"),
        ("% <![CDATA[\nx %]]>", "x"),
        ("x\u200b\n  y", "x y"),
        ("x\\ ", "x\\ "),
        ("e\u0301", "é"),
        ("x²", "x²"),
    ],
)
def test_clean_up(raw: str, clean: str) -> None:
    assert clean_latex(raw) == clean


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab {}\\$%\n^_é\u0301<", max_size=40))
def test_clean_up_is_stable_and_safe_to_wrap(raw: str) -> None:
    once = clean_latex(raw)
    assert "\n" not in once
    assert not (len(once) - len(once.rstrip("\\"))) % 2


def test_delimiters_come_off_once() -> None:
    assert unwrap("$$x$$") == ("x", True)
    assert unwrap(r"\(x\)") == ("x", False)
    assert unwrap("$a$ and $b$") == ("$a$ and $b$", None)
    assert is_balanced(r"\{ {a} \}")
    assert not is_balanced("}{")


@pytest.mark.parametrize(
    ("source", "latex"),
    [
        ("a/b", r"\frac{a}{b}"),
        ("sum_(i=1)^n i^3", r"\sum_{i=1}^{n}i^{3}"),
        ("[[1,2],[3,4]]", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"),
        ("sqrt(x)/2", r"\frac{\sqrt{x}}{2}"),
        ("sin^-1(x)", r"\sin^{-1}(x)"),
        ("x in RR", r"x \in\mathbb{R}"),
        ("alpha beta", r"\alpha\beta"),
        ("lim_(x->oo) f(x)", r"\lim_{x \to\infty}f(x)"),
        ('"if" x >= 0', r"\text{if}x \geq0"),
    ],
)
def test_asciimath(source: str, latex: str) -> None:
    assert to_latex(source) == latex


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='ab12()[]{}/_^"+-, ', max_size=40))
def test_any_asciimath_is_read_to_its_end(source: str) -> None:
    assert isinstance(to_latex(source), str)


def test_macro_arguments_defaults_and_bombs() -> None:
    table: dict[str, Macro] = {}
    rest = take_definitions(r"\newcommand{\norm}[2][2]{\|#2\|_{#1}} \def\R{\mathbb R} \DeclareMathOperator{\Var}{Var} \norm{x}", table)
    assert rest == r"\norm{x}"
    assert expand(rest, table) == r"\|x\|_{2}"
    assert expand(r"\norm[1]{y} \in\R, \Var X, \Rx", table) == r"\|y\|_{1} \in\mathbb R, \operatorname{Var} X, \Rx"
    loop = {"x": Macro(r"\x\x"), "y": Macro(r"a\y")}
    assert expand(r"\x \y", loop) == r"\x \y"


@pytest.mark.parametrize("content", ["x", "x^2", "a_i", r"\alpha", "n+1", "(a, b)", "f(x) = 0", "O(n \\log n)", "10^6", "2n"])
def test_formulas_between_dollars(content: str) -> None:
    assert is_formula(content, page_has_math=True)


@pytest.mark.parametrize("content", ["5, or 10", "100 per unit and", "name or", "1.50 to 2.00 each for the"])
@pytest.mark.parametrize("page_has_math", [True, False])
def test_prose_between_dollars(content: str, page_has_math: bool) -> None:
    assert not is_formula(content, page_has_math=page_has_math)
