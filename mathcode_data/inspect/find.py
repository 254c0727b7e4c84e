"""Find documents by id, address or path: short columns of every row are read, the others of the rows that match alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathcode_data.core.errors import DataError, MathcodeError
from mathcode_data.core.manifest import MANIFEST_NAME, Result, read_result
from mathcode_data.inspect.kinds import is_plain_name

KEYS = ("doc_id", "url", "path", "repository", "files")
LONG = ("text", "content")
"""Columns that are read only where they are asked for."""
DETAILS = "details"
"""Column of dropped documents; read only where paths are asked for."""
MAX_NEAR = 3
UNREADABLE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError)
"""What pyarrow raises for a damaged Parquet file: a name in its footer that is no UTF-8 is a ValueError."""


@dataclass(frozen=True)
class Wanted:
    """Which documents: those with one of the ids, one of the URLs or one of the paths. A path may begin with the repository."""

    doc_ids: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The words for messages."""
        kinds = (("doc_id", self.doc_ids), ("URL", self.urls), ("path", self.paths))
        return ", ".join(f"{kind} {value}" for kind, values in kinds for value in values[:MAX_NEAR])

    def mask(self, table: pa.Table) -> pa.Array:
        """Which rows of a table (with the key columns that it has) are meant."""
        found = pa.array([False] * table.num_rows)
        for name, values in (("doc_id", self.doc_ids), ("url", self.urls), ("path", self.paths)):
            if values and name in table.column_names:
                found = pc.or_(found, _is_in(table[name], values))
        if self.paths and {"path", "repository"} <= set(table.column_names):
            full = pc.binary_join_element_wise(table["repository"].cast(pa.string()), table["path"].cast(pa.string()), "/")
            found = pc.or_(found, _is_in(full, self.paths))
        if self.paths and {"path", DETAILS} <= set(table.column_names):
            found = pc.or_(found, _is_dropped_path(table, self.paths))
        if self.paths and "files" in table.column_names:
            found = pc.or_(found, _holds_path(table["files"], self.paths))
        return found


def _is_dropped_path(table: pa.Table, paths: Sequence[str]) -> pa.Array:
    """Whether a dropped file has one of the paths after its repository, which stands in the details."""
    found = pa.array([False] * table.num_rows)
    for path in paths:
        for at in (number for number, character in enumerate(path) if character == "/"):
            repository = f'"repository":{orjson.dumps(path[:at]).decode()}'
            is_there = pc.fill_null(pc.match_substring(table[DETAILS].cast(pa.string()), repository), False)
            both = pc.and_(_is_in(table["path"], [path[at + 1 :]]), is_there)
            found = pc.or_(found, both.combine_chunks() if isinstance(both, pa.ChunkedArray) else both)
    return found


def _holds_path(files: pa.ChunkedArray, paths: Sequence[str]) -> pa.Array:
    """Whether a joined document holds a file of one of the paths."""
    if not (
        pa.types.is_list(files.type) and pa.types.is_struct(files.type.value_type) and files.type.value_type.get_field_index("path") >= 0
    ):
        return pa.array([False] * len(files))
    column = files.combine_chunks()
    hits = _is_in(pa.chunked_array([column.flatten().field("path")]), paths)
    return pc.is_in(pa.array(range(len(column)), pa.int64()), value_set=pc.list_parent_indices(column).filter(hits))


def _is_in(column: pa.ChunkedArray, values: Sequence[str]) -> pa.Array:
    mask = pc.is_in(column.cast(pa.string()), value_set=pa.array(values, pa.string()))
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask


def find_rows(path: Path, wanted: Wanted, *, with_long: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and content of the rows of a Parquet file that are meant, in order.

    Args:
        path: of the file.
        wanted: the documents.
        with_long: give texts and page contents too.

    Raises:
        DataError: the file is absent or damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            keys = [name for name in (*KEYS, *([DETAILS] if wanted.paths else [])) if name in names]
            shown = [name for name in names if with_long or name not in LONG]
            first = 0
            for group in range(file.num_row_groups):
                num_rows = file.metadata.row_group(group).num_rows
                rows = pc.indices_nonzero(wanted.mask(file.read_row_group(group, columns=keys)))
                if len(rows):
                    found = file.read_row_group(group, columns=shown).take(rows).to_pylist()
                    yield from zip([first + row for row in rows.to_pylist()], found, strict=True)
                first += num_rows
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such shard; run the pipeline again") from error
    except UNREADABLE as error:
        raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())}); the shard is damaged, run the pipeline again") from error


def near_addresses(paths: Sequence[Path], address: str) -> list[str]:
    """Up to three addresses that hold the given one, whatever their scheme, `www.` and closing slash."""
    core = address.partition("://")[2] or address
    core = core.removeprefix("www.").partition("#")[0].strip("/")
    found: dict[str, None] = {}
    for path in paths if core else ():
        try:
            with pq.ParquetFile(path) as file:
                for name in ("url", "path"):
                    if name not in file.schema_arrow.names:
                        continue
                    for group in range(file.num_row_groups):
                        column = file.read_row_group(group, columns=[name])[name].cast(pa.string())
                        hits = column.filter(pc.fill_null(pc.match_substring(column, core, ignore_case=True), False))
                        found |= dict.fromkeys(hits.to_pylist())
        except UNREADABLE as error:
            raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())}); run `verify`, then the pipeline again") from error
    return sorted(found, key=len)[:MAX_NEAR]


def inputs_of(result: Result) -> list[Result]:
    """Results beside this one that it was made from, where they are still those of its manifest."""
    found = []
    for record in result.manifest.inputs:
        folder = result.folder.absolute().parent / record.name
        if not is_plain_name(record.name) or not (folder / MANIFEST_NAME).is_file():
            continue
        try:
            before = read_result(folder)
        except MathcodeError:
            continue  # damaged or of another version: `verify` says so, here it is a result that is not there
        if before.fingerprint == record.fingerprint:
            found.append(before)
    return found


def ancestors_of(result: Result) -> list[Result]:
    """All results beside this one that it comes from, the nearest first, each once."""
    found: dict[Path, Result] = {}
    waiting = inputs_of(result)
    while waiting:
        before = waiting.pop(0)
        if before.folder not in found:
            found[before.folder] = before
            waiting += inputs_of(before)
    return list(found.values())


def find_in_result(result: Result, wanted: Wanted, *, with_long: bool = False) -> Iterator[dict[str, Any]]:
    """The documents of a result that are meant."""
    for path in result.document_shards():
        for _, row in find_rows(path, wanted, with_long=with_long):
            yield row
