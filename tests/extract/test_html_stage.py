"""extract.html: the stage around the extractor: columns, reasons, facts, and a child process that is used again."""

from __future__ import annotations

import gc
import gzip
import json
from dataclasses import replace

import psutil
import pyarrow as pa
import pytest

from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import PAGE_SCHEMA
from mathcode_data.core.errors import DataError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.stages.extract.records import Formula, Page
from support.stages import make_config, run_map

LONG = "We prove that the sum of two even numbers is even, by writing each of them as twice another number. "


def pages(*contents: bytes) -> pa.Table:
    """A table of pages as a source gives it."""
    rows = [
        {"doc_id": f"{n:032x}", "source": "web", "url": f"https://example.org/{n}", "content": content, "content_type": "text/html",
         "warc_file": "a.warc.gz", "warc_offset": n * 10, "warc_length": 10, "payload_digest": "sha1:X", "http_status": 200}
        for n, content in enumerate(contents)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=PAGE_SCHEMA)


def article(text: str, language: str = "en") -> bytes:
    body = f"<h1>Title</h1><p>{LONG}{text}</p><p>{LONG}</p>"
    return f"<!doctype html><html lang={language}><head><title>T</title></head><body><article>{body}</article></body></html>".encode()


class Answers:
    """Stands for the extractor: gives prepared pages and remembers how often it was asked."""

    def __init__(self, *answers: Page) -> None:
        self.answers, self.num_calls = list(answers), 0

    def extract(self, asked):
        self.num_calls += 1
        return [self.answers.pop(0) for _ in asked]

    def close(self) -> None:
        pass


GOOD = Page("Title", "en", LONG, (), "utf-8", "header", "")


def run_with(answers: list[Page], table: pa.Table, **values):
    """Run the stage on prepared answers."""
    stage = load_plugin("extract.html").build(make_config("extract.html", **values))
    stage._extractor = Answers(*answers)
    ledger = Ledger("extract.html")
    out = stage(table, ledger)
    ledger.counters.read, ledger.counters.kept = table.num_rows, out.num_rows
    ledger.counters.check()
    return out, ledger


def test_real_pages_become_text_with_their_formulas_and_provenance():
    content = article(r"Hence \(a+b\) is even.") + b"<script src='MathJax.js'></script>"
    out, ledger = run_map("extract.html", pages(content, b"", article("No formula here.")))
    assert out.schema.names == [
        "doc_id", "source", "url", "text", "title", "language", "num_formulas", "formula_sources", "encoding",
        "warc_file", "warc_offset", "warc_length", "payload_digest", "fetched_at", "http_status",
    ]  # fmt: skip
    first, second = out.to_pylist()
    assert r"\(a+b\)" in first["text"]
    assert first["num_formulas"] == 1
    assert list(json.loads(first["formula_sources"]).values()) == [1]
    assert (second["num_formulas"], second["formula_sources"]) == (0, "{}")
    assert (first["warc_offset"], second["warc_offset"]) == (0, 20)
    assert dict(ledger.counters.dropped) == {"extract_empty": 1}
    assert ledger.counters.facts["formulas"] == 1


def test_a_page_that_is_gzip_cut_short_is_kept_and_counted():
    torn = gzip.compress(article("A sentence of a page that is cut.") * 20)[:-10]
    out, ledger = run_map("extract.html", pages(torn, article("A whole page.")))
    assert out.num_rows == 2
    assert ledger.counters.facts["pages_read_in_part"] == 1


def test_a_page_with_an_error_is_dropped_under_its_first_word():
    errors = ["timeout: more than 2 s", "crash: SIGSEGV", "empty: no text", "limit: 200,000 attributes", "encoding: x", "Odd Error"]
    answers = [replace(GOOD, error=error) for error in errors] + [GOOD]
    out, ledger = run_with(answers, pages(*[b"x"] * 7))
    assert out.num_rows == 1
    assert sorted(ledger.counters.dropped) == [
        "extract_crash", "extract_empty", "extract_encoding", "extract_error", "extract_limit", "extract_timeout",
    ]  # fmt: skip
    assert {reason: rows.column("url").to_pylist() for reason, rows in ledger.dropped_rows}["extract_crash"] == ["https://example.org/1"]


def test_short_pages_and_other_languages_are_dropped_when_asked():
    answers = [GOOD, replace(GOOD, text="short"), replace(GOOD, language="de"), replace(GOOD, language="zh")]
    out, ledger = run_with(answers, pages(*[b"x"] * 4), languages=["en", "zh"], min_characters=20)
    assert out.column("language").to_pylist() == ["en", "zh"]
    assert dict(ledger.counters.dropped) == {"too_short": 1, "other_language": 1}


def test_formulas_of_kept_pages_are_counted_by_source():
    formulas = tuple(Formula("x", False, source, 1.0) for source in ("mathml", "image-alt", "mathml"))
    out, ledger = run_with([replace(GOOD, formulas=formulas), replace(GOOD, formulas=formulas, error="limit: x")], pages(b"x", b"y"))
    assert out.column("formula_sources").to_pylist() == ['{"image-alt":1,"mathml":2}']
    assert dict(ledger.counters.facts) == {"formulas": 3, "formulas_image-alt": 1, "formulas_mathml": 2, "pages_with_formulas": 1}


def test_html_is_kept_when_asked_and_a_lone_surrogate_fails_no_shard():
    out, _ = run_with([replace(GOOD, text=LONG + "\ud800")], pages(b"x"), keep_html=True)
    assert out.column("content").to_pylist() == [b"x"]
    assert out.column("text").to_pylist() == [LONG + "\ufffd"]


@pytest.mark.parametrize("keep_html", [False, True])
def test_an_empty_table_has_the_schema_of_a_full_one(keep_html):
    empty, _ = run_with([], pages(), keep_html=keep_html)
    full, _ = run_with([GOOD], pages(b"x"), keep_html=keep_html)
    assert empty.schema == full.schema
    assert empty.num_rows == 0


def test_a_table_without_pages_is_refused():
    with pytest.raises(DataError, match="no column 'content'"):
        run_with([], pa.table({"doc_id": ["x"], "text": ["y"]}))


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


def test_one_child_serves_many_tables_and_ends_with_the_stage():
    before = children()
    stage = load_plugin("extract.html").build(make_config("extract.html"))
    assert children() == before, "the child starts with the first page"
    for _ in range(3):
        assert stage(pages(article("one"), article("two")), Ledger("extract.html")).num_rows == 2
    assert len(children() - before) == 1
    del stage
    gc.collect()
    assert children() == before
