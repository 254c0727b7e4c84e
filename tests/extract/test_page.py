"""Laws of the extraction of one page that hold for any bytes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.stages.extract.page import Scope, extract_page

_TAGS = st.sampled_from(
    ["<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "<math>", "<mfrac>", "<mi>x</mi>", "</math>", "<pre>", "<code>",
     "<script type='math/tex'>", "</script>", "<span class='katex'>", "<span class=MathJax_Preview>", "</span>", "<li>", "<dl><dt>",
     "<dd>", "<sup>2</sup>", "<img alt='\\frac{a}{b}' class=tex>", "<svg>", "<!--", "-->", "$", "$$", "\\(", "\\)", "\\[", "\\]",
     "\\begin{align}", "\\end{align}", "{", "}", "\\newcommand{\\x}{\\x}", "\\x", "`", "<mjx-container>", "<mtable>", "&lt;", "x^2", "价"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_page(content: bytes) -> None:
    page = extract_page(content)
    assert bool(page.text) != bool(page.error)


@settings(max_examples=300, deadline=None)
@given(st.lists(_TAGS | st.text(max_size=6), max_size=40))
def test_any_markup_gives_text_in_which_every_formula_stands(pieces: list[str]) -> None:
    page = extract_page(("<script src=mathjax.js></script>" + "".join(pieces)).encode("utf-8", "surrogatepass"))
    page.text.encode("utf-8")
    assert unicodedata.is_normalized("NFC", page.text)
    position = 0
    for formula in page.formulas:
        wrapped = f"\\[{formula.latex}\\]" if formula.display else f"\\({formula.latex}\\)"
        position = page.text.index(wrapped, position) + len(wrapped)
        assert 0 <= formula.confidence <= 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=5, unique=True))
def test_formulas_are_found_whatever_stands_between_them(letters: list[str]) -> None:
    body = " and ".join(f"\\({letter}_1\\)" for letter in letters)
    page = extract_page(f"<p>Take {body}.</p>".encode())
    assert [formula.latex for formula in page.formulas] == [f"{letter}_1" for letter in letters]


def test_same_bytes_give_the_same_page() -> None:
    content = b"<p>Let \\(x\\) be <b>odd</b>.</p><ul><li>a</li><li>b</li></ul>"
    assert len({extract_page(content) for _ in range(3)}) == 1


def test_structure_becomes_markdown() -> None:
    markup = (
        "<h2>Title</h2><ul><li>one<ul><li>two</li></ul></li></ul><ol start=3><li>x</li><li>y</li></ol><blockquote><p>said</p></blockquote>"
        "<dl><dt>term</dt><dd>meaning</dd></dl><p>a<br>b</p>"
    )
    expected = "## Title\n\n- one\n  - two\n\n3. x\n4. y\n\n> said\n\nterm\n\n: meaning\n\na\nb"
    assert extract_page(markup.encode()).text == expected


def test_line_numbers_and_copy_buttons_leave_code() -> None:
    markup = (
        '<table class="highlighttable"><tr><td class="linenos"><pre>1\n2</pre></td><td class="code"><div class="highlight"><pre>'
        '<span></span>a = 1\n  b = 2\n</pre><button class="copy">Copy</button></div></td></tr></table>'
    )
    assert extract_page(markup.encode()).text == "```\na = 1\n  b = 2\n```"


def test_navigation_goes_and_content_stays() -> None:
    links = "".join(f"<li><a href=/{i}>Menu entry {i}</a></li>" for i in range(20))
    text = "The theorem of Lagrange says that the order of a subgroup divides the order of the group. " * 5
    page = extract_page(f"<div id=top><ul>{links}</ul></div><main><h1>Groups</h1><p>{text}</p></main><footer>Imprint</footer>".encode())
    assert page.text == f"# Groups\n\n{text.strip()}"


def test_anchor_closed_as_in_xml_does_not_make_its_section_a_link() -> None:
    sections = "".join(
        f'<div class=section><h3><a id="s{i}"/>Section {i}</h3><p>Text of section {i}, long enough.</p></div>' for i in range(6)
    )
    page = extract_page(f"<body>{sections}</body>".encode())
    assert all(f"### Section {i}\n\nText of section {i}, long enough." in page.text for i in range(6))


def test_page_that_is_only_navigation_is_not_lost() -> None:
    body = "".join(f"<p>Paragraph number {i} of a page whose author named everything a sidebar.</p>" for i in range(20))
    page = extract_page(f"<body><div class=sidebar>{body}</div></body>".encode())
    assert "Paragraph number 7" in page.text


PROSE = (
    "<p>"
    + "Turn the heap every second week and keep it moist, and cover it where rain is frequent. " * 8
    + "See <a href=/heaps>the page on heaps</a>.</p>"
)
THREAD = '<div id="comments" class="comments-area"><h2>Two thoughts</h2><p>Thanks, this was helpful to me.</p></div>'
MENU = '<nav><ul><li><a href="/a">Gardens</a></li><li><a href="/b">Tools of the trade</a></li></ul></nav>'


def test_comments_are_kept_where_asked_for_inside_and_outside_the_article() -> None:
    for html in (f"{MENU}<article>{PROSE}{THREAD}</article>", f"{MENU}<article>{PROSE}</article><section>{THREAD}</section>"):
        plain, with_comments = (extract_page(html.encode(), scope=Scope(comments=wanted)).text for wanted in (False, True))
        assert "helpful" not in plain
        assert "Gardens" not in plain
        assert with_comments == f"{plain}\n\n## Two thoughts\n\nThanks, this was helpful to me."


def test_with_boilerplate_all_that_a_page_shows_is_kept() -> None:
    text = extract_page(f"{MENU}<article>{PROSE}</article>{THREAD}".encode(), scope=Scope(boilerplate=True)).text
    assert text.startswith("- Gardens\n- Tools of the trade\n\nTurn the heap")
    assert text.endswith("helpful to me.")


@pytest.mark.parametrize("depth", [100, 106, 150, 1_000, 4_900])
@pytest.mark.parametrize("tag", ["div", "font", "blockquote"])
def test_no_formula_and_no_word_is_lost_at_any_depth(tag: str, depth: int) -> None:
    body = "".join(f"<{tag}>word{index} " for index in range(depth))
    page = extract_page(f"<body>{body}<p>We have <math><mi>a</mi></math> here.</p></body>".encode())
    assert [formula.latex for formula in page.formulas] == ["a"]
    assert all(f"word{index}" in page.text for index in (0, depth // 2, depth - 1))
    assert "We have \\(a\\) here." in page.text
