"""The rows of all input shards as one numbered sequence, and the last step of every deduplication: writing the survivors.

A row's number is the number of rows before it in the frozen list of input shards. Numbers route work to shards and never
decide anything: who is a duplicate follows from texts; who survives from `against` (documents of earlier results go first),
`sources`, `keep`, and then the smallest `doc_id`. So the surviving documents are the same for any order of inputs, any sharding
and any number of tasks. Dropped rows carry their `doc_id` along, and it is compared before a row is dropped.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from mathcode_data.core.config import ResultRef, StageConfig
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import read_documents, read_schema, require_columns, write_documents
from mathcode_data.core.errors import ConfigError, DataError, SetupError
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.core.stage import Task, TaskRecord, document_items
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.stages.ids import hex_ids, id_words

Numbers = NDArray[np.uint64]
References = Annotated[tuple[ResultRef, ...], BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (value,))]

LISTING = "listing.json"
DROPPED = "dropped.npy"
BYTES_PER_TOKEN = 3.3  # as select.top_tokens counts by default
MAX_ROWS_PER_TASK = 1 << 24  # an estimated 1 GB in the tasks that sort keys


class SurvivorConfig(StageConfig):
    """Which document of a group of duplicates stays, and what the documents are compared with."""

    keep: Literal["smallest_id", "longest", "newest", "oldest", "highest_score"] = "smallest_id"
    """Of each group keep the smallest doc_id, the longest text, the newest or oldest `date_column`, or the highest `score_column`."""
    score_column: str | None = Field(default=None, pattern="^[a-z][a-z0-9_]*$")
    """For `keep: highest_score`: a numeric column; documents without a value come last."""
    date_column: str = Field(default="fetched_at", pattern="^[a-z][a-z0-9_]*$")
    """For `keep: newest` and `oldest`: a date or a text as in 2026-01-31T12:00:00Z; documents without one come last."""
    sources: tuple[str, ...] = ()
    """Documents of these sources go before others, the first named first; `keep` decides among those of one source."""
    against: References = ()
    """Results of earlier runs: what is in them is a duplicate here, stays as it is, and is not written again."""

    @model_validator(mode="after")
    def _column_goes_with_policy(self) -> SurvivorConfig:
        if (self.keep == "highest_score") != (self.score_column is not None):
            raise ValueError("keep: highest_score needs score_column, and only it does; give both or neither")
        if len(set(self.sources)) < len(self.sources):
            raise ValueError(f"sources names one source twice: {', '.join(self.sources)}; name each once, the preferred first")
        return self


def earlier_results(config: SurvivorConfig) -> list[Result]:
    """The results of `against`.

    Raises:
        ConfigError: a reference was not resolved to a folder, or its result holds no documents.
    """
    found = []
    for reference in config.against:
        if reference.path is None:
            raise ConfigError(f"against: {reference.model_dump(exclude_none=True)} is no folder yet; run the stage through a pipeline")
        result = read_result(Path(reference.path))
        if result.manifest.kind != "documents":
            raise ConfigError(f"against: {reference.path} is a result of kind {result.manifest.kind!r}; name one of kind 'documents'")
        found.append(result)
    return found


def numbered_items(inputs: Sequence[Result], against: Sequence[Result] = ()) -> list[dict[str, Any]]:
    """One item per document shard, with the number of its first row; shards of earlier results come last."""
    items: list[dict[str, Any]] = [item | {"earlier": False} for item in document_items(inputs)]
    return numbered(items + [item | {"earlier": True} for item in document_items(against)])


def numbered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items with the number of the first row of each."""
    first = 0
    for item in items:
        item["first"] = first
        first += item["rows"]
    return items


def num_parts(items: Sequence[dict[str, Any]]) -> int:
    """Into how many tasks keys are split by their values, so that each fits in memory."""
    total: int = sum(item["rows"] for item in items)
    return max(1, -(-total // MAX_ROWS_PER_TASK))


def in_part(keys: Numbers, part: int, parts: int) -> NDArray[np.bool_]:
    """Whether each key falls in this part; keys are hashes, so parts are of equal size."""
    return np.asarray(keys // np.uint64((1 << 64) // parts + 1) == part) if parts > 1 else np.ones(keys.size, bool)


def survivor_columns(config: SurvivorConfig, path: Path, *, earlier: bool = False) -> list[str]:
    """Columns that decide who survives; checks that the shard has them and a text. All of an earlier result survive."""
    schema = read_schema(path)
    require_columns(schema, {"doc_id": pa.string(), "text": pa.large_string()}, str(path))
    if earlier:
        return ["doc_id", "text"]
    wanted = {"highest_score": config.score_column, "newest": config.date_column, "oldest": config.date_column}.get(config.keep)
    columns = [wanted] if wanted else []
    for column in columns:
        if column not in schema.names:
            found = ", ".join(schema.names)
            raise SetupError(f"{path}: no column {column!r} (columns: {found}); put the stage that adds it before, or choose another keep")
        kind = schema.field(column).type
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        is_date = pa.types.is_temporal(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not (is_number if config.keep == "highest_score" else is_date):
            needed = "numbers" if config.keep == "highest_score" else "dates"
            raise SetupError(f"{path}: column {column!r} is {kind}; keep: {config.keep} needs {needed}")
    if config.sources:
        require_columns(schema, {"source": pa.string()}, str(path))
        columns.append("source")
    return ["doc_id", "text", *columns]


def preference(table: pa.Table, config: SurvivorConfig, *, earlier: bool = False) -> NDArray[np.float64]:
    """How much each row is to be kept: the larger, the better, first by the first column. Shape (rows, 2)."""
    found = np.zeros((table.num_rows, 2))
    if earlier:
        found[:, 0] = np.inf
        return found
    if config.sources:
        ranks = {source: float(len(config.sources) - place) for place, source in enumerate(config.sources)}
        found[:, 0] = [ranks.get(source, 0.0) for source in table["source"].to_pylist()]
    if config.keep in ("newest", "oldest"):
        times = _times(table[config.date_column])
        found[:, 1] = times if config.keep == "newest" else -times
    elif config.keep != "smallest_id":
        column = pc.utf8_length(table["text"]) if config.keep == "longest" else table[str(config.score_column)]
        found[:, 1] = pc.fill_null(pc.cast(column, pa.float64(), safe=False), -np.inf).to_numpy(zero_copy_only=False)
    found[np.isnan(found[:, 1]), 1] = -np.inf
    return found


def _times(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Seconds since 1970; not a number where there is no date."""
    if pa.types.is_temporal(column.type):
        seconds = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
        return np.asarray(pc.fill_null(pc.cast(seconds, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False))
    return np.array([_seconds(value) for value in column.to_pylist()], np.float64)


def _seconds(value: str | None) -> float:
    try:
        date = datetime.datetime.fromisoformat((value or "").strip())
    except ValueError:
        return float("nan")
    return (date if date.tzinfo else date.replace(tzinfo=datetime.UTC)).timestamp()


def survivors_first(preferences: NDArray[np.float64], ids: NDArray[np.uint64], numbers: Numbers, *groups: Numbers) -> NDArray[np.intp]:
    """Order rows by group, and inside each the survivor first.

    Rows of one group with one doc_id are copies of one record; the first in the list of inputs stands for them.
    """
    return np.lexsort((numbers, ids[:, 1], ids[:, 0], -preferences[:, 1], -preferences[:, 0], *groups[::-1]))


def starts_group(*groups: Numbers) -> NDArray[np.bool_]:
    """Whether each row of sorted columns differs from the row before it."""
    starts = np.ones(groups[0].size, bool)
    if starts.size:
        starts[1:] = np.any([column[1:] != column[:-1] for column in groups], axis=0)
    return starts


def write_dropped(folder: Path, numbers: Numbers, ids: NDArray[np.uint64], twins: NDArray[np.uint64]) -> None:
    """Write the rows to drop with their ids and those of the documents kept in their place, in order of their numbers."""
    order = np.argsort(numbers)
    np.save(folder / DROPPED, np.column_stack([numbers[order], ids[order], twins[order]]).reshape(-1, 5))


class ShardFiles:
    """What the first phase left for each shard; found through one listing, so that tasks x shards paths are never spelt out."""

    def __init__(self, listing: str) -> None:
        """Read the listing."""
        data = read_json(Path(listing))
        self.folders = [Path(folder) for folder in data["folders"]]
        self.first = np.array(data["first"], np.uint64)

    def arrays(self, name: str) -> Iterator[tuple[np.uint64, NDArray[Any]]]:
        """Yield the number of the first row and the array of that name, shard by shard (memory-mapped)."""
        for first, folder in zip(self.first, self.folders, strict=True):
            yield first, np.load(folder / name, mmap_mode="r")

    def take(self, name: str, numbers: Numbers) -> NDArray[Any]:
        """Rows of the arrays of that name by number; `numbers` must be sorted."""
        bounds = np.searchsorted(numbers, np.append(self.first, np.uint64(2**64 - 1)))
        parts = [
            np.load(folder / name, mmap_mode="r")[numbers[low:high] - first]
            for folder, first, low, high in zip(self.folders, self.first, bounds, bounds[1:], strict=False)
            if low < high
        ]
        return np.concatenate(parts) if parts else np.load(self.folders[0] / name, mmap_mode="r")[:0]


def count_bytes(ledger: Ledger, texts: pa.ChunkedArray, is_dropped: NDArray[np.bool_]) -> None:
    """Count the bytes of the texts that are kept and dropped."""
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy()
    ledger.count("text_bytes_dropped", int(lengths[is_dropped].sum()))
    ledger.count("text_bytes_kept", int(lengths[~is_dropped].sum()))


def token_facts(counted: Sequence[TaskRecord]) -> dict[str, int]:
    """Tokens kept and dropped, estimated from the bytes of the texts."""
    facts: Counter[str] = Counter()
    for record in counted:
        for counters in record.counters:
            facts.update(counters.facts)
    return {f"tokens_{what}_estimated": round(facts[f"text_bytes_{what}"] / BYTES_PER_TOKEN) for what in ("kept", "dropped")}


def write_listing(task: Task) -> None:
    """Write a task's item as a file that later tasks share."""
    write_json(task.folder / LISTING, task.item)


def dropped_in_shard(item: dict[str, Any]) -> dict[str, NDArray[np.uint64]]:
    """Rows of a shard to drop, by reason: shape (n, 5), row in the shard, doc_id, and doc_id of the one that was kept.

    `item["dropped"]` is a listing of reason -> files of dropped rows.
    """
    bounds = np.array([item["first"], item["first"] + item["rows"]], np.uint64)
    found = {}
    for reason, paths in read_json(Path(item["dropped"])).items():
        parts = [np.empty((0, 5), np.uint64)]
        for path in paths:
            dropped = np.load(path, mmap_mode="r")
            low, high = np.searchsorted(dropped[:, 0], bounds)
            parts.append(dropped[low:high] - np.array([item["first"], 0, 0, 0, 0], np.uint64))
        found[reason] = np.concatenate(parts)
    return found


def write_survivors(task: Task) -> None:
    """Write the shard of a task without its dropped rows, and account for them by reason (the last one named counts).

    Raises:
        DataError: the shard changed while the stage ran.
    """
    path, rows = Path(task.item["path"]), task.item["rows"]
    dropped = dropped_in_shard(task.item)
    reasons = np.zeros(rows, np.uint8)
    expected = np.zeros((rows, 4), np.uint64)
    for code, found in enumerate(dropped.values(), start=1):
        reasons[found[:, 0]] = code
        expected[found[:, 0]] = found[:, 1:]
    name = f"documents-{task.index:05d}.parquet"
    kept = write_documents(task.folder / name, _survivors(task, path, reasons, expected, list(dropped)), read_schema(path))
    task.declare(name, rows=kept)
    task.ledger.counters.kept += kept


def _survivors(
    task: Task, path: Path, reasons: NDArray[np.uint8], expected: NDArray[np.uint64], names: Sequence[str]
) -> Iterator[pa.Table]:
    row = 0
    for table in read_documents(path):
        here = slice(row, row + table.num_rows)
        row = here.stop
        codes = reasons[here]
        is_dropped = codes > 0
        if row > reasons.size or not np.array_equal(
            id_words(table["doc_id"].filter(pa.array(is_dropped)), str(path)), expected[here][is_dropped, :2]
        ):
            raise DataError(f"{path}: rows changed while duplicates were searched; results are never edited, run the pipeline again")
        task.ledger.saw(table.num_rows)
        count_bytes(task.ledger, table["text"], is_dropped)
        for code, name in enumerate(names, start=1):
            twins = pa.array(hex_ids(expected[here][codes == code, 2:]), pa.string())
            lost = table.filter(pa.array(codes == code))
            task.ledger.drop(lost.select([c for c in lost.column_names if c != "twin"]).append_column("twin", twins), name)
        yield table.filter(pa.array(~is_dropped))
    if row != reasons.size:
        raise DataError(f"{path}: {row:,} rows, the manifest says {reasons.size:,}; the shard is damaged, remove its result and run again")
