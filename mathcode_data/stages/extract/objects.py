"""Inline elements in a scanned text: each stands there as the character OBJECT, and comes back as element or as LaTeX."""

from __future__ import annotations

from mathcode_data.stages.extract.delimiters import OBJECT
from mathcode_data.stages.extract.records import Formula
from mathcode_data.stages.extract.tree import Child, Element, text_of
from mathcode_data.stages.extract.words import words

_FILLABLE = words("em i strong b sub sup a br wbr span font u s small big code var nobr")


def restore(piece: str, objects: list[Element | Formula], consumed: int, out: list[Child]) -> int:
    """Append a piece of plain text with its objects put back; return how many objects have been used."""
    for index, part in enumerate(piece.split(OBJECT)):
        if index:
            out.append(objects[consumed])
            consumed += 1
        if part:
            out.append(part)
    return consumed


def fill_objects(objects: list[Element | Formula], first: int, piece: str) -> str | None:
    """LaTeX of a piece of text with inline elements in it; None if one of them cannot stand in a formula."""
    parts = piece.split(OBJECT)
    pieces = [parts[0]]
    for offset, part in enumerate(parts[1:]):
        child = objects[first + offset]
        if isinstance(child, Formula) or child.tag not in _FILLABLE or child.num_formulas:
            return None
        inner = text_of(child)
        if child.tag in ("br", "wbr"):
            inner = "\n" if child.tag == "br" else ""
        elif child.tag in ("em", "i"):
            inner = f"_{inner}_"  # what a Markdown converter took for emphasis
        elif child.tag in ("strong", "b"):
            inner = f"__{inner}__"
        elif child.tag in ("sub", "sup"):
            inner = f"{'_' if child.tag == 'sub' else '^'}{{{inner}}}"
        pieces.append(inner)
        pieces.append(part)
    return "".join(pieces)
