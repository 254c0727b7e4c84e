r"""Whether a match inside a line is a sentence of its own there, or goes on beyond its borders.

A short question that says little (`not ( True ) and ( True ) is`) is evidence where it stands between two borders: a sentence end, a
colon, a quotation mark, a line end, a capitalised word behind it. It is none where more was said: `why is the sky blue or red`,
`3x + 5 = 20y`, `2 * 3x + 5`; then the page has another question.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.markup import without_page_markup
from mathcode_data.core.text import located_grams
from mathcode_data.stages.decontaminate.information import is_word

NEAR = 3
"""Grams beside the match that are read."""
MAX_WINDOW_BYTES = 4096
SENTENCE_END = re.compile(r"[.?!:;…|。？！：；]")
QUOTE = re.compile('["“”„«»‘’「」『』《》]')
FORMULA_MARK = re.compile(r"\$|\\[()\[\]]|`")
LABEL = re.compile(r"[^\W\d_]{1,10}[:.)]")
ARITHMETIC = frozenset(["+", "-", "*", "/", "^", "_", "%", "mod", "\\cdot", "\\div", "\\pm", "\\circ", "\\mp"])
RELATIONS = frozenset(["=", "<", ">", "==", "\\leq", "\\geq", "\\neq", "\\approx", "\\equiv", "\\sim", "\\rightarrow", "\\leftrightarrow"])


class Borders(NamedTuple):
    """How a match stands in its line."""

    begins: bool
    """Whether a sentence may begin with it."""
    ends: bool
    """Whether a sentence may end with it."""
    goes_on: bool
    """Whether its sentence or formula has more before or behind it."""


Pieces = list[tuple[str, str, list[tuple[str, int, int]]]]


class _Token(NamedTuple):
    gram: str
    piece: int
    start: int
    """In the folded piece."""
    end: int


def borders_of(page: pa.Scalar, places: NDArray[np.int64], first: int, end: int) -> Borders:
    """How the grams `first` to `end` - 1 of a page stand in their line.

    Args:
        page: the text.
        places: the bytes at which the pieces of its grams begin.
        first: the first gram of the match.
        end: the gram behind its last.
    """
    raw = memoryview(page.as_buffer())
    begins, ends = first == 0 or _has_line_end(raw, places, first), end == places.size or _has_line_end(raw, places, end)
    low = int(np.searchsorted(places, places[max(0, first - NEAR)]))
    high = int(np.searchsorted(places, places[min(places.size, end + NEAR) - 1], side="right"))
    start, stop = int(places[low]), int(places[high]) if high < places.size else len(raw)
    window = str(raw[start : min(stop, start + MAX_WINDOW_BYTES)], "utf-8", "replace")
    pieces = list(located_grams(window))
    tokens = [_Token(gram, number, *span) for number, (_, _, found) in enumerate(pieces) for gram, *span in found if gram]
    if len(tokens) != high - low:  # markup that goes beyond the window
        return Borders(begins, ends, False)
    one, last = tokens[first - low], tokens[end - 1 - low]
    ahead, behind = tokens[: first - low], tokens[end - low :]
    goes_on = False
    if not begins:
        before = _between(pieces, ahead[-1], one)
        begins = _is_border(before)
        goes_on = not begins and _comes_from(pieces, ahead, one, before)
    if not ends:
        after = _between(pieces, last, behind[0])
        ends = _is_border(after) or _begins_sentence(pieces, last, behind[0])
        goes_on = goes_on or _prose_goes_on(pieces, last, behind[0], after) or (not ends and _leads_on(pieces, last, behind, after))
    return Borders(begins, ends, goes_on)


def _has_line_end(raw: memoryview, places: NDArray[np.int64], number: int) -> bool:
    """Whether a line ends between a gram and the one before."""
    return "\n" in without_page_markup(str(raw[int(places[number - 1]) : int(places[number])], "utf-8", "replace"))


def _between(pieces: Pieces, one: _Token, other: _Token) -> str:
    """What stands between two neighbours, folded."""
    if one.piece == other.piece:
        return pieces[one.piece][1][one.end : other.start]
    within = [folded for _, folded, _ in pieces[one.piece + 1 : other.piece]]
    return " ".join([pieces[one.piece][1][one.end :], *within, pieces[other.piece][1][: other.start]])


def _is_border(between: str) -> bool:
    return SENTENCE_END.search(between) is not None or QUOTE.search(between) is not None


def _begins_sentence(pieces: Pieces, last: _Token, following: _Token) -> bool:
    """Whether the next word has a capital or is a label, `A:`; in Chinese, whether it stands apart."""
    raw = pieces[following.piece][0].lstrip("([{*_\"'“‘")
    if following.piece == last.piece or not (is_word(following.gram) or LABEL.match(raw)):
        return False
    return raw[:1].isupper() or ord(following.gram[0]) >= 0x3040


def _prose_goes_on(pieces: Pieces, last: _Token, following: _Token, after: str) -> bool:
    """Whether the last letter is followed by a space and a small letter."""
    if following.piece == last.piece or not after.isspace():
        return False
    return pieces[last.piece][0][-1].isalpha() and "a" <= pieces[following.piece][0][0] <= "z"


def _comes_from(pieces: Pieces, ahead: list[_Token], one: _Token, before: str) -> bool:
    """Whether a formula has more before the match: `2 *` before `3x + 5`."""
    if is_word(one.gram) or FORMULA_MARK.search(pieces[ahead[-1].piece][0][-2:]):
        return False
    if ahead[-1].gram in ARITHMETIC:
        return len(ahead) < 2 or not is_word(ahead[-2].gram)
    return not is_word(ahead[-1].gram) and ahead[-1].gram not in RELATIONS and (not before or one.gram in ARITHMETIC)


def _leads_on(pieces: Pieces, last: _Token, behind: list[_Token], after: str) -> bool:
    """Whether a formula has more behind the match: `y` behind `3x + 5 = 20`."""
    following = behind[0]
    if is_word(last.gram) or last.gram in RELATIONS or is_word(following.gram):
        return False
    if not after:
        return True
    is_apart = following.piece != last.piece and FORMULA_MARK.search(pieces[last.piece][0][-2:]) is not None
    return not is_apart and following.gram in ARITHMETIC and (len(behind) < 2 or not is_word(behind[1].gram))
