"""Documents out of other people's Parquet files: one split per file, page checksums verified where the file has them.

A file that does not hold what the configuration says (no such column, a text column of numbers) or that is damaged is an
error that names file and row group: half of a table is no table. Rows without text are dropped and counted, those of white
space alone as `empty`.

Text is changed on its way in: `\\r\\n` becomes `\\n`; NUL characters and a byte order mark at the
beginning are removed; Unicode is brought to NFC (never NFKC); up to 1 % of wrong bytes become U+FFFD. Columns of
`keep_columns` stay as they are.

A document is identified by its text, together with `id_column` or else its URL: equal ids mean equal documents. A file
without a row is counted (`empty_files`), an input without one is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from mathcode_data.core.config import InputPaths, StageConfig, nearest
from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import TEXT_SCHEMA
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.core.stage import Split
from mathcode_data.stages.read.emptiness import require_records
from mathcode_data.stages.read.files import by_suffix, count_skipped, list_inputs, one_split_each
from mathcode_data.stages.read.identity import foreign_id
from mathcode_data.stages.read.text import clean_text, decode_utf8

VERSION = "3"
LIBRARIES = ("unicodedata",)
BATCH_ROWS = 1024
FILES_LOOKED_AT = 8


class Config(StageConfig):
    """Which files, and which columns hold what."""

    paths: InputPaths = ()
    """Parquet files, folders of them, or patterns."""
    source: str = Field(default="parquet", min_length=1)
    """Name of the source in the documents."""
    text_column: str = "text"
    """Column of the text; must be text. NUL is removed, CRLF becomes LF, NFC."""
    id_column: str | None = None
    """Column of an identity, text or integers; part of `doc_id`, which it need not make unique."""
    url_column: str | None = None
    """Column of the URL; must be text."""
    keep_columns: tuple[str, ...] = ()
    """Further columns to keep, with their names and types, which must be the same in all files."""

    @model_validator(mode="after")
    def _check_names(self) -> Config:
        taken = sorted(set(self.keep_columns) & set(TEXT_SCHEMA.names))
        if taken or len(set(self.keep_columns)) != len(self.keep_columns):
            raise ValueError(f"keep_columns {list(self.keep_columns)}: name each once, and none of {', '.join(TEXT_SCHEMA.names)}")
        return self


class ParquetSource:
    """Reads documents from Parquet files."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._schema: pa.Schema | None = None

    @property
    def schema(self) -> pa.Schema:
        """The text columns and those that are kept; their types come from the first file."""
        if self._schema is None:
            self._schema = TEXT_SCHEMA
            if self._config.keep_columns:
                found = read_foreign_schema(Path(self.splits()[0].files[0]))
                kept = [_field(found, name, self.splits()[0].files[0]) for name in self._config.keep_columns]
                self._schema = pa.schema([*TEXT_SCHEMA, *(pa.field(field.name, field.type) for field in kept)])
        return self._schema

    def splits(self) -> list[Split]:
        """One split per file.

        Raises:
            SetupError: none of the first files holds the columns of the configuration, as far as they can be read.
            ConfigError: there is no file, or no row in any of them.
        """
        splits = one_split_each(list_inputs(self._config.paths, by_suffix(".parquet"), "Parquet files (*.parquet)"))
        self._check_first([split.files[0] for split in splits[:FILES_LOOKED_AT]])
        require_records(splits, _holds_row, "row")
        return splits

    def _check_first(self, paths: list[str]) -> None:
        """Find a wrong column name before anything runs; one odd or damaged file among good ones is left to its task."""
        problems = []
        for path in paths:
            try:
                found = read_foreign_schema(Path(path))
            except DataError:
                continue
            try:
                self._check_columns(found, path)
            except DataError as error:
                problems.append(str(error))
            else:
                return
        if problems:
            raise SetupError(problems[0])

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one file.

        Raises:
            DataError: the file is no Parquet file, lacks a column, has one of another type, or is damaged.
        """
        config, path = self._config, split.files[0]
        count_skipped(split.options, ledger)
        found = read_foreign_schema(Path(path))
        self._check_columns(found, path)
        self._check_kept_types(found, path)
        columns = [config.text_column, config.id_column, config.url_column, *config.keep_columns]
        num_rows = 0
        for where, batch in read_foreign(path, list(dict.fromkeys(name for name in columns if name))):
            ledger.saw(batch.num_rows)
            num_rows += batch.num_rows
            yield self._documents(batch, ledger, where)
        if not num_rows:
            ledger.count("empty_files")

    def _check_columns(self, found: pa.Schema, path: str) -> None:
        config = self._config
        for key, name, is_legal, legal in (
            ("text_column", config.text_column, _is_text, "text"),
            ("url_column", config.url_column, _is_text, "text"),
            ("id_column", config.id_column, lambda kind: _is_text(kind) or pa.types.is_integer(kind), "text or integers"),
        ):
            if name is not None and not is_legal(_field(found, name, path).type):
                raise DataError(f"{path}: column {name!r} is {found.field(name).type}, {key} needs {legal}; name another column")
        for name in config.keep_columns:
            _field(found, name, path)

    def _check_kept_types(self, found: pa.Schema, path: str) -> None:
        for name in self._config.keep_columns:
            kind, expected = found.field(name).type, self.schema.field(name).type
            if kind != expected:
                raise DataError(f"{path}: column {name!r} is {kind}, in the first file it is {expected}; read them as two sources")

    def _documents(self, batch: pa.Table, ledger: Ledger, where: str) -> pa.Table:
        config = self._config
        texts = _strings(batch.column(config.text_column))
        urls = _strings(batch.column(config.url_column)) if config.url_column else [b""] * batch.num_rows
        ids = _identities(batch.column(config.id_column)) if config.id_column else [None] * batch.num_rows
        rows: list[int] = []
        documents: dict[str, list[str]] = {"doc_id": [], "url": [], "text": []}
        for row, (raw, raw_url, given) in enumerate(zip(texts, urls, ids, strict=True)):
            text = _clean(raw, ledger)
            if text is None:
                continue
            if config.id_column and given is None:
                ledger.drop_unread("id_missing")
                continue
            url = clean_text((raw_url or b"").decode("utf-8", "replace"))[0]
            rows.append(row)
            documents["doc_id"].append(foreign_id(config.source, given, url, text))
            documents["url"].append(url)
            documents["text"].append(text)
        kept = batch.select(list(config.keep_columns)).take(pa.array(rows, pa.int64()))
        columns = {
            "doc_id": pa.array(documents["doc_id"], pa.string()),
            "source": pa.array([config.source] * len(rows), pa.string()),
            "url": pa.array(documents["url"], pa.string()),
            "text": pa.array(documents["text"], pa.large_string()),
        }
        ordered = [columns[name] if name in columns else _valid(kept.column(name), name, where) for name in self.schema.names]
        return pa.Table.from_arrays(ordered, schema=self.schema)


def read_foreign(path: str, columns: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield batches of a Parquet file, each with its place in words.

    Raises:
        DataError: a page is damaged; names the row group.
    """
    row_group = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for row_group in range(file.num_row_groups):
                missing = file.metadata.row_group(row_group).num_rows
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[row_group], columns=columns):
                    missing -= batch.num_rows
                    yield f"{path}: row group {row_group}", pa.Table.from_batches([batch])
                if missing:  # a page header, which no checksum covers, can make Arrow pass over its page in silence
                    raise pa.ArrowException(f"{missing:,} rows fewer than the footer says")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: row group {row_group}: {reason}; the file is damaged, fetch it again") from error


def _holds_row(path: Path) -> bool:
    try:
        return bool(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return True  # a damaged file is not an empty one


def read_foreign_schema(path: Path) -> pa.Schema:
    """Columns of a Parquet file.

    Raises:
        DataError: it is none, or a damaged one.
    """
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last from damaged column names
        raise DataError(f"{path}: no Parquet file, or a damaged one ({' '.join(str(error).split())}); fetch it again") from error


def _field(schema: pa.Schema, name: str, path: str) -> pa.Field:
    if schema.names.count(name) != 1:
        found = f"{schema.names.count(name)} columns are named" if name in schema.names else "no column"
        raise DataError(f"{path}: {found} {name!r}{nearest(name, schema.names)}")
    return schema.field(name)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _strings(column: pa.ChunkedArray) -> list[bytes | None]:
    """The bytes of a text column: Parquet files can hold "text" that is no UTF-8, which Arrow does not check."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: list[bytes | None] = column.cast(pa.large_binary()).to_pylist()
    return values


def _identities(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_integer(column.type):
        return list(column.to_pylist())
    return [None if value is None else value.decode("utf-8", "backslashreplace") for value in _strings(column)]


def _clean(raw: bytes | None, ledger: Ledger) -> str | None:
    """The text of a row, or None after it was counted as dropped."""
    if raw is None:
        ledger.drop_unread("text_is_null")
        return None
    decoded = decode_utf8(raw)
    if decoded is None:
        ledger.drop_unread("not_utf8")
        return None
    text, _ = clean_text(decoded[0])
    if not text.strip():
        ledger.drop_unread("empty")
        return None
    if decoded[1]:
        ledger.count("bytes_replaced", decoded[1])
    return text


def _valid(column: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    try:
        column.validate(full=True)
    except pa.ArrowException as error:
        raise DataError(f"{where}: column {name!r}: {' '.join(str(error).split())}; leave it out of keep_columns") from error
    return column


def build(config: Config) -> ParquetSource:
    """Build the source; reads nothing yet."""
    return ParquetSource(config)
