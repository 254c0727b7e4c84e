"""The words of a text, their places in a fastText model, and the sum of their rows, in one pass of machine code.

This is `classifier_text` and fastText's own reading of a line (src/dictionary.cc: `hash`, `find`, `addWordNgrams`) in one loop:
no line is written only to be cut into words again. A word is hashed while its characters are read (FNV-1a over its UTF-8
bytes, as fastText does) and looked up by hash and bytes. Tests hold it against fastText on the lines of the definition.
"""

# B bytes of all texts, N texts, W words of the model, T slots of the hash table, R rows, L labels but one

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.machine_code import compiled
from mathcode_data.stages.score.classifier_text import MAX_DIGITS
from mathcode_data.stages.score.fasttext_lines import ASCII_LETTER, BACKSLASH, DIGIT, LETTER, NOTHING

FNV_START = np.int64(2166136261)
FNV_PRIME = np.int64(16777619)
LOW_32 = np.int64(0xFFFFFFFF)
SIGN_BITS = np.int64(0xFFFFFF00)
"""fastText takes a byte as a signed number, so one above 127 flips these bits as well."""
NGRAM_FACTOR = np.uint64(116049371)
THINNED_COUNTS = np.int64(0x00555555)
"""Bits of 1, 4, 16 ... 4 ** 11, the counts of a word that `thinned` keeps."""
UNKNOWN = -1
ODD = -1
"""In a table of lower case: not to be had by looking at this character alone."""


@compiled
def parse_entries(content_B: NDArray[np.uint8], spans_W3: NDArray[np.int64]) -> int:
    """Start, end and kind of each entry of a dictionary (text, NUL, i64 count, i8 kind); returns where it ends."""
    at = 0
    for entry in range(spans_W3.shape[0]):
        spans_W3[entry, 0] = at
        while content_B[at]:
            at += 1
        spans_W3[entry, 1] = at
        spans_W3[entry, 2] = content_B[at + 9]
        at += 10
    return at


@compiled
def hash_of(content_B: NDArray[np.uint8], start: int, end: int) -> int:
    """fastText's hash of a word, as a number of 32 bits."""
    found = FNV_START
    for i in range(start, end):
        byte = np.int64(content_B[i])
        found = ((found ^ (byte if byte < 128 else byte | SIGN_BITS)) * FNV_PRIME) & LOW_32
    return int(found)


@compiled
def fill_table(content_B: NDArray[np.uint8], spans_W3: NDArray[np.int64], slots_T: NDArray[np.int64]) -> None:
    """Put each word into the hash table: its hash in the upper 32 bits of a slot, its number plus 1 in the lower; 0 is free."""
    mask = slots_T.size - 1
    for word in range(spans_W3.shape[0]):
        found = hash_of(content_B, spans_W3[word, 0], spans_W3[word, 1])
        slot = (found ^ (found >> 15)) & mask
        while slots_T[slot]:
            slot = (slot + 1) & mask
        slots_T[slot] = found << 32 | (word + 1)


@compiled
def _find(table: Any, hashed: int, text_B: NDArray[np.uint8], start: int, end: int) -> int:
    """The number of a word in the model, or UNKNOWN."""
    content_B, spans_W3, slots_T = table
    mask = slots_T.size - 1
    slot = (hashed ^ (hashed >> 15)) & mask
    while slots_T[slot]:
        if (slots_T[slot] >> 32) & LOW_32 == hashed:
            word = (slots_T[slot] & LOW_32) - 1
            first = spans_W3[word, 0]
            if spans_W3[word, 1] - first == end - start:
                i = 0
                while i < end - start and content_B[first + i] == text_B[start + i]:
                    i += 1
                if i == end - start:
                    return int(word)
        slot = (slot + 1) & mask
    return UNKNOWN


@compiled
def code_at(text_B: NDArray[np.uint8], at: int) -> Any:
    """The code point that begins here, and how many bytes it has."""
    byte = np.int64(text_B[at])
    if byte < 0x80:
        return byte, 1
    second = np.int64(text_B[at + 1] & 0x3F)
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | second, 2
    third = np.int64(text_B[at + 2] & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | second << 6 | third, 3
    return (byte & 0x07) << 18 | second << 12 | third << 6 | np.int64(text_B[at + 3] & 0x3F), 4


@compiled
def lower_in_place(text_B: NDArray[np.uint8], ends_N: NDArray[np.int64], lower: NDArray[np.int32], is_odd_N: NDArray[np.bool_]) -> None:
    """Lower case by a table of code points; marks texts with a character that the table cannot tell."""
    at = 0
    for text in range(ends_N.size):
        while at < ends_N[text]:
            byte = text_B[at]
            if byte < 0x80:
                if 0x41 <= byte <= 0x5A:
                    text_B[at] = byte + 32
                at += 1
                continue
            code, size = code_at(text_B, at)
            changed = np.int64(lower[code])
            if changed == ODD:
                is_odd_N[text] = True
            elif changed != code:
                for i in range(size - 1, 0, -1):
                    text_B[at + i] = 0x80 | (changed & 0x3F)
                    changed >>= 6
                text_B[at] = (0xC0 if size == 2 else 0xE0 if size == 3 else 0xF0) | changed
            at += size


@compiled
def words_of(text_B: NDArray[np.uint8], begin: int, finish: int, classes: NDArray[np.uint8], out_K3: NDArray[np.int64]) -> int:
    """Hash, start and end of each word of one text, as `classifier_text` cuts them; returns how many there are.

    The text is normalised and in lower case. A number has its count of digits, four at most, for an end, and -1 for a start.
    """
    count, before, before_code = 0, NOTHING, 0
    hashed: Any = FNV_START
    code: Any = 0
    start, digits, is_command = -1, 0, False
    at = begin
    while at <= finish:
        first = at
        here, code = NOTHING, np.int64(0)
        if at < finish:
            code, size = code_at(text_B, at)
            at += size
            here = classes[code]
        else:
            at += 1
        goes_on = (before >= LETTER and here >= LETTER) or (before == DIGIT and here == DIGIT)
        if here == ASCII_LETTER and before_code == BACKSLASH:
            goes_on = is_command = True
        elif is_command and here != ASCII_LETTER:  # a command ends where its ASCII letters end: \fracé is \frac and é
            goes_on = is_command = False
        if not goes_on:
            if digits:
                out_K3[count, 0], out_K3[count, 1], out_K3[count, 2] = 0, -1, min(digits, MAX_DIGITS)
                count += 1
            elif start >= 0:
                out_K3[count, 0], out_K3[count, 1], out_K3[count, 2] = hashed, start, first
                count += 1
            start, hashed, digits = first if here != NOTHING else -1, FNV_START, 0
        if here == DIGIT:
            digits += 1
        elif here != NOTHING:
            for i in range(first, at):
                byte = np.int64(text_B[i])
                hashed = ((hashed ^ (byte if byte < 128 else byte | SIGN_BITS)) * FNV_PRIME) & LOW_32
        before, before_code = here, code
    return count


@compiled
def sum_rows(
    text_B: NDArray[np.uint8],
    ends_N: NDArray[np.int64],
    classes: NDArray[np.uint8],
    table: Any,
    numbers_52: NDArray[np.int64],
    rows_RL: NDArray[np.float32],
    settings: Any,
    scratch: Any,
    sums_NL: NDArray[np.float64],
    found_N3: NDArray[np.int64],
) -> None:
    """Add up the rows of each text's words and n-grams.

    Args:
        text_B: all texts in UTF-8, normalised and in lower case.
        ends_N: where each text ends.
        classes: the class of every code point.
        table: dictionary bytes, spans of the words, and the hash table over them.
        numbers_52: hash and word of the numbers of 0 to 4 digits; element 0 is fastText's end of line.
        rows_RL: what each row adds to each label but the one asked for, minus that one.
        settings: longest n-gram, number of buckets, whether words are thinned.
        scratch: words of a text (hash, start, end), how often each word of the model came, a table of unknown words.
        sums_NL: the sums, added to.
        found_N3: rows that were added up, words of the text, words of it that the model knows.
    """
    max_ngram, bucket, is_thinned = settings
    words_K3, times_W, others_S2 = scratch
    num_words = times_W.size
    begin = 0
    for text in range(ends_N.size):
        num_found = words_of(text_B, begin, ends_N[text], classes, words_K3)
        begin = ends_N[text]
        num_kept = num_rows = num_known = 0
        for k in range(num_found + 1):
            hashed, start, end = words_K3[k, 0], words_K3[k, 1], words_K3[k, 2]
            if k == num_found:
                hashed, word = numbers_52[0, 0], numbers_52[0, 1]
            elif start < 0:
                hashed, word = numbers_52[end, 0], numbers_52[end, 1]
            else:
                word = _find(table, hashed, text_B, start, end)
            if is_thinned and k < num_found:
                times = 1
                if word != UNKNOWN:
                    times_W[word] += 1
                    times = times_W[word]
                elif max_ngram > 1:
                    times = _times_of_unknown(others_S2, hashed, text_B, start, end)
                if times & (times - 1) or not times & THINNED_COUNTS:
                    words_K3[k, 0] = UNKNOWN
                    continue
            words_K3[k, 0] = word  # what is left of it is needed again below, to set the counts back
            words_K3[num_kept, 1] = hashed if hashed < 1 << 31 else hashed - (1 << 32)
            num_kept += 1
            if word != UNKNOWN:
                num_known += k < num_found
                num_rows += 1
                for label in range(rows_RL.shape[1]):
                    sums_NL[text, label] += rows_RL[word, label]
        if max_ngram > 1:
            num_rows += _add_ngrams(words_K3[:num_kept, 1], max_ngram, bucket, rows_RL[num_words:], sums_NL[text])
        if is_thinned:
            for k in range(num_found):
                if words_K3[k, 0] != UNKNOWN:
                    times_W[words_K3[k, 0]] = 0
            if max_ngram > 1:
                others_S2[:] = 0
        found_N3[text, 0], found_N3[text, 1], found_N3[text, 2] = num_rows, num_found, num_known


@compiled
def _add_ngrams(hashes_K: NDArray[np.int64], max_ngram: int, bucket: Any, rows_BL: NDArray[np.float32], sums_L: NDArray[np.float64]) -> int:
    """Add the rows of all n-grams of words, from 2 on, as fastText hashes them; returns how many there are."""
    num_rows = 0
    for first in range(hashes_K.size):
        hashed = np.uint64(hashes_K[first])
        for k in range(first + 1, min(hashes_K.size, first + max_ngram)):
            hashed = hashed * NGRAM_FACTOR + np.uint64(hashes_K[k])
            row = np.int64(hashed % bucket)
            num_rows += 1
            for label in range(sums_L.size):
                sums_L[label] += rows_BL[row, label]
    return num_rows


@compiled
def _times_of_unknown(others_S2: NDArray[np.int64], hashed: int, text_B: NDArray[np.uint8], start: int, end: int) -> int:
    """How often a word came that the model does not know; told apart by two hashes, 64 bits in all, and its length."""
    second = np.int64(end - start)
    for i in range(start, end):
        second = (second * np.int64(31) + np.int64(text_B[i])) & LOW_32
    key = (hashed << 31 ^ second) | 1
    mask = others_S2.shape[0] - 1
    slot = (key ^ (key >> 29)) & mask
    while others_S2[slot, 0] != 0 and others_S2[slot, 0] != key:
        slot = (slot + 1) & mask
    others_S2[slot, 0] = key
    others_S2[slot, 1] += 1
    return int(others_S2[slot, 1])
