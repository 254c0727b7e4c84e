"""3,000 real documents: pairs of `dedup.minhash` against the exact Jaccard similarity of all pairs (brute force).

A brute-force pair counts as found if both documents share a cluster of the run without verification. With verification
(`min_similarity: 0.5`) every dropped document must be at least so similar to the one kept. Real files hold few near-duplicates,
so a third of the documents are copies of others that lost or gained paragraphs; their similarities are measured, not assumed.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from typing import Any

import numpy as np
from bench_minhash import texts
from harness import ROOT, Bench, Options

NUM_DOCUMENTS = 3000
LEAST, SURE = 0.5, 0.85


def corpus(options: Options, num_documents: int) -> list[str]:
    """Articles and source files, two thirds as they are, and altered copies."""
    real = texts(options.shared(), num_documents * 2 // 3)
    random = np.random.default_rng(0)
    copies = []
    for index in random.integers(0, len(real), num_documents - len(real)).tolist():
        blocks = real[index].split("\n\n")
        share = random.uniform(0.0, 0.3)
        kept = [block for block in blocks if random.random() > share]
        copies.append("\n\n".join([*kept, *real[(index + 7) % len(real)].split("\n\n")[: random.integers(0, 3)]]))
    return real + copies


def exact_pairs(found: list[str]) -> dict[tuple[int, int], float]:
    """All pairs that share a shingle, with their exact similarity: an inverted index, no hashing but that of the shingles."""
    import pyarrow as pa

    from mathcode_data.stages.dedup.signing import shingles_of

    shingles, sizes = shingles_of(pa.chunked_array([pa.array(found, pa.large_string())]), "words", 5)
    sets = [np.unique(part) for part in np.split(shingles, np.cumsum(sizes)[:-1])]
    keys = np.concatenate(sets)
    owners = np.repeat(np.arange(len(sets)), [part.size for part in sets])
    order = np.lexsort((owners, keys))
    groups = np.split(owners[order], np.flatnonzero(np.diff(keys[order])) + 1)
    shared: Counter[tuple[int, int]] = Counter()
    for group in groups:
        members = group.tolist()
        shared.update((one, other) for k, one in enumerate(members) for other in members[k + 1 :])
    return {(i, j): count / (sets[i].size + sets[j].size - count) for (i, j), count in shared.items()}


def run(options: Options) -> Bench:
    """Brute force, then the stage with and without verification."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.dedup import clusters, sharded
    from support.stages import documents, run_global

    found = corpus(options, options.scaled(NUM_DOCUMENTS))
    folder = options.scratch / "dedup_pairs"
    bench = Bench("dedup_pairs", {"documents": len(found), "preset": "14x8", "least": LEAST, "sure": SURE})
    start = time.perf_counter()
    exact = exact_pairs(found)
    bench.add("brute force", [time.perf_counter() - start], "document", len(found))
    cluster: dict[str, dict[str, str]] = {}
    for label, values in {"plain": {}, "verified": {"min_similarity": LEAST}}.items():
        shutil.rmtree(folder, ignore_errors=True)
        result = sharded(documents(found), [len(found) // 2], folder / "in")
        start = time.perf_counter()
        outcome = run_global("dedup.minhash", [result], folder / "out", preset="14x8", **values)
        bench.add(f"dedup.minhash {label}", [time.perf_counter() - start], "document", len(found))
        cluster[label] = clusters(outcome)

    def together(label: str, pair: tuple[int, int]) -> bool:
        one, other = (f"{row:032x}" for row in pair)
        return cluster[label].get(one, one) == cluster[label].get(other, other)

    sure = [pair for pair, similarity in exact.items() if similarity >= SURE]
    kept = {label: [(int(d, 16), int(k, 16)) for d, k in known.items() if d != k] for label, known in cluster.items()}
    below: dict[str, Any] = {label: sum(exact.get((min(pair), max(pair)), 0.0) < LEAST for pair in pairs) for label, pairs in kept.items()}
    bench.facts = {
        "pairs_sure": len(sure),
        "recall_sure": {label: round(sum(together(label, pair) for pair in sure) / len(sure), 4) for label in cluster},
        "dropped": {label: len(pairs) for label, pairs in kept.items()},
        "dropped_below_least": below,
    }
    return bench
