"""The index of benchmark texts, and how a batch of pages is looked up in it.

Three things are kept: all runs of `ngram` grams of all texts; whole texts of `min_ngram` to `ngram` - 1 grams; and the
questions that are longer but made of form alone (`If 2^8 = 4^x, what is the value of x?`): none of their runs is evidence,
but all of them one after the other are.

Texts themselves are not compared again: with a million runs in the index and 10**11 looked up, the expected number of false
matches is 10**17 / 2**64 = 0.005. A table of bits in front answers "no" for 94 of 100 runs without a search.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.errors import DataError
from mathcode_data.core.text import gram_hashes, grams, runs_up_to
from mathcode_data.stages.decontaminate.benchmarks import BenchmarkText, benchmark_files, field_names, read_benchmark
from mathcode_data.stages.decontaminate.guards import Evidence
from mathcode_data.stages.decontaminate.runs import HashTable, Runs, make_table

Place = tuple[np.int64, np.int64, tuple[int, ...]]
"""First gram, gram after the last, files."""


@dataclass(frozen=True)
class Rules:
    """What is looked for."""

    ngram: int
    min_ngram: int
    short_questions: bool
    short_answers: bool
    min_distinct: int
    min_rare: int
    max_items: int


@dataclass(frozen=True)
class Match:
    """A benchmark text, or a run of one, in a page: grams `start` to `end` of the page, and the files it comes from."""

    page: int
    start: int
    end: int
    files: tuple[int, ...]


@dataclass
class Found:
    """What was found in a batch of pages."""

    runs: list[Match] = field(default_factory=list)
    """Runs of `ngram` grams, and whole questions of form alone; by page and place."""
    shorts: list[Match] = field(default_factory=list)
    """Whole texts shorter than that."""
    num_guarded: int = 0
    """Runs that stand in a benchmark and are no evidence."""


class BenchmarkIndex:
    """All benchmark texts, ready to be looked up."""

    def __init__(self, paths: Iterable[str], question_fields: Iterable[str], answer_fields: Iterable[str], rules: Rules) -> None:
        """Read the benchmark files.

        Raises:
            ConfigError: a path is missing or of an unknown kind.
            DataError: a file is damaged or has no text of `min_ngram` grams or more in the named fields.
        """
        self.rules = rules
        files = benchmark_files(paths)
        self.names = _short_names(files)
        fields = list(question_fields), list(answer_fields)
        collected = _Collected(rules)
        for number, path in enumerate(files):
            texts = list(read_benchmark(path, *fields))
            if not collected.add(number, texts):
                raise DataError(
                    f"{path}: no text of {rules.min_ngram} or more grams in the fields {', '.join(fields[0] + fields[1])}; "
                    f"its fields are {', '.join(field_names(path))}: name the right ones with question_fields and answer_fields"
                )
        tables = {length: make_table(runs, rules.max_items) for length, runs in collected.runs.items()}
        self.tables = {length: table for length, table in tables.items() if table.hashes.size}
        self._questions = _all_form(collected.questions, tables[rules.ngram], rules.max_items)
        self._first_runs = np.array(sorted(self._questions), np.uint64)

    def look_up(self, pages: list[NDArray[np.uint64]]) -> Found:
        """Find benchmark texts in many pages, given by their gram hashes."""
        sizes = np.array([page.size for page in pages])
        page_of = np.repeat(np.arange(len(pages)), sizes)
        first = np.cumsum(sizes) - sizes
        found = Found()
        for length, hashes in runs_up_to(np.concatenate(pages), self.rules.ngram):
            table = self.tables.get(length)
            if table is None:
                continue
            starts, entries = table.find(hashes)
            inside = page_of[starts] == page_of[starts + length - 1]
            starts, entries = starts[inside], entries[inside]
            counts = table.is_evidence[entries]
            found.num_guarded += int(np.sum(~counts))
            places = [(start, start + length, table.files(entry)) for start, entry in zip(starts[counts], entries[counts], strict=True)]
            if length == self.rules.ngram:
                places += self._whole_questions(hashes, starts[~counts], page_of)
            for start, end, files in sorted(places):
                page = int(page_of[start])
                match = Match(page, int(start - first[page]), int(end - first[page]), files)
                (found.runs if length == self.rules.ngram else found.shorts).append(match)
        return found

    def _whole_questions(self, hashes: NDArray[np.uint64], starts: NDArray[np.int64], page_of: NDArray[np.int64]) -> list[Place]:
        """Places where all runs of a question of form alone stand one after the other."""
        found: list[Place] = []
        for start in starts[np.isin(hashes[starts], self._first_runs)]:
            for file, runs in self._questions[int(hashes[start])]:
                end = start + runs.size + self.rules.ngram - 1
                if np.array_equal(hashes[start : start + runs.size], runs) and page_of[start] == page_of[end - 1]:
                    found.append((start, end, (file,)))
        return found


class _Collected:
    """Collects the runs of all benchmark files."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.runs: dict[int, list[Runs]] = {length: [] for length in range(rules.min_ngram, rules.ngram + 1)}
        self.questions: list[tuple[int, NDArray[np.uint64]]] = []
        """File and runs of the questions that are long enough and not mere repetition."""

    def add(self, file: int, texts: list[BenchmarkText]) -> int:
        """Collect the runs of all texts of a file; returns how many texts are long enough to be used."""
        rules = self._rules
        words = [grams(text.text) for text in texts]
        hashes = np.concatenate([np.zeros(0, np.uint64), *(gram_hashes(text.text) for text in texts)])
        sizes = np.array([len(text) for text in words], np.int64)
        evidence = Evidence(list(itertools.chain.from_iterable(words)), hashes)
        text_of = np.repeat(np.arange(len(texts)), sizes)
        first = np.cumsum(sizes) - sizes
        records = np.array([text.record for text in texts], np.int64)
        is_looked_for = np.array([rules.short_questions if text.is_question else rules.short_answers for text in texts], bool)
        for length, runs in runs_up_to(hashes, rules.ngram):
            if length == rules.ngram:
                starts = np.flatnonzero(text_of[: runs.size] == text_of[length - 1 :])
                for number, text in enumerate(texts):
                    if text.is_question and sizes[number] >= length and self._is_a_question(words[number]):
                        self.questions.append((file, runs[first[number] : first[number] + sizes[number] - length + 1]))
            elif length in self.runs:
                starts = first[(sizes == length) & is_looked_for]
            else:
                continue
            counts = evidence.of_runs(length, rules.min_distinct, rules.min_rare, is_whole=length < rules.ngram)[starts]
            self.runs[length].append(Runs(runs[starts], np.full(starts.size, file), records[text_of[starts]], counts))
        return int(np.sum(sizes >= rules.min_ngram))

    def _is_a_question(self, words: list[str]) -> bool:
        return len(set(words)) >= self._rules.min_distinct and any(gram[0].isalpha() for gram in words)


def _all_form(
    questions: list[tuple[int, NDArray[np.uint64]]], table: HashTable, max_items: int
) -> dict[int, list[tuple[int, NDArray[np.uint64]]]]:
    """The questions without a run that is evidence, by their first run; those that a file repeats as a form are left out."""
    times = Counter((file, runs.tobytes()) for file, runs in questions)
    chosen: dict[int, list[tuple[int, NDArray[np.uint64]]]] = {}
    for (file, packed), number in times.items():
        runs = np.frombuffer(packed, np.uint64)
        _, entries = table.find(runs)
        if number < max_items and not table.is_evidence[entries].any():
            chosen.setdefault(int(runs[0]), []).append((file, runs))
    return chosen


def _short_names(files: list[Path]) -> list[str]:
    """File names, with their folder where two are alike."""
    names = [path.name for path in files]
    return [f"{path.parent.name}/{path.name}" if names.count(path.name) > 1 else path.name for path in files]


def iterate_batches(pages: Iterable[NDArray[np.uint64]], max_grams: int) -> Iterator[list[NDArray[np.uint64]]]:
    """Cut a sequence of pages in batches of about `max_grams` grams, to bound memory."""
    batch: list[NDArray[np.uint64]] = []
    size = 0
    for page in pages:
        if batch and size + page.size > max_grams:
            yield batch
            batch, size = [], 0
        batch.append(page)
        size += page.size
    if batch:
        yield batch
