"""How much of a result a look reads: all of it where that is quick or asked for, else a sample with a fixed seed that says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.core.errors import DataError

SEED = 17
DEFAULT_ROWS = 2000
NARROW_ROWS = 1_000_000
"""Rows read of columns that are short (addresses, scores, licences): a second or two."""
MAX_GROUPS = 32
"""Row groups that a sample is spread over; ours hold up to 32 MB each."""
MAX_BLOCKS = 64
"""Runs of neighbouring documents that a sample of a token shard is spread over."""


@dataclass(frozen=True)
class Look:
    """What a caller of `statistics` asks for."""

    full: bool = False
    """Read everything, however long it takes."""
    sample_rows: int | None = None
    """Documents (or windows) to read at most; None: 2,000 of what is large, and all of what is small."""
    tokenizer: Path | None = None
    """`tokenizer.json` of shards from elsewhere."""

    @property
    def rows(self) -> int:
        """Documents of a sample."""
        return DEFAULT_ROWS if self.sample_rows is None else self.sample_rows

    def limit(self, *, is_small: bool) -> int | None:
        """How many rows to read: None for all."""
        return None if self.full or (is_small and self.sample_rows is None) else self.rows

    @property
    def column_limit(self) -> int | None:
        """The same for columns that are short."""
        return None if self.full else max(NARROW_ROWS, self.rows)


@dataclass(frozen=True)
class Read:
    """How much was read: `rows` of `of`."""

    rows: int
    of: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"read": self.rows, "of": self.of, "is_sample": self.rows < self.of, "seed": SEED if self.rows < self.of else None}


def scope_text(scope: dict[str, Any], what: str = "documents") -> str:
    """The words for `Read.to_json`.

    >>> scope_text(Read(2000, 1_200_000).to_json()), scope_text(Read(7, 7).to_json())
    ('sampled 2,000 of 1.2 M documents', 'all 7 documents')
    """
    if not scope["is_sample"]:
        return f"all {scope['of']:,} {what}"
    return f"sampled {scope['read']:,} of {short_count(scope['of'])} {what}"


def short_count(number: float) -> str:
    """A count with at most three digits and a unit.

    >>> [short_count(n) for n in (0, 950, 9_999, 12_345, 1_200_000, 550e9, 15e12)]
    ['0', '950', '9,999', '12.3 k', '1.2 M', '550 B', '15 T']
    """
    if abs(number) < 10_000:
        return f"{number:,.0f}"
    for unit in ("k", "M", "B", "T"):
        number /= 1000
        if abs(number) < 999.5 or unit == "T":
            return f"{number:.3g} {unit}" if abs(number) < 999.5 else f"{number:,.0f} {unit}"
    raise AssertionError("the last unit ends the loop")


@dataclass(frozen=True)
class RowGroups:
    """The row groups of some Parquet files, from their footers alone."""

    groups: list[tuple[Path, int, int]]
    """(file, number of the group, rows)."""
    columns: list[str]
    """Names of the columns of the first file."""
    num_bytes: int = 0
    """Of all files, unpacked."""

    @property
    def num_rows(self) -> int:
        """Rows of all files."""
        return sum(rows for _, _, rows in self.groups)

    def pick(self, limit: int | None) -> list[tuple[Path, int, int, int]]:
        """Choose what to read: (file, group, rows of the group, rows to take); everything where `limit` is None or enough.

        A sample takes 32 groups by chance, or more where they hold too little, and from each the same share of its rows, so that
        no row is likelier than another.
        """
        filled = [entry for entry in self.groups if entry[2]]
        if limit is None or self.num_rows <= limit:
            return [(path, group, rows, rows) for path, group, rows in filled]
        count = max(MAX_GROUPS, math.ceil(limit * len(filled) / self.num_rows))
        order = np.random.default_rng(SEED).permutation(len(filled))
        chosen = [filled[number] for number in sorted(order[:count].tolist())]
        found = sum(rows for _, _, rows in chosen)
        picked, seen, taken = [], 0, 0
        for path, group, rows in chosen:
            seen += rows
            take = min(limit, found) * seen // found - taken
            taken += take
            if take:
                picked.append((path, group, rows, take))
        return picked

    def read(self, columns: list[str], limit: int | None) -> Iterator[pa.Table]:
        """Read some columns of what `pick` chose, group by group; of a group that is read in part, rows by chance, in order.

        Raises:
            DataError: a page is damaged; names file and row group.
        """
        rng = np.random.default_rng(SEED + 1)
        for path, group, rows, take in self.pick(limit):
            table = _read_group(path, group, columns)
            yield table if take >= rows else table.take(np.sort(rng.choice(rows, take, replace=False)))


def row_groups(paths: Sequence[Path]) -> RowGroups:
    """Open the footers of some Parquet files.

    Raises:
        DataError: a file is absent or no Parquet file.
    """
    groups: list[tuple[Path, int, int]] = []
    columns: list[str] = []
    num_bytes = 0
    for path in paths:
        try:
            metadata = pq.read_metadata(path)
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such shard; run the pipeline again") from error
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not a Parquet shard ({' '.join(str(error).split())}); run the pipeline again") from error
        columns = columns or metadata.schema.to_arrow_schema().names
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            groups.append((path, number, group.num_rows))
            num_bytes += group.total_byte_size
    return RowGroups(groups, columns, num_bytes)


def _read_group(path: Path, group: int, columns: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read_row_group(group, columns=[name for name in columns if name in file.schema_arrow.names])
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: row group {group}: {reason}; the shard is damaged, remove its result and run again") from error


def blocks(num_documents: int, limit: int | None) -> list[tuple[int, int]]:
    """Runs [first, stop) of documents to read: all, or `limit` of them in up to 64 runs by chance, none twice.

    >>> blocks(5, None), blocks(5, 9), sum(stop - first for first, stop in blocks(10_000, 128))
    ([(0, 5)], [(0, 5)], 128)
    """
    if limit is None or num_documents <= limit:
        return [(0, num_documents)] if num_documents else []
    count = max(1, min(MAX_BLOCKS, limit))
    rng = np.random.default_rng(SEED)
    found = []
    skipped = num_documents - limit
    for number in range(count):  # the documents skipped before a run grow from run to run, so runs never overlap
        before = int(rng.integers(skipped * number // count, skipped * (number + 1) // count + 1))
        found.append((before + limit * number // count, before + limit * (number + 1) // count))
    return found
