"""Segments of a text: the blocks between blank lines, or the lines of a block that is long.

A code fence or a display formula is never cut.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator

import numpy as np

BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
LINE_END = re.compile(r"\n")
FENCE_LINE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
DISPLAY_MARK = re.compile(r"\\\\|\\\[|\\\]|\$\$")
MAX_SEGMENT_CHARACTERS = 2_000
PIECE = re.compile(r"\S+")
CLOSES = {"\\[": "\\]", "$$": "$$"}
MAX_DISPLAY_CHARACTERS = 10_000  # a mark whose partner is further away is a stray one

Span = tuple[int, int]


def split_segments(text: str) -> list[Span]:
    r"""Where the segments begin and end; between two of them are line ends, mostly blank lines.

    >>> split_segments("one\ntwo\n\n\\[ a\n\n b \\]\n \nthree")
    [(0, 7), (9, 20), (23, 28)]
    """
    protected = _protected(text)
    segments: list[Span] = []
    for start, end in _cut(text, 0, len(text), BLANK_LINES, protected):
        is_long = end - start > MAX_SEGMENT_CHARACTERS
        segments += _cut(text, start, end, LINE_END, protected) if is_long else [(start, end)]
    return segments


def _cut(text: str, start: int, end: int, gap: re.Pattern[str], protected: list[Span]) -> Iterator[Span]:
    """Cut a part of the text at the gaps which do not begin inside a protected span."""
    index = bisect.bisect_left(protected, (start, start))
    for found in gap.finditer(text, start, end):
        while index < len(protected) and protected[index][1] <= found.start():
            index += 1
        if index == len(protected) or found.start() < protected[index][0]:
            yield start, found.start()
            start = found.end()
    yield start, end


def without_segments(text: str, segments: list[Span], removed: Iterable[int]) -> str:
    """The text without some of its segments; the others keep the line ends before them."""
    gone = set(removed)
    kept = [number for number in range(len(segments)) if number not in gone]
    parts: list[str] = []
    for number in kept:
        before = segments[number - 1][1] if number and parts else segments[number][0]
        parts.append(text[before : segments[number][1]])
    return "".join(parts)


class Characters:
    """Where the bytes of a text's UTF-8 stand among its characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        bytes_ = np.frombuffer(b"" if text.isascii() else text.encode(), np.int8)
        self._is_first = bytes_ >= -0x40  # all but 0x80 to 0xBF

    def at(self, byte: int) -> int:
        """The character that begins at a byte."""
        return int(np.count_nonzero(self._is_first[:byte])) if self._is_first.size else byte

    def span(self, first: int, last: int) -> Span:
        """Where stand the pieces between white space that begin at the bytes `first` to `last`."""
        end = PIECE.match(self.text, self.at(last))
        assert end is not None, f"no piece begins at byte {last}"
        return self.at(first), end.end()


def _protected(text: str) -> list[Span]:
    """Fences and display formulas that are closed, in order, without overlaps."""
    fences = _fences(text) if "```" in text or "~~~" in text else []
    displays = _displays(text, fences) if "\\[" in text or "$$" in text else []
    return sorted(fences + displays)


def _fences(text: str) -> list[Span]:
    lines = list(FENCE_LINE.finditer(text))
    closing = {sign: [line.start() for line in lines if line[1][0] == sign and not line[2].strip()] for sign in "`~"}
    spans: list[Span] = []
    for line in lines:
        if spans and line.start() < spans[-1][1]:
            continue
        ends = closing[line[1][0]]
        next_end = bisect.bisect_right(ends, line.start())
        if next_end < len(ends):
            end = text.find("\n", ends[next_end])
            spans.append((line.start(), end if end >= 0 else len(text)))
    return spans


def _displays(text: str, fences: list[Span]) -> list[Span]:
    spans: list[Span] = []
    starts, ends = [0, *(end for _, end in fences)], [*(start for start, _ in fences), len(text)]
    for start, end in zip(starts, ends, strict=True):
        opened, opened_at = "", 0
        for mark in DISPLAY_MARK.finditer(text, start, end):
            sign = mark[0]
            if opened and sign == CLOSES[opened] and mark.start() - opened_at <= MAX_DISPLAY_CHARACTERS:
                spans.append((opened_at, mark.end()))
                opened = ""
            elif sign in CLOSES:
                opened, opened_at = sign, mark.start()
    return spans
