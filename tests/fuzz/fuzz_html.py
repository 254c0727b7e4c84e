"""HTML pages: any bytes give text in which every formula stands, or a reason."""

from mathcode_data.stages.extract.page import extract_page


def seeds() -> list[bytes]:
    return [
        b"<p>We have <script type='math/tex'>\\frac{a}{b}</script> and \\(x_1\\) and $$y^2$$ here.</p>",
        b"<html lang=en><head><meta charset=gb18030><title>T</title></head><body><nav><a href=/>a</a></nav>"
        b"<main><h1>H</h1><pre><code>x = 1</code></pre></main></body>",
        b"<p><math><mfrac><mi>a</mi><msup><mi>b</mi><mn>2</mn></msup></mfrac>"
        b"<annotation encoding='application/x-tex'>a</annotation></math></p>",
        b"<script>MathJax = {tex: {inlineMath: [['$','$']], macros: {R: '\\\\mathbb{R}', f: ['#1^2', 1]}}};</script>"
        b"<p>$\\R$ and $\\f{x}$</p>",
        b"<table><tr><th>n</th><td colspan=3>n<sup>2</sup></td></tr></table>"
        b"<p>`x/2` <i>x</i><sub>1</sub> <img class=latex alt='$a+b$'></p>",
        "\ufeff<p>数学 ∑ √ \u202e x</p>".encode("utf-16"),
        b"<span class='katex'><span class='katex-mathml'><math><semantics><mrow><mi>x</mi></mrow></semantics></math></span></span>",
    ]


def read(data: bytes) -> None:
    page = extract_page(data)
    assert page.error or page.text, "neither text nor a reason"
    for formula in page.formulas:
        assert isinstance(formula.latex, str)
