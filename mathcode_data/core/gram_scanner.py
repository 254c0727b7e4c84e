r"""`gram_hashes` of many texts at once, compiled: the same numbers as `core/text.py` gives, from UTF-8 bytes.

What a gram is stands in `core/text.py` and is not decided here. The scanner knows ASCII, the letters of Western Europe,
Chinese characters and the punctuation of print; every piece between white space that holds something else (Greek, Cyrillic, mathematical
signs, control characters, a word of more than 16 bytes) is given to `core/text.py`, and a test compares the two on everything.

Between Chinese characters a piece is cut: two of them on both sides are further than any rule of `core/text.py` looks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core import text as core_text

if TYPE_CHECKING:
    import pyarrow as pa

Function = TypeVar("Function", bound=Callable[..., Any])
Scalar = TypeVar("Scalar", bound=np.generic)

SPACE, QUOTE, BACKSLASH, BACKTICK = 0x20, 0x22, 0x5C, 0x60
STAR, DASH, LINE, DOLLAR, TILDE = 0x2A, 0x2D, 0x5F, 0x24, 0x7E
MAX_TOKEN_BYTES = 16  # beyond, XXH3 has other rules
FIRST_IDEOGRAPH, LAST_IDEOGRAPH = 0x4E00, 0x9FFF
NUM_SYNONYM_SLOTS = 1 << 10
MAX_PIECE_CODES = 1 << 14  # a longer piece is no text
NUMBER_SLOT = np.uint64(0x6E756D6265727321)
MAX_IDEOGRAPHS = 32  # a run of more is cut


def _compiled(function: Function) -> Function:
    """Compile on first use and keep the machine code beside the module."""
    return cast("Function", numba.njit(cache=True, nogil=True)(function))


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


# XXH3, 64 bits, seed 0, inputs of 1 to 16 bytes (Collet's specification); FLIP are its secret's words combined.
FLIP_3, FLIP_8 = np.uint64(0x87275A9B), np.uint64(0xC73AB174C5ECD5A2)
FLIP_LOW, FLIP_HIGH = np.uint64(0x6782737BEA4239B9), np.uint64(0xAF56BC3B0996523A)
PRIME_2, PRIME_3 = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
PRIME_AVALANCHE, PRIME_MIX = np.uint64(0x165667919E3779F9), np.uint64(0x9FB21C651E98DF25)
LOW_32 = np.uint64(0xFFFFFFFF)


@_compiled
def _swap(value: np.uint64) -> np.uint64:
    """Turn the order of the bytes round."""
    value = ((value & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | ((value >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF))
    value = ((value & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | ((value >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
    return (value << np.uint64(32)) | (value >> np.uint64(32))


@_compiled
def _fold_128(a: np.uint64, b: np.uint64) -> np.uint64:
    """Both halves of the 128-bit product, xor-ed."""
    half = np.uint64(32)
    low_low, high_low = (a & LOW_32) * (b & LOW_32), (a >> half) * (b & LOW_32)
    low_high, high_high = (a & LOW_32) * (b >> half), (a >> half) * (b >> half)
    cross = (low_low >> half) + (high_low & LOW_32) + low_high
    return ((high_low >> half) + (cross >> half) + high_high) ^ ((cross << half) | (low_low & LOW_32))


@_compiled
def _hash_word(first: Any, second: Any, size: int) -> Any:
    """xxh3_64 of `size` bytes, 1 to 16; `first` holds eight of them, the lowest byte being the first, `second` the others."""
    n = np.uint64(size)
    byte = np.uint64(0xFF)
    if size <= 3:
        middle, last = (first >> np.uint64(8 * (size >> 1))) & byte, (first >> np.uint64(8 * (size - 1))) & byte
        h = (((first & byte) << np.uint64(16)) | (middle << np.uint64(24)) | last | (n << np.uint64(8))) ^ FLIP_3
        h = (h ^ (h >> np.uint64(33))) * PRIME_2
        h = (h ^ (h >> np.uint64(29))) * PRIME_3
        return h ^ (h >> np.uint64(32))
    if size <= 8:
        h = ((first >> np.uint64(8 * (size - 4))) + ((first & LOW_32) << np.uint64(32))) ^ FLIP_8
        h ^= ((h << np.uint64(49)) | (h >> np.uint64(15))) ^ ((h << np.uint64(24)) | (h >> np.uint64(40)))
        h = h * PRIME_MIX
        h = (h ^ ((h >> np.uint64(35)) + n)) * PRIME_MIX
        return h ^ (h >> np.uint64(28))
    end = second if size == 16 else (first >> np.uint64(8 * (size - 8))) | (second << np.uint64(8 * (16 - size)))
    low, high = first ^ FLIP_LOW, end ^ FLIP_HIGH
    h = n + _swap(low) + high + _fold_128(low, high)
    h = (h ^ (h >> np.uint64(37))) * PRIME_AVALANCHE
    return h ^ (h >> np.uint64(32))


@_compiled
def _is_letter(code: int) -> bool:
    return (0x61 <= code <= 0x7A) or (0xC0 <= code <= 0xFF) or code >= FIRST_IDEOGRAPH


@_compiled
def _is_digit(code: int) -> bool:
    return 0x30 <= code <= 0x39


@_compiled
def _is_word(code: int) -> bool:
    return _is_letter(code) or _is_digit(code) or code == LINE


@_compiled
def _closes(code: int) -> bool:
    """One of ) } ]."""
    return code == 0x29 or code == 0x7D or code == 0x5D


@_compiled
def _decode(data: NDArray[np.uint8], at: int) -> Any:
    """Code point and number of bytes of the character at `at`; the text is valid UTF-8."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), 2
    if lead < 0xF0:
        return ((lead & 0xF) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F), 3
    return 0x10000, 4


@_compiled
def _is_space(code: int) -> bool:
    """What `str.split` takes for white space."""
    if code < 0x80:
        return code == 0x20 or 0x9 <= code <= 0xD or 0x1C <= code <= 0x1F
    if code < 0x1680:
        return code == 0x85 or code == 0xA0
    if code < 0x3000:
        return code == 0x1680 or 0x2000 <= code <= 0x200A or code == 0x2028 or code == 0x2029 or code == 0x202F or code == 0x205F
    return code == 0x3000


@_compiled
def _fold_code(code: int) -> int:
    """The folded character; -1 if `core/text.py` must look at the piece, -2 for three dots."""
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    if code < 0x80:
        if 0x41 <= code <= 0x5A:
            return code + 32
        return code if code > 0x20 and code != 0x7F else -1
    if 0xC0 <= code <= 0xFF:
        if code == 0xD7 or code == 0xF7 or code == 0xDF:
            return -1
        return code + 32 if code <= 0xDE else code
    if FIRST_IDEOGRAPH <= code <= LAST_IDEOGRAPH:
        return code
    if 0x2010 <= code <= 0x2015:
        return DASH
    if 0x2018 <= code <= 0x201B:
        return 0x27
    if 0x201C <= code <= 0x201F or code == 0x2022 or code == 0x3001 or code == 0x3002 or 0x300A <= code <= 0x3011:
        return QUOTE
    return -2 if code == 0x2026 else -1


def _plain() -> NDArray[np.uint8]:
    """The folded form of ASCII characters that no rule but that of their own token looks at, else 0."""
    table = np.zeros(256, np.uint8)
    for code in range(0x21, 0x7F):
        if chr(code) not in "!}\\$`~":
            table[code] = ord(chr(code).lower())
    return table


PLAIN = _plain()


@_compiled
def _after_fence(data: NDArray[np.uint8], at: int, stop: int) -> int:
    """End of the line if the line at `at` opens or closes a code fence, else -1."""
    while at < stop and (data[at] == SPACE or data[at] == 0x9 or data[at] == 0x3E):
        at += 1
    if at + 2 >= stop:
        return -1
    sign = data[at]
    if (sign != BACKTICK and sign != TILDE) or data[at + 1] != sign or data[at + 2] != sign:
        return -1
    while at < stop and data[at] == sign:
        at += 1
    while at < stop and data[at] != 0xA:
        if data[at] == BACKTICK:
            return -1
        at += 1
    return at


@_compiled
def _environment_end(codes: NDArray[np.int64], at: int, size: int) -> int:
    r"""Where `\begin{name}` or `\end{name}` ends whose backslash is at `at`, else -1."""
    at += 1
    if at + 4 < size and codes[at] == 0x62 and codes[at + 1] == 0x65 and codes[at + 2] == 0x67 and codes[at + 3] == 0x69:
        at += 5 if codes[at + 4] == 0x6E else size
    elif at + 2 < size and codes[at] == 0x65 and codes[at + 1] == 0x6E and codes[at + 2] == 0x64:
        at += 3
    else:
        return -1
    if at >= size or codes[at] != 0x7B:
        return -1
    first = at + 1
    at = first
    while at < size and 0x61 <= codes[at] <= 0x7A:
        at += 1
    if at == first or at - first > 30:
        return -1
    if at < size and codes[at] == STAR:
        at += 1
    return at + 1 if at < size and codes[at] == 0x7D else -1


@_compiled
def _without_markup(codes: NDArray[np.int64], size: int) -> int:
    """Replace markup by spaces, in place; returns the new size. Element 0 is the space before the piece."""
    write = read = 1
    while read < size:
        code = codes[read]
        if code in (DOLLAR, BACKTICK, TILDE):
            while read < size and (codes[read] == DOLLAR or codes[read] == BACKTICK or codes[read] == TILDE):
                read += 1
            code = SPACE
        elif code == BACKSLASH:
            following = codes[read + 1] if read + 1 < size else SPACE
            is_sign = (
                following == BACKSLASH or following == 0x28 or following == 0x29 or following == 0x5B or following == 0x5D
                or following == 0x2C or following == 0x3B or following == 0x3A or following == 0x21
            )  # fmt: skip
            end = read + 2 if is_sign else _environment_end(codes, read, size)
            if end > 0:
                code = SPACE
                read = end
            else:
                read += 1
        else:
            read += 1
        codes[write] = code
        write += 1
    return write


@_compiled
def _number_end(codes: NDArray[np.int64], at: int, size: int) -> int:
    """Where the number at `at` ends: with commas between groups of three digits, or plain; then perhaps decimals."""
    end = at
    while end < size and _is_digit(codes[end]):
        end += 1
    if end - at <= 3:
        last = end  # behind the last good group
        while (
            last + 3 < size
            and codes[last] == 0x2C
            and _is_digit(codes[last + 1])
            and _is_digit(codes[last + 2])
            and _is_digit(codes[last + 3])
        ):
            if last + 4 < size and _is_digit(codes[last + 4]):
                break
            last += 4
        end = last
    if end + 1 < size and codes[end] == 0x2E and _is_digit(codes[end + 1]):
        end += 1
        while end < size and _is_digit(codes[end]):
            end += 1
    return end


@_compiled
def _operator_end(codes: NDArray[np.int64], at: int, size: int) -> int:
    """Where the operator at `at` ends, or `at` if none is there. `codes` begins and ends with a space."""
    code, following, before = codes[at], codes[at + 1], codes[at - 1]
    if (code == 0x3D or code == 0x3C or code == 0x3E or code == 0x21) and following == 0x3D:
        return at + 2
    if code == DASH and following == 0x3E:
        return at + 2
    if code == 0x2B or code == 0x2F or code == 0x3D or code == 0x3C or code == 0x3E or code == 0x5E or code == 0x25:
        return at + 1
    if code != DASH and code != STAR and code != LINE:
        return at
    end = at
    while end < size and codes[end] == code:
        end += 1
    after = codes[end]
    if code == DASH:
        if before == DASH:
            return at
        is_hyphen = at >= 2 and _is_letter(before) and _is_letter(codes[at - 2])
        is_hyphen = is_hyphen and _is_letter(after) and end + 1 < size and _is_letter(codes[end + 1])
        return at if is_hyphen else end
    if code == STAR:
        if before == SPACE and after == SPACE:
            return end
        is_joined = _is_word(before) or _closes(before)
        opens = _is_word(after) or after == 0x28 or after == 0x5B or after == 0x7B or after == BACKSLASH
        return end if is_joined and (opens or after == 0x2E or after == 0x2B or after == DASH) else at
    if code == LINE:
        owner = codes[at - 2] if before == BACKSLASH and at >= 2 else before
        is_joined = _closes(owner) or (_is_word(owner) and owner != LINE)
        return end if is_joined and (_is_word(after) or after == 0x7B or after == BACKSLASH or after == 0x28) else at
    return at


@_compiled
def _hash_codes(codes: NDArray[np.int64], at: int, end: int) -> Any:
    """Hash characters without commas between them; 0 if they have more than 16 bytes."""
    first = second = np.uint64(0)
    n = 0
    for i in range(at, end):
        code = codes[i]
        packed, width = np.uint64(code), 1
        if code >= 0x80:
            if code < 0x800:
                packed, width = np.uint64(0xC0 | (code >> 6)) | (np.uint64(0x80 | (code & 0x3F)) << np.uint64(8)), 2
            else:
                packed = np.uint64(0xE0 | (code >> 12)) | (np.uint64(0x80 | ((code >> 6) & 0x3F)) << np.uint64(8))
                packed, width = packed | (np.uint64(0x80 | (code & 0x3F)) << np.uint64(16)), 3
        elif code == 0x2C:
            continue
        if n + width > MAX_TOKEN_BYTES:
            return np.uint64(0)
        if n < 8:
            first |= packed << np.uint64(8 * n)
            if n + width > 8:
                second = packed >> np.uint64(8 * (8 - n))
        else:
            second |= packed << np.uint64(8 * (n - 8))
        n += width
    return _hash_word(first, second, n)


@_compiled
def _synonym(key: np.uint64, keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> Any:
    slot = np.int64(key & np.uint64(NUM_SYNONYM_SLOTS - 1))
    while keys[slot] != np.uint64(0):
        if keys[slot] == key:
            return values[slot]
        slot = (slot + 1) & (NUM_SYNONYM_SLOTS - 1)
    return key


@_compiled
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
        elif _is_letter(code):
            while 0x61 <= codes[end] <= 0x7A or 0xC0 <= codes[end] <= 0xFF:
                end += 1
        elif _is_digit(code):
            end = _number_end(codes, at, size)
        elif code == BACKSLASH:
            end = at + 1
            while end < size and 0x61 <= codes[end] <= 0x7A:
                end += 1
            if end == at + 1:
                at += 1
                continue
            is_special = True
        else:
            end = _operator_end(codes, at, size) if code < 0x60 else at
            if end == at:
                at += 1
                continue
            is_special = True
        stop = at + 1 if code == DASH and codes[at + 1] == DASH else end
        key = _hash_codes(codes, at, stop)
        if key == np.uint64(0):
            return -1
        if slot != np.uint64(0) and _is_digit(code):
            key = slot
        if is_special:
            key = _synonym(key, keys, values)
        if key != np.uint64(0):
            out[place] = key
            place += 1
        at = end
    return place


@_compiled
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
        is_line_start = True
        while at < stop:
            if is_line_start:
                is_line_start = False
                fence_end = _after_fence(data, at, stop)
                if fence_end >= 0:
                    at = fence_end
                    continue
            if data[at] == SPACE:
                at += 1
                continue
            if PLAIN[data[at]] == 0:
                code, width = _decode(data, at)
                if _is_space(code):
                    is_line_start = code == 0xA
                    at += width
                    continue
            start = at
            size, num_ideographs, is_odd, has_markup = 1, 0, False, False
            while at < stop:
                plain = PLAIN[data[at]]
                if plain and size < MAX_PIECE_CODES:  # letters, digits and signs that nothing depends on
                    codes[size] = plain
                    size += 1
                    at += 1
                    num_ideographs = 0
                    continue
                code, width = _decode(data, at)
                if _is_space(code):
                    break
                folded = _fold_code(code)
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
                    if folded == -1 or size + 3 > MAX_PIECE_CODES:
                        is_odd = True
                    else:
                        codes[size], codes[size + 1], codes[size + 2] = 0x2E, 0x2E, 0x2E
                        size += 3
                elif size < MAX_PIECE_CODES:
                    codes[size] = folded
                    size += 1
                    if folded == 0x7D or folded == 0x21:  # {,} and ,\! between digits
                        before, first = codes[size - 2], codes[size - 3] if size > 3 else SPACE
                        is_odd = is_odd or (folded == 0x7D and before == 0x2C and first == 0x7B)
                        is_odd = is_odd or (folded == 0x21 and before == BACKSLASH and first == 0x2C)
                else:
                    is_odd = True
                at += width
            last = -1
            if not is_odd:
                if has_markup:
                    size = _without_markup(codes, size)
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
