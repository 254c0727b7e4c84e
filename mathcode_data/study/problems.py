"""Word problems in three forms: reasoning in words, a Python `solution()`, a plain answer. Training and test stories are disjoint.

Training texts are made from `problem_templates.TRAIN` and go into the mixtures as sources. Test items come in two sets: `new` (stories
that no training text holds, numbers beyond the training ranges) and `seen` (training stories with numbers drawn anew). `new` is the one
that results are told by; `seen` shows whether a model that fails there has learned the form at all.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mathcode_data.study.problem_templates import PEOPLE, TEST, THINGS, TRAIN, Template

Form = Literal["reasoning", "program", "answer"]
FORMS: tuple[Form, ...] = ("reasoning", "program", "answer")
PROMPT_ENDS: dict[Form, str] = {"reasoning": "Reasoning:", "program": "Program:\n", "answer": "Answer:"}
OPERATIONS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
SETS = ("new", "seen")


@dataclass(frozen=True)
class Problem:
    """One word problem with everything that its texts need."""

    template: str
    question: str
    values: dict[str, int]
    steps: tuple[tuple[str, str, str, str], ...]

    @property
    def answer(self) -> int:
        """The number that is asked for."""
        return self.results()[self.steps[-1][0]]

    def results(self) -> dict[str, int]:
        """All numbers by name, given and computed."""
        found = dict(self.values)
        for name, left, operator, right in self.steps:
            found[name] = OPERATIONS[operator](found[left], found[right])
        return found

    def prompt(self, form: Form) -> str:
        """What a model is given."""
        return f"Question: {self.question}\n{PROMPT_ENDS[form]}"

    def completion(self, form: Form) -> str:
        """What a model should write."""
        found = self.results()
        if form == "answer":
            return f" {self.answer}\n"
        if form == "reasoning":
            steps = " ".join(f"{found[left]} {sign} {found[right]} = {found[name]}." for name, left, sign, right in self.steps)
            return f" {steps}\nAnswer: {self.answer}\n"
        lines = [f"    {name} = {value}" for name, value in self.values.items()]
        lines += [f"    {name} = {left} {sign} {right}" for name, left, sign, right in self.steps]
        return "\n".join(["def solution():", *lines, f"    return {self.steps[-1][0]}", ""])

    def text(self, form: Form) -> str:
        """A training text."""
        return self.prompt(form) + self.completion(form)


def make_problem(template: Template, generator: random.Random) -> Problem:
    """Fill a template.

    >>> problem = make_problem(TRAIN[0], random.Random(1))
    >>> str(problem.answer) in problem.text("reasoning"), "def solution():" in problem.text("program")
    (True, True)
    """
    values = {name: generator.randint(low, high) for name, (low, high) in template.numbers.items()}
    who, other = generator.sample(PEOPLE, 2)
    question = template.story.format(who=who, other=other, thing=generator.choice(THINGS), **values)
    return Problem(template.name, question, values, template.steps)


def training_problems(count: int, seed: int) -> Iterator[Problem]:
    """Problems to learn from; templates in turn, so that each is there equally often."""
    generator = random.Random(f"train:{seed}")
    for number in range(count):
        yield make_problem(TRAIN[number % len(TRAIN)], generator)


def make_test_items(count: int, seed: int, known: Sequence[str]) -> dict[str, list[Problem]]:
    """`count` items of each test set.

    Args:
        count: items of a set.
        seed: another seed gives other numbers.
        known: questions of the training texts; none of them becomes an item.
    """
    questions = set(known)
    found: dict[str, list[Problem]] = {}
    for name, templates in zip(SETS, (TEST, TRAIN), strict=True):
        generator = random.Random(f"test:{name}:{seed}")
        items: list[Problem] = []
        while len(items) < count:
            problem = make_problem(templates[len(items) % len(templates)], generator)
            if problem.question not in questions:
                questions.add(problem.question)
                items.append(problem)
        found[name] = items
    return found


def extract_answer(text: str) -> str | None:
    """The number that a text gives as its answer: behind the first "Answer:", else in the last box, else the last number.

    >>> extract_answer(" 3 + 4 = 7.\\nAnswer: 7\\nQuestion: 9"), extract_answer("so it is 1,204."), extract_answer("none")
    ('7', '1204', None)
    """
    if "Answer:" in text:
        match = NUMBER.search(text.split("Answer:", 1)[1].split("\n", 1)[0])
        return _plain(match.group()) if match else None
    boxes = BOXED.findall(text)
    numbers = NUMBER.findall(boxes[-1] if boxes else text)
    return _plain(numbers[-1]) if numbers else None


def _plain(number: str) -> str:
    return number.replace(",", "")


def extract_program(completion: str) -> str:
    """The program of a completion: to the end of the function that it begins with.

    >>> extract_program("def solution():\\n    return 3\\nQuestion: x")
    'def solution():\\n    return 3\\n'
    """
    kept: list[str] = []
    for line in completion.splitlines():
        inside = line.startswith((" ", "\t", "import ", "from ", "def ", "#")) or not line.strip()
        if not inside or (line.startswith("def ") and any(earlier.startswith("def solution") for earlier in kept)):
            break
        kept.append(line)
    return "\n".join([*kept, ""])


def is_answer(text: str | None, answer: int) -> bool:
    """Whether a text is the number; 12.0 is 12.

    >>> is_answer("12", 12), is_answer("12.0", 12), is_answer("twelve", 12), is_answer(None, 12)
    (True, True, False, False)
    """
    if text is None:
        return False
    try:
        return float(text) == answer
    except (ValueError, OverflowError):
        return False


def item_json(problem: Problem) -> dict[str, Any]:
    """A test item as it lies in items.json."""
    return {
        "template": problem.template, "question": problem.question, "values": problem.values,
        "steps": [list(step) for step in problem.steps], "answer": problem.answer,
    }  # fmt: skip


def item_from_json(data: dict[str, Any]) -> Problem:
    """The way back."""
    steps = tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in data["steps"])
    return Problem(str(data["template"]), str(data["question"]), {key: int(value) for key, value in data["values"].items()}, steps)
