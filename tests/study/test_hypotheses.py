"""Verdicts follow from intervals alone, and what cannot be tested is said."""

from __future__ import annotations

import pytest

from mathcode_data.study.hypotheses import Claim, Hypothesis
from mathcode_data.study.metrics import Interval
from mathcode_data.study.paper import COLUMNS, ROWS, paper_row, paper_score

ABOVE, BELOW, AROUND = Interval(1.0, 0.5, 1.5), Interval(-1.0, -1.5, -0.5), Interval(0.1, -0.5, 0.7)


@pytest.mark.parametrize(
    ("margins", "untested", "verdict"),
    [
        ([ABOVE], "", "holds"), ([ABOVE, ABOVE], "", "holds"), ([ABOVE, AROUND], "", "not decided"), ([ABOVE, BELOW], "", "fails"),
        ([AROUND, BELOW], "", "fails"), ([], "no arm", "not tested"), ([ABOVE], "a part was not tested", "not decided"),
        ([Interval(0.0, 0.0, 0.0)], "", "not decided"), ([Interval(1.0, float("nan"), float("nan"))], "", "not decided"),
    ],
)  # fmt: skip
def test_a_hypothesis_holds_only_where_every_claim_does(margins, untested, verdict):
    claims = tuple(Claim("claim", margin, margin) for margin in margins)
    assert Hypothesis("H0", "text", claims, untested).verdict == verdict


def test_the_papers_rows_are_those_of_tables_6_and_7():
    """Sums of the columns, counted by hand from the tables in the paper."""
    sums = [round(sum(row.scores[number] for row in ROWS), 1) for number in range(len(COLUMNS))]
    assert sums == [90.8, 64.7, 197.8, 81.2, 50.7, 210.5, 223.4, 118.3, 149.4]


def test_arms_find_their_row():
    assert paper_row("code-math", 0, 2).tokens == (None, 400, None)
    assert paper_row("code-math", 1, 2).tokens == (None, None, 150)
    assert paper_row("replay-5", 1, 2) is None
    assert paper_score("mixed", 0, 1, "HumanEval") == 29.3
