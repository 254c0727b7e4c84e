"""Benchmark texts in a batch of pages: what matches, how much of it, and whether that is evidence.

Matching runs of one text that stand near each other in a page make one match. It is evidence if what it covers has `min_bits` of
information (information.py), or if it is most of a text, however formal: `If 2^8 = 4^x, what is the value of x?`. Runs
that stand in `max_items` items of one benchmark file (`express your answer as a common fraction`) are its form and add nothing.
A question of `ngram` grams or more that stands in a page whole, in one piece, is evidence in any case, unless it counts or is form;
so is a shorter one that is a whole line (lines.py) or a whole sentence (sentences.py) of the page, or has a formula of some bits.
No short text is evidence where its sentence or its formula goes on.

What would be evidence is then compared in its signs (signs.py), gram by gram: runs with other brackets are cut and the rest is judged
again. Less of a match is never more evidence, so this is needed for these few alone.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.gram_scanner import Grams
from mathcode_data.core.machine_code import compiled
from mathcode_data.core.text import grams as grams_of
from mathcode_data.stages.decontaminate.index import BenchmarkIndex, Texts
from mathcode_data.stages.decontaminate.information import Information, measure, measure_runs, unforeseen
from mathcode_data.stages.decontaminate.lines import is_line
from mathcode_data.stages.decontaminate.parts import find_candidates
from mathcode_data.stages.decontaminate.runs import MAX_PLACES, RunTable, are_whole, extended, find_runs, look_up_runs, whole_texts
from mathcode_data.stages.decontaminate.sentences import Borders, borders_of
from mathcode_data.stages.decontaminate.signs import Signs, have_same_signs, signs_of

MAX_GAP = 20
"""Grams between two runs that make one match: a word was changed, a line left out."""
WHOLE = 0.95
"""A match of this share of a text is a match of the whole."""
MOST = 0.7

EVIDENCE = ""
FEW_BITS, FORM, FEW_DISTINCT, PART, OTHER_SIGNS = "few_bits", "form", "few_distinct", "part_of_sentence", "other_signs"

MIN_UNFORESEEN = 3
"""Grams of a whole question that do not go on from those before: `sum 1 + 2 + ... + 10` has three, `1, 2, ... 13` none or one."""
MIN_FORMULA_BITS = 12.0
"""A short question with a formula counts inside a sentence if it has as much; `x = 2 y` has less."""
MIN_SENTENCE_BITS = 13.0
"""One without counts as a sentence of its own if it has as much, more than three common words; `what is it` has less."""
MAX_TIMES = 64
"""So many places of a whole text are looked at in one group of runs."""
MAX_KNOWN_TEXTS = 4096
NO_SIGNS = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class Guards:
    """What a match must have to count."""

    min_bits: float
    min_short_bits: float
    min_distinct: int
    is_on: bool = True


class Match(NamedTuple):
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


class Batch:
    """Pages to be looked up, with their signs, which are read where they are asked for; those of benchmark texts are kept."""

    def __init__(self, pages: pa.Array, grams: Grams, known: dict[int, Signs]) -> None:
        self.pages = pages
        self.grams, self.ends, self.places = grams
        self._of_texts = known
        self._of_pages: dict[int, Signs] = {}

    def is_line(self, page: int, first: int, end: int) -> bool:
        """Whether grams of a page are all that a line says."""
        return is_line(self.pages[page], self.places[self.ends[page] : self.ends[page + 1]], first, end)

    def borders(self, page: int, first: int, end: int) -> Borders:
        """How grams of a page stand in their line."""
        return borders_of(self.pages[page], self.places[self.ends[page] : self.ends[page + 1]], first, end)

    def of_text(self, texts: Texts, number: int) -> Signs:
        """Signs of a benchmark text."""
        if number not in self._of_texts:
            if len(self._of_texts) >= MAX_KNOWN_TEXTS:
                self._of_texts.clear()
            self._of_texts[number] = signs_of(texts.plain(number))
            assert self._of_texts[number].ahead.size == texts.size(number), f"benchmark text {number}: other grams than in the index"
        return self._of_texts[number]

    def of_page(self, number: int) -> Signs:
        """Signs of a page."""
        if number not in self._of_pages:
            self._of_pages[number] = signs_of(self.pages[number].as_py())
            size = self.ends[number + 1] - self.ends[number]
            assert self._of_pages[number].ahead.size == size, f"page {number} of a batch: other grams than the scanner found"
        return self._of_pages[number]

    def agree(self, texts: Texts, text: int, places: NDArray[np.int64], page: int, starts: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
        """Which runs of n grams, at `places` among those of all texts and `starts` among those of all pages, have the same signs."""
        ours, theirs = places - texts.first[text], starts - self.ends[page]
        return have_same_signs(self.of_text(texts, text), ours, self.of_page(page), theirs, n)


def look_up(index: BenchmarkIndex, guards: Guards, batch: Batch) -> list[Match]:
    """Find benchmark texts in pages given by their grams; by page and place, evidence or not."""
    grams, ends = batch.grams, batch.ends
    found = find_runs(index.runs, index.rules.ngram, index.texts.grams, grams, ends)
    matches = _judge_groups(index, guards, gather(index, index.runs, found, ends), batch)
    judged: dict[int, Judged] = {}
    candidates = find_candidates(index.short_heads, index.rules.min_ngram, grams, ends) if index.shorts else np.zeros(0, np.int64)
    for length, table in sorted(index.shorts.items()):
        found = look_up_runs(table, length, index.texts.grams, grams, ends, candidates)
        matches += _shorts(index, guards, table, found, batch, judged)
    return sorted(matches, key=lambda match: (match.page, match.spans[0], match.text))


class Group(NamedTuple):
    """Runs of one text that stand near each other in one page."""

    page: int
    text: int
    starts: NDArray[np.int64]
    """Where the runs begin among the grams of all pages, in order."""
    places: NDArray[np.int64]
    """Where they stand among the grams of all texts."""
    runs: NDArray[np.int64]


class Groups(NamedTuple):
    """Many of them: group i has the runs `borders[i]` to `borders[i + 1]`, and `page` and `text` at its first run."""

    borders: NDArray[np.int64]
    page: NDArray[np.int64]
    text: NDArray[np.int64]
    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    runs: NDArray[np.int64]


def gather(index: BenchmarkIndex, table: RunTable, found: NDArray[np.int64], ends: NDArray[np.int64], max_gap: int = MAX_GAP) -> Groups:
    """Gather runs that were found by page and text."""
    if not len(found):
        return Groups(np.zeros(1, np.int64), *np.zeros((5, 0), np.int64))
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
    first = np.concatenate([[0], np.flatnonzero(is_new) + 1])
    return Groups(np.append(first, at.size), page[first], text[first], at, places, runs[row])


def groups(
    index: BenchmarkIndex, table: RunTable, found: NDArray[np.int64], ends: NDArray[np.int64], max_gap: int = MAX_GAP
) -> list[Group]:
    """The same, one by one."""
    borders, page, text, at, places, runs = gather(index, table, found, ends, max_gap)
    return [
        Group(int(page[number]), int(text[number]), at[low:high], places[low:high], runs[low:high])
        for number, (low, high) in enumerate(itertools.pairwise(borders.tolist()))
    ]


def covered(places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The grams in runs of n that begin at `places`, each once, in order."""
    return np.unique(places[:, None] + np.arange(n))


@compiled
def _measure_groups(
    texts: NDArray[np.uint64], bits: NDArray[np.uint8], first: NDArray[np.int64], found: Groups, is_form: NDArray[np.bool_], n: int,
    grams: NDArray[np.uint64], ends: NDArray[np.int64], text_signs: NDArray[np.uint64], page_signs: NDArray[np.uint64],
    values: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write the information of each group, and that without the runs that are form.

    The former has the places beside the first and the last run that MAX_PLACES left out; only forms stand in so many places. With the
    signs of the one text and page of all groups it goes no further than these are the same.
    """
    for group in range(found.page.size):
        runs = slice(found.borders[group], found.borders[group + 1])
        low, high = first[found.text[group]], first[found.text[group] + 1]
        all_places, all_starts, forms = found.places[runs], found.starts[runs], is_form[runs]
        own = all_places[~forms]
        if own.size < all_places.size:
            page = ends[found.page[group] : found.page[group] + 2]
            one, end = extended(texts, low, high, all_places[0], grams, all_starts[0], page, text_signs, page_signs)
            other, last = extended(texts, low, high, all_places[-1], grams, all_starts[-1], page, text_signs, page_signs)
            all_places = np.concatenate((all_places, np.arange(one, end - n + 1), np.arange(other, last - n + 1)))
        values[group, 0], values[group, 1], values[group, 2], values[group, 3], values[group, 4] = measure_runs(
            texts[low:high], bits[low:high], all_places - low, n
        )
        values[group, 5:] = values[group, :5]
        if own.size < all_places.size:
            values[group, 5], values[group, 6], values[group, 7], values[group, 8], values[group, 9] = measure_runs(
                texts[low:high], bits[low:high], own - low, n
            )


def _judge_groups(index: BenchmarkIndex, guards: Guards, found: Groups, batch: Batch) -> list[Match]:
    texts, n, matches = index.texts, index.rules.ngram, []
    is_whole = np.zeros(found.page.size, np.bool_)
    _mark_whole(texts.grams, texts.first, found, batch.grams, batch.ends, is_whole)
    is_whole &= texts.is_question[found.text] & ~texts.is_form[found.text]
    starts = (found.starts - np.repeat(batch.ends[found.page], np.diff(found.borders))).tolist()
    judged = _judge_information(index, guards, found, batch.grams, batch.ends, NO_SIGNS, NO_SIGNS)
    columns = (found.page, found.text, found.borders, found.borders[1:], is_whole)
    for number, ((bits, coverage, guard), page, text, low, high, whole) in enumerate(
        zip(judged, *(column.tolist() for column in columns), strict=False)
    ):
        match = Match(page, text, _spans(starts[low:high], n), False, bits, coverage, guard)
        if not guard:
            match = _with_same_signs(index, guards, found, number, batch, match)
        if match.guard and whole:
            match = _as_whole(index, guards, found, number, batch, match)
        matches.append(match)
    return matches


def _judge_information(
    index: BenchmarkIndex, guards: Guards, found: Groups, grams: NDArray[np.uint64], ends: NDArray[np.int64],
    text_signs: NDArray[np.uint64], page_signs: NDArray[np.uint64],
) -> list[tuple[float, float, str]]:  # fmt: skip
    """Bits, coverage and guard of each group, by what its grams say."""
    texts, n, judged = index.texts, index.rules.ngram, []
    values = np.empty((found.page.size, 10))
    is_form = index.run_is_form[found.runs]
    _measure_groups(texts.grams, texts.bits, texts.first, found, is_form, n, grams, ends, text_signs, page_signs, values)
    sizes = texts.first[found.text + 1] - texts.first[found.text]
    for text, size, row in zip(*(column.tolist() for column in (found.text, sizes, values)), strict=True):
        everything, own = Information(*row[:5]), Information(*row[5:])
        coverage, guard = everything.num_grams / size, EVIDENCE
        if guards.is_on and own.in_context < guards.min_bits:
            if everything.num_distinct < guards.min_distinct:
                guard = FEW_DISTINCT
            elif not _is_whole(guards, texts, text, coverage, everything, own):
                guard = FEW_BITS if own.num_grams else FORM
            else:
                guard = _guard_whole(guards, texts, text, everything)
        judged.append((own.in_context, coverage, guard))
    return judged


def _with_same_signs(index: BenchmarkIndex, guards: Guards, found: Groups, number: int, batch: Batch, match: Match) -> Match:
    """What is left of a match that is evidence if runs with other signs are cut."""
    runs, n, page, text = slice(*found.borders[number : number + 2]), index.rules.ngram, match.page, match.text
    is_same = batch.agree(index.texts, text, found.places[runs], page, found.starts[runs], n)
    if is_same.all() and not index.run_is_form[found.runs[runs]].any():
        return match
    if not is_same.any():
        return match._replace(guard=OTHER_SIGNS)
    starts, places, kept = (column[runs][is_same] for column in (found.starts, found.places, found.runs))
    one = slice(number, number + 1)
    group = Groups(np.array([0, starts.size], np.int64), found.page[one], found.text[one], starts, places, kept)
    signs = batch.of_text(index.texts, text).before, batch.of_page(page).before
    ((bits, coverage, guard),) = _judge_information(index, guards, group, batch.grams, batch.ends, *signs)
    return Match(page, text, _spans((starts - batch.ends[page]).tolist(), n), False, bits, coverage, guard)


@compiled
def _mark_whole(
    texts: NDArray[np.uint64], first: NDArray[np.int64], found: Groups, grams: NDArray[np.uint64], ends: NDArray[np.int64],
    is_whole: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Say which groups are runs of a text that stands in the page whole."""
    for group in range(found.page.size):
        runs, page = slice(found.borders[group], found.borders[group + 1]), ends[found.page[group] : found.page[group] + 2]
        low, high = first[found.text[group]], first[found.text[group] + 1]
        is_whole[group] = whole_texts(texts, low, high, found.places[runs], grams, found.starts[runs], page, 1).size > 0


def _as_whole(index: BenchmarkIndex, guards: Guards, found: Groups, number: int, batch: Batch, match: Match) -> Match:
    """A match of a whole question in one piece: evidence even if it says little, but not if it only counts."""
    texts, runs, page, text = index.texts, slice(*found.borders[number : number + 2]), match.page, match.text
    low, high = int(texts.first[text]), int(texts.first[text + 1])
    of_page = batch.ends[page : page + 2]
    starts = whole_texts(texts.grams, low, high, found.places[runs], batch.grams, found.starts[runs], of_page, MAX_TIMES)
    starts = np.sort(starts[batch.agree(texts, text, np.full(starts.size, low, np.int64), page, starts, high - low)])
    if not starts.size:
        return match
    if guards.is_on and len(unforeseen(grams_of(texts.plain(text)))) < MIN_UNFORESEEN:
        return match
    return match._replace(spans=_spans((starts - batch.ends[page]).tolist(), high - low), coverage=1.0, guard=EVIDENCE)


def _is_whole(guards: Guards, texts: Texts, text: int, coverage: float, found: Information, own: Information) -> bool:
    """All of a text; or most of a question, if that says much even though the most of it is formulas."""
    if texts.is_form[text]:  # the same words in many items, perhaps with other signs between them
        return bool(texts.is_question[text] and coverage >= WHOLE and found.in_context >= guards.min_bits)
    return coverage >= WHOLE or bool(own.num_grams and texts.is_question[text] and coverage >= MOST and found.all >= guards.min_bits)


def _guard_whole(guards: Guards, texts: Texts, text: int, found: Information) -> str:
    """A whole question may be a formula alone; an answer must have words: a list of numbers stands in many places."""
    bits = found.all if texts.is_question[text] else found.in_context
    return EVIDENCE if bits >= guards.min_short_bits and found.num_telling else FEW_BITS


def _spans(starts: list[int], n: int) -> tuple[tuple[int, int], ...]:
    spans: list[list[int]] = []
    for start in starts:
        if spans and start <= spans[-1][1]:
            spans[-1][1] = start + n
        else:
            spans.append([start, start + n])
    return tuple((low, high) for low, high in spans)


class Judged(NamedTuple):
    """What a short text says."""

    bits: float
    guard: str
    """Why it is no evidence."""
    counts_apart: bool
    """Whether it is evidence all the same where it is a whole line."""
    counts_as_sentence: bool
    """Whether it is where it is a whole sentence in a line."""
    counts_inside: bool
    """Whether it is evidence inside a sentence as well, if that does not go on."""


def _judge_whole(guards: Guards, texts: Texts, text: int) -> Judged:
    """Judge a short text; a question of few bits counts where it stands apart, but not if it only counts or repeats itself."""
    own = slice(int(texts.first[text]), int(texts.first[text + 1]))
    info = measure(texts.grams[own], texts.bits[own], np.zeros(1, np.int64), texts.size(text))
    if not guards.is_on:
        return Judged(info.all, EVIDENCE, False, False, False)
    guard = FORM if texts.is_form[text] else _guard_whole(guards, texts, text, info)
    counts_on = len(unforeseen(grams_of(texts.plain(text)))) < MIN_UNFORESEEN
    counts_apart = guard == FEW_BITS and bool(texts.is_question[text]) and not counts_on
    guard = FEW_BITS if counts_on and not guard and not info.words else guard
    as_sentence = counts_apart and (info.symbols > 0 or info.all >= MIN_SENTENCE_BITS)
    return Judged(info.all, guard, counts_apart, as_sentence, as_sentence and info.symbols > 0 and info.all >= MIN_FORMULA_BITS)


def _judge_place(judged: Judged, batch: Batch, page: int, first: int, end: int) -> str:
    """Judge a short text where it stands: not as the beginning of more, and one of few bits apart from what is beside it."""
    if judged.guard and batch.is_line(page, first, end):
        return EVIDENCE
    begins, ends, goes_on = batch.borders(page, first, end)
    if goes_on and not batch.is_line(page, first, end):
        return judged.guard or PART
    is_sentence = judged.counts_as_sentence and begins and ends
    return EVIDENCE if is_sentence or judged.counts_inside else judged.guard


def _shorts(
    index: BenchmarkIndex, guards: Guards, table: RunTable, found: NDArray[np.int64], batch: Batch,
    judged: dict[int, Judged],
) -> list[Match]:  # fmt: skip
    """Whole texts that begin where the table's runs were found."""
    texts, ends, matches = index.texts, batch.ends, []
    sizes = table.first[found[:, 1] + 1] - table.first[found[:, 1]]
    row = np.repeat(np.arange(len(found)), sizes)
    places = table.places[table.first[found[row, 1]] + np.arange(row.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)]
    starts = found[row, 0]
    owners = np.searchsorted(texts.first, places, side="right") - 1
    pages = np.searchsorted(ends, starts, side="right") - 1
    sizes = texts.first[owners + 1] - texts.first[owners]
    is_whole = are_whole(texts.grams, places, sizes, batch.grams, starts, ends[pages + 1])
    columns = (owners, pages, starts - ends[pages], sizes)
    for text, page, first, size in zip(*(column[is_whole].tolist() for column in columns), strict=True):
        if text not in judged:
            judged[text] = _judge_whole(guards, texts, text)
        guard = judged[text].guard
        if guards.is_on and (not guard or judged[text].counts_apart):
            guard = _judge_place(judged[text], batch, page, first, first + size)
        if not guard:
            place, start = texts.first[text : text + 1], ends[page : page + 1] + first
            guard = guard if batch.agree(texts, text, place, page, start, size)[0] else OTHER_SIGNS
        matches.append(Match(page, text, ((first, first + size),), True, judged[text].bits, 1.0, guard))
    return matches
