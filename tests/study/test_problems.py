"""Word problems: right in every form, disjoint between training and test, read back from what a model writes."""

from __future__ import annotations

import doctest
import importlib
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import ConfigError
from mathcode_data.shards.reader import TokenShard
from mathcode_data.study.config import ProblemsConfig
from mathcode_data.study.problem_shards import make_problem_shards
from mathcode_data.study.problem_templates import TEST, TRAIN
from mathcode_data.study.problems import (
    FORMS,
    extract_answer,
    extract_program,
    is_answer,
    item_from_json,
    item_json,
    make_problem,
    make_test_items,
    training_problems,
)
from mathcode_data.study.sandbox import run_program


@given(st.sampled_from(TRAIN + TEST), st.integers(0, 10**6))
def test_every_form_gives_the_answer_and_no_step_goes_below_zero(template, seed):
    problem = make_problem(template, random.Random(seed))
    names: dict = {}
    exec(problem.completion("program"), names)
    assert names["solution"]() == problem.answer
    assert is_answer(extract_answer(problem.completion("reasoning")), problem.answer)
    assert is_answer(extract_answer(problem.completion("answer")), problem.answer)
    assert min(problem.results().values()) >= 0
    for left, sign, right, result in re.findall(r"(\d+) ([-+*]) (\d+) = (\d+)", problem.completion("reasoning")):
        assert eval(f"{left}{sign}{right}") == int(result)
    assert all(str(value) in problem.question for value in problem.values.values())


@given(st.sampled_from(TRAIN + TEST), st.integers(0, 10**6))
def test_a_program_is_cut_out_of_whatever_follows_it(template, seed):
    program = make_problem(template, random.Random(seed)).completion("program")
    for rest in ("", "Question: Ann has 3 apples.\nProgram:\n", "print(solution())\n", "def solution():\n    return 0\n"):
        assert extract_program(program + rest).strip() == program.strip()


def test_a_right_program_passes_the_sandbox():
    problem = next(training_problems(1, 0))
    assert is_answer(run_program(problem.completion("program")).value, problem.answer)


def test_templates_of_training_and_test_share_shapes_and_no_story():
    assert {template.shape for template in TEST} == {template.shape for template in TRAIN}
    assert not {template.name for template in TEST} & {template.name for template in TRAIN}
    skeletons = [re.sub(r"\{\w+\}", "", template.story) for template in TRAIN + TEST]
    assert len(set(skeletons)) == len(skeletons)

    def phrases(templates):
        words = [re.sub(r"\{\w+\}", "_", template.story).split() for template in templates]
        return {tuple(story[at : at + 5]) for story in words for at in range(len(story) - 4)}

    assert not phrases(TRAIN) & phrases(TEST), "five words in a row, places counted as words"


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_no_test_item_is_a_training_text_and_the_same_seed_gives_the_same_items(seed):
    known = [problem.question for problem in training_problems(300, seed)]
    items = make_test_items(30, seed, known)
    for problems in items.values():
        assert not {problem.question for problem in problems} & set(known)
        assert [item_from_json(item_json(problem)) for problem in problems] == problems
    assert items == make_test_items(30, seed, known)
    assert {problem.template for problem in items["new"]} <= {template.name for template in TEST}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (" 3 + 4 = 7.\nAnswer: 7\n", "7"), ("Answer: 1,204 apples", "1204"), ("Answer: none\n5", None), ("so -3 it is", "-3"),
        ("\\boxed{12} of 13", "12"), ("", None), ("Answer: 7.50", "7.50"),
    ],
)  # fmt: skip
def test_the_answer_is_read_from_the_text(text, answer):
    assert extract_answer(text) == answer


@pytest.mark.parametrize(("text", "right"), [("7", True), ("7.0", True), ("8", False), ("nan", False), ("1e999", False), ("", False)])
def test_an_answer_is_a_number(text, right):
    assert is_answer(text, 7) is right


def test_shards_hold_every_problem_once_and_are_made_once(tmp_path, tokenizer_file):
    mix = {"code": {"form": "program"}, "math": {"form": "reasoning"}, "general": {"form": "answer"}}
    config = ProblemsConfig.model_validate({"train": 50, "test": 5, "mix_into": mix})
    found = make_problem_shards(config, tokenizer_file, tmp_path / "problems", np.dtype(np.uint16))
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    expected = list(training_problems(50, config.seed))
    for form in FORMS:
        shard = TokenShard(found.shards(form) / f"{form}-00000")
        assert shard.num_documents == 50
        for number, problem in enumerate(expected):
            ids = shard.document(number).tolist()
            assert ids[-1] == found.eos_id
            assert tokenizer.decode(ids[:-1]) == problem.text(form)
        total = sum(len(problem.text(form).encode()) for problem in expected)
        assert found.bytes_per_token[form] == pytest.approx(total / shard.num_tokens)
    stamp = (found.folder / "problems.json").stat().st_mtime_ns
    make_problem_shards(config, tokenizer_file, tmp_path / "problems", np.dtype(np.uint16))
    assert (found.folder / "problems.json").stat().st_mtime_ns == stamp
    other = config.model_copy(update={"seed": 3})
    assert make_problem_shards(other, tokenizer_file, tmp_path / "problems", np.dtype(np.uint16)).fingerprint != found.fingerprint


def test_an_end_token_that_is_not_there_is_named(tmp_path, tokenizer_file):
    config = ProblemsConfig.model_validate({"eos_token": "<end>"})
    with pytest.raises(ConfigError, match="no token <end>"):
        make_problem_shards(config, tokenizer_file, tmp_path, np.dtype(np.uint16))


@pytest.mark.parametrize("name", ["problems", "metrics", "curves", "report_parts", "report_markdown"])
def test_the_examples_in_the_docstrings_hold(name):
    module = importlib.import_module(f"mathcode_data.study.{name}")
    assert doctest.testmod(module).failed == 0
