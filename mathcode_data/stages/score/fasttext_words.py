"""A fastText model as tables, and its answer for texts as they are: `load_word_model`.

fastText averages the rows of a text's words and n-grams, multiplies the average by the output matrix and takes the softmax.
All but the softmax is linear, so a row is multiplied by the output once, at loading, and only differences to the label asked
for are kept: with two labels one number a row, 8 MB for a model of 2 GB, which the processor's caches nearly hold. The
texts are cut into words and looked up by `fasttext_kernel`, without a line in between.

Products are summed in float64 and rounded once to float32, sums of rows in float64; fastText's own answers differ by its
rounding, less than 1e-5. Only for softmax, whole words and models that are not quantised; fastText itself answers for others.
"""

# N texts, W words, R rows, D dim, L labels but one, T slots of the hash table

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.stages.score.classifier_text import MAX_DIGITS, without_labels
from mathcode_data.stages.score.fasttext_file import KIND_LABEL, ModelFacts
from mathcode_data.stages.score.fasttext_kernel import LOW_32, ODD, UNKNOWN, fill_table, hash_of, lower_in_place, parse_entries, sum_rows
from mathcode_data.stages.score.fasttext_lines import code_point_classes
from mathcode_data.stages.score.fasttext_projection import projected_blocks

END_OF_LINE = b"</s>"
ADDED = 1e-5
"""fastText adds this to every probability before its logarithm, and takes it along when it goes back."""
BATCH_BYTES = 1 << 22
MIN_SCRATCH = 1 << 12


class WordModel:
    """Scores of one label."""

    def __init__(self, path: Path, facts: ModelFacts, label: str) -> None:
        """Read the tables of a file of which `ModelFacts.is_plain` holds.

        Raises:
            DataError: its parts do not fit together.
        """
        content = np.memmap(path, np.uint8, "r")
        self._dictionary = np.array(content[facts.entries_at : facts.matrices_at])
        spans = np.empty((facts.num_words + len(facts.labels), 3), np.int64)
        parse_entries(self._dictionary, spans)
        if (spans[: facts.num_words, 2] == KIND_LABEL).any():
            raise DataError(f"{path}: a label stands among the words of the dictionary; the model is damaged, get it again")
        self._spans_W3 = spans[: facts.num_words].copy()
        slots = 1 << (2 * facts.num_words + 1).bit_length()
        self._slots_T = np.zeros(slots, np.int64)
        fill_table(self._dictionary, self._spans_W3, self._slots_T)
        target = facts.labels.index(label)
        others = [index for index in range(len(facts.labels)) if index != target]
        with np.errstate(all="ignore"):
            parts = [(block[:, others] - block[:, [target]]).astype(np.float32) for block in projected_blocks(path, facts)]
        self._rows_RL = np.concatenate(parts)
        wrong_R = np.flatnonzero(~np.isfinite(self._rows_RL).all(axis=1))
        if wrong_R.size:
            raise DataError(f"{path}: {wrong_R.size:,} of its rows hold NaN or infinity, row {wrong_R[0]} first; train or get it again")
        if len(self._rows_RL) < facts.num_words + facts.bucket * (facts.word_ngrams > 1):
            raise DataError(
                f"{path}: {len(self._rows_RL):,} rows for {facts.num_words:,} words and {facts.bucket:,} buckets; get the model again"
            )
        self._max_ngram, self._bucket = np.int64(facts.word_ngrams), np.uint64(max(1, facts.bucket))
        self._times_W = np.zeros(facts.num_words, np.int64)
        self._numbers_52 = np.array([self._look_up(word) for word in (END_OF_LINE, *(b"0" * n for n in range(1, MAX_DIGITS + 1)))])
        self._grow(MIN_SCRATCH)

    def _look_up(self, word: bytes) -> tuple[int, int]:
        """Hash and number of a word."""
        hashed = hash_of(np.frombuffer(word, np.uint8), 0, len(word))
        slots = self._slots_T[self._slots_T >> 32 & LOW_32 == hashed]
        found = [int(slot & LOW_32) - 1 for slot in slots if slot]
        spelled = {number: self._dictionary[slice(*self._spans_W3[number, :2])].tobytes() for number in found}
        return hashed, next((number for number, text in spelled.items() if text == word), UNKNOWN)

    def _grow(self, num_words: int) -> None:
        """Make room for texts of so many words."""
        others = 1 << (2 * num_words).bit_length() if self._max_ngram > 1 else 1
        self._words_K3, self._others_S2 = np.empty((num_words + 1, 3), np.int64), np.zeros((others, 2), np.int64)

    def scores(self, texts: Sequence[str], max_characters: int, *, is_thinned: bool) -> tuple[NDArray[np.float64], int]:
        """Score of each text in [0, 1], 0 for one without a word that the model knows; and how many of those there are.

        A model that holds NaN gives NaN, which is for the caller to refuse.
        """
        found = [self._score(part, is_thinned=is_thinned) for part in _prepared(texts, max_characters)]
        scores_N = np.concatenate([scores for scores, _ in found]) if found else np.empty(0)
        return scores_N, sum(num_unknown for _, num_unknown in found)

    def _score(self, texts: list[bytes], *, is_thinned: bool) -> tuple[NDArray[np.float64], int]:
        text_B, ends_N = _in_lower_case(texts)
        longest = int(np.diff(ends_N, prepend=0).max())
        if longest > len(self._words_K3) - 1:
            self._grow(longest)
        sums_NL = np.zeros((len(texts), self._rows_RL.shape[1]))
        found_N3 = np.zeros((len(texts), 3), np.int64)
        table = (self._dictionary, self._spans_W3, self._slots_T)
        settings = (self._max_ngram, self._bucket, is_thinned)
        scratch = (self._words_K3, self._times_W, self._others_S2)
        sum_rows(
            text_B, ends_N, code_point_classes(), table, self._numbers_52, self._rows_RL, settings, scratch, sums_NL, found_N3
        )  # fmt: skip
        is_known_N = (found_N3[:, 0] > 0) & (found_N3[:, 1] > 0)
        with np.errstate(over="ignore"):  # exp of a large difference is inf, and the probability 0
            shares_N = 1.0 / (1.0 + np.exp(sums_NL / np.maximum(found_N3[:, :1], 1)).sum(axis=1))
        return np.where(is_known_N, np.minimum(shares_N + ADDED, 1.0), 0.0), int((~is_known_N).sum())


def _prepared(texts: Sequence[str], max_characters: int) -> Iterator[list[bytes]]:
    """Normalised texts in UTF-8, in batches whose bytes stay near the processor."""
    part: list[bytes] = []
    size = 0
    for text in texts:
        text = without_labels(text)
        if len(text) > max_characters:
            text = text[:max_characters]
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        part.append(text.encode("utf-8", "surrogatepass"))
        size += len(part[-1])
        if size >= BATCH_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _in_lower_case(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All texts in one array, in lower case, and where each of them ends."""
    while True:
        text_B = np.frombuffer(b"".join(texts), np.uint8).copy()
        ends_N = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        is_odd_N = np.zeros(len(texts), np.bool_)
        lower_in_place(text_B, ends_N, _lower_case(), is_odd_N)
        if not is_odd_N.any():
            return text_B, ends_N
        texts = [_slowly(text) if is_odd else text for text, is_odd in zip(texts, is_odd_N.tolist(), strict=True)]


def _slowly(text: bytes) -> bytes:
    return text.decode("utf-8", "surrogatepass").lower().encode("utf-8", "surrogatepass")


@functools.cache
def _lower_case() -> NDArray[np.int32]:
    """Lower case of every code point; ODD where it takes another number of bytes or depends on what stands beside it (Σ)."""
    table = np.arange(0x110000, dtype=np.int32)
    for first in range(0, 0x110000, 1 << 16):
        chars = [chr(code) for code in range(first, first + (1 << 16))]
        lowered = "".join(chars).lower()
        if len(lowered) == len(chars):  # one lower case for each
            table[first : first + (1 << 16)] = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), np.int32)
            continue
        for code, char in enumerate(chars, first):
            table[code] = ord(char.lower()) if len(char.lower()) == 1 else ODD
    sizes = np.searchsorted([0x80, 0x800, 0x10000], np.arange(0x110000), side="right")
    changed = np.flatnonzero(table != np.arange(0x110000))
    table[changed[sizes[changed] != np.where(table[changed] == ODD, -1, sizes[table[changed]])]] = ODD
    table[ord("Σ")] = ODD
    return table
