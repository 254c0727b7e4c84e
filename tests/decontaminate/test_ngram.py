from __future__ import annotations

import gzip

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mathcode_data.core.errors import DataError
from mathcode_data.core.text import gram_hashes, grams
from mathcode_data.stages.decontaminate.guards import Evidence
from mathcode_data.stages.decontaminate.ngram import load_index
from mathcode_data.stages.decontaminate.runs import HashTable
from support.stages import documents, make_config, run_map

NAME = "decontaminate.ngram"
QUESTION = (
    "A farmer keeps 17 ducks that lay 3 eggs per day each. He sells every egg at the market for 0.25 dollars. "
    "How many dollars does he earn in a week?"
)
FORMULA = r"Find all real roots of \[ x^3 - 19x^2 + 24x = 35 \] in the interval \( (0, 40) \) and add them."
SHORT = "Compute the determinant of Hilbert matrices."
ITEMS = [
    {"question": QUESTION, "answer": "He sells 17*3=<<17*3=51>>51 eggs a day, that is 51*0.25 = 12.75 dollars. #### 89.25"},
    {"question": FORMULA, "answer": "19"},
    {"question": SHORT, "answer": "It is never zero."},
    {"question": "Let 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 be the numbers. Which of them is the answer?", "answer": "13"},
    {"question": "What is the value of x + y + z if a^2 + b^2 = c^2 and so on for all of them?", "answer": "1"},
    {"question": "小明买了3盒茶叶，一盒茶叶有6小包，一共买了多少小包茶叶？", "answer": "18"},
]
OTHER = "This paragraph is about something else entirely: the history of bread."


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "toy_test.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, ITEMS)))
    return path


def clean(benchmark, texts, **values):
    out, ledger = run_map(NAME, documents(texts), benchmarks=str(benchmark), **values)
    return out["text"].to_pylist(), ledger.counters


DISGUISES = {
    "as it is": QUESTION,
    "upper case": QUESTION.upper(),
    "wrapped lines": QUESTION.replace(" ", "\n"),
    "wide spaces": QUESTION.replace(" ", "\u3000\u00a0 "),
    "zero width": "\u200b".join(QUESTION),
    "Cyrillic": QUESTION.translate(str.maketrans("aeocA", "аеосА")),
    "full width": QUESTION.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
    "in a fence": f"```text\n{QUESTION}\n```",
    "in a quoted fence": "> ~~~\n> " + QUESTION + "\n> ~~~",
    "in a sentence": f"The teacher asked: “{QUESTION}” And nobody knew.",
    "with mark-up": QUESTION.replace("17", "$17$").replace("farmer", "**farmer**").replace("0.25", r"\(0.25\)"),
    "without end": QUESTION[:70],
    "without beginning": QUESTION[60:],
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_an_item_is_found_in_any_dress_and_its_neighbours_stay(benchmark, disguise):
    page = f"{OTHER}\n\n{DISGUISES[disguise]}\n\nThe end of bread."
    texts, counters = clean(benchmark, [page, OTHER])
    assert texts == [f"{OTHER}\n\nThe end of bread.", OTHER]
    assert counters.facts["hits toy_test.jsonl"] == counters.facts["documents_changed"] == counters.facts["segments_removed"] == 1
    assert counters.facts["characters_removed"] == len(page) - len(texts[0])
    assert not counters.dropped


@settings(max_examples=25)
@given(st.data())
def test_any_ten_grams_of_an_item_are_found_anywhere(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "toy_law.jsonl"
    path.write_bytes(orjson.dumps({"question": QUESTION}))
    words = QUESTION.split()
    size = data.draw(st.integers(5, 16))
    start = data.draw(st.integers(0, len(words) - size))
    part = " ".join(words[start : start + size])
    before = data.draw(st.lists(st.sampled_from(["alpha", "beta", "7", "\n\n", "鸭"]), max_size=5))
    texts, _ = clean(path, [" ".join([*before, part, "omega"])], granularity="document", min_rare_grams=0, min_distinct_grams=1)
    assert (texts == []) == (len(grams(part)) >= 10)


def test_a_question_with_a_display_formula_is_found_across_paragraphs(benchmark):
    page = f"{OTHER}\n\nFind all real roots of\n\n\\[ x^3 - 19x^2 + 24x\n\n = 35 \\]\n\nin the interval (0, 40).\n\nThe end."
    texts, counters = clean(benchmark, [page])
    assert texts == [f"{OTHER}\n\nThe end."]
    assert counters.facts["segments_removed"] == 3


def test_a_fence_is_removed_whole(benchmark):
    page = f"{OTHER}\n\n```python\nx = 1\n\n# {QUESTION}\n\ny = 2\n```\n\nThe end."
    assert clean(benchmark, [page])[0] == [f"{OTHER}\n\nThe end."]


@pytest.mark.parametrize(
    "innocent",
    [
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        "What is the value of x + y + z if you know x?",
        "We know that a^2 + b^2 = c^2 holds in a right triangle.",
        "A farmer keeps 18 ducks that lay 2 eggs per day. He sells an egg at the market for 0.25 dollars. How many does he sell in a week?",
        r"Find all real roots of \[ x^3 - 18x^2 + 24x = 36 \] in (0, 41)",
        " ".join(reversed(QUESTION.split())),
        "Compute the determinant of Vandermonde matrices.",
        "19 18 89.25",
        "",
    ],
)
def test_what_only_looks_alike_stays(benchmark, innocent):
    page = f"{OTHER}\n\n{innocent}"
    texts, counters = clean(benchmark, [page])
    assert texts == [page]
    assert not counters.dropped


def test_guarded_matches_are_counted_and_guards_can_be_opened(benchmark):
    page = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"
    assert clean(benchmark, [page])[1].facts == {"guarded_matches": 4}
    page = "Now a^2 + b^2 = c^2 and so on"
    assert clean(benchmark, [page], min_rare_grams=0)[1].dropped == {"contaminated_all": 1}


def test_a_whole_short_question_drops_the_page_and_a_part_does_not(benchmark):
    pages = [f"{OTHER}\n\nExercise 5. COMPUTE the\ndeterminant of *Hilbert* matrices!\n\nMore.", "The determinant of Hilbert matrices."]
    texts, counters = clean(benchmark, pages)
    assert texts == pages[1:]
    assert counters.dropped == {"contaminated_short": 1}
    assert counters.facts["hits toy_test.jsonl"] == 1
    assert clean(benchmark, pages, short_texts="none")[0] == pages


def test_a_question_of_form_alone_counts_as_a_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    items = ["If $2^8=4^x$, what is the value of $x$?", *["What is the value of x + y if x = y + 1 and y = 2?"] * 5]
    path.write_bytes(b"\n".join(orjson.dumps({"question": item, "answer": items[0]}) for item in items))
    assert clean(path, [f"{OTHER}\n\nTask: if 2^8 = 4^x, what\nis the value of x?\n\n{OTHER}"])[0] == [f"{OTHER}\n\n{OTHER}"]
    for page in ("If 2^8 = 4^x, what is the value of y?", "If 2^8 = 4^x, what is the value of", items[1]):
        texts, counters = clean(path, [page])
        assert texts == [page]
        assert counters.facts["guarded_matches"] > 0


def test_short_answers_count_only_when_asked(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(orjson.dumps({"question": QUESTION, "answer": "exactly nineteen marmots"}))
    pages = ["He saw exactly nineteen marmots."]
    assert clean(path, pages)[0] == pages
    assert clean(path, pages, short_texts="questions_and_answers")[1].dropped == {"contaminated_short": 1}


def test_granularity_document_drops_the_page(benchmark):
    texts, counters = clean(benchmark, [f"{OTHER}\n\n{QUESTION}", OTHER], granularity="document")
    assert texts == [OTHER]
    assert counters.dropped == {"contaminated": 1}


def test_a_page_of_nothing_else_is_dropped(benchmark):
    texts, counters = clean(benchmark, [f"\n\n{QUESTION}\n\n!!!\n\n"])
    assert texts == []
    assert counters.dropped == {"contaminated_all": 1}


def test_answers_count_for_long_matches_with_and_without_calculator_notes(benchmark):
    for answer in (ITEMS[0]["answer"], "He sells 17*3=51 eggs a day, that is 51*0.25 = 12.75 dollars."):
        assert clean(benchmark, [f"{OTHER}\n\n{answer}"])[0] == [OTHER]


def test_chinese_items_are_found(benchmark):
    assert clean(benchmark, ["面包的历史。\n\n题目：小明买了３盒茶叶,一盒茶叶有6小包。"])[0] == ["面包的历史。"]


def test_runs_in_many_items_are_form_and_prove_nothing(tmp_path):
    path = tmp_path / "a.jsonl"
    form = "Express your final result as a common fraction in lowest terms please"
    path.write_bytes(b"\n".join(orjson.dumps({"question": f"Topic {name}. {form}"}) for name in "abcde"))
    assert clean(path, [form])[0] == [form]
    assert clean(path, [form], max_items=6)[0] == []


def test_null_texts_other_columns_and_empty_tables_pass(benchmark):
    table = documents([OTHER, QUESTION, "", OTHER], title=["a", "b", "c", None])
    table = table.set_column(3, table.schema.field("text"), pa.array([OTHER, f"{OTHER}\n\n{QUESTION}", None, OTHER], pa.large_string()))
    out, _ = run_map(NAME, table, benchmarks=str(benchmark))
    assert out.schema == table.schema
    assert out["text"].to_pylist() == [OTHER, OTHER, None, OTHER]
    assert out["title"].to_pylist() == ["a", "b", "c", None]
    assert run_map(NAME, table.slice(0, 0), benchmarks=str(benchmark))[0].schema == table.schema


def test_the_outcome_of_a_page_does_not_depend_on_its_neighbours(benchmark, monkeypatch):
    pages = [OTHER, f"{OTHER}\n\n{QUESTION}", QUESTION[:60], QUESTION[60:], SHORT, "", FORMULA] * 3
    together = clean(benchmark, pages)
    alone = [clean(benchmark, [page])[0] for page in pages]
    assert together[0] == [text for texts in alone for text in texts]
    monkeypatch.setattr("mathcode_data.stages.decontaminate.ngram.BATCH_GRAMS", 20)
    assert clean(benchmark, pages) == together


def test_hits_are_reported_per_benchmark_file(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.jsonl").write_bytes(orjson.dumps({"question": QUESTION}))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(orjson.dumps({"problem": FORMULA})))
    _, counters = clean(tmp_path, [QUESTION, FORMULA, f"{QUESTION}\n\n{OTHER}"])
    assert {name: count for name, count in counters.facts.items() if name.startswith("hits")} == {
        "hits a/test.jsonl": 2, "hits b/test.jsonl": 2, "hits c.jsonl.gz": 1,
    }  # fmt: skip


def test_a_missing_file_is_an_error_and_never_means_clean(tmp_path):
    with pytest.raises(ValidationError, match="matches no file"):
        make_config(NAME, benchmarks=str(tmp_path / "gsm8k.jsonl"))
    path = tmp_path / "gone.jsonl"
    path.write_bytes(orjson.dumps(ITEMS[0]))
    config = make_config(NAME, benchmarks=str(path))
    path.unlink()
    with pytest.raises(Exception, match=r"gone\.jsonl: no such benchmark file"):
        load_index(config)


@pytest.mark.parametrize("record", [{"frage": QUESTION}, {"question": "42", "answer": "6 * "}, {"question": None}, {}])
def test_a_file_without_usable_text_is_an_error_that_names_its_fields(tmp_path, benchmark, record):
    path = tmp_path / "odd.jsonl"
    path.write_bytes(orjson.dumps(record))
    with pytest.raises(DataError, match=rf"odd\.jsonl: no text of 3 or more grams.*its fields are {', '.join(record)}"):
        clean(tmp_path, [OTHER])


def test_fields_can_be_named(tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_bytes(orjson.dumps({"Frage": QUESTION, "question": FORMULA}))
    texts, _ = clean(path, [f"{OTHER}\n\n{QUESTION}", FORMULA], question_fields=["frage"])
    assert texts == [OTHER, FORMULA]


def test_a_changed_benchmark_file_is_read_again(benchmark):
    assert clean(benchmark, [FORMULA])[0] == []
    benchmark.write_bytes(orjson.dumps(ITEMS[0]))
    assert clean(benchmark, [FORMULA])[0] == [FORMULA]


GRAMS = st.lists(st.sampled_from(["the", "duck", "7", "17", "+", "x"]), max_size=20)


@given(GRAMS, st.integers(1, 8), st.integers(0, 5), st.integers(0, 3))
def test_guards_by_brute_force(words, length, min_distinct, min_rare):
    found = Evidence(words, gram_hashes(" ".join(words))).of_runs(length, min_distinct, min_rare)
    runs = [words[i : i + length] for i in range(len(words) - length + 1)]
    rare = {"duck", "17"}
    assert found.tolist() == [
        len(set(run)) >= min_distinct and bool({"the", "duck", "x"} & set(run)) and sum(word in rare for word in run) >= min_rare
        for run in runs
    ]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_the_table_finds_exactly_what_is_in_it(known, others):
    table = HashTable(np.array(known, np.uint64), np.zeros(len(known), np.int64), np.ones(len(known), bool))
    asked = np.array(known[::2] + others, np.uint64)
    places, entries = table.find(asked)
    assert places.tolist() == [place for place, value in enumerate(asked.tolist()) if value in known]
    assert np.array_equal(table.hashes[entries], asked[places])


@pytest.mark.slow
def test_every_item_of_real_benchmarks_is_found_in_a_page(shared_data):
    files = [shared_data / "benchmarks" / name for name in ("gsm8k_test.jsonl", "cmath_test.jsonl", "humaneval_python.jsonl")]
    texts = []
    for path, field in zip(files, ("question", "question", "prompt"), strict=True):
        texts += [orjson.loads(line)[field] for line in path.read_bytes().splitlines()][::20]
    pages = [f"{OTHER}\n\n```\n{text.upper()}\n```\n\nThe end." for text in texts]
    _, counters = clean_all(files, pages)
    missed = len(pages) - counters.facts["documents_changed"] - counters.dropped.total()
    assert missed <= 0.02 * len(pages)  # items that are all form
    untouched, counters = clean_all(files, [OTHER] * 10)
    assert untouched == [OTHER] * 10


def clean_all(files, texts):
    out, ledger = run_map(NAME, documents(texts), benchmarks=[str(path) for path in files])
    return out["text"].to_pylist(), ledger.counters
