"""What stands inside a sentence stays there, whatever its class is called; what stands around the page does not."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.page import extract_page

SENTENCE = "The proof is long, so it is given in an appendix of this article, after the remaining lemmas."


def text_of(body: str) -> str:
    return extract_page(f"<html><body><main><h1>Title</h1><p>{SENTENCE}</p>{body}</main></body></html>".encode()).text


@pytest.mark.parametrize("classes", ["reference external", "reference internal", "nav-link", "ad", "share", "tooltip", "promo", "widget"])
def test_link_in_a_sentence_is_never_dropped_by_its_class(classes: str) -> None:
    link = f'<a class="{classes}" href="https://example.org">SDP</a>'
    text = text_of(f"<p>A semidefinite program ({link}) is an optimization problem ({link}, {link}).</p>")
    assert "A semidefinite program (SDP) is an optimization problem (SDP, SDP)." in text


def test_code_link_of_sphinx_is_kept() -> None:
    link = '<a class="reference internal" href="x"><code class="xref py py-func"><span class="pre">solve()</span></code></a>'
    assert "Test whether `solve()` is a `solve()`." in text_of(f"<p>Test whether {link} is a {link}.</p>")


def test_sentence_made_of_links_is_no_menu() -> None:
    links = ", ".join(f'<a href="/{name}">the theorem of {name}</a>' for name in ("Gauss", "Abel", "Galois", "Noether"))
    assert "For more see the theorem of Gauss, the theorem of Abel" in text_of(f"<p>For more see {links}.</p>")


@pytest.mark.parametrize("tag", ["p", "div", "span", "ul"])
def test_menu_of_links_is_dropped(tag: str) -> None:
    inner = "li" if tag == "ul" else "span"
    links = "".join(f'<{inner}><a href="/{name}">Chapter on {name}</a></{inner}> | ' for name in ("Gauss", "Abel", "Galois", "Noether"))
    assert "Galois" not in text_of(f"<{tag}>{links}</{tag}>")


@pytest.mark.parametrize(
    "mark",
    [
        '<a class="headerlink" href="#a">¶</a>',
        '<sup class="reference"><a href="#n">[1]</a></sup>',
        '<span class="mw-editsection">[edit]</span>',
        '<span class="sr-only">opens in a new window</span>',
        '<a class="reference internal" href="s"><span class="viewcode-link"><span class="pre">[source]</span></span></a>',
    ],
)
def test_marks_beside_words_are_dropped(mark: str) -> None:
    assert "A lemma of Zorn holds." in text_of(f"<p>A lemma of Zorn{mark} holds.</p>")


def test_frame_named_after_its_sidebar_keeps_the_page() -> None:
    body = f'<div class="content-left-sidebar-right"><div class="sidebar"><p>Buy now</p></div>{f"<p>{SENTENCE}</p>" * 6}</div>'
    text = extract_page(f"<html><body>{body}</body></html>".encode()).text
    assert text.count(SENTENCE) == 6
    assert "Buy now" not in text


def test_cookie_notice_is_dropped_however_long() -> None:
    notice = f'<div class="cookie-consent" role="dialog">{"<p>We value your privacy and store cookies for it.</p>" * 40}</div>'
    assert "privacy" not in text_of(f"<p>{SENTENCE}</p>" * 4 + notice)


def test_page_inside_noscript_is_read_where_nothing_else_is_shown() -> None:
    posts = f"<div class=post><p>{SENTENCE}</p></div>" * 5
    text = extract_page(f"<html><body><div id=splash></div><noscript data-path='/t/1'>{posts}</noscript></body></html>".encode()).text
    assert text.count(SENTENCE) == 5


def test_noscript_beside_a_page_is_left_out() -> None:
    text = text_of(f"<p>{SENTENCE}</p>" * 4 + "<noscript><p>Please switch on the scripts of your browser.</p></noscript>")
    assert "browser" not in text


def test_parts_streamed_by_react_are_no_hidden_noise() -> None:
    assert "was streamed" in text_of('<div hidden id="S:1"><p>This paragraph was streamed to the page.</p></div>')
    assert "was hidden" not in text_of("<div hidden><p>This paragraph was hidden on the page.</p></div>")


@pytest.mark.parametrize("between", [" | ", " · ", " / "])
def test_line_of_links_between_bars_is_a_menu_and_a_list_with_commas_is_none(between: str) -> None:
    links = [f"<a href=/{name}>{name}</a>" for name in ("Gauss", "Abel", "Noether", "Galois", "Cauchy")]
    assert "Galois" not in text_of(f"<p>{between.join(links)}</p>")
    assert "Gauss, Abel, Noether, Galois, Cauchy" in text_of(f"<p>{', '.join(links)}</p>")
