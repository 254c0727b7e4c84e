"""Planted near-duplicates: are pairs found as often as 1 - (1 - s**rows) ** bands says?

20,000 documents are 10,000 pairs of random words at exact Jaccard similarities 0.5, 0.55 ... 0.95 of their 5-gram sets; each
preset runs as a whole stage over shards. A pair counts as found if both are in one cluster. `z` is the distance from theory in
standard errors of a binomial, and `chi_square` their sum of squares (10 degrees of freedom: above 29.6 once in 1,000).
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, Bench, Options

NUM_DOCUMENTS = 20_000
SIMILARITIES = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
PRESETS = {"14x8": (14, 8), "11x10": (11, 10), "20x13": (20, 13)}
SHINGLES, SIZE = 400, 5


def planted(num_pairs: int, seed: int = 0) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Pairs of texts, one after the other, and the similarity of each pair.

    Both share their first words and go on with others of their own: with w words of which c are shared, the sets have
    w - 4 shingles each and share c - 4.
    """
    random = np.random.default_rng(seed)
    texts, similarities = [], []
    for pair in range(num_pairs):
        wanted = SIMILARITIES[pair % len(SIMILARITIES)]
        shared = round(SHINGLES * 2 * wanted / (1 + wanted))
        words = [
            f"w{value:x}z".translate(str.maketrans("0123456789", "ghijklmnop")) for value in random.integers(2**40, 2**44, 2 * SHINGLES)
        ]
        own = SHINGLES - shared
        common, one, other = words[: shared + SIZE - 1], words[SHINGLES : SHINGLES + own], words[SHINGLES + own : SHINGLES + 2 * own]
        texts += [" ".join(common + one), " ".join(common + other)]
        similarities.append(shared / (2 * SHINGLES - shared))
    return texts, np.array(similarities)


def found_pairs(texts: list[str], folder: Path, **values: Any) -> np.ndarray[Any, Any]:
    """Whether the two documents of each pair end in one cluster."""
    from support.dedup import clusters, sharded
    from support.stages import documents, run_global

    shutil.rmtree(folder, ignore_errors=True)
    outcome = run_global("dedup.minhash", [sharded(documents(texts), [len(texts) // 3], folder / "in")], folder / "out", **values)
    cluster = clusters(outcome)
    ids = [f"{row:032x}" for row in range(len(texts))]
    return np.array([cluster.get(one, one) == cluster.get(other, other) for one, other in zip(ids[::2], ids[1::2], strict=True)])


def compare(found: np.ndarray[Any, Any], similarities: np.ndarray[Any, Any], num_bands: int, rows_per_band: int) -> dict[str, Any]:
    """Shares found beside theory at each similarity, and the test over all."""
    table, chi_square = [], 0.0
    for place in range(len(SIMILARITIES)):
        here = slice(place, None, len(SIMILARITIES))
        chance = 1 - (1 - similarities[here] ** rows_per_band) ** num_bands
        expected, variance = float(chance.sum()), float((chance * (1 - chance)).sum())
        z = (int(found[here].sum()) - expected) / max(variance, 1e-9) ** 0.5 if variance > 1e-3 else 0.0
        chi_square += z * z
        table.append({
            "similarity": round(float(similarities[place]), 4), "pairs": int(found[here].size), "found": int(found[here].sum()),
            "expected": round(expected, 1), "z": round(z, 2),
        })  # fmt: skip
    return {"curve": table, "chi_square": round(chi_square, 2), "within_sampling_error": chi_square < 29.6}


def run(options: Options) -> Bench:
    """All presets on one corpus."""
    sys.path.insert(0, str(ROOT / "tests"))
    texts, similarities = planted(options.scaled(NUM_DOCUMENTS // 2))
    bench = Bench("dedup_curve", {"documents": len(texts), "shingle_grams": SIZE})
    for name, (num_bands, rows_per_band) in PRESETS.items():
        start = time.perf_counter()
        found = found_pairs(texts, options.scratch / "dedup_curve", preset=name)
        bench.add(f"dedup.minhash {name}", [time.perf_counter() - start], "document", len(texts))
        bench.facts[name] = compare(found, similarities, num_bands, rows_per_band)
    return bench
