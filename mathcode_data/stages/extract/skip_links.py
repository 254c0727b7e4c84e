"""Links at the very start of a page that jump to its content: "Skip to main content", "跳转至", "Zum Inhalt springen".

They are told by shape: short links to a place on the same page, before any other text, no more than a few. One of them alone is
enough in any language; of several (they may be a table of contents) and of items of a list only those go whose words say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

_MAX_LINK = 60
_MAX_LINKS = 8
_MAX_ALONE = 2
_LISTED = words("ul ol li dl table h1 h2 h3 h4 h5 h6")
_JUMP = re.compile(
    r"\b(?:skip|jump|go) (?:to|navigation|content|over)|\b(?:springen|überspringen|zum (?:haupt)?inhalt|zur navigation)\b|\b(?:aller"
    r"|passer|accéder) (?:au|à|directement)\b"
    r"|\b(?:ir|saltar|salta|pasar|pular|vai|ga|gå|hopp\w*|siirry|przejdź|přejít|ugrás)\b.{0,12}\b(?:al?|ao?|o|naar|til|till|do|na"
    r"|sisältöön|k|a|para|inhoud|innhold)\b"
    r"|跳(?:到|转|轉|至|过|過)|略過|转到(?:主|正文|内容)|スキップ|(?:本文|コンテンツ|内容)へ|건너뛰|바로 ?가기|перейти к"
    r"|к (?:основному )?содержани|пропустить",
    re.I,
)


def drop_skip_links(root: Element) -> None:
    """Take the links that jump to the content out of the start of a page, in place."""
    found: list[tuple[Element, Element, bool]] = []
    is_followed = False
    for parent, child, is_listed in _leading(root, False):
        if len(found) > _MAX_LINKS or not isinstance(child, Element) or not _is_inner_link(child):
            is_followed = isinstance(child, str) and bool(found) and found[-1][0] is parent  # a sentence that begins with a link
            break
        found.append((parent, child, is_listed))
    is_alone = len(found) <= _MAX_ALONE and not is_followed
    for parent, link, is_listed in found:
        if (is_alone and not is_listed) or _JUMP.search(text_of(link)) is not None:
            parent.children = [child for child in parent.children if child is not link]


def _leading(element: Element, is_listed: bool) -> Iterator[tuple[Element, Child, bool]]:
    """The links and texts of an element in their order, each with its parent and whether it stands in a list."""
    for child in element.children:
        if isinstance(child, str):
            if not child.isspace():
                yield element, child, is_listed
        elif isinstance(child, Formula) or child.tag == "a":
            if isinstance(child, Formula) or child.text_chars:
                yield element, child, is_listed
        elif child.raw is not None:
            yield element, child, is_listed
        elif child.text_chars or child.num_formulas:
            yield from _leading(child, is_listed or child.tag in _LISTED)


def _is_inner_link(element: Element) -> bool:
    href = element.get("href")
    return element.tag == "a" and href[:1] == "#" and len(href) > 1 and element.text_chars <= _MAX_LINK and not element.num_formulas
