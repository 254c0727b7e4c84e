"""Capital and small letters of formulas: `X + x` is neither `x + X` nor `x + x`.

Grams have no case, for a text in capitals is the same text. So the case of one-letter variables is compared where a match is judged: two
letters of one text must not become one letter of the other, nor change places. `EVALUATE X + X` is `Evaluate X + x` all the same if
words and letters have all been given one case.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled
from mathcode_data.core.text import MARKUP

UNKNOWN = 0
SMALL_WORD, CAPITAL_WORD, MIXED_WORD = -1, -2, -3
"""A letter is twice its code, one more if it is a capital."""


def cases_of_piece(raw: str, folded: str, tokens: list[tuple[str, int, int]]) -> list[int]:
    r"""The case of each gram of a piece, given as it stands in the text and folded.

    >>> cases_of_piece("2X+Log", "2x+log", [("2", 0, 1), ("x", 1, 2), ("+", 2, 3), ("log", 3, 6)])
    [0, 241, 0, -3]
    """
    if raw == folded or raw.islower():
        return [_case(gram, gram) for gram, _, _ in tokens if gram]
    letters = [sign for sign in MARKUP.sub(" ", raw) if sign.isalpha()]
    places = [place for place, sign in enumerate(folded) if sign.isalpha()]
    if len(letters) != len(places):
        return [UNKNOWN for gram, _, _ in tokens if gram]
    spelled = list(folded)
    for place, letter in zip(places, letters, strict=True):
        spelled[place] = letter
    return [_case(gram, "".join(spelled[start:end])) for gram, start, end in tokens if gram]


def _case(gram: str, spelled: str) -> int:
    if not gram[0].isalpha() or ord(gram[0]) >= 0x3040:
        return UNKNOWN
    if len(gram) == 1:
        return 2 * ord(gram) + spelled.isupper()
    return SMALL_WORD if spelled.islower() else CAPITAL_WORD if spelled.isupper() else MIXED_WORD


@compiled
def have_other_letters(text: NDArray[np.int32], place: int, page: NDArray[np.int32], start: int, n: int) -> Any:
    """Whether n grams at `place` of the text and at `start` of the page differ in the case of letters so that they say something else."""
    for j in range(n):
        ours, theirs = text[place + j], page[start + j]
        if ours <= 0 or theirs <= 0 or ours == theirs:
            continue
        for k in range(n):
            if text[place + k] == (ours ^ 1) or page[start + k] == (theirs ^ 1):
                return not _is_recased(text, place, page, start, n)
    return False


@compiled
def _is_recased(text: NDArray[np.int32], place: int, page: NDArray[np.int32], start: int, n: int) -> Any:
    """Whether the page has all words and letters in one case, and the text has not."""
    num_small = num_capital = num_mixed = num_changed = 0
    for j in range(n):
        case = page[start + j]
        if case == SMALL_WORD or (case > 0 and case & 1 == 0):
            num_small += 1
        elif case == CAPITAL_WORD or case > 0:
            num_capital += 1
        elif case == MIXED_WORD:
            num_mixed += 1
        if case < 0 and text[place + j] < 0 and case != text[place + j]:
            num_changed += 1
    return num_mixed == 0 and (num_small == 0 or num_capital == 0) and num_changed > 0
