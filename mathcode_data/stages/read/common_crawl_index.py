"""The columnar index of Common Crawl (the schema of cc-index-table): which records are wanted, found without reading what is not.

Conditions on domain, host, type and status go down to pyarrow: row groups whose statistics cannot hold a match are not read at
all (the table is sorted by reversed host name, so a domain stands in one or two row groups of a file), and of the others only
the columns that are asked about. Languages are a list in one column (`fra,eng`) and are looked at afterwards.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from mathcode_data.core.errors import ConfigError, DataError, ResourceError
from mathcode_data.stages.read.common_crawl_archive import SEPARATOR, Archive, Manners, SystemArchive, open_archive, open_range_file
from mathcode_data.stages.read.common_crawl_http import AbsentError
from mathcode_data.stages.read.files import by_suffix, list_inputs
from mathcode_data.stages.read.wet import language_code

LISTS = (".paths", ".paths.gz", ".txt", ".txt.gz")
PARQUET = (".parquet", ".parq")
MAX_LIST_BYTES = 64 << 20
MAX_SPELLED_OUT = 64
"""So many values are tested one by one, which pyarrow compares with the statistics of row groups; more by their range."""
PLACE = {
    "warc_filename": pa.string(),
    "warc_record_offset": pa.int64(),
    "warc_record_length": pa.int64(),
    "content_digest": pa.string(),
    "url": pa.string(),
}
"""Columns that say where a record lies and how to know it; `content_digest` may be absent."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a record; an empty tuple asks nothing. `domains`, `hosts` and `prefixes` are alternatives."""

    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    prefixes: tuple[tuple[str, str], ...] = ()
    """Host and beginning of the path."""
    content_types: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    primary_language_only: bool = False
    subsets: tuple[str, ...] = ()

    def columns(self) -> list[str]:
        """Columns of the index that conditions look at."""
        needed = {
            "url_host_registered_domain": self.domains,
            "url_host_name": self.hosts or self.prefixes,
            "url_path": self.prefixes,
            "content_mime_detected": self.content_types,
            "fetch_status": self.statuses,
            "content_languages": self.languages,
        }
        return [name for name, values in needed.items() if values]

    def expression(self, schema: pa.Schema) -> Any:
        """The conditions that pyarrow tests; None if there are none."""
        places = [_is_one_of(schema, "url_host_registered_domain", self.domains), _is_one_of(schema, "url_host_name", self.hosts)]
        for host, path in self.prefixes:
            is_host = ds.field("url_host_name") == host
            places.append(is_host & pc.starts_with(ds.field("url_path"), path) if path.strip("/") else is_host)
        found = [place for place in places if place is not None]
        conditions = [reduce(lambda one, other: one | other, found)] if found else []
        more = [
            _is_one_of(schema, "content_mime_detected", self.content_types),
            _is_one_of(schema, "fetch_status", self.statuses),
            _is_one_of(schema, "subset", self.subsets) if "subset" in schema.names else None,
        ]
        conditions += [condition for condition in more if condition is not None]
        return reduce(lambda one, other: one & other, conditions) if conditions else None


def _is_one_of(schema: pa.Schema, name: str, values: Sequence[Any]) -> Any:
    if not values:
        return None
    column = ds.field(name)
    if len(values) <= MAX_SPELLED_OUT:
        return reduce(lambda one, other: one | other, (column == value for value in values))
    ordered = sorted(values, key=lambda value: value.encode() if isinstance(value, str) else value)
    return (column >= ordered[0]) & (column <= ordered[-1]) & column.isin(pa.array(ordered, schema.field(name).type))


@dataclass(frozen=True)
class IndexFile:
    """A Parquet file of the index: a path of this machine, or a name in an archive."""

    name: str
    archive: Archive | None = None

    def __str__(self) -> str:
        return self.name if self.archive is None else f"{str(self.archive).rstrip('/')}/{self.name}"

    def open(self) -> Any:
        """For pyarrow."""
        if self.archive is None:
            return pa.OSFile(self.name)
        return pa.PythonFile(io.BufferedReader(open_range_file(self.archive, self.name), 1 << 20), "r")


def index_files(places: Sequence[str], base: str, manners: Manners, subsets: Sequence[str]) -> list[IndexFile]:
    """Parquet files of the index, of the asked subsets (by `subset=...` in their path), in a fixed order.

    A place is a file, a folder, an address of either (a folder only where it can be listed, as on S3), or a list of files
    (`cc-index-table.paths.gz`) whose lines count from `base`.

    Raises:
        ConfigError: there is none.
    """
    found: list[IndexFile] = []
    archives: dict[str, Archive] = {}

    def archive_of(address: str) -> Archive:
        return archives.setdefault(address, open_archive(address, manners))

    local = [place for place in places if SEPARATOR not in place and not place.endswith(LISTS)]
    if local:
        listing = list_inputs(local, by_suffix(*PARQUET), "Parquet files of the index (*.parquet)")
        found += [IndexFile(file.path) for file in listing.files]
    for place in places:
        folder, _, name = place.rstrip("/").rpartition("/")
        if place.endswith(LISTS):
            for line in _lines(archive_of(folder) if SEPARATOR in place else open_archive(folder or "/", manners), name):
                found.append(_listed(line, base, archive_of))
        elif SEPARATOR in place and place.endswith(PARQUET):
            found.append(IndexFile(name, archive_of(folder)))
        elif SEPARATOR in place:
            archive = archive_of(place)
            if not isinstance(archive, SystemArchive):
                raise ConfigError(
                    f"index: {place}: folders cannot be listed over HTTP; name Parquet files, or a list such as cc-index-table.paths.gz"
                )
            found += [IndexFile(file, archive) for suffix in PARQUET for file in archive.list_files(suffix)]
    others = [file for file in found if "subset=" in str(file) and not any(f"subset={subset}/" in str(file) for subset in subsets)]
    kept = [file for file in found if file not in others]
    if not kept:
        seen = f"{len(others):,} of other subsets than {', '.join(subsets)}" if others else "none at all"
        raise ConfigError(
            f"index: {', '.join(places) or '(empty)'}: no Parquet file of the index there ({seen}); check the path, or fetch it first"
        )
    return sorted(kept, key=str)


def _listed(line: str, base: str, archive_of: Any) -> IndexFile:
    if SEPARATOR in line:
        folder, _, name = line.rpartition("/")
        return IndexFile(name, archive_of(folder))
    if SEPARATOR in base:
        return IndexFile(line, archive_of(base))
    return IndexFile(f"{base.rstrip('/')}/{line}")


def _lines(archive: Archive, name: str) -> list[str]:
    try:
        with archive.turn():
            content = archive.read_range(name, 0, min(archive.size(name), MAX_LIST_BYTES))
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(MAX_LIST_BYTES)
        return [line.strip() for line in content.decode().splitlines() if line.strip()]
    except (AbsentError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigError(
            f"index: {archive}/{name}: no list of files ({' '.join(str(error).split())}); one path a line, plain or gzip"
        ) from error


def find_records(files: Iterable[IndexFile], wanted: Wanted, max_records: int) -> pa.Table:
    """Rows of the index that are wanted, columns of `PLACE`, in no particular order.

    Raises:
        DataError: a file is no index, or a part of it is damaged: names file and row group.
        ConfigError: more than `max_records` are wanted.
    """
    tables: list[pa.Table] = []
    num_rows = 0
    for file in files:
        for table in _matches(file, wanted):
            tables.append(table)
            num_rows += table.num_rows
            if num_rows > max_records:
                raise ConfigError(
                    f"the conditions select more than {max_records:,} records (at {file}); each costs about 100 bytes of the plan: ask for "
                    "less, cut the work into several pipelines, or raise `max_records`"
                )
    return pa.concat_tables(tables) if tables else pa.schema(PLACE.items()).empty_table()


def _matches(file: IndexFile, wanted: Wanted) -> Iterator[pa.Table]:
    """Matches of one file, row group by row group, those that cannot match left out by their statistics."""
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True, pre_buffer=True)
    group = -1
    try:
        fragment = ds.ParquetFileFormat(default_fragment_scan_options=options).make_fragment(file.open())
        schema = fragment.physical_schema
        columns = _check_columns(schema, wanted, file)
        expression = wanted.expression(schema)
        for part in fragment.split_by_row_group(expression):
            group = part.row_groups[0].id
            table = part.to_table(filter=expression, columns=columns, use_threads=False)
            if wanted.languages:
                table = table.filter(_speaks(table["content_languages"], wanted))
            if table.num_rows:
                yield _as_places(table)
    except FileNotFoundError as error:
        raise ConfigError(f"index: {file}: no such file; fetch it, or take it out of the list") from error
    except AbsentError as error:
        raise ConfigError(f"index: {file}: {error}; fetch it, or take it out of the list") from error
    except (ResourceError, ConfigError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        where = f"row group {group}" if group >= 0 else "its footer"
        raise DataError(
            f"index: {file}: {where}: {' '.join(str(error).split())}; the file is damaged or no index, fetch it again"
        ) from error


def _check_columns(schema: pa.Schema, wanted: Wanted, file: IndexFile) -> list[str]:
    """Columns to read; complains about those that are missing or of another kind."""
    needed = [*(name for name in PLACE if name != "content_digest"), *wanted.columns()]
    missing = [name for name in needed if name not in schema.names]
    if missing:
        raise DataError(
            f"index: {file}: no column {', '.join(missing)} (it has {', '.join(schema.names[:30]) or 'none'}); needed is the schema of "
            "cc-index-table; crawls before 2018-39 have no content_languages"
        )
    numbers = {"warc_record_offset", "warc_record_length", "fetch_status"}
    for name in needed:
        kind = schema.field(name).type
        if name in numbers and not pa.types.is_integer(kind):
            raise DataError(f"index: {file}: column {name} is {kind}, needs an integer; is this the index of Common Crawl?")
        if name not in numbers and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise DataError(f"index: {file}: column {name} is {kind}, needs text; is this the index of Common Crawl?")
    read = [name for name in PLACE if name in schema.names]
    return [*read, "content_languages"] if wanted.languages else read


def _speaks(column: pa.ChunkedArray, wanted: Wanted) -> pa.ChunkedArray:
    """Whether the languages of a page are asked for."""
    known = set(wanted.languages)
    accepted = []
    for text in pc.unique(column).to_pylist():
        codes = [language_code(tag) for tag in (text or "").split(",")]
        if known & set(codes[:1] if wanted.primary_language_only else codes):
            accepted.append(text)
    return pc.is_in(column, pa.array(accepted, column.type))


def _as_places(table: pa.Table) -> pa.Table:
    columns = [
        table[name].cast(kind) if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows, kind)])
        for name, kind in PLACE.items()
    ]
    return pa.table(columns, names=list(PLACE))
