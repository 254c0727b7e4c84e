"""Links and signals are found in every encoding, and hostile markup is not parsed."""

from __future__ import annotations

import pytest

from mathcode_data.stages.crawl.limits import Limits
from mathcode_data.stages.crawl.pages import read_markup
from mathcode_data.stages.crawl.scope import Scope, judge_links

HTML = (
    '<!DOCTYPE html><html><head><meta charset="{claim}"><meta name=robots content="noai"></head>'
    '<body>{text}<a href="/定理?a=1">{text}</a></body>'
)
CASES = {
    "header against meta": ("gb18030", "utf-8", "text/html; charset=gb18030"),
    "gb18030 by meta": ("gb18030", "gb2312", "text/html"),
    "UTF-16 without mark": ("utf-16-le", "utf-16", "text/html; charset=utf-16le"),
    "UTF-8": ("utf-8", "utf-8", "text/html"),
    "Big5": ("big5", "big5", "text/html"),
    "Shift-JIS": ("shift_jis", "shift_jis", "text/html"),
}


@pytest.mark.parametrize("name", CASES)
def test_links_are_found_in_every_encoding(name: str):
    encoding, claim, content_type = CASES[name]
    content = HTML.format(claim=claim, text="定理" * 20).encode(encoding)
    markup = read_markup(content, content_type, 100)
    assert markup.links == ["/定理?a=1"]
    assert ("robots", "noai") in markup.metas
    urls, _ = judge_links(markup.links, "http://a.org/", 1, Scope(any_host=True), Limits())
    assert urls == ["http://a.org/%E5%AE%9A%E7%90%86?a=1"]


def test_links_are_left_by_the_words_in_rel_that_the_crawl_names():
    content = b"<a href=/a rel='nofollow'>a</a><a href=/b rel='noreferrer UGC'>b</a><area href=/c rel=sponsored><a href=/d rel=me>d</a>"
    names = frozenset({"nofollow", "ugc", "sponsored"})
    assert read_markup(content, "text/html", 100).links == ["/a", "/b", "/c", "/d"]
    assert read_markup(content, "text/html", 100, names).links == ["/d"]
    assert read_markup(content, "text/html", 100, names).left == {"nofollow": 1, "ugc": 1, "sponsored": 1}
    assert read_markup(content, "text/html", 100, frozenset({"ugc"})).links == ["/a", "/c", "/d"]


def test_stray_cp1252_bytes_in_utf8_hurt_nothing():
    content = b'<meta charset=utf-8><p>caf\xe9 \x93quoted\x94 \xc3\xa9t\xc3\xa9</p><a href="/x">x</a>'
    assert read_markup(content, "text/html", 100).links == ["/x"]


@pytest.mark.parametrize(
    "content",
    [b"<div>" * 100_000, b"<a " + b"x=1 " * 200_000 + b">", b"\x7fELF" + bytes(range(256)) * 50],
    ids=["deep", "attributes", "binary"],
)
def test_markup_that_would_choke_the_parser_is_left_alone(content: bytes):
    markup = read_markup(content, "text/html", 100)
    assert markup.problem
    assert markup.links == []


def test_only_the_first_thousand_links_of_a_page_count_and_each_once():
    links = [f"/{number // 2}" for number in range(4000)]
    urls, refused = judge_links(links, "http://a.org/", 1, Scope(any_host=True), Limits())
    assert urls == [f"http://a.org/{number}" for number in range(1000)]
    assert refused == {"too_many_links": 1000}
