from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.text import gram_hashes, ngram_hashes
from mathcode_data.stages.dedup.signatures import HashFunctions, band_keys, estimate_jaccard, share_found
from mathcode_data.stages.dedup.signing import shingles_of

BANDS, ROWS = 14, 8
FUNCTIONS = HashFunctions(BANDS * ROWS, seed=1)
WORDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


def sign(sets):
    sizes = np.array([len(members) for members in sets])
    return FUNCTIONS.signatures(np.concatenate([np.array(members, np.uint64) for members in sets]), sizes)


def planted_pairs(similarity, num_pairs, size=200, seed=0):
    """Pairs of random sets whose Jaccard similarity is exactly `similarity` (of `size` elements in all)."""
    members = np.random.default_rng(seed).integers(0, 2**64, (num_pairs, size), dtype=np.uint64)
    shared = round(similarity * size)
    cut = (shared + size) // 2
    return members[:, :cut], np.concatenate([members[:, :shared], members[:, cut:]], axis=1)


def word_shingles(texts, size):
    return shingles_of(pa.chunked_array([pa.array(texts, pa.large_string())]), "words", size)


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_signature_is_the_minimum_of_each_function(sets):
    expected = np.stack([(np.array(members, np.uint64)[:, None] * FUNCTIONS.a_K + FUNCTIONS.b_K).min(axis=0) for members in sets])
    assert np.array_equal(sign(sets), expected)


@given(WORDS, st.randoms())
def test_signature_depends_on_the_set_alone(members, random):
    again = members + random.choices(members, k=3)
    random.shuffle(again)
    assert np.array_equal(sign([members]), sign([again]))


@pytest.mark.parametrize("similarity", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_pairs_are_found_as_often_as_theory_says(similarity):
    num_pairs = 1500
    one, other = (band_keys(sign(sets), BANDS) for sets in planted_pairs(similarity, num_pairs))
    found = int(np.sum(np.any(one == other, axis=0)))
    share = share_found(similarity, BANDS, ROWS)
    # four standard errors of a binomial: a right implementation fails once in 16,000, and the seed is fixed
    assert abs(found - share * num_pairs) <= 4 * np.sqrt(num_pairs * share * (1 - share)) + 1


@pytest.mark.parametrize("similarity", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_estimate_has_the_mean_and_the_spread_of_theory(similarity):
    num_pairs = 1500
    one, other = (sign(sets) for sets in planted_pairs(similarity, num_pairs, seed=1))
    estimates = estimate_jaccard(one, other)
    spread = np.sqrt(similarity * (1 - similarity) / (BANDS * ROWS))
    assert abs(estimates.mean() - similarity) <= 4 * spread / np.sqrt(num_pairs)
    assert estimates.std() == pytest.approx(spread, rel=4 / np.sqrt(2 * num_pairs) + 0.02)


def test_band_keys_are_equal_exactly_where_the_band_is():
    signature = sign([[1, 2, 3], [1, 2, 3], [4]])
    signature[1, 9] ^= np.uint64(1)  # in the second band
    keys = band_keys(signature, BANDS)
    assert keys.shape == (BANDS, 3)
    assert np.flatnonzero(keys[:, 0] != keys[:, 1]).tolist() == [1]
    assert not np.any(keys[:, 0] == keys[:, 2])
    assert band_keys(signature[:0], BANDS).shape == (BANDS, 0)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=9).map(" ".join), max_size=6), st.integers(1, 6))
def test_shingles_of_many_texts_are_the_shingles_of_each(texts, size):
    found, sizes = word_shingles(texts, size)
    expected = [ngram_hashes(hashes, min(size, hashes.size)) if hashes.size else hashes for hashes in map(gram_hashes, texts)]
    assert sizes.tolist() == [part.size for part in expected]
    assert found.tolist() == [value for part in expected for value in part.tolist()]


def test_functions_differ_by_seed_and_stay_the_same():
    assert not np.array_equal(FUNCTIONS.a_K, HashFunctions(BANDS * ROWS, seed=2).a_K)
    assert np.all(FUNCTIONS.a_K % 2 == 1)
    assert [hex(value) for value in sign([[1, 2, 3]])[0, :2].tolist()] == ["0x9c837e10766e0113", "0x3d63965906fe5f2b"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_pairs_are_found_as_often_as_by_datatrove():
    """The same texts, words only (it turns numbers to 0 and drops operators), with hash functions of its own."""
    peer = pytest.importorskip("datatrove.pipeline.dedup.minhash")
    pytest.importorskip("spacy")
    random = np.random.default_rng(2)
    words = np.array([f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(26 * 26)])
    texts, others = [], []
    for _ in range(150):
        text = random.choice(words, 120)
        other = text.copy()
        other[random.choice(120, 4, replace=False)] = "changed"
        texts.append(" ".join(text))
        others.append(" ".join(other))
    similarities = np.array([jaccard(*pair) for pair in zip(texts, others, strict=True)])
    assert 0.55 < similarities.min() < similarities.max() < 0.95

    step = peer.MinhashDedupSignature("memory://signatures", peer.MinhashConfig(num_buckets=BANDS, hashes_per_bucket=ROWS))
    step._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 takes no str
    theirs = [[step.get_signature(step.get_shingles(text)) for text in side] for side in (texts, others)]
    found_by_peer = sum(any(a == b for a, b in zip(*pair, strict=True)) for pair in zip(*theirs, strict=True))
    ours = [FUNCTIONS.signatures(*word_shingles(side, 5)) for side in (texts, others)]
    found_by_us = int(np.sum(np.any(band_keys(ours[0], BANDS) == band_keys(ours[1], BANDS), axis=0)))

    chances = 1 - (1 - similarities**ROWS) ** BANDS
    error = 4 * np.sqrt((chances * (1 - chances)).sum())
    assert abs(found_by_us - chances.sum()) <= error
    assert abs(found_by_peer - chances.sum()) <= error


def jaccard(one, other):
    sets = [set(word_shingles([text], 5)[0].tolist()) for text in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])
