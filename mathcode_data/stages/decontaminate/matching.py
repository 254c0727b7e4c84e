"""Benchmark texts in a batch of pages: what matches, how much of it, and whether that is evidence.

Matching runs of one text that stand near each other in a page make one match. It is evidence if what it covers has `min_bits` of
information (information.py), or if it is most of a text, however formal: `If 2^8 = 4^x, what is the value of x?`. Runs
that stand in `max_items` items of one benchmark file (`express your answer as a common fraction`) are its form and add nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_data.stages.decontaminate.index import BenchmarkIndex, Texts
from mathcode_data.stages.decontaminate.information import Information, measure
from mathcode_data.stages.decontaminate.runs import MAX_PLACES, RunTable, extended, find_candidates, find_runs, look_up_runs

MAX_GAP = 20
"""Grams between two runs that make one match: a word was changed, a line left out."""
WHOLE = 0.95
"""A match of this share of a text is a match of the whole."""
MOST = 0.7

EVIDENCE = ""
FEW_BITS, FORM, FEW_DISTINCT, PART = "few_bits", "form", "few_distinct", "part_of_sentence"


@dataclass(frozen=True)
class Guards:
    """What a match must have to count."""

    min_bits: float
    min_short_bits: float
    min_distinct: int
    is_on: bool = True


@dataclass(frozen=True)
class Match:
    """A benchmark text, or a part of one, in a page."""

    page: int
    text: int
    spans: tuple[tuple[int, int], ...]
    """Grams of the page that match, as (first, behind the last)."""
    is_short: bool
    bits: float
    coverage: float
    """Share of the text's grams that stand in the page."""
    guard: str = EVIDENCE
    """Why the match is no evidence; "" if it is."""


def look_up(index: BenchmarkIndex, guards: Guards, grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> list[Match]:
    """Find benchmark texts in pages given by their grams; by page and place, evidence or not."""
    found = find_runs(index.runs, index.rules.ngram, index.texts.grams, grams, ends)
    matches = [_judge(index, guards, group, grams, ends) for group in groups(index, index.runs, found, ends)]
    judged: dict[int, tuple[float, str]] = {}
    candidates = find_candidates(index.short_heads, index.rules.min_ngram, grams, ends) if index.shorts else np.zeros(0, np.int64)
    for length, table in sorted(index.shorts.items()):
        found = look_up_runs(table, length, index.texts.grams, grams, ends, candidates)
        matches += _shorts(index, guards, table, length, found, grams, ends, judged)
    return sorted(matches, key=lambda match: (match.page, match.spans[0], match.text))


@dataclass(frozen=True)
class Group:
    """Runs of one text that stand near each other in one page."""

    page: int
    text: int
    starts: NDArray[np.int64]
    """Where the runs begin among the grams of all pages, in order."""
    places: NDArray[np.int64]
    """Where they stand among the grams of all texts."""
    runs: NDArray[np.int64]


def groups(
    index: BenchmarkIndex, table: RunTable, found: NDArray[np.int64], ends: NDArray[np.int64], max_gap: int = MAX_GAP
) -> list[Group]:
    """Gather runs that were found by page and text."""
    if not len(found):
        return []
    starts, runs = found.T
    sizes = np.minimum(table.first[runs + 1] - table.first[runs], MAX_PLACES)
    row = np.repeat(np.arange(runs.size), sizes)
    within = np.arange(row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    places = table.places[table.first[runs[row]] + within]
    text = np.searchsorted(index.texts.first, places, side="right") - 1
    page = np.searchsorted(ends, starts[row], side="right") - 1
    order = np.lexsort((places, starts[row], text, page))
    row, places, text, page = row[order], places[order], text[order], page[order]
    at = starts[row]
    is_new = (page[1:] != page[:-1]) | (text[1:] != text[:-1]) | (at[1:] - at[:-1] > index.rules.ngram + max_gap)
    borders = [0, *(np.flatnonzero(is_new) + 1).tolist(), at.size]
    return [
        Group(int(page[low]), int(text[low]), at[low:high], places[low:high], runs[row[low:high]])
        for low, high in itertools.pairwise(borders)
    ]


def covered(places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The grams in runs of n that begin at `places`, each once, in order."""
    return np.unique(places[:, None] + np.arange(n))


def _judge(index: BenchmarkIndex, guards: Guards, group: Group, grams: NDArray[np.uint64], ends: NDArray[np.int64]) -> Match:
    texts, n, text = index.texts, index.rules.ngram, group.text
    first, last = texts.first[text], texts.first[text + 1]
    is_form = index.run_is_form[group.runs]
    places = _with_capped_runs(index, group, is_form, grams, ends)
    everything = measure(texts.grams[first:last], texts.bits[first:last], places - first, n)
    own = measure(texts.grams[first:last], texts.bits[first:last], group.places[~is_form] - first, n) if is_form.any() else everything
    coverage = everything.num_grams / texts.size(text)
    guard = EVIDENCE
    if guards.is_on and own.in_context < guards.min_bits:
        if everything.num_distinct < guards.min_distinct:
            guard = FEW_DISTINCT
        elif not _is_whole(guards, texts, text, coverage, everything, own):
            guard = FEW_BITS if own.num_grams else FORM
        else:
            guard = _guard_whole(guards, texts, text, everything)
    return Match(group.page, text, _spans(group.starts - ends[group.page], n), False, own.in_context, coverage, guard)


def _with_capped_runs(
    index: BenchmarkIndex, group: Group, is_form: NDArray[np.bool_], grams: NDArray[np.uint64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The places of a group, and those beside the first and the last that MAX_PLACES left out; only forms stand in so many places."""
    texts, n, text = index.texts, index.rules.ngram, group.text
    if not is_form.any():
        return group.places
    page, more = ends[group.page : group.page + 2], []
    for at in (0, -1):
        first, last = extended(texts.grams, texts.first[text], texts.first[text + 1], group.places[at], grams, group.starts[at], page)
        more.append(np.arange(first, last - n + 1))
    return np.concatenate([group.places, *more])


def _is_whole(guards: Guards, texts: Texts, text: int, coverage: float, found: Information, own: Information) -> bool:
    """All of a text; or most of a question, if that says much even though the most of it is formulas."""
    if texts.is_form[text]:  # the same words in many items, perhaps with other signs between them
        return bool(texts.is_question[text] and coverage >= WHOLE and found.in_context >= guards.min_bits)
    return coverage >= WHOLE or bool(own.num_grams and texts.is_question[text] and coverage >= MOST and found.all >= guards.min_bits)


def _guard_whole(guards: Guards, texts: Texts, text: int, found: Information) -> str:
    """A whole question may be a formula alone; an answer must have words: a list of numbers stands in many places."""
    bits = found.all if texts.is_question[text] else found.in_context
    return EVIDENCE if bits >= guards.min_short_bits and found.num_telling else FEW_BITS


def _spans(starts: NDArray[np.int64], n: int) -> tuple[tuple[int, int], ...]:
    spans: list[list[int]] = []
    for start in np.unique(starts).tolist():
        if spans and start <= spans[-1][1]:
            spans[-1][1] = start + n
        else:
            spans.append([start, start + n])
    return tuple((low, high) for low, high in spans)


def _judge_whole(guards: Guards, texts: Texts, text: int) -> tuple[float, str]:
    """Information of a short text, and why it is no evidence."""
    own = slice(int(texts.first[text]), int(texts.first[text + 1]))
    info = measure(texts.grams[own], texts.bits[own], np.zeros(1, np.int64), texts.size(text))
    if not guards.is_on:
        return info.all, EVIDENCE
    return info.all, FORM if texts.is_form[text] else _guard_whole(guards, texts, text, info)


def _shorts(
    index: BenchmarkIndex, guards: Guards, table: RunTable, length: int, found: NDArray[np.int64], grams: NDArray[np.uint64],
    ends: NDArray[np.int64], judged: dict[int, tuple[float, str]],
) -> list[Match]:  # fmt: skip
    """Whole texts that begin where the table's runs of `length` grams were found."""
    texts, matches = index.texts, []
    sizes = table.first[found[:, 1] + 1] - table.first[found[:, 1]]
    row = np.repeat(np.arange(len(found)), sizes)
    places = table.places[table.first[found[row, 1]] + np.arange(row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)]
    starts = found[row, 0]
    owners = np.searchsorted(texts.first, places, side="right") - 1
    pages = np.searchsorted(ends, starts, side="right") - 1
    lengths = texts.first[owners + 1] - texts.first[owners]
    firsts = starts - ends[pages]
    for text, page, first, start, place, size in np.stack([owners, pages, firsts, starts, places, lengths], axis=1).tolist():
        if start + size > ends[page + 1]:
            continue
        if size > length and not np.array_equal(grams[start : start + size], texts.grams[place : place + size]):
            continue
        if text not in judged:
            judged[text] = _judge_whole(guards, texts, text)
        bits, guard = judged[text]
        matches.append(Match(page, text, ((first, first + size),), True, bits, 1.0, guard))
    return matches
