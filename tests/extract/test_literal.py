"""Delimiters that MathJax is told to ignore are shown as they are, and never look like a formula in the text."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.page import extract_page

MATHJAX = "<script src=mathjax.js></script>"


@pytest.mark.parametrize("name", ["tex2jax_ignore", "mathjax_ignore"])
def test_ignored_delimiters_are_code(name: str) -> None:
    body = f'<p>A formula \\(y\\) is written <span class="{name}">\\(x\\) or \\[z^2\\], never as \\) (</span> in a page.</p>'
    page = extract_page(f"{MATHJAX}{body}".encode())
    assert page.text == "A formula \\(y\\) is written `\\(x\\)` or `\\[z^2\\]`, never as `\\)` ( in a page."
    assert [formula.latex for formula in page.formulas] == ["y"]


def test_what_is_processed_again_inside_is_a_formula_and_code_stays() -> None:
    body = (
        '<div class="mathjax_ignore"><p>Write <code>\\(a\\)</code> for <span class="mathjax_process">\\(a\\)</span> and \\(b\\).</p></div>'
    )
    page = extract_page(f"{MATHJAX}{body}".encode())
    assert page.text == "Write `\\(a\\)` for \\(a\\) and `\\(b\\)`."
    assert len(page.formulas) == 1
