"""Captions of pictures: on a page without mathematics they name who is in the picture and who took it.

A caption that the text can refer to ("Figure 3: ...") stays, and so does one beside a table or code, or with a text of its
own. A page of mathematics keeps all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mathcode_data.stages.extract.tree import Element, text_of
from mathcode_data.stages.extract.words import words

_MAX_CAPTION = 600
_MAX_NAMED = 300  # in an element that is a caption by its class alone
_MAX_CREDIT = 120
_MIN_OWN = 20  # characters of a figure beside its caption: more is a table, code or a quotation
_NAMED_TAGS = words("div p span small em cite")
_CAPTION = re.compile(
    r"(?:^|[-_])(?:captions?(?:-?(?:text|inner))?|wp-caption-(?:text|dd)|(?:image|img|photo|media|picture)-?(?:annotation|subtitle|captions?|source"
    r"|credits?|metadata|copyright)|image-?description|bild-?(?:unterschrift|untertitel|nachweis|quelle))$"
)
_CREDIT = re.compile(r"(?:^|[-_])(?:copyright|credits?|fotocredit|photographer|fotograf)$")
_NUMBERED = re.compile(
    r"\s{0,40}(?:(?:fig(?:ure|ura|\.)?|abb(?:ildung|\.)?|tab(?:le|elle|\.)?|diagram|chart|scheme|рис(?:\.|унок)?) ?\d|[图圖図表] ?\d)", re.I
)


def is_caption(element: Element, parent: Element) -> bool:
    """True for the caption of a picture; the caller asks for it on pages without mathematics only."""
    if element.num_formulas or element.raw is not None or not element.text_chars:
        return False
    if element.tag == "figcaption":
        return element.text_chars <= _MAX_CAPTION and parent.text_chars - element.text_chars < _MIN_OWN and not _is_numbered(element)
    classes = element.get("class")
    if not classes or element.tag not in _NAMED_TAGS or element.text_chars > _MAX_NAMED:
        return False
    kind = caption_kind(classes)
    return (kind == "caption" and not _is_numbered(element)) or (kind == "credit" and element.text_chars <= _MAX_CREDIT)


def _is_numbered(element: Element) -> bool:
    """True for "Figure 3": the text may refer to it."""
    return _NUMBERED.match(text_of(element)) is not None


@lru_cache(maxsize=8_192)
def caption_kind(classes: str) -> str:
    """What a class attribute says: "caption", "credit" or ""."""
    tokens = classes.lower().split()
    if any(_CAPTION.search(token) is not None for token in tokens):
        return "caption"
    return "credit" if any(_CREDIT.search(token) is not None for token in tokens) else ""
