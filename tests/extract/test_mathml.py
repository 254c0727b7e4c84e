"""MathML by structure: what each element becomes."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.mathjax import parse_mathml
from mathcode_data.stages.extract.mathml import convert_math

A, B, N, K = "<mi>a</mi>", "<mi>b</mi>", "<mi>n</mi>", "<mi>k</mi>"


@pytest.mark.parametrize(
    ("markup", "latex"),
    [
        (f"<msqrt>{A}<mo>+</mo>{B}</msqrt>", r"\sqrt{a + b}"),
        (f"<mroot>{A}<mn>3</mn></mroot>", r"\sqrt[3]{a}"),
        (f"<msubsup>{A}<mi>i</mi><mn>2</mn></msubsup>", "a_{i}^{2}"),
        (f"<msup><mrow><mo>(</mo>{A}<mo>+</mo>{B}<mo>)</mo></mrow><mn>2</mn></msup>", "(a + b)^{2}"),
        (f"<msup>{A}<mo>′</mo></msup>", "a'"),
        (f"<mrow><mo>(</mo><mfrac linethickness='0'>{N}{K}</mfrac><mo>)</mo></mrow>", r"\binom{n}{k}"),
        (f"<mrow><mo>(</mo><mfrac>{A}{B}</mfrac><mo>)</mo></mrow>", r"\left(\frac{a}{b}\right)"),
        (f"<mmultiscripts><mi>C</mi>{K}<none/><mprescripts/><none/>{N}</mmultiscripts>", "{}^{n}C_{k}"),
        (f"<mfenced open='[' close=')'>{A}{B}</mfenced>", r"\left[a, b\right)"),
        (f"<mfenced open='|' close='|'>{A}</mfenced>", r"\left|a\right|"),
        (f"<mfenced open='||' close='||'>{A}</mfenced><mfenced open='(o' close='c'>{B}</mfenced>", r"\left\|a\right\|\left.b\right."),
        (f"<maction selection='2'>{A}{B}</maction><maction selection='7'>{N}</maction>", "bn"),
        (f"{A}<mover></mover><munder></munder><munderover></munderover><mmultiscripts></mmultiscripts>", "a"),
        (f"<mtable><mlabeledtr></mlabeledtr></mtable>{A}", r"a"),
        (f"<munder><mo>lim</mo><mrow>{N}<mo>→</mo><mi>∞</mi></mrow></munder>{A}", r"\lim_{n \to \infty}a"),
        (f"<mover>{A}<mo>¯</mo></mover><mover>{B}<mo>→</mo></mover>", r"\bar{a}\vec{b}"),
        (f"<munder>{A}<mo>⏟</mo></munder>", r"\underbrace{a}"),
        (
            "<mi mathvariant='double-struck'>R</mi><mi>ℤ</mi><mi>𝒜</mi><mi mathvariant='normal'>d</mi>",
            r"\mathbb{R}\mathbb{Z}\mathcal{A}\mathrm{d}",
        ),
        ("<mi>sin</mi><mo>&ApplyFunction;</mo><mi>x</mi><mi>abc</mi>", r"\sin x\mathrm{abc}"),
        (f"<mtext>if </mtext>{A}<mo>&lt;</mo>{B}", r"\text{if }a < b"),
        (f"<menclose notation='box'>{A}</menclose><mphantom>{B}</mphantom>", r"\boxed{a}\phantom{b}"),
        (f"<mo>[</mo><mtable><mtr><mtd>{A}</mtd><mtd>{B}</mtd></mtr></mtable><mo>]</mo>", r"\begin{bmatrix} a & b \end{bmatrix}"),
        (
            f"<mo>{{</mo><mtable><mtr><mtd>{A}</mtd><mtd><mtext>if</mtext></mtd></mtr><mtr><mtd>{B}</mtd><mtd><mtext>else</mtext></mtd></mtr></mtable>",
            r"\begin{cases} a & \text{if} \\ b & \text{else} \end{cases}",
        ),
        (
            f"<mtable columnalign='right left'><mtr><mtd>{A}</mtd><mtd><mo>=</mo>{B}</mtd></mtr></mtable>",
            r"\begin{aligned} a & = b \end{aligned}",
        ),
        (f"<mtable><mlabeledtr><mtd><mtext>(3)</mtext></mtd><mtd>{A}</mtd></mlabeledtr></mtable>", r"a \tag{3}"),
        ("<mo>-</mo><mi>x</mi><mo>&InvisibleTimes;</mo><mi>y</mi><mo>−</mo><mi>z</mi>", "-xy - z"),
        ("<mi>Δ</mi><mo>%</mo><mo>≠</mo><mn>100</mn>", r"\Delta\% \neq 100"),
        ("<mi>f</mi><mo>′</mo><mo>(</mo><mi>x</mi><mo>)</mo>", "f'(x)"),
        ("<mi>f</mi><mo>′</mo><mo>′</mo><mo>=</mo><msup><mi>g</mi><mrow><mo>′</mo><mo>′</mo></mrow></msup>", "f'' = g''"),
        ("<msup><mi>f</mi><mrow><mo>′</mo><mn>2</mn></mrow></msup>", r"f^{\prime2}"),
        (f"<mo>∫</mo>{A}<mspace width='0.167em'/><mi>d</mi>{B}", r"\int a\,db"),
        (f"{A}<mspace width='thinmathspace'/>{B}<mspace width='1em'/>{B}", r"a\,b\quad b"),
        (f"<mrow><mo stretchy='true'>(</mo>{A}<mo>+</mo>{B}<mo stretchy='true'>)</mo></mrow>", r"\left(a + b\right)"),
        (f"<mrow><mo fence='true'>[</mo>{A}<mo fence='true'>]</mo></mrow>", r"\left[a\right]"),
        (f"<mrow><mo stretchy='false'>(</mo>{A}<mo>+</mo>{B}<mo stretchy='false'>)</mo></mrow>", "(a + b)"),
        (f"{A}<mo>≡</mo>{B}<mo>(</mo><mi>mod</mi><mspace width='0.333em'/><mn>9</mn><mo>)</mo>", r"a \equiv b\pmod{9}"),
        (
            f"<mtable><mtr><mtd>{A}</mtd><mtd><mrow><mo>=</mo>{B}</mrow></mtd></mtr><mtr><mtd/><mtd><mo>≤</mo>{N}</mtd></mtr></mtable>",
            r"\begin{aligned} a & = b \\ & \leq n \end{aligned}",
        ),
    ],
)
def test_structure(markup: str, latex: str) -> None:
    math = parse_mathml(f"<math>{markup}</math>")
    assert math is not None
    formula = convert_math(math)
    assert formula is not None
    assert formula.latex == latex
    assert formula.source == "mathml"


def test_annotation_beats_alternative_text_beats_structure() -> None:
    annotation = '<annotation encoding="application/x-tex">c</annotation>'
    content = (
        '<annotation-xml encoding="MathML-Content"><ci>z</ci></annotation-xml><annotation encoding="application/x-llamapun">z</annotation>'
    )
    cases = {
        f'<math alttext="b_1"><semantics>{A}{content}{annotation}</semantics></math>': ("c", "mathml-annotation"),
        f'<math alttext="b_1"><semantics>{A}{content}</semantics></math>': ("b_1", "mathml-alttext"),
        f'<math alttext="read this aloud please"><semantics>{A}{content}</semantics></math>': ("a", "mathml"),
    }
    for markup, expected in cases.items():
        math = parse_mathml(markup)
        assert math is not None
        formula = convert_math(math)
        assert formula is not None
        assert (formula.latex, formula.source) == expected


def test_prefix_is_no_obstacle() -> None:
    math = parse_mathml("<m:math><m:msub><m:mi>x</m:mi><m:mspace width='1em'/></m:msub></m:math>")
    assert math is not None
