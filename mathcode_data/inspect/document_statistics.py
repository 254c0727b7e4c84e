"""Statistics of document shards: footers first, then short columns, then the text of all or of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_data.core.manifest import Result
from mathcode_data.inspect.domains import GroupCounter
from mathcode_data.inspect.histograms import length_histogram, score_histogram, spread
from mathcode_data.inspect.sampling import NARROW_ROWS, Look, Read, RowGroups, row_groups

GROUP_COLUMNS = ("source", "url", "repository", "language", "license")
SHORT_TEXT_BYTES = 256 << 20
"""Documents up to this size, unpacked, are read whole: about a second."""
MAX_SHOWN = 5
SHOWN_CHARACTERS = 600
PER_REASON = 2
SHOWN_COLUMNS = ("doc_id", "title", "url", "repository", "path", "language", "license", "warc_file", "warc_offset", "text")


def document_statistics(paths: Sequence[Path], look: Look) -> dict[str, Any]:
    """Look at documents.

    Returns:
        `characters` (percentiles), `length_histogram`, `text_bytes_mean`, `scores` (a histogram each), `groups`, and `text_read`
        and `columns_read`: how much of the result stands behind them.
    """
    found = row_groups(paths)
    narrow = [name for name in found.columns if name in GROUP_COLUMNS or name.startswith("score_")]
    limit = look.limit(is_small=found.num_bytes <= SHORT_TEXT_BYTES)
    together = "text" in found.columns and (limit is None or found.num_rows <= limit)
    counter, scores, texts = GroupCounter(), _Scores(), _Texts()
    for table in found.read([*narrow, "text"] if together else narrow, None if together else look.column_limit):
        counter.add(table, texts.add(table) if together else None)
        scores.add(table)
    if not together and "text" in found.columns:
        for table in found.read(["text"], limit):
            texts.add(table)
    return {
        "characters": texts.spread(), "length_histogram": length_histogram(texts.lengths(), "characters"),
        "text_bytes_mean": texts.mean_bytes(), "text_read": Read(texts.num_rows, found.num_rows).to_json(),
        "scores": scores.to_json(), "groups": counter.top("characters"), "columns_read": Read(scores.num_rows, found.num_rows).to_json(),
    }  # fmt: skip


class _Texts:
    """Lengths of texts."""

    def __init__(self) -> None:
        self._lengths: list[NDArray[np.int64]] = []
        self._num_bytes = 0
        self.num_rows = 0

    def add(self, table: pa.Table) -> NDArray[np.int64]:
        """Take the texts of a table; returns their characters."""
        text = table["text"]
        lengths: NDArray[np.int64] = pc.fill_null(pc.utf8_length(text), 0).to_numpy().astype(np.int64)
        self._lengths.append(lengths)
        self._num_bytes += pc.sum(pc.binary_length(text)).as_py() or 0
        self.num_rows += table.num_rows
        return lengths

    def lengths(self) -> NDArray[np.int64]:
        return np.concatenate(self._lengths) if self._lengths else np.zeros(0, np.int64)

    def spread(self) -> dict[str, float] | None:
        return spread(self.lengths())

    def mean_bytes(self) -> float | None:
        return self._num_bytes / self.num_rows if self.num_rows else None


class _Scores:
    """Values of the score columns."""

    def __init__(self) -> None:
        self._values: dict[str, list[NDArray[np.float64]]] = {}
        self.num_rows = 0

    def add(self, table: pa.Table) -> None:
        self.num_rows += table.num_rows
        for name in table.column_names:
            if name.startswith("score_"):
                self._values.setdefault(name, []).append(table[name].cast(pa.float64()).to_numpy())

    def to_json(self) -> dict[str, Any]:
        return {name: score_histogram(np.concatenate(values), name) for name, values in sorted(self._values.items())}


def example_documents(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Some documents by chance, their text cut."""
    found = row_groups(paths)
    few = RowGroups([entry for entry in found.groups if entry[2]][:MAX_SHOWN], found.columns)
    columns = [name for name in found.columns if name in SHOWN_COLUMNS or name.startswith("score_")]
    rows = [row for table in few.read(columns, MAX_SHOWN) for row in table.to_pylist()]
    return [_cut(row) for row in rows[:MAX_SHOWN]]


def dropped_examples(result: Result) -> list[dict[str, Any]]:
    """Two documents that were dropped for each reason, with their text where it was kept; those with text first."""
    shown: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in result.paths("dropped-", ".parquet"):
        found = row_groups([path])
        names = [name for name in found.columns if name != "text"]
        for table in found.read([*names, "text"], NARROW_ROWS):
            if {"stage", "reason", "text"} <= set(table.column_names):
                _first_of_each(table, shown)
    return [row for key in sorted(shown) for row in shown[key]]


def _first_of_each(table: pa.Table, shown: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
    """Add rows of reasons that have too few yet."""
    with_text = table.filter(pc.is_valid(table["text"]))
    for row in (row for batch in with_text.to_batches(max_chunksize=1024) for row in batch.to_pylist()):
        mine = shown.setdefault((row["stage"] or "", row["reason"] or ""), [])
        if len(mine) < PER_REASON:
            mine.append(_cut(row))


def _cut(row: dict[str, Any]) -> dict[str, Any]:
    text = row.get("text") or ""
    return {key: value for key, value in row.items() if value is not None} | {
        "text": text[:SHOWN_CHARACTERS], "characters": len(text)
    }  # fmt: skip
