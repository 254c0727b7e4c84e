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
from mathcode_data.core.text import grams
from mathcode_data.stages.decontaminate.ngram import load_index
from mathcode_data.stages.decontaminate.parts import filter_of_parts
from mathcode_data.stages.decontaminate.runs import find_runs, keys_of, longest_common, make_table
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
    "with dashes": QUESTION.replace(". ", " \u2014 ").replace(" at the", "\u2014at the").replace("?", " --"),
    "in a sentence": f"The teacher asked: “{QUESTION}” And nobody knew.",
    "with mark-up": QUESTION.replace("17", "$17$").replace("farmer", "**farmer**").replace("0.25", r"\(0.25\)"),
    "quoted": "> " + QUESTION.replace(" that", "\n> that").replace(". ", ".\n> "),
    "list": "- " + QUESTION.replace(" that", "\n- that").replace(". ", ".\n- "),
    "tags": f"<p class='x'>{QUESTION}</p>".replace("ducks", "<b>ducks</b>").replace("market", "mar<i>k</i>et"),
    "entities": QUESTION.replace(" ", "&nbsp;").replace("?", "&quest;"),
    "links": QUESTION.replace("ducks", "[ducks](https://example.org/a_(b))"),
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
    texts, _ = clean(path, [" ".join([*before, part, "omega"])], granularity="document", guards=False)
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
    texts, counters = clean(benchmark, [page])
    assert texts == [page]
    assert counters.facts["guarded_matches"] == 1
    assert clean(benchmark, [page], guards=False)[1].dropped == {"contaminated_all": 1}


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


def test_whole_short_answers_drop_the_page_and_options_of_a_choice_only_when_asked(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(orjson.dumps({"question": QUESTION, "answer": "exactly nineteen marmots", "options": ["twenty brown marmots"]}))
    pages = ["He saw exactly nineteen marmots.", "He saw twenty brown marmots."]
    assert clean(path, pages)[1].dropped == {"contaminated_short": 1}
    assert clean(path, pages)[0] == pages[1:]
    assert clean(path, pages, short_texts="all")[0] == []
    assert clean(path, pages, short_texts="questions")[0] == pages


@pytest.mark.parametrize("guard", [True, False])
def test_common_short_texts_and_beginnings_of_longer_sentences_drop_a_page_only_without_guards(tmp_path, guard):
    path = tmp_path / "a.jsonl"
    items = [{"question": "Why is the sky blue?", "answer": "x = 2 y"}, {"question": "What is the sum?", "answer": "1, 2 or 3"}]
    path.write_bytes(b"\n".join(map(orjson.dumps, items)))
    pages = ["They ask why is the sky blue or red.", "Let x = 2y.", "So what is the sum?", "Take 1, 2 or 3 of them."]
    texts, counters = clean(path, pages, guards=guard)
    assert texts == (pages if guard else [])
    assert (counters.facts["guarded_matches"] == 4) is guard
    assert clean(path, ["They ask: “Why is the sky\nBLUE” and more"])[0] == []


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
    assert out.schema == table.schema.append(pa.field("contamination", pa.large_string()))
    assert out["text"].to_pylist() == [OTHER, OTHER, None, OTHER]
    assert out["title"].to_pylist() == ["a", "b", "c", None]
    assert run_map(NAME, table.slice(0, 0), benchmarks=str(benchmark))[0].schema == out.schema


def test_the_outcome_of_a_page_does_not_depend_on_its_neighbours(benchmark, monkeypatch):
    pages = [OTHER, f"{OTHER}\n\n{QUESTION}", QUESTION[:60], QUESTION[60:], SHORT, "", FORMULA] * 3
    together = clean(benchmark, pages)
    alone = [clean(benchmark, [page])[0] for page in pages]
    assert together[0] == [text for texts in alone for text in texts]
    monkeypatch.setattr("mathcode_data.stages.decontaminate.ngram.BATCH_BYTES", 100)
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


@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=4), st.integers(1, 5))
def test_the_table_finds_exactly_the_runs_that_are_in_it(known, pages, n):
    texts = np.array(known, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys = keys_of(texts, n)
    starts = np.arange(keys.size)
    table = make_table(keys, starts, filter_of_parts(texts, starts, n))
    grams_of_pages = np.array([gram for page in pages for gram in page], np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    ends = np.cumsum([0, *map(len, pages)])
    runs = {tuple(known[i : i + n]) for i in range(len(known) - n + 1)}
    expected = [ends[number] + i for number, page in enumerate(pages) for i in range(len(page) - n + 1) if tuple(page[i : i + n]) in runs]
    found = find_runs(table, n, texts, grams_of_pages, ends)
    assert found[:, 0].tolist() == expected
    for start, run in found.tolist():
        place = table.places[table.first[run]]
        assert np.array_equal(texts[place : place + n], grams_of_pages[start : start + n])


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_longest_common_subsequence_by_definition(a, b):
    def longest(i, j):
        if not i or not j:
            return 0
        return longest(i - 1, j - 1) + 1 if a[i - 1] == b[j - 1] else max(longest(i - 1, j), longest(i, j - 1))

    assert longest_common(np.array(a, np.uint64), np.array(b, np.uint64)) == longest(len(a), len(b))


DRESSES = st.sampled_from(
    ["fence", "upper", "spaces", "cyrillic", "zero width", "full width", "emphasis", "quotes", "punctuation", "curly"]
)
CHANGE = {
    "fence": lambda text: f"```python\n{text}\n```",
    "upper": str.upper,
    "spaces": lambda text: "\u00a0\n\t ".join(text.split()),
    "cyrillic": lambda text: text.translate(str.maketrans("aeocpx", "аеосрх")),
    "zero width": lambda text: "\u200b".join(text),
    "full width": lambda text: text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
    "emphasis": lambda text: " ".join(f"*{word}*" if word.isalpha() else word for word in text.split()),
    "quotes": lambda text: f"\u201c{text}\u201d",
    "punctuation": lambda text: text.replace(". ", "; ").replace("?", " ?!"),
    "curly": lambda text: text.replace(" each", " each\u2026"),
}


@settings(max_examples=30)
@given(st.lists(DRESSES, min_size=1, max_size=3, unique=True), st.sampled_from([QUESTION, SHORT, ITEMS[0]["answer"]]))
def test_an_item_in_fences_look_alikes_and_white_space_is_always_caught(tmp_path_factory, dresses, item):
    path = tmp_path_factory.getbasetemp() / "toy_dresses.jsonl"
    if not path.exists():
        path.write_bytes(b"\n".join(map(orjson.dumps, ITEMS)))
    dressed = item
    for dress in sorted(dresses, key=lambda dress: dress == "fence"):
        dressed = CHANGE[dress](dressed)
    texts, _ = clean(path, [f"{OTHER}\n\n{dressed}\n\n{OTHER}"], granularity="document")
    assert texts == []


def findings(benchmark, texts, **values):
    out, ledger = run_map(NAME, documents(texts), benchmarks=str(benchmark), **values)
    kept = [orjson.loads(found) for found in out["contamination"].to_pylist() if found]
    details = [row for _, rows in ledger.dropped_rows for row in rows["details"].to_pylist()]
    return [
        finding for found in kept + [orjson.loads(orjson.loads(row)["contamination"]) for row in details] for finding in found["findings"]
    ]


def test_findings_name_item_place_and_both_texts(benchmark):
    page = f"été {OTHER} 你好世界你好世界\n\nSo: {QUESTION}\n\nThe end."
    (found,) = findings(benchmark, [page, OTHER])
    assert (found["benchmark"], found["record"], found["kind"], found["verdict"], found["score"]) == (
        "toy_test.jsonl",
        0,
        "question",
        "removed",
        1.0,
    )
    ((start, end),) = found["spans"]
    assert page[start:end] == found["item"] == QUESTION
    assert found["document"] == page[found["document_start"] : end + 100]
    (found,) = findings(benchmark, [f"{SHORT} And so on."])
    assert (found["is_short"], found["item"]) == (True, SHORT)


def test_guarded_examples_are_kept(benchmark):
    (found,) = findings(benchmark, ["So 1 2 3 4 5 6 7 8 9 10 11 12 13 14"])
    assert (found["verdict"], found["guard"], found["record"]) == ("guarded", "few_bits", 3)


def test_report_modes_find_more_and_remove_nothing(benchmark):
    question = "Tom has 12 apples and buys 7 more. He gives 5 to Ann, 3 to Bob, sells 4 for 2 dollars each. How many remain after 6 days?"
    benchmark.write_bytes(b"\n".join(map(orjson.dumps, [*ITEMS, {"question": question}])))
    numbers = question.translate(str.maketrans("12345678", "23456789"))
    words = QUESTION.replace("market", "bazaar")
    assert findings(benchmark, [numbers]) == []
    out, _ = run_map(NAME, documents([numbers]), benchmarks=str(benchmark), report=["template", "idf", "lcs"])
    assert out["text"].to_pylist() == [numbers]
    assert {found["verdict"] for found in findings(benchmark, [numbers], report=["template"])} == {"template"}
    assert {found["verdict"] for found in findings(benchmark, [words], report=["lcs"])} == {"removed", "lcs"}
    assert "idf" in {found["verdict"] for found in findings(benchmark, [QUESTION], report=["idf"])}
    assert findings(benchmark, [OTHER], report=["template", "idf", "lcs"]) == []


def test_the_index_is_built_once_and_mapped(benchmark, monkeypatch, tmp_path):
    from mathcode_data.stages.decontaminate import index, ngram

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = make_config(NAME, benchmarks=str(benchmark))
    ngram._load_index.cache_clear()
    first = load_index(config)
    ngram._load_index.cache_clear()
    monkeypatch.setattr(index, "build_index", None)
    again = load_index(config)
    assert np.array_equal(first.texts.grams, again.texts.grams)
    assert len(list((tmp_path / "cache").rglob("index.json"))) == 1


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
