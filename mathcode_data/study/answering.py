"""A model answers the word problems: programs are run in the sandbox, answers are read out of the text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from mathcode_data.core.storage import read_json
from mathcode_data.study.jobs import Measuring
from mathcode_data.study.problem_shards import load_tokenizer
from mathcode_data.study.problems import Form, Problem, extract_answer, extract_program, is_answer, item_from_json
from mathcode_data.study.sandbox import Ran, isolation, run_program
from mathcode_data.trainer.generate import generate
from mathcode_data.trainer.model import LanguageModel

TESTED: tuple[Form, ...] = ("reasoning", "program")
CHECK_EVERY = 8
"""Tokens between two looks at whether an answer is complete; decoding after each one would cost more than the model."""
NUM_SHOWN = 3


def answer_items(model: LanguageModel, measuring: Measuring) -> dict[str, Any]:
    """Answer every item in both forms, greedily.

    Returns:
        Per test set and form `correct` (0 or 1 per item); for programs also `statuses` (how many ran, raised, ...) and `ran`; a few
        answers as they were written; and the doors of the sandbox.
    """
    assert measuring.items is not None, "asked for only where there are items"
    assert measuring.tokenizer is not None, "items need a tokenizer"
    tokenizer = load_tokenizer(Path(measuring.tokenizer))
    items = {name: [item_from_json(data) for data in found] for name, found in read_json(Path(measuring.items)).items()}
    cache: dict[str, Ran] = {}
    results: dict[str, Any] = {"isolation": list(isolation()), "sets": {}}
    for name, problems in items.items():
        results["sets"][name] = {}
        for form in TESTED:
            texts = _answers(model, tokenizer, measuring, problems, form)
            found = _judge_programs(problems, texts, cache) if form == "program" else _judge_reasoning(problems, texts)
            found["shown"] = [problem.prompt(form) + text for problem, text in zip(problems, texts, strict=True)][:NUM_SHOWN]
            results["sets"][name][form] = found
    return results


def _answers(model: LanguageModel, tokenizer: Any, measuring: Measuring, problems: list[Problem], form: Form) -> list[str]:
    prompts = [tokenizer.encode(problem.prompt(form), add_special_tokens=False).ids for problem in problems]

    def is_complete(ids: list[int]) -> bool:
        return len(ids) % CHECK_EVERY == 0 and "\nQuestion:" in tokenizer.decode(ids)

    written = generate(
        model, prompts, max_new_tokens=measuring.max_new_tokens, eos_id=measuring.eos_id, batch=measuring.batch, stop=is_complete
    )
    return [str(tokenizer.decode(ids)).split("\nQuestion:", 1)[0] for ids in written]


def _judge_reasoning(problems: list[Problem], texts: list[str]) -> dict[str, Any]:
    return {"correct": [int(is_answer(extract_answer(text), problem.answer)) for problem, text in zip(problems, texts, strict=True)]}


def _judge_programs(problems: list[Problem], texts: list[str], cache: dict[str, Ran]) -> dict[str, Any]:
    correct, statuses = [], Counter[str]()
    for problem, text in zip(problems, texts, strict=True):
        program = extract_program(text)
        if program not in cache:
            cache[program] = _run(program)
        ran = cache[program]
        statuses[ran.status] += 1
        correct.append(int(ran.status == "ok" and is_answer(ran.value, problem.answer)))
    return {"correct": correct, "statuses": dict(sorted(statuses.items())), "ran": statuses["ok"] / max(1, len(problems))}


def _run(program: str) -> Ran:
    """Run a program; one that plainly cannot give a value is judged without a process."""
    if "def solution" not in program:
        return Ran("no_value")
    try:
        compile(program, "program", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return Ran("syntax")
    return run_program(program)
