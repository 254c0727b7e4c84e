from __future__ import annotations

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.gram_scanner import scan_grams
from mathcode_data.stages.decontaminate.sentences import borders_of
from support.stages import documents, run_map

NAME = "decontaminate.ngram"
LITTLE = [
    "not ( True ) and ( True ) is",
    "True and not False or ( True ) is",
    "Which of these is not true?",
    "−4 + ( −3 )=",
    "Evaluate $\\log_21$.",
    "$\\frac{3+i}{1+i}=(\\qquad)$",
    "若 $a>b$, 则",
    "Compute\n\\[\\begin{vmatrix} 0 & 1 \\\\ 3 & 5 \\end{vmatrix}.\\]",
]
APART = [
    "The bakers met. Then somebody asked: {} Nobody there knew that.",
    "The bakers met. {} They did not know, for they bake.",
    "Was it easy? {} No.",
    'The teacher wrote "{}" on the board and left.',
    "<p>The bakers met. {}</p><p>they bake.</p>",
    "We had a break; then\n{} Think about it.",
    "Q: {} A: no idea",
    "老师问我们：{} 没有人知道。",
]


def dropped(tmp_path, page, question, **values):
    path = tmp_path / "short.jsonl"
    path.write_bytes(orjson.dumps({"question": question}))
    out, ledger = run_map(NAME, documents([page]), benchmarks=str(path), **values)
    return not out.num_rows, ledger.counters.facts


@pytest.mark.parametrize("frame", APART)
def test_a_short_question_that_is_a_sentence_of_its_own_counts_however_little_it_says(tmp_path, frame):
    assert [question for question in LITTLE if not dropped(tmp_path, frame.format(question), question)[0]] == []


@pytest.mark.parametrize("question", LITTLE[4:6])
def test_a_formula_of_some_bits_counts_within_a_sentence(tmp_path, question):
    assert dropped(tmp_path, f"Our homework for today was {question} and so on", question)[0]


@pytest.mark.parametrize("question", ["not ( True ) and ( True ) is", "Which of these is not true?", "x = 2 y"])
def test_what_says_little_and_stands_within_a_sentence_proves_nothing(tmp_path, question):
    was_dropped, facts = dropped(tmp_path, f"We know that {question.rstrip('?')}, if anything is.", question)
    assert not was_dropped
    assert facts["guarded few_bits"] == 1


def test_three_common_words_are_no_evidence_within_a_line_and_are_as_a_line(tmp_path):
    assert not dropped(tmp_path, "He asked: What is it? Nobody knew.", "What is it?")[0]
    assert dropped(tmp_path, "He asked:\nWhat is it?\nNobody knew.", "What is it?")[0]


@pytest.mark.parametrize("question", ["Count: 1, 2, 3, 4, 5", "x = x = x", "7 7 7 7", "3, 6, 9, 12, 15"])
def test_a_sentence_that_counts_or_repeats_itself_proves_nothing(tmp_path, question):
    assert not dropped(tmp_path, f"We met. {question}. They left.", question)[0]


GOES_ON = [
    ("Why is the sky blue", "Why is the sky blue or red?", "Why is the sky blue? Nobody knows."),
    ("Solve 3x + 5 = 2077", "Solve 3x + 5 = 2077y by hand", "Solve 3x + 5 = 2077 by hand"),
    ("Solve 3x + 5 = 2077", "Solve 3x + 5 = 2077 - y by hand", "Solve 3x + 5 = 2077, by hand"),
    ("3x + 511 = 2077", "Solve 2 * 3x + 511 = 2077 by hand", "Solve (b) 3x + 511 = 2077 by hand"),
    ("-5191 + 3x = 2077", "Solve 4 - 5191 + 3x = 2077 by hand", "Solve: -5191 + 3x = 2077 by hand"),
    ("Find $\\sin 3017 x$", "Find $\\sin 3017 x^2$ at once", "Find $\\sin 3017 x$ at once"),
    ("Find $\\sin 3017 x$", "Find $\\sin 3017 x$or more", "Find $\\sin 3017 x$ - it is small"),
]


@pytest.mark.parametrize(("question", "other", "same"), GOES_ON)
def test_a_question_whose_sentence_or_formula_goes_on_is_another(tmp_path, question, other, same):
    before = "Something was said before. "
    was_dropped, facts = dropped(tmp_path, before + other, question)
    assert (was_dropped, facts.get("guarded part_of_sentence")) == (other.endswith("or more"), None if other.endswith("or more") else 1)
    assert dropped(tmp_path, before + same, question)[0]


PIECES = [
    "word",
    "Word",
    "12",
    "+",
    "=",
    "x",
    "2y",
    "中文",
    "é",
    "(a)",
    "x:y",
    '"a',
    "b.",
    "$c$",
    "<b>d</b>",
    "&lt;",
    "...",
    "Q:",
    "!",
    "~",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(" ".join), st.data())
def test_borders_are_told_of_any_run_of_grams_of_any_text(text, data):
    column = pa.array([text], pa.large_string())
    found = scan_grams(column)
    if not found.hashes.size:
        return
    first = data.draw(st.integers(0, found.hashes.size - 1))
    end = data.draw(st.integers(first + 1, found.hashes.size))
    borders = borders_of(column[0], found.places, first, end)
    assert borders.begins or first > 0
    assert borders.ends or end < found.hashes.size
    if first == 0 and end == found.hashes.size:
        assert not borders.goes_on
