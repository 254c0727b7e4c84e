"""A map stage for tests of what looks at results: the score of a document stands in its text, as `score 0.25`."""

from __future__ import annotations

import re

import pyarrow as pa

from mathcode_data.core.counters import Ledger
from mathcode_data.core.stage import MapStage, StageConfig

VERSION = "1"


class Config(StageConfig):
    column: str = "score_math"


def build(config: Config) -> MapStage:
    def score(table: pa.Table, ledger: Ledger) -> pa.Table:
        found = [re.search(r"score ([0-9.]+)", text) for text in table["text"].to_pylist()]
        return table.append_column(config.column, pa.array([float(match[1]) if match else 1.0 for match in found], pa.float64()))

    return score
