from __future__ import annotations

import gzip

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.stages.decontaminate.benchmarks import Fields, benchmark_files, group_files, read_benchmark

RECORDS = [
    {"question": "How many?", "options": ["(A) one", "(B) two"], "label": "A", "other": {"source": "x"}},
    {"Problem": "Find x.", "ANSWER": {"text": ["five", 5, None]}, "level": 3},
]
EXPECTED = [(0, True, "How many?"), (0, False, "(A) one"), (0, False, "(B) two"), (1, True, "Find x."), (1, False, "five")]


def read(path):
    return [(text.record, text.is_question, text.text) for text in read_benchmark(path, Fields())]


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


@pytest.mark.parametrize("names", [[], ["README.md"], ["a.jsonl", "b.xlsx"], ["a.jsonl", "b.tar.gz"]])
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


PUBLISHED = {
    "GSM8K, HumanEval .jsonl.gz": ("test.jsonl.gz",
        gzip.compress(b'{"question": "How many eggs?", "answer": "5"}'), [(True, "How many eggs?"), (False, "5")]),
    "MATH, an item a file": ("1.json",
        b'{"problem": "Find $x$.", "level": "Level 3", "solution": "It is 2."}', [(True, "Find $x$."), (False, "It is 2.")]),
    "MMLU, no heading": ("abstract_algebra_test.csv",
        b'"Find the degree, please",0,4,2,6,B\nWhat?,a,b,c,d,A\n', [
        (True, "Find the degree, please"), *((False, x) for x in "0426"), (False, "B"), (True, "What?"), *((False, x) for x in "abcdA"),
    ]),
    "MMLU of the hub": ("a.csv",
        b'question,choices,subject,answer\nWhat is it?,"[1, 2]",x,3\n', [(True, "What is it?"), (False, "[1, 2]"), (False, "3")]),
    "MGSM": ("mgsm_zh.tsv",
        "\u5c0f\u660e\u4e70 3 \u76d2\t18\n".encode(), [(True, "\u5c0f\u660e\u4e70 3 \u76d2"), (False, "18")]),
    "BBH": ("word_sorting.json",
        b'{"canary": "keep", "examples": [{"input": "Sort the words", "target": "a b"}]}', [(True, "Sort the words"), (False, "a b")]),
    "AGIEval, SAT": ("sat.jsonl",
        b'{"passage": "A long text", "question": "Why?", "options": ["(A)x", "(B)y"], "Answer": "A"}', [
        (True, "A long text"), (True, "Why?"), (False, "(A)x"), (False, "(B)y"), (False, "A"),
    ]),
    "MBPP sanitized": ("sanitized-mbpp.json",
        b'[{"task_id": 2, "prompt": "Write it", "code": "x", "test_list": ["assert x"]}]', [
        (True, "Write it"), (False, "x"), (False, "assert x"),
    ]),
    "miniF2F of Lean": ("test.lean", b"import x\n\ntheorem a\n  : 1 = 1 := by sorry\n\ntheorem b : 2 = 2 := sorry\n", [
        (True, "theorem a\n  : 1 = 1 := by sorry"), (True, "theorem b : 2 = 2 := sorry"),
    ]),
    "dataset viewer": ("rows.json",
        b'{"rows": [{"row_idx": 0, "row": {"question": "How?", "answer": "so"}}]}', [(True, "How?"), (False, "so")]),
    ".json of lines": ("test.json",
        b'{"question": "a"}\n{"question": "b"}\n', [(True, "a"), (True, "b")]),
}  # fmt: skip


@pytest.mark.parametrize("form", PUBLISHED)
def test_published_forms_are_read(tmp_path, form):
    name, content, expected = PUBLISHED[form]
    (tmp_path / name).write_bytes(content)
    assert [(text.is_question, text.text) for text in read_benchmark(tmp_path / name, Fields())] == expected


DAMAGED = [("a.csv", b""), ("a.csv", b"question,answer\n"), ("a.csv", b"a,b,c\nd,e\n"), ("a.tsv", b"\xff\xfe"), ("a.lean", b"import x\n")]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_tables_and_theorems_without_items_are_errors(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read(tmp_path / name)


def test_fields_within_fields_can_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"meta": {"q": "How many?", "z": "no"}}')
    assert [text.text for text in read_benchmark(tmp_path / "a.jsonl", Fields(("meta.q",), ()))] == ["How many?"]


def test_a_folder_of_many_items_is_one_benchmark(tmp_path):
    (tmp_path / "algebra").mkdir()
    for number in range(30):
        (tmp_path / "algebra" / f"{number}.json").write_bytes(b"{}")
    (tmp_path / "gsm8k.jsonl").write_bytes(b"{}")
    assert [(name, len(files)) for name, files in group_files(benchmark_files([str(tmp_path)]))] == [("algebra", 30), ("gsm8k.jsonl", 1)]
