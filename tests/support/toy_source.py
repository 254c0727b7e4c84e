"""A source for tests of the engine: one document per line of text files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from mathcode_data.core.config import InputPaths
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import TEXT_SCHEMA, document_id
from mathcode_data.core.stage import Split, StageConfig
from support.poison import strike

VERSION = "1"


class Config(StageConfig):
    paths: InputPaths
    source: str = "toy"
    wait_s: float = 0.0
    """Sleep per file, so that a test can kill in the middle."""
    poison: str = ""
    """A line that makes the reading process die, segfault, spin, hang, swallow memory, allocate too much at once, or fail."""


def build(config: Config) -> ToySource:
    return ToySource(config)


class ToySource:
    schema = TEXT_SCHEMA

    def __init__(self, config: Config) -> None:
        self.config = config

    def splits(self) -> list[Split]:
        files = sorted(file for path in map(Path, self.config.paths) for file in (path.glob("*.txt") if path.is_dir() else [path]))
        return [Split((str(file),), (file.name,)) for file in files]

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        time.sleep(self.config.wait_s)
        lines = Path(split.files[0]).read_text(encoding="utf-8").splitlines()
        ledger.saw(len(lines))
        if self.config.poison and self.config.poison in lines:
            strike(self.config.poison)
            raise ValueError(f"{split.names[0]}: a poison line")
        kept = [line for line in lines if line.strip()]
        ledger.drop_unread("blank", len(lines) - len(kept))
        ids = [document_id(self.config.source, f"{split.names[0]}:{number}:{line}") for number, line in enumerate(kept)]
        urls = [f"toy:{split.names[0]}#{number}" for number in range(len(kept))]
        columns = [
            pa.array(ids, pa.string()),
            pa.array([self.config.source] * len(kept), pa.string()),
            pa.array(urls, pa.string()),
            pa.array(kept, pa.large_string()),
        ]
        yield pa.table(columns, schema=TEXT_SCHEMA)
