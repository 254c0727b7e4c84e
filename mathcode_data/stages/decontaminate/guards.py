r"""Which runs of grams say something: a match of the others proves nothing and would cost good pages.

A run is evidence if it has enough distinct grams, at least one word or variable, and at least one *rare* gram: a word of
three letters or more that is no stop word, a CJK character, a number of two digits or more. So `1 2 3 ... 13`,
`10 \cdot 9 \cdot 8`, `a^2 + b^2 = c^2` and `what is the value of` are no evidence, while `solve 24x^2 - 19x = 35` is. Runs that
stand in several items of one benchmark (`express your answer as a common fraction`) are found by counting, in index.py.

The rules were tuned by looking at matches, so these counts are no held-out test: of 45 MB of textbooks, documentation, web
pages and Python's library, against 14 benchmark files (2.3 million runs), 28 pages in 3,170 have a match that counts, most of
them common code or formulas by chance; 6,000 matches are guarded, nearly all of them number runs. Of 12,196 questions of
eight of the benchmarks, each planted in a page, 14 leave the page unchanged, 13 of them shorter than ten grams.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STOP_WORDS = frozenset(
    """
    about all also and any are been being between both but can could did does each either else find for from get given gives had has
    have her here him his how into its itself let make many more most much must not now one only other our out over same see shall
    she should show some such than that the their them then there these they this those three thus too two under use used uses using
    very was way were what when where whether which while who whose why will with would you your zero four five six
    answer calculate choose compute consider denote determine equal equals equation evaluate example express expression figure
    following form function hence number numbers positive possible problem prove question real simplify solution solve step
    sum suppose term terms true false total value values variable write written integer integers
    sin cos tan log exp lim max min
    def return import self none len range int str list elif print class assert lambda
    """.split()  # noqa: SIM905
)
"""Words too common in mathematics and code to prove anything."""
CJK_STOP = frozenset("的是了在有和与为则若且或一个多少几共求设已知这那他她它每都还，。")


def is_rare(gram: str) -> bool:
    r"""Tell whether a gram says what a text is about.

    >>> [is_rare(gram) for gram in ["ducks", "鸭", "17", "the", "x", "7", "=", "\\frac"]]
    [True, True, True, False, False, False, False, False]
    """
    if gram[0].isdigit():
        return len(gram) >= 2
    if len(gram) == 1:
        return ord(gram) >= 0x3040 and gram.isalpha() and gram not in CJK_STOP
    return len(gram) >= 3 and gram[0].isalpha() and gram not in STOP_WORDS


class Evidence:
    """Tells for runs of any length in a sequence of grams whether a match of the run counts."""

    def __init__(self, grams: Sequence[str], hashes: NDArray[np.uint64]) -> None:
        """Look at each gram once; `hashes` are the grams' hashes."""
        kinds = {gram: (gram[0].isalpha(), is_rare(gram), gram[0].isdigit()) for gram in set(grams)}
        flags = np.array([kinds[gram] for gram in grams], bool).reshape(-1, 3)
        flags[:, 2] |= flags[:, 1]
        self._letters, self._rare, self._rare_or_number = (np.concatenate([[0], np.cumsum(column)]) for column in flags.T)
        order = np.argsort(hashes, kind="stable")
        is_again = hashes[order[1:]] == hashes[order[:-1]]
        self._before = np.full(hashes.size, -1)  # where the same gram stood last
        self._before[order[1:][is_again]] = order[:-1][is_again]

    def of_runs(self, length: int, min_distinct: int, min_rare: int, *, is_whole: bool = False) -> NDArray[np.bool_]:
        """Shape (grams - length + 1,). If the runs are whole texts, any number is as good as a rare word: `compute sin 4 pi / 3`."""
        starts = np.arange(max(0, self._before.size - length + 1))
        distinct = np.zeros(starts.size, np.int64)
        for offset in range(length):
            distinct += self._before[offset : offset + starts.size] < starts
        counted = self._rare_or_number if is_whole else self._rare
        has_letters = self._letters[starts + length] > self._letters[starts]
        has_rare = counted[starts + length] - counted[starts] >= min_rare
        return np.asarray((distinct >= min(min_distinct, length if not is_whole else 3)) & has_letters & has_rare)
