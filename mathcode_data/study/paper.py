"""What the paper found: Tables 6 and 7 of DeepSeekMath (arXiv 2402.03300), 1.3 B parameters, in per cent; which arm is which row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """One row of the two tables."""

    name: str
    arm: str
    """Our arm."""
    stage: int
    """The stage of it after which the paper measured; -1 is the last one."""
    tokens: tuple[int | None, int | None, int | None]
    """Billions of general text, code, mathematics."""
    scores: tuple[float, float, float, float, float, float, float, float, float]
    """As in COLUMNS."""


COLUMNS = ("GSM8K", "MATH", "CMATH", "GSM8K+Python", "MATH+Python", "MMLU", "BBH", "HumanEval", "MBPP")
ROWS = (
    PaperRow("no continued training", "base", -1, (None, None, None), (2.9, 3.0, 12.3, 2.7, 2.3, 24.5, 28.1, 12.2, 13.0)),
    PaperRow("two-stage: 1 general", "general-math", 0, (400, None, None), (2.9, 3.2, 14.8, 3.3, 2.3, 25.9, 27.7, 15.2, 13.6)),
    PaperRow("two-stage: then 2 math", "general-math", -1, (None, None, 150), (19.1, 14.4, 37.2, 14.3, 6.7, 33.1, 32.7, 12.8, 13.2)),
    PaperRow("two-stage: 1 code", "code-math", 0, (None, 400, None), (5.9, 3.6, 19.9, 12.4, 10.0, 25.0, 31.5, 25.0, 40.0)),
    PaperRow("two-stage: then 2 math", "code-math", -1, (None, None, 150), (21.9, 15.3, 39.7, 17.4, 9.4, 36.2, 35.3, 12.2, 17.0)),
    PaperRow("one-stage: math", "math", -1, (None, None, 150), (20.5, 13.1, 37.6, 11.4, 6.5, 32.3, 32.5, 11.6, 13.2)),
    PaperRow("one-stage: code and math mixed", "mixed", -1, (None, 400, 150), (17.6, 12.1, 36.3, 19.7, 13.5, 33.5, 35.6, 29.3, 39.4)),
)
"""In the order of the paper."""


def paper_row(arm: str, stage: int, num_stages: int) -> PaperRow | None:
    """The paper's row of a stage of an arm, if it has one."""
    for row in ROWS:
        if row.arm == arm and row.stage % num_stages == stage:
            return row
    return None


def paper_score(arm: str, stage: int, num_stages: int, column: str) -> float | None:
    """One number of the paper."""
    row = paper_row(arm, stage, num_stages)
    return row.scores[COLUMNS.index(column)] if row else None
