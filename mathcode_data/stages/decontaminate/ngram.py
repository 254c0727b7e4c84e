"""Remove from documents what stands in a benchmark: DeepSeekMath's rule (arXiv 2402.03300, section 2.1), with guards.

- A segment (segments.py: a block between blank lines; fences and display formulas stay whole) with a run of `ngram` grams that stands in
  a question or answer is removed; the page stays without it, unless nothing is left (`contaminated_all`). A run may go
  across segments, as questions with a display formula do; then all of them are removed. `granularity: document` drops the
  page (`contaminated`), as DeepSeek-Coder does with code, where a file with a hole is of no use.
- A page that holds a whole benchmark text of `min_ngram` to `ngram` - 1 grams is dropped (`contaminated_short`). The paper
  means questions and answers; by default only questions count here, because short answers are phrases such as "x = 5 or
  x = 7" and "both statements are true".

The paper does not say what a gram is; core/text.py does, and it is the same for deduplication. Matches that prove nothing
(guards.py, and runs that stand in several items of one benchmark) do not count and are reported as `guarded_matches`.
Facts: `hits FILE` (pages with a match, per benchmark file), `documents_changed`, `segments_removed`, `characters_removed`.
"""

from __future__ import annotations

import functools
import itertools
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mathcode_data.core import text as core_text
from mathcode_data.core.config import InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.stages.decontaminate.benchmarks import ANSWER_FIELDS, QUESTION_FIELDS, benchmark_files
from mathcode_data.stages.decontaminate.index import BenchmarkIndex, Match, Rules, iterate_batches
from mathcode_data.stages.decontaminate.segments import split_segments, without_segments

VERSION = f"1.{core_text.VERSION}"
LIBRARIES = ("unicodedata",)

BATCH_GRAMS = 1 << 20  # 8 MB of hashes, and a few arrays of that size


class Config(StageConfig):
    """Which benchmarks, and what counts as a match."""

    benchmarks: InputPaths
    """Benchmark files (JSONL, JSON, Parquet; .gz and .zst) or folders of them."""
    question_fields: tuple[str, ...] = QUESTION_FIELDS
    """Fields that hold questions, in any case of letters."""
    answer_fields: tuple[str, ...] = ANSWER_FIELDS
    """Fields that hold answers: text, or lists of text."""
    ngram: int = Field(default=10, ge=2, le=100)
    """A run of this many grams is a match."""
    min_ngram: int = Field(default=3, ge=1)
    """Benchmark texts shorter than `ngram` must match as a whole; those shorter than this are ignored."""
    short_texts: Literal["questions", "questions_and_answers", "none"] = "questions"
    """Which texts shorter than `ngram` drop a page that holds them."""
    granularity: Literal["segment", "document"] = "segment"
    """What a match of `ngram` grams removes."""
    min_distinct_grams: int = Field(default=5, ge=1)
    """A run with fewer distinct grams is no evidence (for short texts: 3 at most)."""
    min_rare_grams: int = Field(default=1, ge=0)
    """A run with fewer words that are neither stop words nor single letters is no evidence (see guards.py)."""
    max_items: int = Field(default=5, ge=2)
    """A run that stands in this many items of one benchmark file is its form, no evidence."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Config:
        if self.min_ngram > self.ngram:
            raise ValueError(f"min_ngram {self.min_ngram} is more than ngram {self.ngram}; it must be at most ngram")
        return self


def build(config: Config) -> NgramDecontamination:
    """Make the stage; benchmarks are read on first use."""
    return NgramDecontamination(config)


def load_index(config: Config) -> BenchmarkIndex:
    """Read the benchmarks of a configuration, once per process as long as the files stay what they are."""
    files = benchmark_files(config.benchmarks)
    return _load_index(config, tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=2)
def _load_index(config: Config, _files: tuple[tuple[str, int, int], ...]) -> BenchmarkIndex:
    rules = Rules(
        ngram=config.ngram,
        min_ngram=config.min_ngram,
        short_questions=config.short_texts != "none",
        short_answers=config.short_texts == "questions_and_answers",
        min_distinct=config.min_distinct_grams,
        min_rare=config.min_rare_grams,
        max_items=config.max_items,
    )
    return BenchmarkIndex(config.benchmarks, config.question_fields, config.answer_fields, rules)


class NgramDecontamination:
    """Removes segments and pages that match a benchmark."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._index: BenchmarkIndex | None = None

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give back the clean documents, some of them shorter than before."""
        require_columns(table.schema, {"text": pa.large_string()}, ledger.counters.stage)
        if self._index is None:
            self._index = load_index(self._config)
        texts = table["text"].to_pylist()
        verdicts = [""] * len(texts)
        first = 0
        for batch in iterate_batches((core_text.gram_hashes(text or "") for text in texts), BATCH_GRAMS):
            self._judge(batch, first, texts, verdicts, ledger)
            first += len(batch)
        return self._give_back(table, texts, verdicts, ledger)

    def _judge(self, batch: list[NDArray[np.uint64]], first: int, texts: list[str], verdicts: list[str], ledger: Ledger) -> None:
        """Find the matches of a batch of pages; change their texts or set their verdicts."""
        index = self._index
        assert index is not None, "the index is read before pages are judged"
        found = index.look_up(batch)
        ledger.count("guarded_matches", found.num_guarded)
        for page in {match.page for match in found.shorts}:
            verdicts[first + page] = "contaminated_short"
        for page, matches in itertools.groupby(found.runs, key=lambda match: match.page):
            if not verdicts[first + page]:
                verdicts[first + page] = self._clean(first + page, list(matches), batch[page], texts, ledger)
        for _, file in {(match.page, file) for match in found.runs + found.shorts for file in match.files}:
            ledger.count(f"hits {index.names[file]}")

    def _clean(self, page: int, matches: list[Match], hashes: NDArray[np.uint64], texts: list[str], ledger: Ledger) -> str:
        """Take the segments with matches out of a page; returns the reason to drop it, or "changed"."""
        if self._config.granularity == "document":
            return "contaminated"
        text = texts[page]
        segments = split_segments(text)
        sizes = [core_text.gram_hashes(text[start:end]).size for start, end in segments]
        assert sum(sizes) == hashes.size, f"the segments of a page have {sum(sizes)} grams, the page {hashes.size}"
        ends = np.cumsum(sizes)
        removed = set()
        for match in matches:
            low, high = np.searchsorted(ends, [match.start, match.end - 1], side="right")
            removed |= {number for number in range(int(low), int(high) + 1) if sizes[number]}
        if sum(sizes[number] for number in removed) == hashes.size:
            return "contaminated_all"
        texts[page] = without_segments(text, segments, removed)
        ledger.count("documents_changed")
        ledger.count("segments_removed", len(removed))
        ledger.count("characters_removed", len(text) - len(texts[page]))
        return "changed"

    @staticmethod
    def _give_back(table: pa.Table, texts: list[str], verdicts: list[str], ledger: Ledger) -> pa.Table:
        verdict = np.array(verdicts, dtype=object)
        for reason in sorted({*verdicts} - {"", "changed"}):
            ledger.drop(table.filter(pa.array(verdict == reason)), reason)
        if "changed" in verdicts:
            column = pa.array(texts, pa.large_string())
            table = table.set_column(table.column_names.index("text"), table.schema.field("text"), column)
        return table.filter(pa.array(np.isin(verdict, ["", "changed"]))) if any(verdicts) else table
