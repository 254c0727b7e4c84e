"""Cut texts where a tokenizer would meet an endless word, so that its time stays linear and the round trip exact.

Byte-pair encoding of one long piece is super-linear (1 MB of "a": 5 s, 4 MB: 28 s). Pieces longer than MAX_PIECE_CHARACTERS
are cut every MAX_PIECE_CHARACTERS, and texts longer than MAX_PART_CHARACTERS are cut behind a line end. The parts joined are
the text; a byte-level tokenizer decodes the joined ids to the joined parts. Where nothing is that long, nothing is cut and
the ids are those of the tokenizer alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

MAX_PIECE_CHARACTERS = 10_000
MAX_PART_CHARACTERS = 4_000_000
PROBE = MAX_PIECE_CHARACTERS // 2
WORD_END = re.compile("\n|[A-Za-z] |[\u4e00-\u9fff][，。、；：]")
"""Places where every pre-tokenizer that knows words begins a new piece; looking for them is cheap, pre-tokenizing is not."""

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
    if not _may_hold_a_long_piece(text):
        return [text]
    pieces = [(0, len(text))] if pre_tokenize is None else [place for _, place in pre_tokenize(text)]
    cuts = [0]
    for start, end in pieces:
        cuts += range(start + MAX_PIECE_CHARACTERS, end, MAX_PIECE_CHARACTERS)
    cuts.append(len(text))
    return [text[start:end] for start, end in itertools.pairwise(cuts)]


def _may_hold_a_long_piece(text: str) -> bool:
    """A long piece is white space or has no word end in it; it covers a whole probe, so looking at every probe finds it."""
    probes = (text[start : start + PROBE] for start in range(0, len(text) - PROBE + 1, PROBE))
    return any(WORD_END.search(probe) is None or probe.isspace() for probe in probes)
