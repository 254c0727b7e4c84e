"""Remove from documents what stands in a benchmark: DeepSeekMath's rule (arXiv 2402.03300, section 2.1), with guards.

- A segment (segments.py: a block between blank lines; fences and display formulas stay whole) with a run of `ngram` grams that stands in
  a question or answer is removed; the page stays without it, unless nothing is left (`contaminated_all`). A run may go
  across segments, as questions with a display formula do; then all of them are removed. `granularity: document` drops the
  page (`contaminated`), as DeepSeek-Coder does with code, where a file with a hole is of no use.
- A page that holds a whole question or answer of `min_ngram` to `ngram` - 1 grams is dropped (`contaminated_short`), unless it is
  the beginning of a longer sentence ("why is the sky blue or red") or part of a longer formula there. One of the options of a multiple
  choice is no answer ("both statements are true"); `short_texts` says which texts count.

The paper does not say what a gram is; core/text.py does, and it is the same for deduplication. Escapes of JSON and of strings are
undone first (escapes.py). Matches that prove nothing
(matching.py, information.py) do not count, such as `x = 2 y`: facts `guarded_matches`, `guarded few_bits`, `guarded form` ... say how
many, and `guards: false` makes them count. A whole question of `ngram` grams counts however little it says, a shorter one where it is a
whole line (lines.py) or sentence (sentences.py) of the page, or a formula of twelve bits. Two formulas with the same
grams and other brackets do not match, guards or not: `guarded other_signs` (signs.py).
Other facts: `hits FILE` (pages with a match, per benchmark), `documents_changed`, `segments_removed`, `characters_removed`, `report MODE`.

The column `contamination` says for each document what was found, with both texts (findings.py); it is null where nothing was.
`mathcode-data contamination RESULT` gathers it by benchmark item. Modes in `report` find more and remove nothing (overlap.py).
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from mathcode_data.core import text as core_text
from mathcode_data.core.config import InputPaths, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.core.gram_scanner import scan_grams
from mathcode_data.stages.decontaminate.benchmarks import ANSWER_FIELDS, QUESTION_FIELDS, Fields, benchmark_files
from mathcode_data.stages.decontaminate.escapes import places_with_escapes, without_escapes
from mathcode_data.stages.decontaminate.findings import COLUMN, findings_of
from mathcode_data.stages.decontaminate.index import BenchmarkIndex, Rules, open_index
from mathcode_data.stages.decontaminate.matching import Batch, Guards, Match, look_up
from mathcode_data.stages.decontaminate.overlap import Overlap, idf_overlaps, lcs_overlaps, template_overlaps
from mathcode_data.stages.decontaminate.segments import split_segments, without_segments
from mathcode_data.stages.decontaminate.signs import Signs

VERSION = f"7.{core_text.VERSION}"
LIBRARIES = ("unicodedata",)

BATCH_BYTES = 1 << 20  # its grams take 8 times as much where every byte is one, and are quickest while they stay in the cache

Mode = Literal["lcs", "idf", "template"]


class Config(StageConfig):
    """Which benchmarks, and what counts as a match."""

    benchmarks: InputPaths
    """Benchmark files (JSONL, JSON, CSV, TSV, Parquet, .lean, .thy; .gz and .zst) or folders of them."""
    question_fields: tuple[str, ...] = QUESTION_FIELDS
    """Fields that hold questions, in any case of letters; a.b is field b in field a."""
    answer_fields: tuple[str, ...] = ANSWER_FIELDS
    """Fields that hold answers: text, or lists of text."""
    ngram: int = Field(default=10, ge=2, le=100)
    """A run of this many grams is a match."""
    min_ngram: int = Field(default=3, ge=1)
    """Benchmark texts shorter than `ngram` must match as a whole; those shorter than this are ignored."""
    short_texts: Literal["questions", "questions_and_answers", "all", "none"] = "questions_and_answers"
    """Which texts shorter than `ngram` drop a page that holds them; `all` has the options of multiple choice besides."""
    granularity: Literal["segment", "document"] = "segment"
    """What a match of `ngram` grams removes."""
    guards: bool = True
    """Whether matches that prove nothing are let pass; false removes every match."""
    min_bits: float = Field(default=55.0, ge=0.0)
    """A match with less information is no evidence, unless it is most of a benchmark text (see information.py)."""
    min_short_bits: float = Field(default=20.0, ge=0.0)
    """A match of a whole text with less information is no evidence, unless it is a question that stands apart."""
    min_distinct_grams: int = Field(default=5, ge=1)
    """A match with fewer distinct grams is no evidence, unless it is a whole question."""
    max_items: int = Field(default=5, ge=2)
    """A run that stands in this many items of one benchmark is its form, no evidence."""
    report: tuple[Mode, ...] = ()
    """What else to look for and only report: `lcs`, `idf`, `template`."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Config:
        if self.min_ngram > self.ngram:
            raise ValueError(f"min_ngram {self.min_ngram} is more than ngram {self.ngram}; it must be at most ngram")
        return self


def build(config: Config) -> NgramDecontamination:
    """Make the stage; benchmarks are read on first use."""
    return NgramDecontamination(config)


def load_index(config: Config) -> BenchmarkIndex:
    """Open the index of a configuration, once per process as long as the files stay what they are."""
    files = benchmark_files(config.benchmarks)
    return _load_index(config, tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=2)
def _load_index(config: Config, _files: tuple[tuple[str, int, int], ...]) -> BenchmarkIndex:
    rules = Rules(
        config.ngram, config.min_ngram, config.max_items, config.short_texts, "idf" in config.report, "template" in config.report
    )  # fmt: skip
    return open_index(config.benchmarks, Fields(config.question_fields, config.answer_fields), rules)


class NgramDecontamination:
    """Removes segments and pages that match a benchmark."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._guards = Guards(config.min_bits, config.min_short_bits, config.min_distinct_grams, config.guards)
        self._index: BenchmarkIndex | None = None
        self._signs: dict[int, Signs] = {}

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give back the clean documents, some of them shorter than before."""
        require_columns(table.schema, {"text": pa.large_string()}, ledger.counters.stage)
        if self._index is None:
            self._index = load_index(self._config)
        page = _Pages(table.num_rows)
        for first, texts in _batches(table["text"]):
            self._judge(self._index, first, texts, page, ledger)
        return page.applied_to(table, ledger)

    def _judge(self, index: BenchmarkIndex, first: int, texts: pa.Array, pages: _Pages, ledger: Ledger) -> None:
        """Find the matches of a batch of pages; change their texts or set their verdicts."""
        plain, clean = without_escapes(texts)
        grams = scan_grams(plain)
        places = places_with_escapes(grams, texts, clean) if clean else grams.places
        batch = Batch(plain, grams, self._signs)
        matches = look_up(index, self._guards, batch)
        overlaps = self._overlaps(index, batch, matches)
        for mode in self._config.report:
            ledger.count(f"report {mode}", sum(overlap.mode == mode for overlap in overlaps))
        by_page = {page: list(found) for page, found in itertools.groupby(matches, key=lambda match: match.page)}
        resembling: dict[int, list[Overlap]] = {}
        for overlap in overlaps:
            resembling.setdefault(overlap.page, []).append(overlap)
        for page in sorted(by_page.keys() | resembling.keys()):
            found = by_page.get(page, [])
            text = texts[page].as_py()
            content, spans = findings_of(index, text, places[grams.ends[page] : grams.ends[page + 1]], found, resembling.get(page, []))
            pages.findings[first + page] = content
            _count(index, found, ledger)
            if any(match.is_short and not match.guard for match in found):
                pages.verdicts[first + page] = "contaminated_short"
            elif spans and self._config.granularity == "document":
                pages.verdicts[first + page] = "contaminated"
            elif spans:
                pages.clean(first + page, text, spans, ledger)

    def _overlaps(self, index: BenchmarkIndex, batch: Batch, matches: list[Match]) -> list[Overlap]:
        found: list[Overlap] = []
        if "lcs" in self._config.report:
            found += lcs_overlaps(index, matches, batch)
        if "idf" in self._config.report:
            found += idf_overlaps(index, batch)
        if "template" in self._config.report:
            slotted = scan_grams(batch.pages, number_slots=True).hashes
            found += template_overlaps(index, self._config.min_short_bits, slotted, batch)
        return found


def _count(index: BenchmarkIndex, found: list[Match], ledger: Ledger) -> None:
    for guard, number in Counter(match.guard for match in found if match.guard).items():
        ledger.count("guarded_matches", number)
        ledger.count(f"guarded {guard}", number)
    for file in sorted({int(index.texts.file[match.text]) for match in found if not match.guard}):
        ledger.count(f"hits {index.names[file]}")


def _batches(column: pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    """Parts of a text column of a few megabytes, null as the empty text, and the number of the first row of each."""
    sizes = np.cumsum(pc.fill_null(pc.binary_length(column), 0).to_numpy())
    first = 0
    while first < len(column):
        before = int(sizes[first - 1]) if first else 0
        end = max(first + 1, int(np.searchsorted(sizes, before + BATCH_BYTES, side="right")))
        part = pc.fill_null(column.slice(first, end - first), "").cast(pa.large_string())
        yield first, part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
        first = end


class _Pages:
    """What became of the documents of a table."""

    def __init__(self, num_pages: int) -> None:
        self.verdicts = [""] * num_pages
        self.findings: list[str | None] = [None] * num_pages
        self._changed: dict[int, str] = {}

    def clean(self, page: int, text: str, spans: list[tuple[int, int]], ledger: Ledger) -> None:
        """Take the segments with matches out of a page."""
        segments = split_segments(text)
        starts, ends = np.array(segments, np.int64).T
        removed: set[int] = set()
        for start, end in spans:
            low, high = int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(starts, end, side="left"))
            removed |= {number for number in range(low, high) if text[slice(*segments[number])].strip()}
        left = without_segments(text, segments, removed)
        if not core_text.gram_hashes(left).size:
            self.verdicts[page] = "contaminated_all"
            return
        self._changed[page] = left
        ledger.count("documents_changed")
        ledger.count("segments_removed", len(removed))
        ledger.count("characters_removed", len(text) - len(left))

    def applied_to(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Drop pages, put in changed texts, and add the column of findings."""
        if COLUMN in table.column_names:
            table = table.drop_columns([COLUMN])
        table = table.append_column(COLUMN, pa.array(self.findings, pa.large_string()))
        verdicts = np.array(self.verdicts, dtype=object)
        for reason in sorted({*self.verdicts} - {""}):
            ledger.drop(table.filter(pa.array(verdicts == reason)), reason)
        if self._changed:
            mask = np.zeros(table.num_rows, bool)
            mask[list(self._changed)] = True
            texts = pa.array([text for _, text in sorted(self._changed.items())], pa.large_string())
            changed = pc.replace_with_mask(table["text"].combine_chunks().cast(pa.large_string()), pa.array(mask), texts)
            table = table.set_column(table.column_names.index("text"), table.schema.field("text"), changed)
        return table.filter(pa.array(verdicts == "")) if any(self.verdicts) else table
