"""What a subject of the quickstart's lessons is made of: explanations, remarks and exercises with computed numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from mathcode_data.quickstart.grammar import Draw, paragraphs


class Exercise(NamedTuple):
    """A problem whose numbers were drawn and whose solution was computed."""

    question: str
    steps: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Topic:
    """One subject: all texts are templates of `grammar`."""

    slug: str
    titles: tuple[str, ...]
    ideas: tuple[str, ...]
    """Paragraphs which explain; a lesson has some of them, in this order."""
    remarks: tuple[str, ...]
    """Paragraphs which warn, check or connect."""
    exercises: tuple[Callable[[Draw], Exercise], ...]


def topic(slug: str, titles: str, ideas: str, remarks: str, *exercises: Callable[[Draw], Exercise]) -> Topic:
    """Make a topic from text blocks: one title per line, one idea or remark per paragraph."""
    names = tuple(line.strip() for line in titles.splitlines() if line.strip())
    return Topic(slug, names, paragraphs(ideas), paragraphs(remarks), exercises)


def exercise(draw: Draw, script: str, **values: object) -> Exercise:
    """Fill in the script of an exercise: `? question`, `- step` for each step, `= answer`; lines may be continued.

    >>> exercise(Draw("doctest"), '''
    ...     ? Add $<a>$ and $<b>$.
    ...     - $<a> + <b> = <c>$.
    ...     = $<c>$''', a=1, b=2, c=3).answer
    '$3$'
    """
    question, steps, answer = _parse_script(script)
    return Exercise(draw.say(question, **values), tuple(draw.say(step, **values) for step in steps), draw.say(answer, **values))


@cache
def _parse_script(script: str) -> tuple[str, tuple[str, ...], str]:
    entries: list[str] = []
    for line in script.split("\n"):
        text = line.strip()
        if text[:2] in ("? ", "- ", "= "):
            entries.append(text)
        elif text:
            assert entries, f"an exercise starts with '? question', found {text!r}"
            entries[-1] += " " + text
    assert [entry[0] for entry in entries] == ["?", *"-" * (len(entries) - 2), "="], f"script out of order: {script}"
    return entries[0][2:], tuple(entry[2:] for entry in entries[1:-1]), entries[-1][2:]
