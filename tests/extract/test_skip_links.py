"""Links at the start of a page that jump to its content go in any language; a table of contents and a first sentence stay."""

from __future__ import annotations

import pytest

from mathcode_data.stages.extract.page import extract_page

TEXT = "The order of a subgroup divides the order of the group."


def read(body: str) -> str:
    return extract_page(f"<html><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    "words",
    ["Skip to main content", "跳转至", "跳到主要内容", "Zum Inhalt springen", "Aller au contenu", "Saltar al contenido", "본문 바로가기",
     "メインコンテンツへスキップ", "Перейти к содержанию", "Vai al contenuto", "Ugrás a tartalomhoz", "Langsung ke isi"],
)  # fmt: skip
@pytest.mark.parametrize("frame", ["{}", "<div>{}</div>", "<div><span>{}</span></div>"])
def test_a_skip_link_goes_in_any_language(words: str, frame: str) -> None:
    link = f'<a href="#content">{words}</a>'
    assert read(f"{frame.format(link)}<p id=content>{TEXT}</p>") == TEXT


def test_several_skip_links_go_also_in_a_list() -> None:
    links = "".join(f'<li><a href="#{name}">Skip to {name}</a></li>' for name in ("navigation", "content", "footer"))
    assert read(f"<ul>{links}</ul><p>{TEXT}</p>") == TEXT


@pytest.mark.parametrize("classes", ["md-skip", "skip-nav", "assistive", "visually-hidden"])
def test_a_skip_link_goes_by_its_class_below_other_text(classes: str) -> None:
    assert read(f'<p>{TEXT}</p><a class="{classes}" href="#content">Continue</a><p>{TEXT}</p>') == f"{TEXT}\n\n{TEXT}"


def test_a_table_of_contents_and_a_sentence_that_begins_with_a_link_stay() -> None:
    contents = "".join(f'<p><a href="#s{number}">Section {number}</a></p>' for number in range(3))
    assert read(f"{contents}<p>{TEXT}</p>").startswith("Section 0\n\nSection 1\n\nSection 2")
    assert read(f'<p><a href="#lemma">The lemma</a> above shows this.</p><p>{TEXT}</p>').startswith("The lemma above")
    assert read(f'<ul><li><a href="#lemma">The lemma</a></li></ul><p>{TEXT}</p>').startswith("- The lemma")
    assert read(f'<h2><a href="#lemma">The lemma</a></h2><p>{TEXT}</p>').startswith("## The lemma")


def test_the_link_of_a_knowl_to_its_place_goes() -> None:
    assert read(f'<p>{TEXT}</p><span class="incontext"><a href="sec.html#a">in-context</a></span>') == TEXT
