"""Golden pages: what should come out of each form in the checklist of mathematics on the web, written by hand.

A fixture is `tests/golden/extract/GROUP/NAME.html` and the Markdown that it should give, `NAME.md`; where more than the text
matters, `NAME.json` holds `options` of the call, `expect` (title, language, encoding, error, formulas) and `repeat`, a piece
and how often it stands in place of `@@` (for pages too large to keep). White space inside a formula does not count.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.stages.extract.latex import is_balanced
from mathcode_data.stages.extract.page import extract_page
from mathcode_data.stages.extract.records import Page
from support.engine import TESTS

GOLDEN = TESTS / "golden" / "extract"
FIXTURES = sorted(GOLDEN.glob("*/*.html"))
GROUPS = {
    "delimiters", "currency", "environments", "mathjax2", "mathjax3", "katex", "mathml", "wikipedia", "sites", "images", "latexml",
    "attributes", "others", "asciimath", "scripts", "code", "tables", "structure", "encodings", "boilerplate", "records", "limits",
}  # fmt: skip
FORMULA = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]")


def squeeze(text: str) -> str:
    """Text without the white space in its formulas."""
    return FORMULA.sub(lambda match: re.sub(r"\s+", "", match[0]), text.strip())


def read(path: Path) -> tuple[Page, str, dict[str, Any]]:
    """The page of a fixture, the text it should have, and what else is expected of it."""
    side = path.with_suffix(".json")
    notes = json.loads(side.read_text(encoding="utf-8")) if side.exists() else {}
    content = path.read_bytes()
    if "repeat" in notes:
        piece, times = notes["repeat"]
        content = content.replace(b"@@", piece.encode() * times, 1)
    page = extract_page(content, **notes.get("options", {}))
    return page, path.with_suffix(".md").read_text(encoding="utf-8"), notes.get("expect", {})


def test_every_group_of_the_checklist_has_fixtures() -> None:
    assert {path.parent.name for path in FIXTURES} == GROUPS
    assert len(FIXTURES) >= 150


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_page_comes_out_as_written_by_hand(path: Path) -> None:
    page, text, expect = read(path)
    assert page.error.split(":")[0] == expect.get("error", "")
    assert squeeze(page.text) == squeeze(text)
    for name in ("title", "language", "encoding"):
        assert getattr(page, name) == expect.get(name, getattr(page, name))
    formulas = [[re.sub(r"\s+", "", formula.latex), formula.display] for formula in page.formulas]
    assert formulas == [[re.sub(r"\s+", "", latex), display] for latex, display in expect.get("formulas", formulas)]
    assert [formula.source for formula in page.formulas] == expect.get("sources", [formula.source for formula in page.formulas])


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_formula_has_a_source_and_a_confidence_that_falls_where_it_is_broken(path: Path) -> None:
    page, _, expect = read(path)
    confidences = [formula.confidence for formula in page.formulas]
    position = 0
    for formula in page.formulas:
        wrapped = f"\\[{formula.latex}\\]" if formula.display else f"\\({formula.latex}\\)"
        position = page.text.index(wrapped, position) + len(wrapped)
        assert formula.source
        assert 0 < formula.confidence <= (1 if is_balanced(formula.latex) else 0.5)
    assert all(confidence <= expect.get("max_confidence", 1) for confidence in confidences)
    assert all(confidence >= expect.get("min_confidence", 0) for confidence in confidences)
    if expect.get("falling"):
        assert confidences == sorted(confidences, reverse=True)
        assert confidences[0] > confidences[-1]
