from __future__ import annotations

import gzip

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.decontaminate.benchmarks import ANSWER_FIELDS, QUESTION_FIELDS, benchmark_files, read_benchmark

RECORDS = [
    {"question": "How many?", "options": ["(A) one", "(B) two"], "label": "A", "other": {"source": "x"}},
    {"Problem": "Find x.", "ANSWER": {"text": ["five", 5, None]}, "level": 3},
]
EXPECTED = [(0, True, "How many?"), (0, False, "(A) one"), (0, False, "(B) two"), (1, True, "Find x."), (1, False, "five")]


def read(path):
    return [(text.record, text.is_question, text.text) for text in read_benchmark(path, QUESTION_FIELDS, ANSWER_FIELDS)]


LINES = b"\n".join(map(orjson.dumps, RECORDS)) + b"\n\n"
FORMS = {
    "a.jsonl": LINES,
    "a.JSONL": b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n"),
    "a.jsonl.gz": gzip.compress(LINES),
    "a.jsonl.zst": zstandard.compress(LINES),
    "a.json": orjson.dumps(RECORDS),
    "a.json.gz": gzip.compress(orjson.dumps(RECORDS)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_texts(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name])
    assert read(tmp_path / name) == EXPECTED


def test_parquet(tmp_path):
    pq.write_table(pa.table({"question": ["How many?", None], "choices": [["one", "two"], []]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [(0, True, "How many?"), (0, False, "one"), (0, False, "two")]


def test_calculator_notes_are_read_with_and_without(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps({"answer": "She has 2+3=<<2+3=5>>5 eggs."}))
    assert [text for _, _, text in read(tmp_path / "a.jsonl")] == ["She has 2+3=<<2+3=5>>5 eggs.", "She has 2+3=5 eggs."]


def test_a_nan_in_an_unused_place_is_no_damage(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"question": "How many?", "options": [NaN, "I only"]}')
    assert [text for _, _, text in read(tmp_path / "a.jsonl")] == ["How many?", "I only"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "no record"),
        ("a.jsonl", b"\n\n", "no record"),
        ("a.jsonl", b'{"question": "x"}\n{"question": ', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", b'"text"\n', "record 1 is a str"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.jsonl.gz", b"no gzip", "cannot be read"),
        ("a.jsonl.gz", gzip.compress(LINES)[:-20], "cannot be read"),
        ("a.jsonl.zst", b"no zstd", "cannot be read"),
        ("a.parquet", b"PAR1 not", "cannot be read"),
    ],
)
def test_damage_is_an_error_that_names_the_file(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_folders_are_searched_and_a_readme_is_passed_over(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    for name in ("gsm8k/test.jsonl", "math.parquet", "README.md", ".hidden.jsonl"):
        (tmp_path / name).write_bytes(b"")
    expected = [tmp_path / "gsm8k" / "test.jsonl", tmp_path / "math.parquet"]
    assert benchmark_files([str(tmp_path), str(tmp_path / "math.parquet")]) == expected


@pytest.mark.parametrize("names", [[], ["README.md"], ["a.jsonl", "b.csv"], ["a.jsonl", "b.tar.gz"]])
def test_a_folder_with_nothing_or_with_data_that_cannot_be_read_is_an_error(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match=str(tmp_path)):
        benchmark_files([str(tmp_path)])


def test_a_missing_or_unknown_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no such benchmark file"):
        benchmark_files([str(tmp_path / "gsm8k.jsonl")])
    (tmp_path / "a.txt").write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"a\.txt: not a kind"):
        benchmark_files([str(tmp_path / "a.txt")])
