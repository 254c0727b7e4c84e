from __future__ import annotations

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.gram_scanner import scan_grams
from mathcode_data.stages.decontaminate.lines import is_line
from support.stages import documents, run_map

NAME = "decontaminate.ngram"
QUESTION = "not ( True ) and ( True ) is"
BEFORE, BEHIND = "The bakers of the old town met on Sunday.", "They talked about flour."


def dropped(tmp_path, page, question=QUESTION, **values):
    path = tmp_path / "short.jsonl"
    path.write_bytes(orjson.dumps({"question": question}))
    out, ledger = run_map(NAME, documents([page]), benchmarks=str(path), **values)
    return not out.num_rows, ledger.counters.facts


LINES = {
    "paragraph": f"{BEFORE}\n\n{QUESTION}\n\n{BEHIND}",
    "line": f"{BEFORE}\n{QUESTION.upper()}\n{BEHIND}",
    "whole page": QUESTION,
    "two lines": f"{BEFORE}\n\n{QUESTION.replace(' and', chr(10) + 'and')}\n\n{BEHIND}",
    "list": f"{BEFORE}\n\n- one\n- {QUESTION}\n- two",
    "numbered": f"{BEFORE}\n\n3. {QUESTION}",
    "label": f"{BEFORE}\n\n**Question 7:** {QUESTION}\n{BEHIND}",
    "letter": f"{BEFORE}\n(b) {QUESTION}\n{BEHIND}",
    "quote": f"{BEFORE}\n\n> {QUESTION}\n\n{BEHIND}",
    "heading": f"{BEFORE}\n\n## {QUESTION}\n{BEHIND}",
    "fence": f"{BEFORE}\n```text\n{QUESTION}\n```\n{BEHIND}",
    "formula": f"{BEFORE}\n$$ {QUESTION} $$\n{BEHIND}",
    "table": f"| question | answer |\n|---|---|\n| {QUESTION} | False |\n",
    "tags": f"<p>{BEFORE}</p><p>{QUESTION}</p><p>{BEHIND}</p>",
    "cells": f"<tr><td>one</td><td> {QUESTION} </td><td>False</td></tr>",
}


@pytest.mark.parametrize("name", LINES)
def test_a_short_question_that_is_a_whole_line_counts_however_little_it_says(tmp_path, name):
    assert dropped(tmp_path, LINES[name])[0]


SENTENCES = {
    "sentence": f"{BEFORE} We know that {QUESTION} false. {BEHIND}",
    "begins a line": f"{BEFORE}\n{QUESTION} false, as we know.\n{BEHIND}",
    "ends a line": f"{BEFORE}\nThe value of {QUESTION}\n{BEHIND}",
    "other brackets": f"{BEFORE}\n\n{QUESTION.replace('( True ) and', 'True and')}\n\n{BEHIND}",
    "inside a piece": f"{BEFORE}\n\nx+{QUESTION}\n\n{BEHIND}",
    "another sign ahead": f"{BEFORE}\n\n= {QUESTION}\n\n{BEHIND}",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_in_a_sentence_or_with_other_brackets_it_proves_nothing(tmp_path, name):
    was_dropped, facts = dropped(tmp_path, SENTENCES[name])
    assert not was_dropped
    assert facts["guarded_matches"] == 1


@pytest.mark.parametrize("question", ["1, 2, 3, 4, 5", "x = x = x", "2 4 6 8 10", "7 7 7 7"])
def test_a_line_that_counts_or_repeats_itself_proves_nothing(tmp_path, question):
    assert not dropped(tmp_path, f"{BEFORE}\n\n{question}\n\n{BEHIND}", question)[0]


def test_short_questions_with_the_same_words_and_other_brackets_are_not_the_form_of_a_benchmark(tmp_path):
    path = tmp_path / "forms.jsonl"
    same = [
        "not ( False or False ) is",
        "( not False ) or False is",
        "not ( ( False ) or False ) is",
        "not False or ( False ) is",
        "not ( False ) or False is",
    ]
    path.write_bytes(b"\n".join(orjson.dumps({"question": question}) for question in [*same, *["Which of these is true?"] * 5]))
    pages = [f"{BEFORE}\n\n{question}\n\n{BEHIND}" for question in [*same, "Which of these is true?"]]
    out, ledger = run_map(NAME, documents(pages), benchmarks=str(path))
    assert out["text"].to_pylist() == pages[-1:]
    assert ledger.counters.facts["guarded form"] == 5  # one for each copy


@given(
    st.lists(st.lists(st.sampled_from(["word", "12", "中文", "x+y", "é", "(a)"]), min_size=1, max_size=4), min_size=1, max_size=4),
    st.data(),
)
def test_exactly_the_whole_lines_are_lines(lines, data):
    text = "\n".join(map(" ".join, lines))
    column = pa.array([text], pa.large_string())
    grams = scan_grams(column)
    sizes = [scan_grams(pa.array([" ".join(line)], pa.large_string())).hashes.size for line in lines]
    borders = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    first = data.draw(st.integers(0, grams.hashes.size - 1))
    end = data.draw(st.integers(first + 1, grams.hashes.size))
    number = max(i for i, border in enumerate(borders[:-1]) if border <= first)
    labels = {"(a)": 1}
    begins = first in borders or (lines[number][0] in labels and first == borders[number] + 1)
    assert is_line(column[0], grams.places, first, end) == (begins and end in borders)
