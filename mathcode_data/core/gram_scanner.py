r"""`gram_hashes` of many texts at once, compiled: the same numbers as `core/text.py` gives, from UTF-8 bytes.

What a gram is stands in `core/text.py` and is not decided here. The scanner knows ASCII, the letters of Western Europe,
Chinese characters and the punctuation of print; every piece between white space that holds something else (Greek, Cyrillic, mathematical
signs, control characters, a word of more than 16 bytes) is given to `core/text.py`, and a test compares the two on everything.

A long dash is a piece of its own. Between Chinese characters a piece is cut: two of them on both sides are further than any rule
of `core/text.py` looks.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core import text as core_text
from mathcode_data.core.gram_dashes import DASH_LEAD, dash_end, is_minus
from mathcode_data.core.gram_hash import hash_codes
from mathcode_data.core.gram_rules import (
    BACKSLASH,
    BACKTICK,
    DASH,
    DOLLAR,
    FIRST_IDEOGRAPH,
    PLAIN,
    SPACE,
    TILDE,
    after_fence,
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
from mathcode_data.core.machine_code import compiled

if TYPE_CHECKING:
    import pyarrow as pa

Scalar = TypeVar("Scalar", bound=np.generic)

NUM_SYNONYM_SLOTS = 1 << 10
MAX_PIECE_CODES = 1 << 14  # a longer piece is no text
NUMBER_SLOT = np.uint64(0x6E756D6265727321)
MAX_IDEOGRAPHS = 32  # a run of more is cut
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
    return found.hashes, found.ends


def scan_grams(texts: pa.Array | pa.ChunkedArray, *, number_slots: bool = False) -> Grams:
    """Hash the grams of many texts and say where they stand; with `number_slots`, all numbers have the hash `NUMBER_SLOT`."""
    data, offsets = _buffers(texts)
    num_bytes = int(offsets[-1] - offsets[0])
    out, places = np.empty(num_bytes + 1, np.uint64), np.empty(num_bytes + 1, np.int64)
    ends = np.zeros(offsets.size, np.int64)
    odd = np.empty((num_bytes // 2 + offsets.size, 3), np.int64)
    num_odd = _scan(data, offsets, out, places, ends, odd, *_synonyms(), NUMBER_SLOT if number_slots else np.uint64(0))
    hashes, places = out[: ends[-1]].copy(), places[: ends[-1]].copy()
    if not num_odd:
        return Grams(hashes, ends, places)
    before, starts, stops = odd[:num_odd].T
    view = memoryview(data)  # type: ignore[arg-type]  # numpy's arrays are buffers
    pieces = [str(view[start:stop], "utf-8") for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    packed = _slotted(pieces) if number_slots else core_text.hashes_of_pieces(pieces)
    sizes = np.fromiter((len(part) // 8 for part in packed), np.int64, len(packed))
    in_text = starts - offsets[np.searchsorted(offsets, starts, side="right") - 1]
    hashes = _insert(hashes, before, sizes, np.frombuffer(b"".join(packed), "<u8"))
    places = _insert(places, before, sizes, np.repeat(in_text, sizes))
    ends += np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(starts, offsets)]
    return Grams(hashes, ends, places)


def _slotted(pieces: list[str]) -> list[bytes]:
    slot = int(NUMBER_SLOT).to_bytes(8, "little")
    return [b"".join(slot if gram[0].isdigit() else _packed(gram) for gram in core_text.grams(piece)) for piece in pieces]


def _packed(gram: str) -> bytes:
    return xxhash.xxh3_64_intdigest(gram.encode("utf-8", "surrogatepass")).to_bytes(8, "little")


def _insert(values: NDArray[Scalar], before: NDArray[np.int64], sizes: NDArray[np.int64], inserted: NDArray[Scalar]) -> NDArray[Scalar]:
    """Put groups of `sizes` values in, each before the one that has the number in `before`."""
    whole = np.empty(values.size + inserted.size, values.dtype)
    is_inserted = np.zeros(whole.size, bool)
    is_inserted[np.repeat(before, sizes) + np.arange(inserted.size)] = True
    whole[is_inserted], whole[~is_inserted] = inserted, values
    return whole


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


def _buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
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
def _synonym(key: np.uint64, keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> Any:
    slot = np.int64(key & np.uint64(NUM_SYNONYM_SLOTS - 1))
    while keys[slot] != np.uint64(0):
        if keys[slot] == key:
            return values[slot]
        slot = (slot + 1) & (NUM_SYNONYM_SLOTS - 1)
    return key


@compiled
def _tokenize(
    codes: NDArray[np.int64], size: int, out: NDArray[np.uint64], place: int,
    keys: NDArray[np.uint64], values: NDArray[np.uint64], slot: np.uint64,
) -> int:  # fmt: skip
    """Write the grams of a folded piece; returns the place behind the last, or -1 if a token is too long."""
    at = 1
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
            is_special = True
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
            key = _synonym(key, keys, values)
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
            is_odd = is_odd or ends_thousands_mark(codes, size)
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
    place = num_odd = 0
    for text in range(offsets.size - 1):
        at, stop = offsets[text], offsets[text + 1]
        first = at  # beyond it no rule looks back
        while True:
            at, first = _skip_space(data, at, stop, first, at == offsets[text])
            if at >= stop:
                break
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
