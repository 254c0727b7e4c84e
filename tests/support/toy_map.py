"""A map stage for tests of the engine: drops documents that hold a word, upper-cases the others."""

from __future__ import annotations

import time

import pyarrow as pa
import pyarrow.compute as pc

from mathcode_data.core.counters import Ledger
from mathcode_data.core.stage import StageConfig
from support.poison import strike

VERSION = "1"


class Config(StageConfig):
    drop: str = "drop"
    wait_s: float = 0.0
    """Sleep per table with rows, so that a test can look meanwhile."""
    loses_rows: bool = False
    """Break the law read == kept + dropped on purpose."""
    poison: str = ""
    """What `support.poison` does when a text of the third file comes by."""


def build(config: Config) -> ToyMap:
    return ToyMap(config)


class ToyMap:
    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        time.sleep(self.config.wait_s if table.num_rows else 0)
        if self.config.poison and any(text.startswith("line 2 ") for text in table["text"].to_pylist()):
            strike(self.config.poison)
        mask = pc.match_substring(table["text"], self.config.drop)
        if not self.config.loses_rows:
            ledger.drop(table.filter(mask), "word")
        kept = table.filter(pc.invert(mask))
        return kept.set_column(kept.column_names.index("text"), "text", pc.utf8_upper(kept["text"]))
