"""Report modes: other definitions of contamination beside the rule; what they find is reported and never removed.

- `lcs`: a run of 13 grams in common, and a longest common subsequence of at least 0.6 of the text (FineMath's rule).
- `idf`: runs of five grams in common, weighted by how few benchmark texts have them, of at least 0.8 of the text's (after allenai/decon).
- `template`: a question whose words all stand in the page while its numbers are others: a word problem with new numbers.

Runs with other brackets, bars or factorials are not in common (signs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.gram_scanner import NUMBER_SLOT
from mathcode_data.stages.decontaminate.index import IDF_NGRAM, BenchmarkIndex
from mathcode_data.stages.decontaminate.information import measure
from mathcode_data.stages.decontaminate.matching import OTHER_SIGNS, Batch, Group, Match, covered, groups
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


def _with_same_signs(index: BenchmarkIndex, batch: Batch, group: Group, n: int) -> Group:
    """The group without the runs of n grams that have other signs in the page."""
    is_same = batch.agree(index.texts, group.text, group.places, group.page, group.starts, n)
    return group._replace(starts=group.starts[is_same], places=group.places[is_same], runs=group.runs[is_same])


def lcs_overlaps(index: BenchmarkIndex, matches: Sequence[Match], batch: Batch) -> list[Overlap]:
    """Texts with a run of 13 grams and a long common subsequence, of those that match at all; grams count with the signs before them."""
    found, grams, ends = [], batch.grams, batch.ends
    for match in matches:
        if match.is_short or match.guard == OTHER_SIGNS or max(end - start for start, end in match.spans) < LCS_NGRAM:
            continue
        first, last = index.texts.first[match.text], index.texts.first[match.text + 1]
        own = index.texts.grams[first : min(last, first + MAX_LCS_GRAMS)]
        own = own ^ batch.of_text(index.texts, match.text).before[: own.size]
        low = max(0, match.spans[0][0] - own.size)
        high = min(int(ends[match.page + 1] - ends[match.page]), match.spans[0][0] + 2 * own.size)
        page = grams[ends[match.page] + low : ends[match.page] + high] ^ batch.of_page(match.page).before[low:high]
        score = longest_common(own, page) / own.size
        if score >= MIN_LCS:
            found.append(Overlap("lcs", match.page, match.text, (match.spans[0][0], match.spans[-1][1]), score))
    return found


def idf_overlaps(index: BenchmarkIndex, batch: Batch) -> list[Overlap]:
    """Texts most of whose five-gram runs stand in a page, weighted by rarity among all texts."""
    assert index.idf is not None, "the index has runs for this mode"
    table, texts, ends, overlaps = index.idf, index.texts, batch.ends, []
    num_texts = texts.file.size
    weights = np.log1p(num_texts / np.diff(table.first))
    run_at = np.zeros(texts.grams.size, np.int64)
    run_at[table.places] = np.repeat(np.arange(table.keys.size), np.diff(table.first))
    for near in groups(index, table, find_runs(table, IDF_NGRAM, texts.grams, batch.grams, ends), ends, IDF_GAP):
        first, size = int(texts.first[near.text]), texts.size(near.text)
        enough = 0.5 * (size - IDF_NGRAM + 1)
        if size < index.rules.ngram or np.unique(near.places).size < enough:
            continue
        group = _with_same_signs(index, batch, near, IDF_NGRAM)
        if np.unique(group.places).size < max(1, enough):
            continue
        own = np.unique(run_at[first : first + size - IDF_NGRAM + 1])
        score = float(weights[np.unique(group.runs)].sum() / weights[own].sum())
        if score >= MIN_IDF:
            base = int(ends[group.page])
            span = (int(group.starts[0]) - base, int(group.starts[-1]) - base + IDF_NGRAM)
            overlaps.append(Overlap("idf", group.page, group.text, span, min(1.0, score)))
    return overlaps


def template_overlaps(index: BenchmarkIndex, min_bits: float, slotted: NDArray[np.uint64], batch: Batch) -> list[Overlap]:
    """Questions that stand in a page but for their numbers; `slotted` are the page's grams with every number as one."""
    assert index.slots is not None, "the index has runs for this mode"
    n, texts, grams, ends, overlaps = index.rules.ngram, index.texts, batch.grams, batch.ends, []
    for near in groups(index, index.slots, find_runs(index.slots, n, index.slot_grams, slotted, ends), ends):
        size = texts.size(near.text)
        if not texts.is_question[near.text] or covered(near.places, n).size < MIN_TEMPLATE * size:
            continue
        group = _with_same_signs(index, batch, near, n)
        places = covered(group.places, n)
        words = places[index.slot_grams[places] != NUMBER_SLOT]
        first, last = texts.first[group.text], texts.first[group.text + 1]
        if places.size < MIN_TEMPLATE * size or measure(texts.grams[first:last], texts.bits[first:last], words - first, 1).all < min_bits:
            continue
        low, high = int(group.starts[0]), int(group.starts[-1]) + n
        theirs = grams[low:high][slotted[low:high] == NUMBER_SLOT]
        ours = texts.grams[places[index.slot_grams[places] == NUMBER_SLOT]]
        if ours.size and not np.array_equal(theirs, ours):
            base = int(ends[group.page])
            overlaps.append(Overlap("template", group.page, group.text, (low - base, high - base), places.size / size))
    return overlaps
