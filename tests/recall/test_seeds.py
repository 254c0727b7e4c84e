"""Seeds as they are published: the Parquet schemas of OpenWebMath and FineMath go into a round as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.manifest import read_result
from mathcode_data.recall.config import load_recall
from mathcode_data.recall.rounds import run_rounds
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.progress import Progress
from support.classifier import MATH, OTHER, texts
from support.stages import run_source

FINEMATH = pa.schema(
    [("url", pa.string()), ("fetch_time", pa.int64()), ("content_mime_type", pa.string()), ("warc_filename", pa.string()),
     ("warc_record_offset", pa.int32()), ("warc_record_length", pa.int32()), ("text", pa.string()), ("token_count", pa.int32()),
     ("char_count", pa.int32()), ("metadata", pa.string()), ("score", pa.float64()), ("int_score", pa.int64()), ("crawl", pa.string()),
     ("snapshot_type", pa.string()), ("language", pa.string()), ("language_score", pa.float64())]
)  # fmt: skip
INFIWEBMATH = pa.schema(
    [("url", pa.string()), ("metadata", pa.string()), ("score", pa.float64()), ("int_score", pa.int64()), ("token_count", pa.int64()),
     ("char_count", pa.int64()), ("text", pa.string())]
)  # fmt: skip
OPENWEBMATH = pa.schema([("url", pa.string()), ("text", pa.string()), ("date", pa.timestamp("us")), ("metadata", pa.string())])
SEEDS: dict[str, tuple[pa.Schema, str]] = {
    "openwebmath": (OPENWEBMATH, "{paths: seed, source: openwebmath, url_column: url}"),
    "finemath": (FINEMATH, "{paths: seed, source: finemath, url_column: url, keep_columns: [score, int_score, language]}"),
    "infiwebmath": (INFIWEBMATH, "{paths: seed, source: infiwebmath, url_column: url, keep_columns: [int_score]}"),
}
RECALL = """
name: seeds
seed: 3
output: out
stages:
  - id: seed
    read.parquet: SEED
  - id: random
    read.parquet: {paths: random.parquet, url_column: url}
  - id: pages
    read.parquet: {paths: pages.parquet, url_column: url}
recall:
  seed: {stage: seed}
  negatives: {stage: random}
  pages: {stage: pages}
  tokens: 350
  learn: {dim: 8, bucket: 1000, min_count: 1, epochs: 8, lr: 0.5, word_ngrams: 1, holdout: 10%}
  domains: {min_pages: 3}
  max_rounds: 1
"""


def rows_of(schema: pa.Schema, words: list[str], number: int, seed: int) -> pa.Table:
    """Rows of a published schema; what the rounds do not look at has a value of its type."""
    made: dict[str, Callable[[int], Any]] = {
        "url": lambda i: f"https://site{i % 5}.org/{seed}/{i}", "score": lambda i: 3.0 + i % 3 / 2, "language": lambda _: "en",
        "metadata": lambda _: '{"extraction_info": {"found_math": true}}', "fetch_time": lambda _: 1_678_943_351_000_000_000,
    }  # fmt: skip
    found = texts(words, number, seed)
    defaults: dict[pa.DataType, Any] = {pa.string(): "x", pa.float64(): 0.5, pa.timestamp("us"): 1_600_000_000_000_000}
    columns = {}
    for field in schema:
        value = made.get(field.name, lambda _, kind=field.type: defaults.get(kind, 7))
        columns[field.name] = pa.array(found if field.name == "text" else [value(i) for i in range(number)], field.type)
    return pa.table(columns, schema=schema)


def lay_out(folder: Path, name: str) -> Path:
    schema, reading = SEEDS[name]
    (folder / "seed").mkdir()
    for part in range(2):  # published in parts, with a metadata block of the library that wrote them
        table = rows_of(schema, MATH, 30, part).replace_schema_metadata({"huggingface": '{"info": {"features": {}}}'})
        pq.write_table(table, folder / f"seed/train-{part:05d}-of-00002.parquet", row_group_size=10, compression="snappy")
    pq.write_table(rows_of(OPENWEBMATH, OTHER, 60, 8), folder / "random.parquet")
    pages = pa.concat_tables([rows_of(OPENWEBMATH, MATH, 15, 9), rows_of(OPENWEBMATH, OTHER, 40, 10)])
    pq.write_table(pages, folder / "pages.parquet")
    path = folder / "recall.yaml"
    path.write_text(RECALL.replace("SEED", reading))
    return path


def run(path: Path, limit: int | None = None) -> Any:
    return run_rounds(load_recall(path, limit=limit), RunSettings(InlineRunner(), Progress(), Interrupt()), lambda _: None)


@pytest.mark.parametrize("name", SEEDS)
def test_a_published_schema_is_read_as_it_is(name: str, tmp_path: Path):
    schema, reading = SEEDS[name]
    lay_out(tmp_path, name)
    table, ledger = run_source("read.parquet", tmp_path, **(yaml.safe_load(reading)))
    assert table.num_rows == 60
    assert ledger.damage == []
    assert not ledger.counters.dropped
    assert set(table["source"].to_pylist()) == {name}
    assert all(url.startswith("https://site") for url in table["url"].to_pylist())
    if name == "finemath":
        assert table.schema.field("score").type == schema.field("score").type
        assert set(table["language"].to_pylist()) == {"en"}


def test_a_published_corpus_is_the_seed_of_a_round(tmp_path: Path):
    outcome = run(lay_out(tmp_path, "finemath"))
    assert read_result(tmp_path / "out/seed").manifest.num_rows == 60
    assert 5 <= outcome.rounds[0].data["pages"] <= 15
    shards = read_result(tmp_path / "out/round-1-recalled").document_shards()
    urls = [url for shard in shards for url in pq.read_table(shard)["url"].to_pylist()]
    assert {url.split("/")[3] for url in urls} == {"9"}, "the pages of mathematics and no other"


def test_a_limit_makes_small_rounds_in_a_folder_of_their_own(tmp_path: Path):
    path = lay_out(tmp_path, "openwebmath")
    outcome = run(path, limit=20)
    assert not (tmp_path / "out").exists()
    assert len(outcome.rounds) == 1
    sizes = {name: read_result(tmp_path / "out.limit-20" / name).manifest.num_rows for name in ("seed", "random", "pages")}
    assert all(0 < size <= 40 for size in sizes.values()), sizes
    assert sizes["pages"] < 55


def test_with_a_limit_a_round_takes_the_same_share_of_the_pages(tmp_path: Path):
    path = lay_out(tmp_path, "openwebmath")
    text = path.read_text()
    whole = run(path).rounds[0].data
    said: list[str] = []
    outcome = run_rounds(load_recall(path, limit=20), RunSettings(InlineRunner(), Progress(), Interrupt()), said.append)
    limited = outcome.rounds[0].data
    there, taken = whole["pages_scored"], limited["pages_scored"]
    assert 0 < taken < there
    assert limited["tokens_asked"] == round(whole["tokens_asked"] * taken / there)
    assert 0 < limited["pages"] < taken, "the best of them, not all"
    assert said[0].startswith(f"limit: {taken:,} of {there:,} pages are read, so a round takes ")
    assert path.read_text() == text
