r"""Texts to the lines that a fastText model is learned from and scores: `make_liner` for each kind of text.

`words` is `classifier_line` for many texts at once, in numpy: the same lines, eight times faster.
The texts become one array of code points with a space between two. A table gives each code point its class; whether a
word begins at a place follows from the classes there and just before, so the regular expression of `classifier_text`
turns into a few operations on whole arrays. A test holds both against each other on every code point and on random texts.
"""

# C characters of all texts, K those that are kept

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mathcode_data.stages.score.classifier_text import CJK, MAX_CHARACTERS, MAX_DIGITS, plain_line, without_labels

TextKind = Literal["words", "thinned", "plain", "bpe"]
KEPT_TIMES = frozenset(4**power for power in range(12))
TOKENIZER_NAME = "tokenizer.json"
"""Stands beside a model of the kind `bpe`."""
Codes = NDArray[np.uint32]
Mask = NDArray[np.bool_]

BATCH_CHARACTERS = 1 << 18
"""So many characters are worked on at a time: the arrays stay in the processor's caches."""
NUM_CODE_POINTS = 0x110000
MARGIN = " " * (MAX_DIGITS + 1)
"""Before the first text, so that looking back never leaves the array."""
NOTHING, OTHER, CJK_CHARACTER, DIGIT, LETTER, ASCII_LETTER = range(6)
CLASSES = (
    (OTHER, r"[^\s\x00-\x1f\x7f\ud800-\udfff]"),
    (LETTER, rf"[^\W\d_{CJK}]"),
    (DIGIT, r"\d"),
    (CJK_CHARACTER, rf"[{CJK}]"),
    (ASCII_LETTER, "[a-z]"),
)
"""Each class and its code points; where two hold one, the later counts."""
BACKSLASH, SPACE, ZERO = ord("\\"), ord(" "), ord("0")


@functools.cache
def code_point_classes() -> NDArray[np.uint8]:
    """The class of every code point."""
    classes = np.zeros(NUM_CODE_POINTS, np.uint8)
    everything = "".join(map(chr, range(NUM_CODE_POINTS)))
    for number, pattern in CLASSES:
        for run in re.finditer(f"{pattern}+", everything):
            classes[run.start() : run.end()] = number
    return classes


def classifier_lines(texts: Sequence[str], max_characters: int = MAX_CHARACTERS) -> list[str]:
    r"""Turn documents into one line of words each, as `classifier_line` does.

    >>> classifier_lines(["If \\(x^2 = 1024\\),\nthen 数学", ""])
    ['if \\ ( x ^ 0 = 0000 \\ ) , then 数 学', '']
    """
    lines: list[str] = []
    for part in _batches(texts, max_characters):
        lines += _lines([unicodedata.normalize("NFC", without_labels(text)[:max_characters]).lower() for text in part])
    return lines


def _batches(texts: Sequence[str], max_characters: int) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += min(len(text), max_characters)
        if size >= BATCH_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _lines(texts: list[str]) -> list[str]:
    """Lines of texts that are normalised and in lower case."""
    joined = MARGIN + " ".join(texts) + " "
    codes_C: Codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    classes_C = code_point_classes()[codes_C]
    begins_C = _word_begins(codes_C, classes_C)
    is_digit_C = classes_C == DIGIT
    kept_C = classes_C != NOTHING
    kept_C[MAX_DIGITS:] &= ~(is_digit_C[MAX_DIGITS:] & _all_before(is_digit_C, MAX_DIGITS))
    places_K = np.flatnonzero(kept_C)
    characters_K = codes_C[places_K]
    characters_K[is_digit_C[places_K]] = ZERO
    # every word is written with a space before it; a character's place is its number plus the spaces so far
    written_K = np.arange(places_K.size, dtype=np.int64) + np.cumsum(begins_C[places_K], dtype=np.int64)
    out = np.full(int(written_K[-1]) + 1 if places_K.size else 0, SPACE, np.uint32)
    out[written_K] = characters_K
    line = out.tobytes().decode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths + 1) + len(MARGIN) - 1  # of each text in `joined`, where the space behind it stands
    stops = np.searchsorted(places_K, ends)
    starts = np.concatenate([[0], stops[:-1]])
    edges = np.concatenate([written_K, [0]])
    return [
        line[edges[start] : edges[stop - 1] + 1] if stop > start else ""
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    ]


def _all_before(mask: Mask, number: int) -> Mask:
    """Whether the `number` places before one are all set, for each place from `number` on."""
    found = mask[number - 1 : -1].copy()
    for back in range(1, number):
        found &= mask[number - 1 - back : mask.size - 1 - back]
    return found


def _word_begins(codes_C: Codes, classes_C: NDArray[np.uint8]) -> Mask:
    """Where a word of more than one character could go on, it begins nowhere; everywhere else each character is a word."""
    before, here = classes_C[:-1], classes_C[1:]
    is_ascii = here == ASCII_LETTER
    goes_on = (before >= LETTER) & (here >= LETTER)
    goes_on |= (before == DIGIT) & (here == DIGIT)
    follows_backslash = codes_C[:-1] == BACKSLASH
    goes_on |= is_ascii & follows_backslash
    begins = np.ones(codes_C.size, np.bool_)
    begins[1:] = ~goes_on
    # a command ends where its ASCII letters end: \fracé is \frac and é
    for place in (np.flatnonzero((before == ASCII_LETTER) & (here == LETTER)) + 1).tolist():
        first = place - 1
        while classes_C[first - 1] == ASCII_LETTER:
            first -= 1
        begins[place] |= bool(codes_C[first - 1] == BACKSLASH)
    return begins


def make_liner(kind: TextKind, max_characters: int, tokenizer: Path | None = None) -> Callable[[Sequence[str]], list[str]]:
    """What turns texts into lines. `bpe` writes the ids of a tokenizer, as DeepSeek-Coder-V2 does (arXiv 2406.11931)."""
    if kind == "words":
        return lambda texts: classifier_lines(texts, max_characters)
    if kind == "thinned":
        return lambda texts: [thinned(line) for line in classifier_lines(texts, max_characters)]
    if kind == "plain":
        return lambda texts: [plain_line(text, max_characters) for text in texts]
    assert tokenizer is not None, "lines of ids need a tokenizer"
    return functools.partial(_id_lines, max_characters=max_characters, tokenizer=tokenizer)


def thinned(line: str) -> str:
    """Keep of each word the 1st, 4th, 16th ... time it occurs: its weight in the average grows with the logarithm of its count.

    >>> thinned("a b a a a a c a b")
    'a b a c'
    """
    times: dict[str, int] = {}
    kept = []
    for word in line.split():
        number = times[word] = times.get(word, 0) + 1
        if number in KEPT_TIMES:
            kept.append(word)
    return " ".join(kept)


def _id_lines(texts: Sequence[str], max_characters: int, tokenizer: Path) -> list[str]:
    from mathcode_data.stages.tokenize.backends import TRUTH, load_encoder

    cut = [unicodedata.normalize("NFC", without_labels(text)[:max_characters].encode("utf-8", "ignore").decode("utf-8")) for text in texts]
    ids, lengths = load_encoder(tokenizer, TRUTH)[1].encode(cut)
    words = ids.astype(np.str_).tolist()
    ends = np.cumsum(lengths).tolist()
    return [" ".join(words[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]
