r"""How much a match says, in bits: the guard against runs such as `1 2 3 ... 13`, `a^2 + b^2 = c^2` and `what is the value of`.

A match proves copying where its grams are unlikely to meet by chance. The information of a gram is estimated from its form
alone, not counted in any corpus, so that a result depends on nothing but the page and the benchmark: a word has more of it the longer it
is (Zipf's law of abbreviation), words of grammar and of every exercise have little, an operator or a letter of a
formula has less, a number has as much as its digits, and next to nothing if it counts on from the number before it. What
comes again within a match says less each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled

UNIT = 8
"""Units in a bit: information is stored in eighths."""
WORD = 128
AGAIN = 0.4
"""Share of its information that a gram has when it comes again, of that the third time, and so on: `bell[i][j] = bell[i-1][j-1]`
says hardly more than `bell[i][j]`."""
OPERATOR_BITS, LETTER_BITS, COMMON_BITS, COMMAND_BITS, COUNTING_BITS, CJK_BITS = 1.5, 2.5, 4.0, 3.5, 0.5, 7.0
MAX_BITS = 14.0
DIGIT_BITS = 3.0
FORESEEN_STEPS = 3

COMMON_WORDS = frozenset(
    """
    about after all also an and any are as at be been being between both but by can could did do does each either else every find first
    following for form from function get given gives had has have he her here him his how if in into is it its itself last less let made
    make many may more most much must next no not now number of on one only or other our out over per same second see set shall she should
    show so some such term than that the their them then there these they this those three thus to too true two under up use used uses
    using very was way we were what when where whether which while who whose why will with would you your zero four five six ten
    answer calculate choose compute consider denote determine equal equals equation evaluate example exactly expression false figure hence
    integer integers least numbers positive possible problem prove question real simplify solution solve step sum suppose terms total
    value values variable write written
    sin cos tan log ln exp lim max min mod
    def return import self none len range int str list elif print class assert lambda
    """.split()  # noqa: SIM905
)
"""Words that stand in most texts of English, of exercises or of code."""
COMMON_CJK = frozenset("的是了在有和与为则若且或一个多少几共求设已知这那他她它每都还不中大小上下人时分")


def bits_of_gram(gram: str) -> float:
    r"""Information of a gram that stands alone.

    >>> [bits_of_gram(gram) for gram in ["ducks", "the", "x", "=", "17", "\\frac", "鸭"]]
    [9.0, 4.0, 2.5, 1.5, 6.0, 3.5, 7.0]
    """
    first = gram[0]
    if first.isdigit():
        return min(MAX_BITS, DIGIT_BITS * len(gram.replace(".", "")))
    if first == "\\":
        return COMMAND_BITS
    if not first.isalpha():
        return OPERATOR_BITS
    if len(gram) == 1:
        if ord(first) < 0x3040:
            return LETTER_BITS
        return COMMON_BITS if gram in COMMON_CJK else CJK_BITS
    return COMMON_BITS if gram in COMMON_WORDS else min(MAX_BITS, 4.0 + len(gram))


def is_word(gram: str) -> bool:
    """Whether a gram is of language: a word of two letters, a Chinese character."""
    return gram[0].isalpha() and (len(gram) > 1 or ord(gram) >= 0x3040)


def bits_of_grams(grams: Sequence[str]) -> NDArray[np.uint8]:
    """Information of each gram of a text, in eighths of a bit, and in the highest bit whether it is of language.

    A number that counts on from the last one has next to none.
    """
    known = {gram: round(UNIT * bits_of_gram(gram)) | (WORD if is_word(gram) else 0) for gram in set(grams)}
    bits = np.array([known[gram] for gram in grams], np.uint8)
    before: int | None = None
    for place, gram in enumerate(grams):
        if gram[0].isdigit():
            number = int(gram) if gram.isdecimal() and len(gram) < 10 else None
            if number is not None and before is not None and abs(number - before) == 1:
                bits[place] = round(UNIT * COUNTING_BITS)
            before = number
    return bits


def unforeseen(grams: Sequence[str]) -> set[str]:
    """The different grams of a text that do not go on from the ones before: no letter or number that counts on; none of numbers alone.

    A step other than one must come three times before it is foreseen: `0 1 3 5` is no counting.

    >>> sorted(unforeseen("1 + 2 + 3 + 4".split())), unforeseen("3 1 4 1 5 9".split()), sorted(unforeseen("a b c d".split()))
    (['+', '1'], set(), ['a'])
    """
    found: set[str] = set()
    last: int | None = None  # the last number or letter, the step to it, and those of the same step before it
    last_step: int | None = None
    same_step: list[str] = []
    for gram in grams:
        is_number = gram.isdecimal() and len(gram) < 10
        value = int(gram) if is_number else ord(gram) if len(gram) == 1 and gram.isalpha() else None
        if value is None:
            found.add(gram)
            continue
        step = None if last is None else value - last
        same_step = [*same_step, gram] if step is not None and step == last_step else [gram]
        if step is not None and abs(step) != 1 and len(same_step) >= FORESEEN_STEPS:
            found.difference_update(same_step)
        elif step is None or abs(step) != 1:
            found.add(gram)
        last, last_step = value, step
    return set() if all(gram[0].isdigit() for gram in grams) else found


class Information(NamedTuple):
    """Information of some grams together, in bits."""

    words: float
    symbols: float
    """Of numbers, operators and letters."""
    num_telling: int
    """How many different grams are numbers or words that are not common."""
    num_grams: int
    num_distinct: int

    @property
    def all(self) -> float:
        """Of everything."""
        return self.words + self.symbols

    @property
    def in_context(self) -> float:
        """Symbols say no more than the words beside them: a formula or a list of primes stands in many places."""
        return self.words + min(self.symbols, self.words)


def measure(grams: NDArray[np.uint64], bits: NDArray[np.uint8], starts: NDArray[np.int64], n: int) -> Information:
    """Add up the information of the runs of n grams that begin at `starts`, each place of the text once."""
    return Information(*measure_runs(grams, bits, starts, n))


@compiled
def measure_runs(grams: NDArray[np.uint64], bits: NDArray[np.uint8], starts: NDArray[np.int64], n: int) -> Any:
    """The fields of `Information`, for other machine code."""
    is_covered = np.zeros(grams.size, np.bool_)
    for start in starts:
        is_covered[start : start + n] = True
    places = np.flatnonzero(is_covered)
    order = places[np.argsort(grams[places], kind="mergesort")]
    words = symbols = 0.0
    share = 1.0
    num_telling = num_distinct = 0
    for i in range(order.size):
        unit = np.int64(bits[order[i]])
        is_word = unit >= WORD
        value = (unit & (WORD - 1)) / UNIT
        if i and grams[order[i]] == grams[order[i - 1]]:
            share *= AGAIN
            value *= share
        else:
            share = 1.0
            num_distinct += 1
            is_telling = value > COMMON_BITS if is_word else value == DIGIT_BITS or value > COMMAND_BITS
            num_telling += 1 if is_telling else 0
        if is_word:
            words += value
        else:
            symbols += value
    return words, symbols, num_telling, places.size, num_distinct
