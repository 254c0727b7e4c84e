"""Report modes: other definitions of contamination beside the rule; what they find is reported and never removed.

- `lcs`: a run of 13 grams in common, and a longest common subsequence of at least 0.6 of the text (FineMath's rule).
- `idf`: runs of five grams in common, weighted by how few benchmark texts have them, of at least 0.8 of the text's (after allenai/decon).
- `template`: a question whose words all stand in the page while its numbers are others: a word problem with new numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_scanner import NUMBER_SLOT
from mathcode_data.stages.decontaminate.index import IDF_NGRAM, BenchmarkIndex
from mathcode_data.stages.decontaminate.information import measure
from mathcode_data.stages.decontaminate.matching import Match, covered, groups
from mathcode_data.stages.decontaminate.runs import find_runs, longest_common

LCS_NGRAM = 13
MIN_LCS = 0.6
MAX_LCS_GRAMS = 4096
"""Of a longer text, as much is compared."""
MIN_IDF = 0.8
MIN_TEMPLATE = 0.8
IDF_GAP = 100


@dataclass(frozen=True)
class Overlap:
    """A benchmark text that a page resembles, by one of the modes."""

    mode: str
    page: int
    text: int
    span: tuple[int, int]
    score: float


def lcs_overlaps(index: BenchmarkIndex, matches: Sequence[Match], grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> list[Overlap]:
    """Texts with a run of 13 grams and a long common subsequence, of those that match at all."""
    found = []
    for match in matches:
        if match.is_short or max(end - start for start, end in match.spans) < LCS_NGRAM:
            continue
        first, last = index.texts.first[match.text], index.texts.first[match.text + 1]
        own = index.texts.grams[first : min(last, first + MAX_LCS_GRAMS)]
        low = max(0, match.spans[0][0] - own.size)
        high = min(int(ends[match.page + 1] - ends[match.page]), match.spans[0][0] + 2 * own.size)
        page = grams[ends[match.page] + low : ends[match.page] + high]
        score = longest_common(np.ascontiguousarray(own), np.ascontiguousarray(page)) / own.size
        if score >= MIN_LCS:
            found.append(Overlap("lcs", match.page, match.text, (match.spans[0][0], match.spans[-1][1]), score))
    return found


def idf_overlaps(index: BenchmarkIndex, grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> list[Overlap]:
    """Texts most of whose five-gram runs stand in a page, weighted by rarity among all texts."""
    assert index.idf is not None, "the index has runs for this mode"
    table, texts, overlaps = index.idf, index.texts, []
    num_texts = texts.file.size
    weights = np.log1p(num_texts / np.diff(table.first))
    run_at = np.zeros(texts.grams.size, np.int64)
    run_at[table.places] = np.repeat(np.arange(table.keys.size), np.diff(table.first))
    for group in groups(index, table, find_runs(table, IDF_NGRAM, texts.grams, grams, ends), ends, IDF_GAP):
        first, size = int(texts.first[group.text]), texts.size(group.text)
        if size < index.rules.ngram or np.unique(group.places).size < 0.5 * (size - IDF_NGRAM + 1):
            continue
        own = np.unique(run_at[first : first + size - IDF_NGRAM + 1])
        score = float(weights[np.unique(group.runs)].sum() / weights[own].sum())
        if score >= MIN_IDF:
            base = int(ends[group.page])
            span = (int(group.starts[0]) - base, int(group.starts[-1]) - base + IDF_NGRAM)
            overlaps.append(Overlap("idf", group.page, group.text, span, min(1.0, score)))
    return overlaps


def template_overlaps(
    index: BenchmarkIndex, min_bits: float, slotted: NDArray[np.uint64], grams: NDArray[np.uint64], ends: NDArray[np.int64]
) -> list[Overlap]:
    """Questions that stand in a page but for their numbers; `slotted` are the page's grams with every number as one."""
    assert index.slots is not None, "the index has runs for this mode"
    n, texts, overlaps = index.rules.ngram, index.texts, []
    for group in groups(index, index.slots, find_runs(index.slots, n, index.slot_grams, slotted, ends), ends):
        if not texts.is_question[group.text]:
            continue
        places = covered(group.places, n)
        words = places[index.slot_grams[places] != NUMBER_SLOT]
        first, last = texts.first[group.text], texts.first[group.text + 1]
        size = texts.size(group.text)
        if places.size < MIN_TEMPLATE * size or measure(texts.grams[first:last], texts.bits[first:last], words - first, 1).all < min_bits:
            continue
        low, high = int(group.starts[0]), int(group.starts[-1]) + n
        theirs = grams[low:high][slotted[low:high] == NUMBER_SLOT]
        ours = texts.grams[places[index.slot_grams[places] == NUMBER_SLOT]]
        if ours.size and not np.array_equal(theirs, ours):
            base = int(ends[group.page])
            overlaps.append(Overlap("template", group.page, group.text, (low - base, high - base), places.size / size))
    return overlaps
