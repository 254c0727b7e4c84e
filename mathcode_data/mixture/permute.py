"""A keyed permutation of range(size) in closed form: a Feistel network over a grid that hardly exceeds the size.

An index is a row and a column of a grid with R = 2**r columns, r about half the bits of the size, and L = ceil(size / R) rows.
Six rounds change one coordinate by a keyed hash of the other, in turn: the row by adding modulo L, the column by xor. Each round
can be undone, so the network is a bijection of the grid; walking on from a value outside range(size) keeps it one there, and since
the grid has less than R cells more, few values are outside. All arithmetic is uint32, which numpy does eight at a time, but for
sizes above 2**32.

The round function of a coordinate x, with round keys k and m (m odd), all modulo 2**32, is the first half of murmur3's finaliser
with a key in both places; the product's top bits are its best, and are scaled to the other coordinate's range:

    h = (x xor k) * 0x85EBCA6B;  h = (h xor h >> 15) * m;  the top bits of h

Six rounds, not the usual four: with four, neighbours stay neighbours 10 to 26 % more often than in a random permutation
(sizes 10 to 100,000, 200 keys or more each), with six the excess is within the noise of 3 %. Powers of two on both sides, and
walking on from what lies outside, cost up to three times as much where the size is just above one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDS = 6
MULTIPLIER = 0x85EBCA6B
FOLD = 15
WORD_BITS = 32
WORD_MASK = (1 << WORD_BITS) - 1
MAX_SIZE = 2**63
MAX_NARROW_BITS = 16
"""Rows up to 2**16 are scaled within 32 bits."""
CHUNK = 1 << 15
"""Indices permuted at a time: the buffers stay in the processor's second-level cache."""
MANY_ROWS = 32
"""More rows of many permutations than this are done in numpy; its calls cost 100 us, a row in plain Python 3."""
FEW = 16
"""So few are walked on in plain Python, 5 us each; a pass over an array costs 30 us of calls."""


class Permutation:
    """A permutation of range(size), the same for the same key on every machine.

    >>> order = Permutation(5, b"key")
    >>> sorted(order(index) for index in range(5)), [order(index) for index in range(5)] == order.span(0, 5).tolist()
    ([0, 1, 2, 3, 4], True)
    """

    def __init__(self, size: int, key: bytes) -> None:
        """Size in 1..2**63; the key is any bytes, hashed to twelve 32-bit round keys."""
        if not 1 <= size <= MAX_SIZE:
            raise ValueError(f"size {size:,} of a permutation; legal are 1..2**63")
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self._right_bits = bits - bits // 2  # at most 32, and rows at most 2**31, so that their sum fits uint32
        self._num_rows = -(-size >> self._right_bits)
        row_bits = max(1, (self._num_rows - 1).bit_length())
        # the hash's top bits times the rows must stay below 2**32; wide rows are multiplied in 64 bits
        self._drop, self._scale = (row_bits, WORD_BITS - row_bits) if row_bits <= MAX_NARROW_BITS else (0, WORD_BITS)
        stream = hashlib.blake2b(key, digest_size=8 * ROUNDS, person=b"permute").digest()
        words = np.frombuffer(stream, dtype="<u4")
        self._keys = [(int(words[2 * r]), int(words[2 * r + 1]) | 1) for r in range(ROUNDS)]
        self._pairs = [(*self._keys[r], *self._keys[r + 1]) for r in range(0, ROUNDS, 2)]

    def __call__(self, index: int) -> int:
        """Where one index goes, in plain Python."""
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} of a permutation of {self.size}; legal are 0..{self.size - 1}")
        return self._walk_one(index)

    def span(self, start: int, stop: int, compiled: bool = False) -> NDArray[np.int64]:
        """Where the indices start..stop-1 go; `compiled`: by machine code, the same numbers."""
        if not 0 <= start <= stop <= self.size:
            raise IndexError(f"indices {start}..{stop} of a permutation of {self.size}; legal are 0..{self.size}")
        if not compiled:
            return self._walk(np.arange(start, stop, dtype=np.int64))
        from mathcode_data.mixture.machine_code import permute_span

        out = np.empty(stop - start, dtype=np.int64)
        shape = np.array([self._right_bits, self._num_rows, self._drop, self._scale], dtype=np.uint32)
        permute_span(out, start, self.size - 1, shape, np.array(self._keys, dtype=np.uint32))
        return out

    def many(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each of the given indices goes."""
        if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= self.size):
            raise IndexError(f"indices {indices.min()}..{indices.max()} of a permutation of {self.size}; legal are 0..{self.size - 1}")
        return self._walk(indices)

    def _walk(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        out = self._pass(indices)
        outside = np.flatnonzero(out >= self.size)
        while outside.size > FEW:
            moved = self._pass(out[outside])
            out[outside] = moved
            outside = outside[moved >= self.size]
        for place in outside.tolist():
            out[place] = self._walk_one(int(out[place]))
        return out

    def _walk_one(self, start: int) -> int:
        """Pass on until the index lies inside, at least once; for any start in the grid."""
        index, size, bits, rows = start, self.size, self._right_bits, self._num_rows
        mask, drop, scale, to_right = (1 << bits) - 1, self._drop, self._scale, WORD_BITS - bits
        while True:
            left, right = index >> bits, index & mask
            for key, odd, next_key, next_odd in self._pairs:  # two rounds; the hash stands here twice, for a call costs as much
                mixed = ((right ^ key) * MULTIPLIER) & WORD_MASK
                left = (left + (((((mixed ^ (mixed >> FOLD)) * odd) & WORD_MASK) >> drop) * rows >> scale)) % rows
                mixed = ((left ^ next_key) * MULTIPLIER) & WORD_MASK
                right ^= (((mixed ^ (mixed >> FOLD)) * next_odd) & WORD_MASK) >> to_right
            index = left << bits | right
            if index < size:
                return index

    def _pass(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """One pass of the network, for indices in the grid."""
        out = np.empty(indices.size, dtype=np.int64)
        for low in range(0, indices.size, CHUNK):
            self._pass_chunk(indices[low : low + CHUNK], out[low : low + CHUNK])
        return out

    def _pass_chunk(self, indices: NDArray[np.int64], out: NDArray[np.int64]) -> None:
        left = (indices >> self._right_bits).astype(np.uint32)
        right = indices.astype(np.uint32)  # the low 32 bits
        right &= np.uint32((1 << self._right_bits) - 1)
        mixed, folded = np.empty_like(left), np.empty_like(left)
        multiplier, fold = np.uint32(MULTIPLIER), np.uint32(FOLD)
        rows = np.uint32(self._num_rows)
        for number, (key, odd) in enumerate(self._keys):
            source = left if number % 2 else right
            np.bitwise_xor(source, np.uint32(key), out=mixed)
            mixed *= multiplier
            np.right_shift(mixed, fold, out=folded)
            mixed ^= folded
            mixed *= np.uint32(odd)
            if number % 2:
                mixed >>= np.uint32(WORD_BITS - self._right_bits)
                right ^= mixed
                continue
            if self._scale == WORD_BITS:
                mixed[:] = (mixed.astype(np.uint64) * np.uint64(self._num_rows)) >> np.uint64(WORD_BITS)
            else:
                mixed >>= np.uint32(self._drop)
                mixed *= rows
                mixed >>= np.uint32(self._scale)
            left += mixed
            np.subtract(left, rows, out=folded)  # below 0 it wraps to a large number, so the smaller one is the sum modulo rows
            np.minimum(left, folded, out=left)
        out[:] = left
        out <<= self._right_bits
        out |= right


def permute_each(permutations: Sequence[Permutation], which_N: NDArray[np.int64], indices_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where permutation which[n] sends index n, for rows of many permutations: few calls of numpy, however many there are.

    >>> first, second = Permutation(5, b"a"), Permutation(900, b"b")
    >>> permute_each([first, second], np.array([1, 0]), np.array([7, 3])).tolist() == [second(7), first(3)]
    True
    """
    last = np.array([one.size - 1 for one in permutations], dtype=np.int64)
    if indices_N.size and (int(indices_N.min()) < 0 or bool((indices_N > last[which_N]).any())):
        raise IndexError(
            f"indices {indices_N.min()}..{indices_N.max()} of permutations of {last.min() + 1}..{last.max() + 1}; each lies below its size"
        )
    if indices_N.size <= MANY_ROWS:
        return np.array([permutations[k]._walk_one(i) for k, i in zip(which_N.tolist(), indices_N.tolist(), strict=True)], dtype=np.int64)
    keys = np.array([one._keys for one in permutations], dtype=np.uint32)
    shapes = np.array([(one._right_bits, one._num_rows, one._drop, one._scale) for one in permutations], dtype=np.uint64)
    out, rows = indices_N.copy(), np.arange(indices_N.size)
    while rows.size > FEW:
        out[rows] = _pass_each(keys[which_N[rows]], shapes[which_N[rows]], out[rows])
        rows = rows[out[rows] > last[which_N[rows]]]
    for row in rows.tolist():
        out[row] = permutations[int(which_N[row])]._walk_one(int(out[row]))
    return out


def _pass_each(keys_NR2: NDArray[np.uint32], shapes_N4: NDArray[np.uint64], indices_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """One pass, each row through its own network."""
    right_bits, num_rows, drop, scale = (np.ascontiguousarray(column) for column in shapes_N4.T)
    indices = indices_N.astype(np.uint64)
    left, right = indices >> right_bits, (indices & ((np.uint64(1) << right_bits) - np.uint64(1))).astype(np.uint32)
    to_right = (np.uint64(WORD_BITS) - right_bits).astype(np.uint32)
    multiplier, fold = np.uint32(MULTIPLIER), np.uint32(FOLD)
    for number in range(ROUNDS):
        source = left.astype(np.uint32) if number % 2 else right
        mixed = (source ^ keys_NR2[:, number, 0]) * multiplier
        mixed ^= mixed >> fold
        mixed *= keys_NR2[:, number, 1]
        if number % 2:
            right = right ^ (mixed >> to_right)
        else:
            left = (left + (((mixed.astype(np.uint64) >> drop) * num_rows) >> scale)) % num_rows
    found: NDArray[np.int64] = (left << right_bits | right.astype(np.uint64)).astype(np.int64)
    return found
