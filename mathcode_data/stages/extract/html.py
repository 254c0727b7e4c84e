"""HTML pages to text: `content` and `content_type` become `text`, `title`, `language`, formula counts and `encoding`.

Parsing and extraction run in a warm child process behind a deadline and a memory limit (`guard.py`), so a hostile page
costs itself and no other. A page that cannot be used is dropped under `extract_` and the first word of its error:
`extract_timeout`, `extract_crash`, `extract_limit`, `extract_empty`, `extract_encoding`, ... One of which only a part could
be read (gzip cut short, wrong checksum) is kept and counted as `pages_read_in_part`.
"""

from __future__ import annotations

import re
import weakref
from collections import Counter
from collections.abc import Sequence

import orjson
import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.stages.extract.guard import GuardedExtractor
from mathcode_data.stages.extract.limits import SECONDS_PER_MB
from mathcode_data.stages.extract.records import Page, PageInput, Scope

VERSION = "11"
LIBRARIES = ("resiliparse", "selectolax", "unicodedata")
NEEDED = {"content": pa.large_binary(), "content_type": pa.string(), "url": pa.string()}
ADDED = (
    pa.field("text", pa.large_string()),
    pa.field("title", pa.string()),
    pa.field("language", pa.string()),
    pa.field("num_formulas", pa.int32()),
    pa.field("formula_sources", pa.string()),
    pa.field("encoding", pa.string()),
)
SURROGATE = re.compile("[\ud800-\udfff]")
CODE = re.compile(r"[a-z_]{1,20}")


class Config(StageConfig):
    """Limits of the extraction, and which pages are kept."""

    deadline_s: float = Field(default=2.0, gt=0, le=600)
    """Processor time for one page, besides `deadline_per_mb_s` for each megabyte of it; more drops it as `extract_timeout`."""
    deadline_per_mb_s: float = Field(default=SECONDS_PER_MB, ge=0, le=60)
    """Processor time for each megabyte of a page, added to `deadline_s`."""
    memory: ByteCount = Field(default=2 << 30, ge=512 << 20)
    """Address space of the child process."""
    min_characters: int = Field(default=50, ge=0)
    """Pages with less text are dropped as `too_short`."""
    languages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Languages to keep, as the extractor names them ("en", "zh"); none means all. Others are dropped as `other_language`."""
    comments: bool = False
    """Keep a section of readers' comments below an article; where a page is a thread, its posts are kept anyway."""
    boilerplate: bool = False
    """Keep all that a page shows: navigation, side bars, lists of other pages, comments."""
    keep_html: bool = False
    """Keep `content` and `content_type` beside the text."""


class HtmlExtraction:
    """Extracts tables of pages; holds one child process from the first page on until it is itself gone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        scope = Scope(comments=config.comments, boilerplate=config.boilerplate)
        self._extractor = GuardedExtractor(
            deadline_s=config.deadline_s, per_mb_s=config.deadline_per_mb_s, memory_bytes=config.memory, scope=scope
        )
        # also runs when the interpreter ends; a child must not outlive its worker
        self._finalizer = weakref.finalize(self, self._extractor.close)

    def close(self) -> None:
        """End the child process; the next table starts another."""
        self._extractor.close()

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Extract every page of a table.

        Raises:
            DataError: the table holds no pages.
            ResourceError: the child process cannot be started.
        """
        require_columns(table.schema, NEEDED, "extract.html")
        pages = self._extractor.extract(
            [
                PageInput(content or b"", url or "", content_type or "")
                for content, url, content_type in zip(
                    *(table.column(name).to_pylist() for name in ("content", "url", "content_type")), strict=True
                )
            ]
        )
        out = self._with_text(table, pages)
        reasons = [self._why_drop(page) for page in pages]
        for reason in sorted({reason for reason in reasons if reason}):
            ledger.drop(out.filter(pa.array([found == reason for found in reasons])), reason)
        _count_formulas([page for page, reason in zip(pages, reasons, strict=True) if not reason], ledger)
        return out.filter(pa.array([not reason for reason in reasons], pa.bool_()))

    def _why_drop(self, page: Page) -> str:
        """The reason to drop a page, "" to keep it."""
        if page.error:
            match = CODE.match(page.error)
            return f"extract_{match[0] if match else 'error'}"
        if len(page.text) < self._config.min_characters:
            return "too_short"
        languages = self._config.languages
        return "other_language" if languages is not None and page.language not in languages else ""

    def _with_text(self, table: pa.Table, pages: Sequence[Page]) -> pa.Table:
        """The new columns where `content` stood, all others as they were."""
        values = [
            [_sound(page.text) for page in pages],
            [_sound(page.title) for page in pages],
            [page.language for page in pages],
            [len(page.formulas) for page in pages],
            [_sources(page) for page in pages],
            [page.encoding for page in pages],
        ]
        added = [pa.array(column, field.type) for column, field in zip(values, ADDED, strict=True)]
        fields: list[pa.Field] = []
        columns: list[pa.Array | pa.ChunkedArray] = []
        replaced = {field.name for field in ADDED} | (set() if self._config.keep_html else {"content", "content_type"})
        for field in table.schema:
            if field.name == "content":
                fields += ADDED
                columns += added
            if field.name not in replaced:
                fields.append(field)
                columns.append(table.column(field.name))
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _sound(text: str) -> str:
    """Text that Arrow takes: a lone surrogate would fail the whole shard."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def _sources(page: Page) -> str:
    """Formulas of a page by the form they were found in, as compact JSON."""
    return orjson.dumps(Counter(formula.source for formula in page.formulas), option=orjson.OPT_SORT_KEYS).decode()


def _count_formulas(pages: Sequence[Page], ledger: Ledger) -> None:
    """Add the formulas of kept pages to the facts, in all and by the form they were found in; and how many pages are torn."""
    found = Counter(formula.source for page in pages for formula in page.formulas)
    if found:
        ledger.count("formulas", found.total())
    for source, number in sorted(found.items()):
        ledger.count(f"formulas_{source}", number)
    damaged = sum(1 for page in pages if page.damage)
    if damaged:
        ledger.count("pages_read_in_part", damaged)
    with_formulas = sum(1 for page in pages if page.formulas)
    if with_formulas:
        ledger.count("pages_with_formulas", with_formulas)


def build(config: Config) -> HtmlExtraction:
    """Build the stage; the child process starts with the first page."""
    return HtmlExtraction(config)
