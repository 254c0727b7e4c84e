"""Elements that stand for something else than their tag says: an aside that quotes, a block that is one displayed formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element


def as_quote(element: Element) -> Element:
    """An aside with the words of another post: one quote, its author in the first line."""
    element.tag = "blockquote"
    for child in element.children:
        if isinstance(child, Element) and child.tag == "blockquote":
            child.tag = "div"
    return element


BETWEEN = {"class": "between-answers"}
"""Attributes of a rule that is rendered."""
_ANSWERS = ("answer", "answeritem", "answer-item", "answer-body", "answer-content")
ANSWER_ITEMS = ("suggestedAnswer", "acceptedAnswer")
_BODIES = frozenset(["p", "div", "pre", "ul", "ol", "section", "blockquote", "table"])


def is_answer(attrs: Mapping[str, str | None]) -> bool:
    """True for an answer by its class or by the vocabulary of schema.org."""
    return attrs.get("itemprop") in ANSWER_ITEMS or any(name.endswith(_ANSWERS) for name in (attrs.get("class") or "").lower().split())


def separate_answers(posts: Sequence[Element]) -> None:
    """Put a rule before each of several answers to one question; a textbook has one answer a task, and gets none."""
    answers = [
        is_answer(post.attrs) and any(isinstance(child, Element) and child.tag in _BODIES for child in post.children) for post in posts
    ]
    for index, post in enumerate(posts):
        if answers[index] and (any(answers[index + 1 : index + 2]) or any(answers[max(0, index - 1) : index])):
            post.children.insert(0, Element("hr", dict(BETWEEN)))


def add_label(labels: Element, label: Element) -> None:
    """Add a label that holds a formula to those before."""
    if label.num_formulas:
        labels.children += [label, " "]
        labels.num_formulas += label.num_formulas
        labels.text_chars += label.text_chars
        labels.prose_chars += label.prose_chars


def as_paragraph(element: Element) -> Element:
    """A link or the like that was taken out of its line: a line of its own."""
    paragraph = Element("p", {})
    paragraph.children = [element]
    paragraph.text_chars, paragraph.num_formulas = element.text_chars, element.num_formulas
    return paragraph


def as_display(element: Element) -> Element:
    """A block marked as mathematics that holds one rendered formula and nothing else shows it as display."""
    only = [child for child in element.children if not (isinstance(child, str) and child.isspace())]
    if len(only) == 1 and isinstance(only[0], Formula):
        element.children = [Formula(only[0].latex, True, only[0].source, only[0].confidence)]
    return element
