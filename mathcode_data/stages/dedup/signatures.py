"""MinHash signatures and their bands (Broder 1997; banding: Leskovec, Rajaraman, Ullman, chapter 3).

A document's set is its shingles, 64-bit hashes of n grams in a row. Hash function k is `a_k * x + b_k` modulo 2**64 with
an odd a_k: a permutation of the 64-bit numbers (multiply-shift, Dietzfelbinger et al. 1997), compared by all 64 bits. As x
is itself a hash that looks random, minima of different k agree independently: over 1,500 planted pairs each the estimate's
spread is sqrt(s * (1 - s) / K) and the share of found pairs 1 - (1 - s**rows) ** bands, both within their sampling errors
(tests/dedup/test_signatures.py).

Shapes: N documents, S shingles of all of them, K hash functions, B bands.
"""

from __future__ import annotations

import numpy as np
import xxhash
from numpy.typing import NDArray

from mathcode_data.core.text import ngram_hashes
from mathcode_data.stages.dedup import kernels

LARGEST = np.uint64(2**64 - 1)


class HashFunctions:
    """K hash functions, drawn from a seed; the same on every machine and with every version of numpy."""

    def __init__(self, num_hashes: int, seed: int) -> None:
        """Draw the coefficients."""
        draws = [xxhash.xxh3_64_intdigest(f"minhash {name} {k}".encode(), seed=seed) for name in "ab" for k in range(num_hashes)]
        self.a_K = np.array(draws[:num_hashes], np.uint64) | np.uint64(1)
        self.b_K = np.array(draws[num_hashes:], np.uint64)

    def signatures(self, shingles_S: NDArray[np.uint64], sizes_N: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Minima of all hash functions over each document's shingles.

        Args:
            shingles_S: the shingles of all documents, one document after the other; repetitions do not matter.
            sizes_N: how many of them each document has, at least one.

        Returns:
            Shape (N, K).
        """
        assert sizes_N.size == 0 or sizes_N.min() > 0, "a document without shingles has no signature"
        signatures_NK = np.full((sizes_N.size, self.a_K.size), LARGEST)
        kernels.minima(shingles_S, sizes_N, self.a_K, self.b_K, signatures_NK)
        return signatures_NK


def shingles(hashes: NDArray[np.uint64], sizes_N: NDArray[np.int64], size: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hash the runs of `size` grams (or characters) of many documents that lie one after the other.

    A document that is shorter is one shingle of all it has; an empty one has none.

    Returns:
        shingles_S, the documents' shingles one after the other, and how many each has.
    """
    counts_N = np.where(sizes_N > 0, np.maximum(sizes_N - size + 1, 1), 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts_N)])
    shingles_S = np.empty(int(offsets[-1]), np.uint64)
    kernels.run_hashes(hashes, np.cumsum(sizes_N) - sizes_N, sizes_N, size, shingles_S, offsets)
    return shingles_S, counts_N


def band_keys(signatures_NK: NDArray[np.uint64], num_bands: int) -> NDArray[np.uint64]:
    """Hash each band of K / B values to one number; two documents share it if (but for 2**-64) they agree on the whole band.

    Returns:
        Shape (B, N).
    """
    num_documents, num_hashes = signatures_NK.shape
    assert num_hashes % num_bands == 0, f"{num_hashes} hash functions do not make {num_bands} equal bands"
    rows = num_hashes // num_bands
    keys = [ngram_hashes(np.ascontiguousarray(signatures_NK[:, i : i + rows]).ravel(), rows)[::rows] for i in range(0, num_hashes, rows)]
    return np.stack(keys) if num_documents else np.empty((num_bands, 0), np.uint64)


def estimate_jaccard(signatures_NK: NDArray[np.unsignedinteger], others_NK: NDArray[np.unsignedinteger]) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity of documents to others, row by row.

    Returns:
        Shape (N,), in [0, 1]. Standard error sqrt(s * (1 - s) / K): 0.038 at s = 0.8, K = 112.

    >>> estimate_jaccard(np.array([[1, 2, 3, 4]], np.uint64), np.array([[1, 2, 9, 4]], np.uint64))
    array([0.75])
    """
    return np.asarray((signatures_NK == others_NK).mean(axis=1))


def share_found(similarity: float, num_bands: int, rows_per_band: int) -> float:
    """Probability that two documents of this Jaccard similarity share a band.

    >>> [round(share_found(s, 14, 8), 3) for s in (0.5, 0.7, 0.8, 0.9)]
    [0.053, 0.565, 0.924, 1.0]
    """
    return float(1.0 - (1.0 - similarity**rows_per_band) ** num_bands)
