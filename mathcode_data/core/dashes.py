r"""Which dashes are punctuation and which are a minus: `If x = 3 — as above — what is 2x?`, `x – 3 = 5`.

A hyphen and U+2212 are never touched here. A long dash (`—`, `―`, or a run such as `--` and `---`, which TeX prints as one) and an en
dash between white space are written both in sentences and, by some pages, for a minus; what stands beside them decides. They
are punctuation where a word follows, where a formula begins behind or ends before them, or where nothing follows;
a long dash also where a word stands before it. Elsewhere, as between numbers, letters and commands, they are a minus.

What stands beyond a blank line or a code fence is not looked at. `core/gram_dashes.py` has the same as machine code.
"""

from __future__ import annotations

import re

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3"
LETTERS = f"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff{IDEOGRAPHS}"
SKIPPED = "'\"*_.,;:!?\u2018\u2019\u201c\u201d"
"""Marks that may stand between a dash and a word."""

DASH = re.compile(r"(?:[—―]|-(?=-))[-—―]*|(?<!\S)[–‒](?!\S)")
WORD = re.compile(rf"[{IDEOGRAPHS}]|[{LETTERS}]{{2}}")
LETTER = re.compile(f"[{LETTERS}]")

NOTHING, OTHER, WORDS, FORMULA, DOLLAR = range(5)


def without_dashes(text: str) -> str:
    """Replace each such dash by a space, or by ` - ` where it is a minus.

    >>> without_dashes("If x = 3 — as above — what is x – 3?")
    'If x = 3   as above   what is x  -  3?'
    """
    if "—" in text or "–" in text or "--" in text or "―" in text or "‒" in text:
        return DASH.sub(_replaced, text)
    return text


def _replaced(dash: re.Match[str]) -> str:
    after, before = _after(dash.string, dash.end()), _before(dash.string, dash.start())
    return " " if is_punctuation(before, after, is_en=dash[0] in "–‒") else " - "


def is_punctuation(before: int, after: int, *, is_en: bool) -> bool:
    """Decide by what stands on both sides."""
    if after in (NOTHING, WORDS, FORMULA) or before == FORMULA or (after == DOLLAR and before in (WORDS, DOLLAR)):
        return True
    return before == WORDS and not is_en


def _after(text: str, at: int) -> int:
    lines = 0
    while at < len(text) and (text[at].isspace() or text[at] in SKIPPED):
        lines += text[at] == "\n"
        at += 1
        if lines == 2:
            return NOTHING
    if at == len(text):
        return NOTHING
    if WORD.match(text, at):
        return WORDS
    if text.startswith(("\\(", "\\["), at):
        return FORMULA
    return DOLLAR if text[at] == "$" else OTHER


def _before(text: str, at: int) -> int:
    lines = 0
    at -= 1
    while at >= 0 and (text[at].isspace() or text[at] in SKIPPED):
        lines += text[at] == "\n"
        at -= 1
        if lines == 2:
            return NOTHING
    if at < 0:
        return NOTHING
    if WORD.match(text[at]):
        return WORDS
    if LETTER.match(text[at]):
        first = at
        while first > 0 and LETTER.match(text[first - 1]):
            first -= 1
        return WORDS if first < at and not text.startswith("\\", max(0, first - 1)) else OTHER
    if text[at] in ")]" and at and text[at - 1] == "\\":
        return FORMULA
    return DOLLAR if text[at] == "$" else OTHER
