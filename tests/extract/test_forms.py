"""The forms in which pages carry formulas: each comes out once, as LaTeX, inline or displayed as the page shows it."""

from __future__ import annotations

import re

import pytest

from mathcode_data.stages.extract.page import Page, extract_page

FRAC = r"\frac{a}{b}"
MATHJAX = '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'
KATEX = '<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/katex/dist/katex.min.css">'
MML = "<mfrac><mi>a</mi><mi>b</mi></mfrac>"
WORDPRESS = "https://s0.wp.com/latex.php?latex=%5Cfrac%7Ba%7D%7Bb%7D&bg=fff"
CODECOGS = "https://latex.codecogs.com/gif.latex?%5Cinline&space;%5Cdpi%7B120%7D&space;%5Cfrac%7Ba%7D%7Bb%7D"
INLINE, DISPLAY = False, True


def page_of(form: str, *, head: str = "", between: str = "<p>We have {} here.</p>") -> Page:
    """An article with a paragraph before and after the form."""
    body = between.replace("{}", form)
    markup = (
        f'<html lang="en"><head><title>Forms</title>{head}</head><body><article><h1>Ratios of numbers</h1>'
        f"<p>Let us consider the ratio of two numbers, both of them positive.</p>{body}"
        "<p>The proof follows from the definition of division in a field.</p></article></body></html>"
    )
    return extract_page(markup.encode(), content_type="text/html; charset=utf-8")


def squeeze(latex: str) -> str:
    """LaTeX without white space that does not matter."""
    return re.sub(r"\s+", "", latex)


# name, markup, expected LaTeX, displayed, head
FORMS = [
    ("dollar", "${}$", FRAC, INLINE, MATHJAX),
    ("double dollar", "$${}$$", FRAC, DISPLAY, MATHJAX),
    ("round delimiters", r"\({}\)", FRAC, INLINE, MATHJAX),
    ("square delimiters", r"\[{}\]", FRAC, DISPLAY, MATHJAX),
    ("itex", "[itex]{}[/itex]", FRAC, INLINE, MATHJAX),
    ("tex inside a line", "[tex]{}[/tex]", FRAC, INLINE, ""),
    ("math bbcode", "[math]{}[/math]", FRAC, INLINE, ""),
    ("latex bbcode", "[latex]{}[/latex]", FRAC, INLINE, ""),
    ("equation environment", r"\begin{equation}{}\end{equation}", r"\begin{equation}\frac{a}{b}\end{equation}", DISPLAY, MATHJAX),
    (
        "align environment with two rows",
        r"\begin{align}x &amp;= \frac{a}{b} \\ y &amp;= 2\end{align}",
        r"\begin{align}x &= \frac{a}{b} \\ y &= 2\end{align}",
        DISPLAY,
        MATHJAX,
    ),
    ("round delimiters without a loader", r"\({}\)", FRAC, INLINE, ""),
    ("dollar that is clearly mathematics, without a loader", "${}$", FRAC, INLINE, ""),
    ("WordPress dollar", "$latex {}$", FRAC, INLINE, ""),
    ("line breaks inside", r"\[\frac{a}<br>{b}\]", FRAC, DISPLAY, MATHJAX),
    ("Markdown damage", r"\(a<em>i + b</em>i\)", "a_i + b_i", INLINE, MATHJAX),
    (
        "configured delimiters, MathJax 2",
        "@@{}@@",
        FRAC,
        INLINE,
        "<script type='text/x-mathjax-config'>MathJax.Hub.Config({tex2jax: {inlineMath: [['@@','@@'], ['\\\\(','\\\\)']]}});</script>",
    ),
    (
        "configured dollar with blanks",
        "$ {} $",
        FRAC,
        INLINE,
        "<script>MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]}};</script>",
    ),
    (
        "KaTeX auto-render",
        "%%{}%%",
        FRAC,
        DISPLAY,
        '<script>renderMathInElement(document.body, {delimiters: [{left: "%%", right: "%%", display: true}]}); katex</script>',
    ),
    ("MathJax 2 script", '<span class="MathJax_Preview">a/b</span><script type="math/tex">{}</script>', FRAC, INLINE, ""),
    ("MathJax 2 display script", '<script type="math/tex; mode=display">{}</script>', FRAC, DISPLAY, ""),
    ("MathJax 2 MathML script", f'<script type="math/mml"><math>{MML}</math></script>', FRAC, INLINE, ""),
    ("MathJax 2 AsciiMath script", '<script type="math/asciimath">a/b</script>', FRAC, INLINE, ""),
    (
        "MathJax 2 frame with data-mathml",
        f'<span class="MathJax_Preview"></span><span class="MathJax" id="MathJax-Element-1-Frame" data-mathml="<math>'
        f'{MML}</math>"><nobr><span class="math"><span>a</span><span>b</span></span></nobr></span>',
        FRAC,
        INLINE,
        "",
    ),
    (
        "MathJax 2 frame beside its script",
        '<span class="MathJax_Preview"></span><div class="MathJax_Display"><span class="MathJax" id="MathJax-Element-1-Frame">'
        '<nobr>ab</nobr></span></div><script type="math/tex; mode=display" id="MathJax-Element-1">{}</script>',
        FRAC,
        DISPLAY,
        "",
    ),
    ("kramdown script", '<script type="math/tex">% <![CDATA[\n{} %]]></script>', FRAC, INLINE, ""),
    (
        "MathJax 3 container",
        '<mjx-container class="MathJax" jax="CHTML" display="true"><mjx-math aria-hidden="true"><mjx-mfrac></mjx-mfrac></mjx-math>'
        f'<mjx-assistive-mml display="block"><math display="block">{MML}</math></mjx-assistive-mml></mjx-container>',
        FRAC,
        DISPLAY,
        "",
    ),
    (
        "MathJax 3 SVG without assistive MathML",
        '<mjx-container jax="SVG"><svg><g data-mml-node="math"><g data-mml-node="mfrac"><g data-mml-node="mi"><use data-c="1D44E">'
        '</use></g><g data-mml-node="mi"><use data-c="1D44F"></use></g></g></g></svg></mjx-container>',
        FRAC,
        INLINE,
        "",
    ),
    ("MathJax 4 data-latex", '<mjx-container><mjx-math data-latex="{}"><mjx-mi>a</mjx-mi></mjx-math></mjx-container>', FRAC, INLINE, ""),
    (
        "MathJax SVG with title",
        '<span class="mjpage mjpage__block"><svg aria-labelledby="MathJax-SVG-1-Title"><title id="MathJax-SVG-1-Title">{}</title>'
        "<path></path></svg></span>",
        FRAC,
        DISPLAY,
        "",
    ),
    (
        "KaTeX",
        f'<span class="katex"><span class="katex-mathml"><math><semantics><mrow>{MML}</mrow><annotation encoding="application/x-tex">'
        '{}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span>a</span><span>b</span></span></span>',
        FRAC,
        INLINE,
        KATEX,
    ),
    (
        "KaTeX display",
        '<span class="katex-display"><span class="katex"><span class="katex-mathml"><math display="block"><semantics>'
        f'<mrow>{MML}</mrow><annotation encoding="application/x-tex">{{}}</annotation></semantics></math></span></span></span>',
        FRAC,
        DISPLAY,
        KATEX,
    ),
    (
        "KaTeX without annotation",
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="base"><span class="mord"><span class="mfrac">'
        '<span class="vlist-t"><span class="vlist-r"><span class="vlist"><span style="top:-2.3em;"><span class="mord">b</span></span>'
        '<span style="top:-3.2em;"><span class="frac-line"></span></span><span style="top:-3.7em;"><span class="mord">a</span></span>'
        "</span></span></span></span></span></span></span></span>",
        FRAC,
        INLINE,
        KATEX,
    ),
    ("WordPress KaTeX", '<span class="wp-katex-eq" data-display="false">{}</span>', FRAC, INLINE, ""),
    ("MathML", f"<math>{MML}</math>", FRAC, INLINE, ""),
    ("MathML block", f'<math display="block">{MML}</math>', FRAC, DISPLAY, ""),
    ("MathML with a prefix", "<mml:math><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac></mml:math>", FRAC, INLINE, ""),
    (
        "MathML table",
        "<math><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr><mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr>"
        "</mtable></math>",
        r"\begin{matrix} 1 & 2 \\ 3 & 4 \end{matrix}",
        INLINE,
        "",
    ),
    (
        "MathML in Unicode",
        "<math><munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>α</mi><mo>≤</mo><mi>π</mi></math>",
        r"\sum_{i = 1}^{n}\alpha \leq \pi",
        INLINE,
        "",
    ),
    (
        "LaTeXML",
        f'<math class="ltx_Math" alttext="\\frac{{a}}{{b}}" display="inline"><semantics>{MML}<annotation-xml encoding="MathML-Content">'
        '<apply><ci>a</ci><ci>b</ci></apply></annotation-xml><annotation encoding="application/x-tex">{}</annotation>'
        '<annotation encoding="application/x-llamapun">a over b</annotation></semantics></math>',
        FRAC,
        INLINE,
        "",
    ),
    (
        "Wikipedia",
        '<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;"><math '
        f'alttext="{{\\displaystyle \\frac{{a}}{{b}}}}"><semantics>{MML}<annotation encoding="application/x-tex">{{\\displaystyle {{}}}}'
        '</annotation></semantics></math></span><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/0" '
        'class="mwe-math-fallback-image-inline" alt="{\\displaystyle {}}"></span>',
        FRAC,
        INLINE,
        "",
    ),
    (
        "Wikipedia image only",
        '<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/0" class="mwe-math-fallback-image-inline" '
        'alt="{\\displaystyle {}}">',
        FRAC,
        INLINE,
        "",
    ),
    ("StackExchange", '<span class="math-container">${}$</span>', FRAC, INLINE, ""),
    ("StackExchange display", '<span class="math-container">$${}$$</span>', FRAC, DISPLAY, ""),
    ("Discourse", '<span class="math">{}</span>', FRAC, INLINE, ""),
    ("Pandoc", '<span class="math inline">\\({}\\)</span>', FRAC, INLINE, ""),
    ("Pandoc display without delimiters", '<span class="math display">{}</span>', FRAC, DISPLAY, ""),
    ("arithmatex", '<span class="arithmatex">\\({}\\)</span>', FRAC, INLINE, ""),
    ("GitHub", '<math-renderer class="js-inline-math">${}$</math-renderer>', FRAC, INLINE, ""),
    ("image of class tex", '<img class="tex" alt="{}" src="/images/math/0.png">', FRAC, INLINE, ""),
    ("image of class latex", '<img class="latex" alt="${}$" src="//latex.artofproblemsolving.com/0.png">', FRAC, INLINE, ""),
    (
        "latex.php with alt",
        '<img src="https://s0.wp.com/latex.php?latex=%5Cfrac%7Ba%7D%7Bb%7D&bg=fff" alt="{}" class="latex">',
        FRAC,
        INLINE,
        "",
    ),
    ("latex.php without alt", f'<img src="{WORDPRESS}">', FRAC, INLINE, ""),
    (
        "codecogs query",
        '<img src="https://latex.codecogs.com/gif.latex?%5Cinline&space;%5Cdpi%7B120%7D&space;%5Cfrac%7Ba%7D%7Bb%7D">',
        FRAC,
        INLINE,
        "",
    ),
    ("codecogs svg.image", '<img src="https://latex.codecogs.com/svg.image?%5Cfrac%7Ba%7D%7Bb%7D">', FRAC, INLINE, ""),
    ("mathtex.cgi", '<img src="http://www.forkosh.com/mathtex.cgi?\\frac{a}{b}">', FRAC, INLINE, ""),
    ("mimetex.cgi", '<img src="/cgi-bin/mimetex.cgi?\\frac{a}{b}" alt="">', FRAC, INLINE, ""),
    (
        "quicklatex",
        '<img src="https://quicklatex.com/cache3/0.png" class="ql-img-inline-formula" alt="&#92;&#102;&#114;&#97;&#99;&#123;&#97;&#125;'
        '&#123;&#98;&#125;" title="Rendered by QuickLaTeX.com">',
        FRAC,
        INLINE,
        "",
    ),
    ("Zhihu image", '<img src="https://www.zhihu.com/equation?tex=%5Cfrac%7Ba%7D%7Bb%7D" alt="{}" eeimg="1">', FRAC, INLINE, ""),
    ("Zhihu text", '<span class="ztext-math" data-eeimg="1" data-tex="{}">{}</span>', FRAC, INLINE, ""),
    ("Google chart", '<img src="https://chart.googleapis.com/chart?cht=tx&chl=%5Cfrac%7Ba%7D%7Bb%7D">', FRAC, INLINE, ""),
    ("CK-12", '<img class="x-ck12-math" alt="{}" src="/flx/math/inline/0">', FRAC, INLINE, ""),
    ("mathquill", '<span class="mq-math-mode" data-latex="{}"><span>a</span><span>b</span></span>', FRAC, INLINE, ""),
    ("data-tex", '<span data-tex="{}">a/b</span>', FRAC, INLINE, ""),
    ("data-expr", '<span class="tex" data-expr="{}"></span>', FRAC, INLINE, ""),
    ("data-math", '<span class="math-inline" data-math="{}"><span>a</span></span>', FRAC, INLINE, ""),
    ("AsciiMath", "`a/b`", FRAC, INLINE, '<script src="https://cdn.org/mathjax/latest.js?config=AM_CHTML"></script>'),
]


@pytest.mark.parametrize(("markup", "expected", "display", "head"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_form_comes_out_exactly_once_as_latex(markup: str, expected: str, display: bool, head: str) -> None:
    page = page_of(markup.replace("{}", FRAC), head=head)
    assert page.error == ""
    assert [(squeeze(f.latex), f.display) for f in page.formulas] == [(squeeze(expected), display)]
    left, right = (r"\[", r"\]") if display else (r"\(", r"\)")
    assert squeeze(page.text).count(squeeze(left + expected + right)) == 1
    assert squeeze(page.text).count(squeeze(expected)) == 1
    assert "We have" in page.text
    assert "here." in page.text


@pytest.mark.parametrize(
    "text",
    ["It costs $5 and $7 today.", "From $5 to $10, or 10$ at the door.", "US$100-$200 each", "Call $name or $other_name now.", "a $ b $ c"],
)
@pytest.mark.parametrize("head", ["", MATHJAX])
def test_prices_and_variables_stay_text(text: str, head: str) -> None:
    page = page_of(f"<p>{text}</p>", head=head, between="{}")
    assert page.formulas == ()
    assert text in page.text


def test_escaped_dollar_stays_escaped() -> None:
    page = page_of(r"<p>It is \$9 for $x^2$ apples.</p>", head=MATHJAX, between="{}")
    assert r"It is \$9 for \(x^2\) apples." in page.text


def test_code_is_no_formula_and_keeps_indentation() -> None:
    code = "def f(x):\n    if x:\n        return '$a$'\n"
    page = page_of(f'<pre><code class="language-python">{code}</code></pre>', head=MATHJAX, between="{}")
    assert page.formulas == ()
    assert f"```python\n{code}```" in page.text


def test_ignored_class_is_respected_and_processed_class_wins() -> None:
    page = page_of('<div class="tex2jax_ignore">\\(x\\) <span class="tex2jax_process">\\(y\\)</span></div>', head=MATHJAX, between="{}")
    assert [f.latex for f in page.formulas] == ["y"]


def test_table_keeps_formulas_in_its_cells() -> None:
    cells = f"<tr><th>form</th><th>value</th></tr><tr><td>$x^2$</td><td><math>{MML}</math></td></tr>"
    page = page_of(f"<table>{cells}</table>", head=MATHJAX, between="{}")
    assert "| form | value |\n| --- | --- |\n| \\(x^2\\) | \\(\\frac{a}{b}\\) |" in page.text


def test_scripts_only_in_expressions_never_in_ordinals() -> None:
    page = page_of("<p>The 1<sup>st</sup> law: x<sup>2</sup> + a<sub>ij</sub> = 10<sup>6</sup>, see Gauss<sup>3</sup>.</p>", between="{}")
    assert r"The 1st law: \(x^{2} + a_{ij} = 10^{6}\), see Gauss3." in page.text


def test_unicode_mathematics_is_kept() -> None:
    page = page_of("<p>∀x ∃y: x² ≤ y, ½ of ℝ</p>", between="{}")
    assert "∀x ∃y: x² ≤ y, ½ of ℝ" in page.text


def test_macros_are_expanded_and_their_definitions_taken_out() -> None:
    hidden = r'<div style="display:none">\(\newcommand{\RR}{\mathbb{R}}\newcommand{\abs}[1]{\left|#1\right|}\)</div>'
    page = page_of(hidden + r"<p>\(\abs{x} \in \RR\)</p>", head=MATHJAX, between="{}")
    assert [f.latex for f in page.formulas] == [r"\left|x\right| \in \mathbb{R}"]


@pytest.mark.parametrize("script", [r'tex: {macros: {RR: "{\\mathbb R}"}}', r"TeX: {Macros: {'RR': ['{\\mathbb R}', 0]}}"])
def test_macros_of_the_configuration_are_expanded(script: str) -> None:
    page = page_of(r"\(x \in \RR\)", head=f"<script>MathJax = {{{script}}}</script>")
    assert [f.latex for f in page.formulas] == [r"x \in {\mathbb R}"]


@pytest.mark.parametrize("tag", ["aside", "nav", "footer", "details"])
def test_no_formula_is_lost_as_boilerplate(tag: str) -> None:
    page = page_of(f"<{tag}><ul><li>Note that \\(z^{{17}}\\) is small.</li><li><a href=/>Home</a></li></{tag}>", head=MATHJAX, between="{}")
    assert [f.latex for f in page.formulas] == ["z^{17}"]
    assert r"Note that \(z^{17}\) is small." in page.text


def test_heading_repeated_in_the_contents_stands_once() -> None:
    contents = r'<nav class="toc"><ul><li><a href="#a">On \(K_5\)</a></li></ul></nav>'
    page = page_of(contents + r'<h2 id="a">On \(K_5\)</h2><p>It is not planar.</p>', head=MATHJAX, between="{}")
    assert [f.latex for f in page.formulas] == ["K_5"]


def test_text_and_formulas_agree_and_keep_order() -> None:
    page = page_of(r"<p>$a_1$ then \[b^2\] then <math><mi>c</mi></math> and <code>$d$</code></p>", head=MATHJAX, between="{}")
    assert [f.latex for f in page.formulas] == ["a_1", "b^2", "c"]
    positions = [page.text.index(("\\[%s\\]" if f.display else "\\(%s\\)") % f.latex) for f in page.formulas]
    assert positions == sorted(positions)


def test_chinese_page_is_read_like_an_english_one() -> None:
    markup = (
        "<html><head><meta charset=gb2312><script src=mathjax.js></script></head><body><div id=content><h1>群论</h1>"
        "<p>设 $G$ 是一个有限群，则 $|G| = p^n$，其中 $p$ 是素数。价格是$5和$7。</p></div></body></html>"
    )
    page = extract_page(markup.encode("gb18030"))
    assert (page.language, page.encoding, page.encoding_source) == ("zh", "gb18030", "meta")
    assert [f.latex for f in page.formulas] == ["G", "|G| = p^n", "p"]
    assert "价格是$5和$7。" in page.text
