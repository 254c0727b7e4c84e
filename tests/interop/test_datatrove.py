"""datatrove's blocks as our stages: same verdicts as datatrove gives, every document accounted for, same bytes every time."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ConfigError, DataError, PartialResultError
from mathcode_data.core.plugins import load_plugin, stage_names
from mathcode_data.core.stage import GlobalStage, MapStage, Source
from mathcode_data.interop.datatrove import BASES, REFUSED_BLOCKS, REFUSED_FAMILIES
from mathcode_data.runtime.pipeline import load_pipeline
from mathcode_data.runtime.pool import PoolRunner
from support.engine import run, tree_hashes
from support.stages import documents, make_config, make_result, run_global, run_map, run_source

pytest.importorskip("datatrove", reason="the extra 'datatrove' is not installed")

GOOD = (
    "The sum of two odd numbers is even. To see it, write the first as two a plus one and the second as two b plus one; "
    "adding both gives two times a plus b plus one, which has the factor two. Chapter {} proves more of this kind."
)
BAD = "again and again " * 60
PIPELINE = """
name: borrowed
output: out
stages:
  - datatrove.readers.JsonlReader: {data_folder: in, source: web}
  - datatrove.filters.GopherRepetitionFilter: {}
  - id: clean
    datatrove.formatters.PIIFormatter: {}
  - id: export
    datatrove.writers.JsonlWriter: {}
  - id: columns
    from: clean
    datatrove.writers.ParquetWriter: {expand_metadata: true}
"""


@pytest.fixture(scope="module", autouse=True)
def _words_are_loaded():
    """spaCy's import warns and takes seconds; neither belongs to a test."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from datatrove.utils.word_tokenizers import load_word_tokenizer

        load_word_tokenizer("eng").word_tokenize("two words")


def write_lines(path: Path, rows: list[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"
    path.write_bytes(gzip.compress(lines.encode(), mtime=0) if path.suffix == ".gz" else lines.encode())


def make_pipeline(folder: Path) -> Path:
    for file in range(3):
        rows = [{"text": f"{GOOD.format(n)} Write to a{n}@example.net.", "url": f"https://example.org/{file}/{n}"} for n in range(6)]
        rows[2]["text"] = BAD
        write_lines(folder / "in" / f"{file}.jsonl.gz", rows)
    path = folder / "p.yaml"
    path.write_text(PIPELINE)
    return path


# names and configurations


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("datatrove.readers.JsonlReader", Source),
        ("datatrove.readers.ParquetReader", Source),
        ("datatrove.readers.CSVReader", Source),
        ("datatrove.filters.GopherQualityFilter", MapStage),
        ("datatrove.formatters.SymbolLinesFormatter", MapStage),
        ("datatrove.writers.JsonlWriter", GlobalStage),
    ],
)
def test_a_block_is_a_stage_of_the_kind_that_fits(tmp_path: Path, name: str, protocol: type):
    write_lines(tmp_path / "a.jsonl", [{"text": "a"}])
    values = {"data_folder": "."} if ".readers." in name else {}
    plugin = load_plugin(name)
    assert isinstance(plugin.build(make_config(name, tmp_path, **values)), protocol)
    assert plugin.version.startswith("0.1")


def test_every_block_that_is_not_refused_can_be_configured():
    import importlib
    import inspect

    for family, (module, base) in BASES.items():
        found = importlib.import_module(f"datatrove.pipeline.{family}")
        names = [name for name, cls in inspect.getmembers(found, inspect.isclass) if issubclass(cls, getattr(sys.modules[module], base))]
        assert names
        for name in set(names) - {*REFUSED_BLOCKS, "LambdaFilter"}:
            assert load_plugin(f"datatrove.{family}.{name}").config.model_json_schema()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("datatrove.filters.GopherQualityFiltr", "did you mean 'GopherQualityFilter'"),
        ("datatrove.filter.RegexFilter", "did you mean 'filters'"),
        ("datatrove.filters", r"write datatrove\.FAMILY\.CLASS"),
        ("datatrove.filters.FastTextClassifierFilter", r"use score\.fasttext and select\.threshold"),
        ("datatrove.filters.LanguageFilter", r"use extract\.html with `languages`"),
        ("datatrove.filters.LambdaFilter", "cannot stand in a YAML file"),
        ("datatrove.dedup.MinhashDedupSignature", r"use dedup\.exact or dedup\.minhash"),
        ("datatrove.decont.NGramsDecontFilter", r"use decontaminate\.ngram"),
        ("datatrove.extractors.Trafilatura", r"use extract\.html"),
        ("datatrove.executor.LocalPipelineExecutor", "mathcode-data run"),
        ("datatrove.readers.HTTPFetchReader", r"read\.warc"),
        ("datatrove.tokens.DocumentTokenizer", "use tokenize"),
    ],
)
def test_a_name_that_cannot_be_used_says_what_to_use(name: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load_plugin(name)


def test_a_refusal_names_stages_that_exist():
    words = " ".join([*REFUSED_FAMILIES.values(), *REFUSED_BLOCKS.values()])
    named = {name for name in re.findall(r"[a-z]+\.[a-z_]+", words) if not name.startswith("datatrove.")}
    assert named
    assert named <= set(stage_names())


def test_a_refusal_needs_no_datatrove(monkeypatch: pytest.MonkeyPatch):
    for module in [name for name in sys.modules if name.split(".")[0] == "datatrove"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "datatrove", None)
    load_plugin.cache_clear()
    with pytest.raises(ConfigError, match=r"not installed.*pip install .*\[datatrove\]'"):
        load_plugin("datatrove.filters.RegexFilter")
    for family in REFUSED_FAMILIES:
        with pytest.raises(ConfigError, match="is not used here"):
            load_plugin(f"datatrove.{family}.Anything")
    load_plugin.cache_clear()


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("datatrove.filters.GopherQualityFilter: {min_doc_word: 5}", r"p\.yaml:6:\d+: unknown key 'min_doc_word'; .*'min_doc_words'"),
        ("datatrove.filters.GopherQualityFilter: {min_doc_words: many}", "min_doc_words"),
        ("datatrove.filters.RegexFilter: {}", "regex_exp is missing"),
        ("datatrove.filters.SamplerFilter: {rate: 0.5}", "seed is missing"),
        ("datatrove.filters.RegexFilter: {regex_exp: a, exclusion_writer: x}", "exclusion_writer is no key here: dropped documents stand"),
        ("datatrove.readers.JsonlReader: {data_folder: 's3://bucket/a'}", "not on this machine"),
        ("datatrove.readers.JsonlReader: {data_folder: in, limit: 5}", r"run with --limit"),
        ("datatrove.readers.JsonlReader: {data_folder: in, adapter: f}", "adapter is no key here"),
        ("datatrove.writers.JsonlWriter: {output_filename: all.jsonl}", "no plain file name with"),
        ("datatrove.writers.JsonlWriter: {output_folder: /tmp}", "the files become the stage's result"),
    ],
)
def test_a_wrong_key_is_an_error_with_its_place(tmp_path: Path, stage: str, message: str):
    write_lines(tmp_path / "in" / "a.jsonl", [{"text": "a"}])
    path = tmp_path / "p.yaml"
    path.write_text(f"name: p\noutput: out\nstages:\n  - datatrove.readers.JsonlReader: {{data_folder: in}}\n  - id: x\n    {stage}\n")
    with pytest.raises(ConfigError, match=message):
        load_pipeline(path)


# filters


def test_a_filter_gives_datatroves_verdicts_and_reasons_and_keeps_all_columns():
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherRepetitionFilter

    texts = [GOOD.format(1), BAD, "", GOOD.format(2), "one line\n" * 20]
    table = documents(texts, score_math=[0.1, 0.2, 0.3, 0.4, 0.5], content=pa.array([b"\xff"] * 5, pa.large_binary()))
    out, ledger = run_map("datatrove.filters.GopherRepetitionFilter", table)
    verdicts = [GopherRepetitionFilter().filter(Document(text=text, id="")) for text in texts]
    assert out.equals(table.filter(pa.array([verdict is True for verdict in verdicts])))
    assert ledger.counters.dropped == {verdict[1]: 1 for verdict in verdicts if verdict is not True}
    assert set(ledger.counters.dropped) == {"top_2_gram", "empty", "dup_line_frac"}


def test_a_filter_without_a_reason_drops_under_its_name():
    out, ledger = run_map("datatrove.filters.RegexFilter", documents(["keep", "drop this"]), regex_exp="drop")
    assert out["text"].to_pylist() == ["keep"]
    assert ledger.counters.dropped == {"RegexFilter": 1}


def test_a_filter_sees_the_other_columns_as_metadata():
    table = documents(["a", "b"]).append_column("metadata", pa.array(['{"language": "en", "source": "x"}', None], pa.large_string()))
    from mathcode_data.interop.datatrove_documents import to_documents

    first, second = to_documents(table, "here")
    assert first.metadata == {"language": "en", "source": "test", "url": "https://example.org/0"}
    assert second.metadata == {"source": "test", "url": "https://example.org/1"}
    with pytest.raises(DataError, match=r"here: document 0+: column 'metadata' is no JSON"):
        to_documents(documents(["a"]).append_column("metadata", pa.array(["{"], pa.large_string())), "here")


def test_a_filter_that_edits_texts_edits_them():
    text = "This sentence ends well and is long enough to stay.\nmenu\nHere is another sentence that is long enough to stay."
    out, _ = run_map("datatrove.filters.C4QualityFilter", documents([text]), min_num_sentences=1)
    assert out["text"].to_pylist() == [text.replace("menu\n", "")]


def test_a_document_that_a_block_cannot_take_is_named():
    table = documents(["a"]).set_column(2, "url", pa.nulls(1, pa.string()))
    pytest.importorskip("ahocorasick", reason="datatrove's URLFilter needs pyahocorasick")
    with pytest.raises(DataError, match=r"URLFilter: document 0+: AssertionError: Document does not have url"):
        run_map("datatrove.filters.URLFilter", table, use_integrated_lists=False)


def test_a_missing_package_of_a_block_is_a_config_error():
    try:
        import ahocorasick  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match="pyahocorasick"):
            run_map("datatrove.filters.URLFilter", documents(["a"]))


def test_random_draws_begin_anew_with_every_task_and_do_not_depend_on_batches():
    stage = load_plugin("datatrove.filters.SamplerFilter").build(make_config("datatrove.filters.SamplerFilter", rate=0.5, seed=3))
    table = documents([str(number) for number in range(60)])
    first, second = (stage(table, Ledger("a")).to_pydict() for _ in range(2))
    assert first == second
    ledger = Ledger("b")
    parts = pa.concat_tables([stage(table.slice(start, 7), ledger) for start in range(0, 60, 7)])
    assert parts.to_pydict() == first


def test_arguments_with_tuples_reach_the_block_as_tuples():
    name = "datatrove.filters.FineWebQualityFilter"
    out, _ = run_map(name, documents(["a line that ends with a semicolon;\n" * 2]), stop_chars=[";"], char_duplicates_ratio=1.0,
                     new_line_ratio=1.0, short_line_thr=1.0)  # fmt: skip
    assert out.num_rows == 1, "str.endswith takes a tuple, and every line ends with a stop character"


@pytest.mark.parametrize("name", ["datatrove.filters.GopherQualityFilter", "datatrove.formatters.SymbolLinesFormatter"])
def test_an_empty_table_keeps_its_schema(name: str):
    table = documents([], score_math=pa.array([], pa.float64()))
    assert run_map(name, table)[0].schema == table.schema


# formatters


def test_a_formatter_changes_texts_and_nothing_else():
    table = documents(["write to a@example.net", "no address"])
    out, ledger = run_map("datatrove.formatters.PIIFormatter", table)
    assert out["text"].to_pylist() == ["write to email@example.com", "no address"]
    assert out.drop_columns("text").equals(table.drop_columns("text"))
    assert ledger.counters.facts["texts_changed"] == 1


def test_a_formatter_that_takes_replacements_in_turn_begins_anew_with_every_task():
    stage = load_plugin("datatrove.formatters.PIIFormatter").build(make_config("datatrove.formatters.PIIFormatter"))
    table = documents(["a@example.net"])
    assert stage(table, Ledger("a"))["text"].equals(stage(table, Ledger("a"))["text"])


# readers


def test_a_reader_reads_what_datatrove_reads(tmp_path: Path):
    from datatrove.pipeline.readers import JsonlReader

    rows = [{"text": f"text {n}", "id": n if n % 2 else None, "url": f"https://example.org/{n}", "score": n / 2} for n in range(5)]
    write_lines(tmp_path / "in" / "a.jsonl", rows)
    write_lines(tmp_path / "in" / "deep" / "b.jsonl.gz", [{"text": "text 9", "metadata": {"key": [1, 2]}}])
    out, ledger = run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="in", source="web")
    theirs = list(JsonlReader(str(tmp_path / "in"))())
    assert out["text"].to_pylist() == [document.text for document in theirs]
    for packed, document in zip(out["metadata"].to_pylist(), theirs, strict=True):
        ours = json.loads(packed)
        assert ours.pop("file_path") in document.metadata.pop("file_path")
        ours.pop("record_id", None)
        assert ours == document.metadata
    assert out["url"].to_pylist() == [*(row["url"] for row in rows), ""]
    assert (ledger.counters.read, ledger.counters.dropped.total()) == (6, 0)


def test_documents_keep_their_ids_when_files_are_renamed_or_added(tmp_path: Path):
    rows: list[object] = [{"text": "no id"}, {"text": "an id", "id": "seven"}, {"text": "a url", "url": "https://example.org"}]
    write_lines(tmp_path / "one" / "a.jsonl", rows)
    write_lines(tmp_path / "two" / "z.jsonl", rows[::-1])
    write_lines(tmp_path / "two" / "b.jsonl", [{"text": "another"}])
    first = run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="one")[0]["doc_id"].to_pylist()
    second = run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="two")[0]["doc_id"].to_pylist()
    assert len(set(first)) == 3
    assert second[1:] == first[::-1]


def test_records_that_datatrove_only_logs_are_counted_and_reported(tmp_path: Path):
    write_lines(tmp_path / "a.jsonl", [{"text": "one"}, "{broken", {"text": ""}, {"other": 1}, "also broken", {"text": "two"}])
    out, ledger = run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="a.jsonl")
    assert out["text"].to_pylist() == ["one", "two"]
    assert ledger.counters.read == 6
    assert ledger.counters.dropped == {"no_text": 2, "unreadable": 2}
    assert [line.split(":")[0] for line in ledger.damage] == ["a.jsonl"]
    assert "after 1 records" in ledger.damage[0]
    assert "(2 such)" in ledger.damage[0]


def test_a_file_that_ends_early_fails_by_name(tmp_path: Path):
    write_lines(tmp_path / "a.jsonl.gz", [{"text": GOOD.format(n)} for n in range(200)])
    content = (tmp_path / "a.jsonl.gz").read_bytes()
    (tmp_path / "a.jsonl.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"JsonlReader: a\.jsonl\.gz, after \d+ records: EOFError"):
        run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="a.jsonl.gz")


def test_folders_and_patterns_are_read_in_the_order_of_names(tmp_path: Path):
    for name in ("b/2.jsonl", "a/10.jsonl", "a/.hidden.jsonl", "a/note.txt"):
        write_lines(tmp_path / name, [{"text": name}])
    config = make_config("datatrove.readers.JsonlReader", tmp_path, data_folder=["a", "b"], glob_pattern=".jsonl")
    splits = load_plugin("datatrove.readers.JsonlReader").build(config).splits()
    assert [split.names for split in splits] == [("a/10.jsonl",), ("b/2.jsonl",)]
    with pytest.raises(ConfigError, match="finds no file there"):
        run_source("datatrove.readers.JsonlReader", tmp_path, data_folder="a", glob_pattern=".csv")


def test_parquet_and_csv_readers_give_documents(tmp_path: Path):
    pq.write_table(pa.table({"text": ["one", "two"], "id": ["1", "2"], "n": [1, 2]}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text('text,n\none,1\n"two\nlines",2\n')
    out, _ = run_source("datatrove.readers.ParquetReader", tmp_path, data_folder="a.parquet")
    assert json.loads(out["metadata"][1].as_py()) == {"file_path": "a.parquet", "n": 2, "record_id": "2"}
    out, _ = run_source("datatrove.readers.CSVReader", tmp_path, data_folder="a.csv")
    assert out["text"].to_pylist() == ["one", "two\nlines"]


# writers


def test_a_parquet_export_has_our_columns_not_those_of_the_first_document(tmp_path: Path):
    table = documents(["a", "b"], score_math=pa.array([None, 0.5], pa.float64()))
    table = table.append_column("metadata", pa.array(['{"a": 1}', '{"b": [2]}'], pa.large_string()))
    result = make_result(tmp_path / "documents", [table])
    for expand in (True, False):
        outcome = run_global("datatrove.writers.ParquetWriter", [result], tmp_path / str(expand), expand_metadata=expand)
        (record,) = outcome.records
        out = pq.read_table(record.path("000_00000.parquet"))
        rows = out.to_pylist() if expand else [row["metadata"] for row in out.to_pylist()]
        assert [row["score_math"] for row in rows] == [None, 0.5]
        assert record.shards[0].rows == 2
    back, _ = run_source("datatrove.readers.ParquetReader", tmp_path, data_folder=str(tmp_path / "True" / "phases"))
    assert [json.loads(packed)["score_math"] for packed in back["metadata"].to_pylist()] == [None, 0.5]
    assert json.loads(back["metadata"][1].as_py())["b"] == [2]


def test_an_export_refuses_what_it_would_lose(tmp_path: Path):
    result = make_result(tmp_path / "pages", [documents(["a"], content=pa.array([b"<p>"], pa.large_binary()))])
    with pytest.raises(DataError, match=r"column 'content' is large_binary.*extract\.html"):
        run_global("datatrove.writers.JsonlWriter", [result], tmp_path)
    with pytest.raises(DataError, match="no document shard"):
        run_global("datatrove.writers.JsonlWriter", [], tmp_path)


def test_files_split_by_size_are_all_counted(tmp_path: Path):
    result = make_result(tmp_path / "documents", [documents([GOOD.format(n) for n in range(20)])])
    outcome = run_global("datatrove.writers.JsonlWriter", [result], tmp_path, max_file_size=2000, compression=None)
    shards = outcome.records[0].shards
    assert len(shards) > 2
    assert sum(shard.rows for shard in shards) == 20
    for shard in shards:
        assert len(outcome.records[0].path(shard.name).read_text().splitlines()) == shard.rows


@pytest.mark.parametrize(("error", "kind"), [(OSError(28, "full"), OSError), (MemoryError(), MemoryError), (KeyError("a"), DataError)])
def test_errors_of_the_machine_are_not_blamed_on_a_document(error: Exception, kind: type[Exception]):
    from mathcode_data.interop.datatrove_documents import naming_block

    with pytest.raises(kind), naming_block("datatrove.filters.Any", "document 1"):
        raise error


# whole pipelines


@pytest.mark.slow
def test_a_pipeline_of_borrowed_blocks_gives_the_same_bytes_on_any_runner(tmp_path: Path):
    reports = run(make_pipeline(tmp_path / "one"))
    counters = [stage.to_json() for stage in reports[0].result.manifest.counters]
    assert [stage["kept"] for stage in counters] == [18, 15, 15]
    assert counters[1]["dropped"] == {"top_2_gram": 3}
    assert [report.result.manifest.kind for report in reports] == ["documents", "export", "export"]
    exported = reports[1].result
    lines = [json.loads(line) for path in exported.paths(suffix=".jsonl.gz") for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert [line["metadata"]["url"] for line in lines][:3] == [
        "https://example.org/0/0",
        "https://example.org/0/1",
        "https://example.org/0/3",
    ]
    assert sum(shard.rows for shard in exported.manifest.shards) == len(lines) == 15
    assert {path.read_bytes()[4:8] for path in exported.paths(suffix=".gz")} == {bytes(4)}, "no clock in gzip's header"
    pool = PoolRunner(2)
    try:
        run(make_pipeline(tmp_path / "two"), pool)
    finally:
        pool.close()
    assert tree_hashes(tmp_path / "one" / "out") == tree_hashes(tmp_path / "two" / "out")
    assert [report.was_fresh for report in run(tmp_path / "one" / "p.yaml")] == [True, True, True]


@pytest.mark.slow
def test_a_failing_file_sets_its_task_aside_and_a_changed_argument_makes_the_result_again(tmp_path: Path):
    path = make_pipeline(tmp_path)
    run(path)
    path.write_text(PIPELINE.replace("GopherRepetitionFilter: {}", "GopherRepetitionFilter: {dup_line_frac: 0.5}"))
    assert [report.was_fresh for report in run(path)] == [False, False, False]
    (tmp_path / "in" / "1.jsonl.gz").write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(PartialResultError, match=r"1 of 3 tasks were set aside.*1\.jsonl\.gz"):
        run(path)


def test_the_folder_of_the_pipeline_file_can_be_the_data_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"text": "one"}\n')
    with gzip.open(folder / "deep" / "b.jsonl.gz", "wt") as file:
        file.write('{"text": "two"}\n')
    path = folder / "p.yaml"
    path.write_text("name: p\noutput: ../out\nstages:\n  - datatrove.readers.JsonlReader: {data_folder: .}\n")
    monkeypatch.chdir("/")
    (report,) = run(path)
    (counters,) = report.result.manifest.counters
    assert (counters.read, counters.kept, dict(counters.dropped)) == (3, 2, {"other_kind": 1})
    assert report.result.manifest.damage == []
    out, _ = run_source("datatrove.readers.JsonlReader", folder, data_folder="p.yaml", source="x")
    assert out.num_rows == 0, "a file that is named is read, whatever its ending"


def test_a_folder_without_a_file_of_the_readers_kind_is_read_as_datatrove_reads_it(tmp_path):
    (tmp_path / "lines.txt").write_text('{"text": "one"}\n')
    out, ledger = run_source("datatrove.readers.JsonlReader", tmp_path, data_folder=".")
    assert (out["text"].to_pylist(), ledger.counters.read) == (["one"], 1)


def test_an_input_of_empty_files_is_an_error(tmp_path):
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(ConfigError, match="the input holds no byte"):
        run_source("datatrove.readers.JsonlReader", tmp_path, data_folder=".")
