"""The thresholds of pipelines/math.yaml are those that were measured, and nearly all known mathematics passes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mathcode_data.core.yaml_file import load_yaml

MIN_PASSED = 0.989
COLUMNS = ["score_length", "score_symbols", "score_word_length", "score_duplicate_lines", "score_duplicate_ngrams"]


@pytest.fixture(scope="module")
def measured(repository: Path) -> dict:
    facts = json.loads((repository / "tests/bench/results/score_quality.json").read_text())["facts"]
    assert isinstance(facts, dict)
    return facts


def test_the_pipeline_cuts_where_it_was_measured(repository: Path, measured: dict):
    path = repository / "pipelines/math.yaml"
    cuts = [item["select.threshold"] for item in load_yaml(path).data["stages"] if "select.threshold" in item]
    assert [cut["column"] for cut in cuts] == COLUMNS
    assert [(one["column"], one["min"], one["max"]) for one in measured["math.yaml"]] == [
        (cut["column"], cut.get("min"), cut.get("max")) for cut in cuts
    ]
    assert "tests/bench/results/score_quality.json" in path.read_text()


def test_nearly_all_known_mathematics_passes_and_more_than_of_any_junk(measured: dict):
    together = measured["all of math.yaml"]
    assert measured["sizes"]["math"] > 1000
    assert together["math"] >= MIN_PASSED
    # 11 of 1,597 are shorter than the least length: title pages, stubs and short examples, now that menus and foot lines are no text
    assert all(one["passed"]["math"] >= 0.993 for one in measured["math.yaml"])
    junk = {group: share for group, share in together.items() if group not in ("math", "nonmath", "ambiguous")}
    assert len(junk) >= 5
    assert all(share < together["math"] for share in junk.values()), junk
