"""What a stage is: a module with a `Config`, a `VERSION` and `build(config)`, here and in packages of your own.

The name in a pipeline file is the module: `dedup.minhash` is `mathcode_data/stages/dedup/minhash.py`, `my_package.short`
is any module that Python finds. Nothing is registered. A whole stage, which drops short documents:

    import pyarrow.compute as pc
    from pydantic import Field

    from mathcode_data.core.stage import StageConfig

    VERSION = "1"

    class Config(StageConfig):
        min_characters: int = Field(default=200, ge=0)
        \"\"\"Drop documents with fewer characters, under the reason `short`.\"\"\"

    def build(config):
        def keep_long(table, ledger):
            is_long = pc.greater_equal(pc.utf8_length(table["text"]), config.min_characters)
            ledger.drop(table.filter(pc.invert(is_long)), "short")
            return table.filter(is_long)

        return keep_long

**Config**: its fields are the keys of the YAML file; ranges stand in `Field`, the text under a field is its description.
Paths are `InputPaths` (they count by content), results of other stages `ResultRef`; see `core/config.py`.

**VERSION**: raise it when the output changes, so that results are made again. `LIBRARIES = ("regex", ...)` names
distributions that decide bytes too (`unicodedata` for Python's own tables): another release makes them again as well.

**build(config)** does nothing heavy (models load on first use, in the worker) and returns one of three things:

- a **MapStage**, any callable that takes a table of documents and gives one back: `extract.*`, `score.*`, `select.threshold`;
- a **Source**, which lists splits and reads one: `read.*`;
- a **GlobalStage**, which sees all documents, in phases of tasks: `dedup.*`, `learn.*`, `tokenize`.

**Every row is accounted for**: read == kept + dropped is checked for every table, and a difference ends the run. A map
stage hands each row that it does not give back to `ledger.drop(rows, "reason")`: a word in lower case that becomes a counter
in the manifest, a table of dropped documents beside it, and the answer of `mathcode-data explain`. A source counts what it
meets with `ledger.saw()`, and with `ledger.drop_unread("reason")` what never became a row. `ledger.count("fact", n)` adds up
other numbers; `ledger.damaged("one line")` reports an input that was read only in part, and the run ends with exit code 3.

**Same input, same bytes**: where a table begins and ends is not yours to rely on, so keep nothing from one table for the next,
and draw no random number that does not come from a seed and the `doc_id`. Rows stay in order, columns that you do not know stay
as they are, and an empty table gives an empty one with the columns that you add (that is how the schema is found).

**What is wrong** is raised as `DataError` (bytes: which file and row) or `ConfigError` (a file of settings), in one line that
says what to do (`core/errors.py`). Maps between two global stages run fused: one read, one write per shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mathcode_data.core.config import StageConfig
from mathcode_data.core.counters import Ledger, StageCounters
from mathcode_data.core.manifest import Result, Shard

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GlobalContext", "GlobalOutcome", "GlobalStage", "MapStage", "Source", "Split", "StageConfig", "Task", "TaskRecord"]


@dataclass(frozen=True)
class Split:
    """A part of a source that one task reads: files, and what else `read` needs (plain JSON data).

    `names` are what the files are called in fingerprints and documents: paths relative to the input they were found in.
    """

    files: tuple[str, ...]
    names: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Source(Protocol):
    """Reads documents or pages from outside."""

    schema: pa.Schema
    """Columns of the tables that `read` yields."""

    def splits(self) -> list[Split]:
        """List the splits in a fixed order; runs in the driver, reads no contents."""
        ...

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one split, in order, as tables of `schema`; counts every record with `ledger.saw`."""
        ...


@runtime_checkable
class MapStage(Protocol):
    """Turns a table of documents into another; handles an empty table (its schema is what counts then)."""

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Rows that are not given back go to `ledger.drop`."""
        ...


@runtime_checkable
class GlobalStage(Protocol):
    """Needs all documents at once. One with `takes_input = False` (a crawl) does not read the item before it."""

    kind: str
    """Kind of its result: documents, tokens, model, tokenizer."""

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Run phases of tasks with `context.map`; the files of the last phase become the result."""
        ...


class Task:
    """What a task of a global stage is given: its item, a folder to write in, and places to report.

    A task is a pure function of (stage config, inputs, item): it reads no clock, draws randomness only from `seed`, and
    writes only into `folder`.
    """

    def __init__(
        self, *, index: int, item: dict[str, Any], folder: Path, config: Any, inputs: Sequence[Path], seed: int, stage: str
    ) -> None:
        """Made by the driver."""
        self.index = index
        self.item = item
        self.folder = folder
        self.config = config
        self.inputs = tuple(inputs)
        self.seed = seed
        self.ledger = Ledger(stage)
        self.values: dict[str, Any] = {}
        """Small plain results that the driver passes on to the next phase."""
        self.sizes: dict[str, tuple[int, int]] = {}

    def declare(self, name: str, *, rows: int = 0, tokens: int = 0) -> None:
        """State how many rows and tokens a file written in `folder` holds."""
        self.sizes[name] = (rows, tokens)


@dataclass(frozen=True)
class TaskRecord:
    """What a finished task left: its files (in `folder`), small values and counters."""

    index: int
    folder: Path
    shards: tuple[Shard, ...]
    values: dict[str, Any]
    counters: list[StageCounters]
    damage: tuple[str, ...] = ()

    def path(self, name: str) -> Path:
        """Path of one of the files."""
        return self.folder / name


@dataclass(frozen=True)
class GlobalOutcome:
    """What a global stage gives back: the records whose files are the result, and those whose counters are its counters."""

    records: Sequence[TaskRecord]
    counted: Sequence[TaskRecord]
    facts: dict[str, Any] = field(default_factory=dict)


class GlobalContext(Protocol):
    """What a global stage is given by the driver."""

    config: Any
    inputs: Sequence[Result]
    seed: int
    stage: str

    def map(self, phase: str, function: Callable[[Task], None], items: Sequence[dict[str, Any]]) -> list[TaskRecord]:
        """Run `function` (a module-level function of the plug-in) once per item; finished tasks of an earlier run are kept.

        Items are plain JSON data; they, the phase's name, the stage's config and version, and the inputs' fingerprints are
        the whole of what the task may depend on. Records come back in the order of the items.
        """
        ...


def document_items(inputs: Sequence[Result]) -> list[dict[str, Any]]:
    """One item per document shard of all inputs, in input and name order: `{"path", "rows", "bytes", "sha256"}`.

    The engine checks the sha256 of an item's `path` before the task begins.
    """
    items = []
    for result in inputs:
        shards = {shard.name: shard for shard in result.manifest.shards}
        for path in result.document_shards():
            shard = shards[path.name]
            items.append({"path": str(path), "rows": shard.rows, "bytes": shard.bytes, "sha256": shard.sha256})
    return items
