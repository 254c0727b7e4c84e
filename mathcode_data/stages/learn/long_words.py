"""Cut texts where a tokenizer would meet an endless word, so that its time stays linear and the round trip exact.

Byte-pair encoding of one long piece is super-linear (1 MB of "a": 5 s, 4 MB: 28 s). Pieces longer than MAX_PIECE_CHARACTERS
are cut every MAX_PIECE_CHARACTERS, and texts longer than MAX_PART_CHARACTERS are cut behind a line end. The parts joined are
the text; a byte-level tokenizer decodes the joined ids to the joined parts. Where nothing is that long, nothing is cut and
the ids are those of the tokenizer alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

MAX_PIECE_CHARACTERS = 10_000
MAX_PART_CHARACTERS = 4_000_000
PROBE = MAX_PIECE_CHARACTERS // 4
WORD_END = re.compile("\n|[!-~] |[\u4e00-\u9fff][，。、；：]")
"""Places inside of which every pre-tokenizer that knows words begins a new piece; looking for them is cheap, pre-tokenizing is not."""
WORD_BEFORE = re.compile("[!-~][ \n]")
"""As WORD_END, and not inside of white space."""

PreTokenize = Callable[[str], list[tuple[str, tuple[int, int]]]]
"""`tokenizer.pre_tokenizer.pre_tokenize_str`: pieces with their places in the text."""


def parts_of(text: str, pre_tokenize: PreTokenize | None) -> list[str]:
    """Cut a text into the parts that are encoded one by one; nearly every text is one part.

    Without a pre-tokenizer a whole text is one piece, so it is cut every MAX_PIECE_CHARACTERS.

    >>> parts_of("one two", None)
    ['one two']
    """
    if len(text) < MAX_PIECE_CHARACTERS:
        return [text]
    return [part for block in _blocks(text) for part in _cut_pieces(block, pre_tokenize)]


def _blocks(text: str) -> list[str]:
    blocks, start = [], 0
    while len(text) - start > MAX_PART_CHARACTERS:
        end = text.rfind("\n", start, start + MAX_PART_CHARACTERS) + 1
        end = end if end > start else start + MAX_PART_CHARACTERS
        blocks.append(text[start:end])
        start = end
    return [*blocks, text[start:]]


def _cut_pieces(text: str, pre_tokenize: PreTokenize | None) -> list[str]:
    cuts = {0, len(text)}
    for first, last in _stretches(text):
        pieces = [(0, last - first)] if pre_tokenize is None else [place for _, place in pre_tokenize(text[first:last])]
        for start, end in pieces:
            cuts.update(range(first + start + MAX_PIECE_CHARACTERS, first + end, MAX_PIECE_CHARACTERS))
    return [text[start:end] for start, end in itertools.pairwise(sorted(cuts))]


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where long pieces may be: one covers several probes whole, and a probe that it covers is white space or has no word end in it."""
    num_covered = (MAX_PIECE_CHARACTERS + 1 - (PROBE - 1)) // PROBE
    first: int | None = None  # probe of the run without word ends
    for start in range(0, len(text) - PROBE + 1, PROBE):
        probe = text[start : start + PROBE]
        found = WORD_END.search(probe)
        if found is None or probe.isspace():
            first = start if first is None else first
            continue
        if first is not None and start - first >= num_covered * PROBE:
            yield _word_before(text, first), start + found.end()  # stretches may overlap in white space
        first = None
    if first is not None:
        yield _word_before(text, first), len(text)


def _word_before(text: str, start: int) -> int:
    """A place in the probe before `start` where a word ends, or the beginning of the text: no long piece begins before it."""
    before = [match.start() for match in WORD_BEFORE.finditer(text, max(start - PROBE, 0), start)]
    return before[-1] if before else 0
