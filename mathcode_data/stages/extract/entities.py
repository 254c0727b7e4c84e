"""Pages whose texts were escaped twice: `caf&amp;eacute;` shows `caf&eacute;` to its readers.

Undone once and with care: only where a page does so at least five times and hardly writes any entity properly, never in
code, never on a page that speaks of HTML, and never where it stands apart in a text with the same sign written properly, as in
an explanation; a letter inside a word is no explanation. What would become a tag stays.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

_MIN_TIMES = 5
_MAX_PROPER_SHARE = 0.2
_TWICE = re.compile(r"&amp;(#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z][A-Za-z0-9]{1,30});")
_PROPER = re.compile(r"&(?!(?:amp|lt|gt|quot|nbsp|copy|middot|[lr]aquo|bull|#0?39|#160|times);)(?:#\w{2,6}|[A-Za-z]\w{1,30});")
_TAG = re.compile(r"(<[a-zA-Z/!?][^<>]{0,4000}>)")
_NAME = re.compile(r"<(/?)(pre|code|kbd|samp|tt|xmp|textarea|listing|script|style)\b", re.I)
_UNSEEN = frozenset(["script", "style", "textarea"])
_SPEAKS_OF_MARKUP = re.compile(r"\b(?:X?HTML|XML|SGML|entit(?:y|ies)|ampersand|(?:un)?escap(?:e|ed|es|ing))\b", re.I)
_OPENS_TAG = re.compile(r"&amp;(?:lt|#60|#x3c);(?=[a-zA-Z/!?])", re.I)


def undo_escaped_twice(html: str) -> str:
    """The page with such texts escaped once; the same object where nothing is to be done.

    >>> undo_escaped_twice("<p>&amp;eacute;t&amp;eacute; &amp;agrave; &amp;eacute;l&amp;egrave;ve</p>")
    '<p>&eacute;t&eacute; &agrave; &eacute;l&egrave;ve</p>'
    """
    if html.count("&amp;") < _MIN_TIMES or sum(1 for _ in zip(_TWICE.finditer(html), range(_MIN_TIMES), strict=False)) < _MIN_TIMES:
        return html
    parts = _TAG.split(html)
    texts = _texts(parts)
    if texts is None:
        return html
    shown = "\n".join(parts[index] for index in texts)
    num_twice = sum(_is_known(match[1]) for match in _TWICE.finditer(shown))
    num_proper = len(_PROPER.findall(_TWICE.sub(" ", shown)))
    if num_twice < _MIN_TIMES or num_proper > _MAX_PROPER_SHARE * num_twice or _SPEAKS_OF_MARKUP.search(shown) or _OPENS_TAG.search(shown):
        return html
    for index in texts:
        if "&amp;" in parts[index]:
            parts[index] = _undone(parts[index])
    return "".join(parts)


def _texts(parts: list[str]) -> list[int] | None:
    """Which of the parts, tags at odd places, are texts outside code; None if code holds such entities too."""
    found = []
    inside = ""
    for index, part in enumerate(parts):
        if index % 2:
            match = _NAME.match(part)
            if match is not None and not inside and not match[1]:
                inside = match[2].lower()
            elif match is not None and match[1] and match[2].lower() == inside:
                inside = ""
        elif not inside:
            found.append(index)
        elif inside not in _UNSEEN and "&amp;" in part and _TWICE.search(part):
            return None
    return found


def _is_known(name: str) -> bool:
    return name[0] == "#" or f"{name};" in html5


def _undone(text: str) -> str:
    """One text with its entities escaped once, but for signs that stand in it properly as well."""
    rest = unescape(_TWICE.sub(" ", text))

    def once(match: re.Match[str]) -> str:
        entity = f"&{match[1]};"
        in_word = text[match.start() - 1 : match.start()].isalpha() or text[match.end() : match.end() + 1].isalpha()
        return entity if _is_known(match[1]) and (in_word or unescape(entity) not in rest) else match[0]

    return _TWICE.sub(once, text)
