"""Formulas written with `<i>`, `<sub>` and `<sup>`: found where they are clearly formulas, left alone elsewhere."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.stages.extract.expressions import join_scripts
from mathcode_data.stages.extract.page import extract_page
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element


def text_of(markup: str) -> str:
    return extract_page(f"<p>{markup}</p>".encode()).text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            "So <i>a</i><sub><i>n</i></sub> = <i>a</i><sub>1</sub><i>r</i><sup><i>n</i>-1</sup>. It",
            r"So \(a_{n} = a_{1}r^{n-1}\). It",
        ),
        ("<em>a<sub>n</sub> = a<sub>1</sub>r<sup>n-1</sup></em> holds", r"\(a_{n} = a_{1}r^{n-1}\) holds"),
        ("<var>x</var><sub>1</sub>, <var>x</var><sub>2</sub> and", r"\(x_{1}\), \(x_{2}\) and"),
        (
            "(<i>a</i> + <i>b</i>)<sup>2</sup> = <i>a</i><sup>2</sup> + 2<i>ab</i> + <i>b</i><sup>2</sup>",
            r"\((a + b)^{2} = a^{2} + 2ab + b^{2}\)",
        ),
        ("4 &times; 3<sup>7</sup> = 8748, because", r"\(4 \times 3^{7} = 8748\), because"),
        ("<i>e</i><sup>&minus;<i>x</i><sup>2</sup></sup> is", r"\(e^{-x^{2}}\) is"),
        ("is a <i>f</i>(<i>x</i>) = <i>x</i><sup>2</sup> function", r"is a \(f(x) = x^{2}\) function"),
        ("log<sub>2</sub> 8 = 3", r"\(\log_{2} 8 = 3\)"),
        ("(see <i>y</i><sup>2</sup>) 设<i>K</i><sub>3,3</sub>在", r"(see \(y^{2}\)) 设\(K_{3,3}\)在"),
        ("v<sup>2</sup> = u<sup>2</sup> + 2as. Then", r"\(v^{2} = u^{2} + 2as\). Then"),
        ("F = Gm<sub>1</sub>m<sub>2</sub>/r<sup>2</sup>", r"\(F = Gm_{1}m_{2}/r^{2}\)"),
        ("&prod;<sub>i=1</sub><sup>n</sup> a<sub>i</sub> and", r"\(\prod_{i=1}^{n} a_{i}\) and"),
        ("&int;<sub>a</sub><sup>b</sup> f(x) dx is", r"\(\int_{a}^{b} f(x) dx\) is"),
        ("f(x,y) = x<sup>2</sup> + y<sup>2</sup>, where", r"\(f(x,y) = x^{2} + y^{2}\), where"),
        ("x<sup>2</sup> = 4 or so, y<sup>2</sup> = x is", r"\(x^{2} = 4\) or so, \(y^{2} = x\) is"),
        ("x<sup>2</sup> is, as m<sup>2</sup> of land", r"\(x^{2}\) is, as m² of land"),
        ("f grows as x<sup>n+1</sup> does", r"as \(x^{n+1}\) does"),
        ("the <i>n</i><sup>th</sup> term", "the nth term"),
        ("t<sup>2</sup> = 9kg, but", r"\(t^{2} = 9\)kg, but"),
        ("Gauss e<sup>-x<sup>2</sup>/2</sup>, of", r"Gauss \(e^{-x^{2}/2}\), of"),
        ("a<sub>n<sub>k</sub></sub> and x<sub>i<sup>2</sup></sub>.", r"\(a_{n_{k}}\) and \(x_{i^{2}}\)."),
        ("10<sup>10<sup>100</sup></sup> and 2<sup>2<sup>n</sup></sup>+1", r"\(10^{10^{100}}\) and \(2^{2^{n}}+1\)"),
        ("(a<sub>n</sub>)<sub>n≥1</sub> is", r"\((a_{n})_{n\geq1}\) is"),
        ("{x<sub>i</sub>}<sub>i=1</sub><sup>n</sup> is", r"\(\{x_{i}\}_{i=1}^{n}\) is"),
        ("all (a, b, c, d)<sup>T</sup> in [0,1]<sup>n</sup> are", r"all \((a, b, c, d)^{T}\) in \([0,1]^{n}\) are"),
        ("the (x<sub>1</sub>, x<sub>2</sub>)<sup>T</sup> is", r"the \((x_{1}, x_{2})^{T}\) is"),
        ("the sum &sum;<sub>n</sub> of them", r"\(\sum_{n}\)"),
        ("1<sup>2</sup> + 2<sup>2</sup> + ... + <i>n</i><sup>2</sup>", r"\(1^{2} + 2^{2} + \cdots + n^{2}\)"),
    ],
)
def test_run_of_letters_and_scripts_is_one_formula(markup: str, expected: str) -> None:
    assert expected in text_of(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "the 1<sup>st</sup> and the 22<sup>nd</sup> of May",
        "H<sub>2</sub>O and CO<sub>2</sub>",
        "2H<sub>2</sub> + O<sub>2</sub> = 2H<sub>2</sub>O",
        "an area of 25 m<sup>2</sup> in all",
        "Gauss<sup>3</sup> and Euler<sup><a href=#n>4</a></sup> said",
        "the <i>n</i><sup>th</sup> term",
        "<i>x</i><sup><a href=#n>2</a></sup>",
        "Acme<sup>TM</sup> = quality",
        "square metres, m<sup>2</sup>, of land",
        "HbA<sub>1c</sub> and SO<sub>4<sup>2-</sup></sub>",
        "Ca(NO<sub>3</sub>)<sub>2</sub> and (C<sub>5</sub>H<sub>5</sub>)<sub>2</sub>Fe",
        "2NaCl + H<sub>2</sub>SO<sub>4</sub> = Na<sub>2</sub>SO<sub>4</sub>",
    ],
)
def test_ordinals_units_chemistry_and_notes_are_no_formulas(markup: str) -> None:
    page = extract_page(f"<p>{markup}</p>".encode())
    assert page.formulas == ()


@pytest.mark.parametrize("before", ["pK", "(in words)", "25 km", "theorem|", "x", "10", "Σ", "]", "\\)", "U"])
@pytest.mark.parametrize("script", ["a", "n≥1", "n+1", "2<sup>n</sup>", "<i>k</i>", "max"])
@pytest.mark.parametrize("tag", ["sub", "sup"])
def test_signs_of_latex_stand_in_formulas_only(before: str, script: str, tag: str) -> None:
    text = text_of(f"Some words and {before}<{tag}>{script}</{tag}> and more.")
    outside = re.sub(r"\\\(.*?\\\)", "", text)
    assert "^{" not in outside
    assert "_{" not in outside


@pytest.mark.parametrize(
    "piece", ["the x<sub>1</sub>, ", "x<sub>1</sub> + ", "x<sub>1</sub>", "(<i>x</i><sub>1</sub>) <i>y</i><sub>2</sub> "]
)
def test_many_scripts_in_a_paragraph_take_time_in_proportion_to_their_number(piece: str) -> None:
    def seconds(number: int) -> float:
        page = f"<p>{piece * number}</p>".encode()
        start = time.process_time()
        extract_page(page)
        return time.process_time() - start

    seconds(10)
    assert min(seconds(1_600) for _ in range(2)) < 10 * min(seconds(400) for _ in range(2))  # quadratic: 16 times


@st.composite
def neighbours(draw: st.DrawFn) -> list[Child]:
    found: list[Child] = []
    for _ in range(draw(st.integers(0, 12))):
        text = draw(st.text(alphabet="abxn 12+-=(){}|,.", max_size=6))
        tag = draw(st.sampled_from(["", "i", "sub", "sup", "a"]))
        if tag:
            element = Element(tag, {})
            element.children.append(text)
            found.append(element)
        elif text:
            found.append(text)
    return found


@given(neighbours())
def test_joining_drops_no_letter_or_digit_and_leaves_balanced_formulas(children: list[Child]) -> None:
    def signs(items: list[Child]) -> str:
        whole = "".join(i if isinstance(i, str) else i.latex if isinstance(i, Formula) else signs(i.children) for i in items)
        return "".join(sign for sign in whole if sign.isalnum())

    joined = join_scripts(children)
    if joined is not None:
        assert signs(joined) == signs(children)
        for item in joined:
            assert not isinstance(item, Formula) or item.latex.count("(") == item.latex.count(")")
