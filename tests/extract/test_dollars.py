"""A pair of dollar signs: lists, ratios and sums are formulas on pages that render mathematics, prices are prices."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.page import extract_page

MATHJAX = '<script>MathJax = {tex: {inlineMath: [["$", "$"]]}};</script><script src="mathjax@3/es5/tex-mml-chtml.js"></script>'


def formulas_of(text: str) -> list[str]:
    return [f.latex for f in extract_page(f"<html><head>{MATHJAX}</head><body><p>{text}</p></body></html>".encode()).formulas]


@pytest.mark.parametrize(
    "latex",
    ["2, 3, 5, 7, 11, 13", "9 : 4", "116 - 2x", "(3, 4)", "1/2", "3.5", "0, 1, 2, ...", "2 + 3 = 5", "-1", "7", "7!", "a, b, c", "2n"],
)
def test_numbers_and_sums_are_formulas(latex: str) -> None:
    assert formulas_of(f"The value is ${latex}$, so it is known.") == [latex]


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $7 today",
        "worth $3 million, not $4 million",
        "for $10-$20 each",
        "a $5/month plan, a $10/month plan",
        "from $5, $6 or $7 on",
        "10$-20$ a head",
        "he paid $5 (or 4 with a card), she paid $6",
    ],
)
def test_prices_stay_prices_also_where_dollars_are_configured(text: str) -> None:
    assert formulas_of(text) == []


def test_a_renderer_without_a_configuration_needs_more_than_a_letter_beside_round_brackets() -> None:
    def found(text: str, script: str) -> list[str]:
        page = f"<html><head><script {script}></script></head><body><p>{text}</p></body></html>"
        return [formula.latex for formula in extract_page(page.encode()).formulas]

    mathjax, nothing = 'src="mathjax@3/es5/tex-mml-chtml.js"', ""
    assert found(r"shell $A$ and \(a\)", mathjax) == ["a"]
    assert found(r"shell $A$ and \(A\)", mathjax) == ["A", "A"]
    assert found(r"$A$, $x_1$ and \(a\)", mathjax) == ["A", "x_1", "a"]
    assert found("Let $A$ be $-1$", mathjax) == ["A", "-1"]
    assert found("Empty: $latex $, $$$$$$ and $latex x^2$", nothing) == ["x^2"]
    assert found(r"Let $\alpha$ be $[a,b]$", nothing) == [r"\alpha"]
    assert found(r"Let $\alpha$ be $\beta$ on $[a,b]$, $1{,}000$", nothing) == [r"\alpha", r"\beta", "[a,b]", "1{,}000"]


def test_words_between_two_formulas_are_no_formula() -> None:
    assert formulas_of("The sides are $116 - 2x$, so $A(x) = x(116 - 2x)$, where $x$ is a side.") == ["116 - 2x", "A(x) = x(116 - 2x)", "x"]
    assert formulas_of("除以 $$，得 $x = -1$。代入 $9 = 9$，与 $2$") == ["x = -1", "9 = 9", "2"]


@pytest.mark.parametrize("value", ["7", "-1", "2436", "3.14", "x", "a - b"])
def test_attribute_of_an_empty_element_is_the_formula(value: str) -> None:
    page = extract_page(
        f'<p>mean <span class="formula" data-tex="{value}"></span>, median <span data-latex="{value}"></span>.</p>'.encode()
    )
    assert page.text == f"mean \\({value}\\), median \\({value}\\)."


def test_number_in_the_attribute_of_a_text_is_an_index() -> None:
    page = extract_page(b'<div data-math="3">Some words of the page</div><div data-tex="4">Others</div>')
    assert page.formulas == ()
    assert "Some words of the page" in page.text
