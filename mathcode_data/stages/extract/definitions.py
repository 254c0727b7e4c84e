r"""Macro definitions that stand in the text of a page instead of in a formula.

Some sites open a page with a block of `\newcommand`s, and now and then a delimiter is lost or a definition is spread over
several elements: no renderer would take it, and it is no text of the page either. A block that holds nothing but definitions
and delimiters is read as what was meant; a definition in the middle of words stays (the page may explain LaTeX).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from mathcode_data.stages.extract.latex import closes_at
from mathcode_data.stages.extract.macros import DEFINITION, Macro, take_definitions
from mathcode_data.stages.extract.noise import INLINE_TAGS
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Element

HOLDS_DEFINITION = re.compile(r"\\(?:(?:re)?newcommand|providecommand|DeclareMathOperator|DeclareRobustCommand|[gxe]?def\s{0,4}\\)")
_MAX_CHARACTERS = 2_000
_BARRIER = "\ufdd0"
_CODE = frozenset(["code", "kbd", "samp", "tt", "pre"])
_WORD = re.compile(r"\w")
_STOP = re.compile(rf"\\[)\]]|\n|{_BARRIER}|$")


@dataclass(slots=True)
class _Leaf:
    """A piece of text: its parent and place there, the block it belongs to, and where it stands in the whole text."""

    parent: Element
    index: int
    block: int
    start: int
    end: int


def take_loose_definitions(root: Element, macros: dict[str, Macro]) -> None:
    """Move the definitions of blocks without words into `macros` and empty these blocks."""
    leaves: list[_Leaf] = []
    pieces: list[str] = []
    _collect(root, id(root), leaves, pieces, 0)
    text = "".join(pieces)
    spans = _spans(text)
    if not spans:
        return
    starts = [first for first, _ in spans]
    rests: dict[int, list[str]] = {}
    holders: dict[int, set[int]] = {}  # block -> numbers of the definitions in it
    for leaf in leaves:
        rest, inside = _without(text, leaf.start, leaf.end, spans, bisect_right(starts, leaf.start) - 1)
        rests.setdefault(leaf.block, []).append(rest)
        holders.setdefault(leaf.block, set()).update(inside)
    kept = {block for block, parts in rests.items() if _WORD.search("".join(parts))}
    kept_spans = {number for block in kept for number in holders[block]}
    loose = {block for block, inside in holders.items() if inside and not inside & kept_spans} - kept
    for number in sorted({number for block in loose for number in holders[block]}):
        take_definitions(text[slice(*spans[number])], macros)
    for leaf in leaves:
        if leaf.block in loose:
            leaf.parent.children[leaf.index] = ""


def _without(text: str, start: int, end: int, spans: list[tuple[int, int]], number: int) -> tuple[str, set[int]]:
    """A piece of the text without the definitions in it, and their numbers; `number` is the last that begins before it."""
    pieces: list[str] = []
    inside: set[int] = set()
    number = max(number, 0)
    while number < len(spans) and spans[number][0] < end:
        first, last = spans[number]
        if last > start:
            pieces.append(text[start:first])
            inside.add(number)
            start = min(end, last)
        number += 1
    pieces.append(text[start:end])
    return "".join(pieces), inside


def _collect(element: Element, block: int, leaves: list[_Leaf], pieces: list[str], size: int) -> int:
    """All texts in document order; the number of characters so far."""
    for index, child in enumerate(element.children):
        if isinstance(child, str):
            leaves.append(_Leaf(element, index, block, size, size + len(child)))
            pieces.append(child)
            size += len(child)
        elif isinstance(child, Formula) or child.raw is not None or child.tag in _CODE:
            pieces.append(_BARRIER)
            size += 1
        elif child.tag in INLINE_TAGS:
            size = _collect(child, block, leaves, pieces, size)
        else:
            pieces.append("\n")
            size = _collect(child, id(child), leaves, pieces, size + 1)
    return size


def _spans(text: str) -> list[tuple[int, int]]:
    """Where definitions stand; one whose last braces are lost ends with its line."""
    spans: list[tuple[int, int]] = []
    for match in DEFINITION.finditer(text):
        if spans and match.start() < spans[-1][1]:
            continue
        end = closes_at(text[: match.end() + _MAX_CHARACTERS], match.end()) + 1
        if not end or _BARRIER in text[match.start() : end] or DEFINITION.search(text, match.end(), end):
            stop = _STOP.search(text, match.end())
            end = stop.start() if stop else len(text)
        spans.append((match.start(), end))
    return spans
