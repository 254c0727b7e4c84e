r"""`gram_hashes` of many texts at once, compiled: the same numbers as `core/text.py` gives, from UTF-8 bytes.

What a gram is stands in `core/text.py` and is not decided here. The scanner knows ASCII, the letters of Western Europe,
Chinese characters and the punctuation of print; every piece between white space that holds something else (Greek, Cyrillic, mathematical
signs, control characters, a word of more than 16 bytes) is given to `core/text.py`, and a test compares the two on everything. Markup of
pages is taken out of a copy of the texts first (gram_markup.py); places are those before.

A long dash is a piece of its own. Between Chinese characters a piece is cut: two of them on both sides are further than any rule
of `core/text.py` looks.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core import text as core_text
from mathcode_data.core.gram_dashes import DASH_LEAD, dash_end, is_minus
from mathcode_data.core.gram_hash import hash_codes
from mathcode_data.core.gram_markup import cleaned, original_places
from mathcode_data.core.gram_pieces import MAX_IDEOGRAPHS, NUM_SYNONYM_SLOTS, plain_pieces, synonym
from mathcode_data.core.gram_rules import (
    BACKSLASH,
    BACKTICK,
    COLON,
    DASH,
    DOLLAR,
    FIRST_IDEOGRAPH,
    PLAIN,
    POINT,
    SPACE,
    TILDE,
    after_fence,
    begins_with_point,
    decode,
    ends_thousands_mark,
    fold_code,
    is_digit,
    is_letter,
    is_space,
    number_end,
    operator_end,
    without_markup,
)
from mathcode_data.core.machine_code import as_variable, compiled

if TYPE_CHECKING:
    import pyarrow as pa

MAX_PIECE_CODES = 1 << 14  # a longer piece is no text
NUMBER_SLOT = np.uint64(0x6E756D6265727321)
MINUS = np.uint64(xxhash.xxh3_64_intdigest(b"-"))


class Grams(NamedTuple):
    """The grams of many texts, one text after the other."""

    hashes: NDArray[np.uint64]
    ends: NDArray[np.int64]
    """Where each text ends among the grams; shape (texts + 1,), from 0."""
    places: NDArray[np.int64]
    """For each gram, the byte of its text at which its piece begins: behind white space, or between Chinese characters."""


def gram_hashes_of(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hash the grams of many texts; null counts as empty.

    Returns:
        The hashes of all texts, one after the other, and where each text ends: shape (texts + 1,), from 0.
        `hashes[ends[i]:ends[i + 1]]` equals `gram_hashes(texts[i])`.
    """
    found = scan_grams(texts)
    return found.hashes.copy(), found.ends  # its memory has room for a gram a byte


def scan_grams(texts: pa.Array | pa.ChunkedArray, *, number_slots: bool = False) -> Grams:
    """Hash the grams of many texts and say where they stand; with `number_slots`, all numbers have the hash `NUMBER_SLOT`.

    The arrays are parts of larger ones, with room for a gram a byte: copy what is to be kept.
    """
    data, offsets = buffers(texts)
    clean = cleaned(data, offsets)
    if clean is None:
        return _scanned(data, offsets, number_slots)
    found = _scanned(clean.data, clean.offsets, number_slots)
    if len(clean.moves):
        original_places(found.places, found.ends, offsets - offsets[0], clean.offsets, clean.moves)
    return found


def _scanned(data: NDArray[np.uint8], offsets: NDArray[np.int64], number_slots: bool) -> Grams:
    """The grams of texts without markup of pages."""
    num_bytes = int(offsets[-1] - offsets[0])
    out, places = np.empty(num_bytes + 1, np.uint64), np.empty(num_bytes + 1, np.int64)
    ends = np.zeros(offsets.size, np.int64)
    odd = np.empty((num_bytes // 2 + offsets.size, 3), np.int64)
    num_odd = _scan(data, offsets, out, places, ends, odd, *_synonyms(), NUMBER_SLOT if number_slots else np.uint64(0))
    if not num_odd:
        return Grams(out[: ends[-1]], ends, places[: ends[-1]])
    _, starts, stops = odd[:num_odd].T
    view = memoryview(data)  # type: ignore[arg-type]  # numpy's arrays are buffers
    pieces = [str(view[start:stop], "utf-8") for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    packed = _slotted(pieces) if number_slots else core_text.hashes_of_pieces(pieces)
    sizes = np.fromiter(map(len, packed), np.int64, len(packed)) // 8
    in_text = starts - offsets[np.searchsorted(offsets, starts, side="right") - 1]
    inserted, num_grams = np.frombuffer(b"".join(packed), "<u8"), int(ends[-1])
    total = num_grams + inserted.size
    if total > out.size:  # one character may stand for several grams
        out, places = np.append(out, inserted), np.append(places, np.zeros(inserted.size, np.int64))
    _insert(out, places, num_grams, odd[:num_odd, 0], sizes, inserted, in_text)
    ends += np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(starts, offsets)]
    return Grams(out[:total], ends, places[:total])


def _slotted(pieces: list[str]) -> list[bytes]:
    slot = int(NUMBER_SLOT).to_bytes(8, "little")
    return [b"".join(slot if gram[0].isdigit() else _packed(gram) for gram in core_text.grams(piece)) for piece in pieces]


def _packed(gram: str) -> bytes:
    return xxhash.xxh3_64_intdigest(gram.encode("utf-8", "surrogatepass")).to_bytes(8, "little")


@compiled
def _insert(
    hashes: NDArray[np.uint64], places: NDArray[np.int64], num_grams: int, before: NDArray[np.int64], sizes: NDArray[np.int64],
    inserted: NDArray[np.uint64], inserted_places: NDArray[np.int64],
) -> None:  # fmt: skip
    """Put groups of `sizes` grams in, each before the one that has the number in `before`; in place, from the last group on."""
    read, group_end = num_grams, inserted.size
    for group in range(before.size - 1, -1, -1):
        for i in range(read - 1, before[group] - 1, -1):
            hashes[i + group_end], places[i + group_end] = hashes[i], places[i]
        read = before[group]
        for i in range(group_end - sizes[group], group_end):
            hashes[read + i], places[read + i] = inserted[i], inserted_places[group]
        group_end -= sizes[group]


@functools.cache
def _synonyms() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Open hash table from the hash of a token to that of its gram; 0 is no gram."""
    keys, values = np.zeros(NUM_SYNONYM_SLOTS, np.uint64), np.zeros(NUM_SYNONYM_SLOTS, np.uint64)
    for token, gram in core_text.SYNONYMS.items():
        key = xxhash.xxh3_64_intdigest(token.encode())
        slot = key % NUM_SYNONYM_SLOTS
        while keys[slot]:
            slot = (slot + 1) % NUM_SYNONYM_SLOTS
        keys[slot], values[slot] = key, xxhash.xxh3_64_intdigest(gram.encode()) if gram else 0
    return keys, values


def buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bytes and offsets of a text column, without a copy where it is one chunk without nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.large_string())
    column = column.cast(pa.large_string())
    if column.null_count:
        column = pc.fill_null(column, "")
    _, offsets, data = column.buffers()
    if len(column) == 0 or data is None:
        bytes_, ends = np.zeros(1, np.uint8), np.zeros(len(column) + 1, np.int64)
    else:
        bytes_, ends = np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    for array in (bytes_, ends):
        array.setflags(write=False)  # machine code is made for each kind of array; some buffers of Arrow are writable
    return bytes_, ends


@compiled
def _tokenize(
    codes: NDArray[np.int64], size: int, out: NDArray[np.uint64], place: int,
    keys: NDArray[np.uint64], values: NDArray[np.uint64], slot: np.uint64,
) -> int:  # fmt: skip
    """Write the grams of a folded piece; returns the place behind the last, or -1 if core/text.py must read it."""
    at = as_variable(1)
    while at < size:
        code = codes[at]
        end = at
        is_special = False
        if code >= FIRST_IDEOGRAPH:
            end = at + 1
        elif is_letter(code):
            while 0x61 <= codes[end] <= 0x7A or 0xC0 <= codes[end] <= 0xFF:
                end += 1
        elif is_digit(code):
            end = number_end(codes, at, size)
        elif code == BACKSLASH:
            end = at + 1
            while end < size and 0x61 <= codes[end] <= 0x7A:
                end += 1
            if end == at + 1:
                at += 1
                continue
            if is_digit(codes[end]) and codes[end - 1] == 0x63:
                return -1  # \\frac12
            is_special = True
        elif code == POINT and begins_with_point(codes[at - 1], codes[at + 1]):
            return -1
        else:
            end = operator_end(codes, at, size) if code < 0x60 else at
            if end == at:
                at += 1
                continue
            is_special = True
        stop = at + 1 if code == DASH and codes[at + 1] == DASH else end
        key = hash_codes(codes, at, stop)
        if key == np.uint64(0):
            return -1
        if slot != np.uint64(0) and is_digit(code):
            key = slot
        if is_special:
            key = synonym(key, keys, values)
        if key != np.uint64(0):
            out[place] = key
            place += 1
        at = end
    return place


@compiled
def _fold_piece(data: NDArray[np.uint8], start: int, first: int, stop: int, codes: NDArray[np.int64]) -> Any:
    """Fold the piece that begins at `start` into `codes`; where it ends, its size, whether it is odd, whether it holds markup."""
    at, size, num_ideographs, is_odd, has_markup = start, 1, 0, False, False
    while at < stop:
        plain = PLAIN[data[at]]
        if plain and size < MAX_PIECE_CODES:  # letters, digits and signs that nothing depends on
            codes[size] = plain
            size += 1
            at += 1
            num_ideographs = 0
            continue
        code, width = decode(data, at)
        if is_space(code):
            break
        folded = fold_code(code)
        if folded == DASH and at > start and dash_end(data, at, first, stop) > at:
            break
        if folded >= FIRST_IDEOGRAPH:
            num_ideographs += 1
        is_ideograph = folded >= FIRST_IDEOGRAPH
        is_long = is_ideograph and (num_ideographs > MAX_IDEOGRAPHS or (is_odd and num_ideographs > 4))
        if is_long or (folded == -1 and num_ideographs >= 4):
            at -= 6  # the two before this one begin the next piece
            size -= 2
            break
        if not is_ideograph:
            num_ideographs = 0
            has_markup = has_markup or folded in (BACKSLASH, DOLLAR, BACKTICK, TILDE)
        if folded < 0:
            is_odd = is_odd or folded == -1 or size + 3 > MAX_PIECE_CODES
            if not is_odd:
                codes[size : size + 3] = 0x2E
                size += 3
        elif size < MAX_PIECE_CODES:
            codes[size] = folded
            size += 1
            is_role = folded == BACKTICK and codes[size - 2] == COLON
            is_odd = is_odd or is_role or ends_thousands_mark(codes, size)
        else:
            is_odd = True
        at += width
    return at, size, is_odd, has_markup


@compiled
def _skip_space(data: NDArray[np.uint8], at: int, stop: int, first: int, is_line_start: bool) -> Any:
    """Go on to the next piece, past white space and fence lines; its place, and where the last fence line ended."""
    while at < stop:
        if is_line_start:
            is_line_start = False
            fence_end = after_fence(data, at, stop)
            if fence_end >= 0:
                at = first = fence_end
                continue
        if data[at] == SPACE:
            at += 1
            continue
        if PLAIN[data[at]]:
            break
        code, width = decode(data, at)
        if not is_space(code):
            break
        is_line_start = code == 0xA
        at += width
    return at, first


@compiled
def _scan(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], out: NDArray[np.uint64], places: NDArray[np.int64], ends: NDArray[np.int64],
    odd: NDArray[np.int64],
    keys: NDArray[np.uint64], values: NDArray[np.uint64], slot: np.uint64,
) -> int:  # fmt: skip
    """Write the grams of all texts but those of odd pieces; `odd` gets how many grams stand before these, first and last byte."""
    codes = np.empty(MAX_PIECE_CODES + 4, np.int64)
    codes[0] = SPACE
    place = num_odd = as_variable(0)
    for text in range(offsets.size - 1):
        at, stop = offsets[text], offsets[text + 1]
        first = at  # beyond it no rule looks back
        while True:
            at, first = _skip_space(data, at, stop, first, at == offsets[text])
            if at < stop:
                at, place = plain_pieces(data, at, stop, offsets[text], out, places, place, keys, values, slot)
            if at >= stop:
                break
            if data[at] == 0xA:
                continue
            start = at
            if data[at] == DASH or data[at] == DASH_LEAD:
                at = dash_end(data, start, offsets[text], stop)
            if at > start:
                if is_minus(data, start, at, first, stop):
                    out[place], places[place] = MINUS, start - offsets[text]
                    place += 1
                continue
            at, size, is_odd, has_markup = _fold_piece(data, start, offsets[text], stop, codes)
            last = -1
            if not is_odd:
                if has_markup:
                    size = without_markup(codes, size)
                codes[size] = SPACE
                last = _tokenize(codes, size, out, place, keys, values, slot)
            if last >= 0:
                for i in range(place, last):
                    places[i] = start - offsets[text]
                place = last
            else:
                odd[num_odd, 0], odd[num_odd, 1], odd[num_odd, 2] = place, start, at
                num_odd += 1
        ends[text + 1] = place
    return num_odd
