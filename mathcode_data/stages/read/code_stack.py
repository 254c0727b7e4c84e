"""Source files out of Parquet files in the shape of The Stack (v1, v2 and the data sets that follow them).

The columns bear other names in each release; the first that is there counts. The Stack v2 ships ids of contents, not contents: fetch
them first and add a column `content`. Its `is_vendor` and `is_generated` are believed.

A damaged row group is lost as a whole, counted as `damaged_row_group`, and reported; the others are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import DataError, SetupError
from mathcode_data.stages.read.identity import foreign_id
from mathcode_data.stages.read.languages import BY_EXTENSION, EXTENSIONS
from mathcode_data.stages.read.member_names import safe_name
from mathcode_data.stages.read.parquet import BATCH_ROWS, read_foreign_schema

COLUMNS: dict[str, tuple[str, ...]] = {
    "text": ("content", "text", "code"),
    "path": ("max_stars_repo_path", "path", "file_path", "filepath"),
    "repository": ("max_stars_repo_name", "repository_name", "repo_name", "repository", "repo"),
    "licenses": ("max_stars_repo_licenses", "detected_licenses", "licenses", "license"),
    "language": ("lang", "language", "programming_language"),
    "commit": ("max_stars_repo_head_hexsha", "revision_id", "commit"),
    "identity": ("hexsha", "blob_id", "content_id", "id"),
    "extension": ("ext", "extension"),
    "is_vendor": ("is_vendor",),
    "is_generated": ("is_generated",),
}
"""What we call a column, and what it is called there."""

MAX_HELD_BYTES = 256 << 20
"""What a row group may hold, unpacked, to be kept in memory until it is known to be sound."""

ALIASES = {"c sharp": "C#", "cpp": "C++", "emacs lisp": "Emacs Lisp", "f sharp": "F#", "fortran free form": "Fortran",
"literate agda": "Literate Agda",
           "matlab": "Matlab", "objective c": "Objective-C", "protobuf": "Protocol Buffer", "jsx": "JavaScript", "tsx": "TypeScript",
           "restructuredtext": "reStructuredText", "text": "Text", "java server pages": "Java Server Pages",
           "shellscript": "Shell"}  # fmt: skip
_BY_LOWER = {name.lower(): name for name in EXTENSIONS} | ALIASES


def our_language(given: str, extension: str) -> str:
    """Our name of a language: as The Stack calls it, else by the extension, else the name as it is.

    >>> our_language("c-sharp", "cs"), our_language("jupyter-notebook", ""), our_language("", "rs"), our_language("Befunge", "bf")
    ('C#', 'Jupyter Notebook', 'Rust', 'Befunge')
    """
    key = given.lower().strip()
    plain = key.replace("-", " ").replace("_", " ")
    return _BY_LOWER.get(key) or _BY_LOWER.get(plain) or BY_EXTENSION.get(extension.lower().lstrip(".")) or given


def columns_of(path: Path) -> dict[str, str]:
    """Which column of a file is what.

    Raises:
        DataError: it is no Parquet file.
        SetupError: it has no text.
    """
    names = read_foreign_schema(path).names
    found = {ours: next((name for name in theirs if name in names), "") for ours, theirs in COLUMNS.items()}
    if not found["text"]:
        hint = (
            "The Stack v2 holds ids only: fetch the contents and add them as `content`" if "blob_id" in names else "name the text `content`"
        )
        raise SetupError(f"{path}: no column of source text (columns: {', '.join(names[:20])}); {hint}")
    return {ours: name for ours, name in found.items() if name}


def rows_of(path: Path, source: str, max_file_bytes: int, ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The rows of a file: `doc_id, content (bytes), repository, path, license, language, commit`; those dropped are counted.

    Raises:
        DataError: the file is damaged, and no row group of it can be read.
        SetupError: it has no text.
    """
    columns = columns_of(path)
    for batch in _sound_batches(path, list(dict.fromkeys(columns.values())), ledger):
        values = {ours: _values(batch.column(name)) for ours, name in columns.items()}
        for number in range(batch.num_rows):
            row = {ours: given[number] for ours, given in values.items()}
            ledger.saw()
            reason = _why_not(row, max_file_bytes)
            if reason is not None:
                ledger.drop_unread(reason, path=_text(row.get("path")), repository=_text(row.get("repository")))
                continue
            yield _as_file(row, source)


def _sound_batches(path: Path, columns: list[str], ledger: Ledger) -> Iterator[pa.Table]:
    """The rows of the row groups that can be read to their end; the others are counted and reported."""
    lost: list[str] = []
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            try:
                held = _sound_group(file, number, columns)
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                place = min((_begin(group.column(column)) for column in range(group.num_columns)), default=0)
                lost.append(f"byte {place:,}: row group {number}: {' '.join(str(error).split())[:300]}")
                if len(lost) == file.num_row_groups:
                    raise DataError(f"{path}: {lost[0]}; the file is damaged, fetch it again") from error
                ledger.saw(group.num_rows)
                ledger.drop_unread("damaged_row_group", group.num_rows)
                continue
            yield from held
    if lost:
        ledger.damaged(f"{path.name}: {lost[0]}; {len(lost):,} of {file.num_row_groups:,} row groups are lost, fetch the file again")


def _sound_group(file: pq.ParquetFile, number: int, columns: list[str]) -> Iterator[pa.Table]:
    """The rows of a row group in batches, once all of it was read without an error; a large one is read twice instead of held."""
    group = file.metadata.row_group(number)

    def batches() -> Iterator[pa.Table]:
        return (pa.Table.from_batches([batch]) for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=columns))

    held = list(batches()) if group.total_byte_size <= MAX_HELD_BYTES else None
    missing = group.num_rows - sum(batch.num_rows for batch in (batches() if held is None else held))
    if missing:  # a page header, which no checksum covers, can make Arrow pass over its page in silence
        raise pa.ArrowException(f"{missing:,} rows fewer than the footer says")
    return batches() if held is None else iter(held)


def _begin(column: Any) -> int:
    return int(column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset)


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return list(column.cast(kind).cast(pa.large_binary()).to_pylist())  # what calls itself text need not be UTF-8
    return list(column.to_pylist())


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _why_not(row: dict[str, Any], max_file_bytes: int) -> str | None:
    if row["text"] is None:
        return "empty"
    if len(row["text"]) > max_file_bytes:
        return "too_large"
    if row.get("is_vendor"):
        return "vendored"
    return "generated" if row.get("is_generated") else None


def _as_file(row: dict[str, Any], source: str) -> dict[str, Any]:
    content = row["text"] if isinstance(row["text"], bytes) else _text(row["text"]).encode()
    extension = _text(row.get("extension"))
    identity = _text(row.get("identity"))
    name = safe_name(_text(row.get("path")).lstrip("/")) or f"{identity or 'file'}.{extension.lstrip('.') or 'txt'}"
    repository = _text(row.get("repository"))
    return {
        "doc_id": foreign_id(source, f"{repository}:{name}", identity, _text(content)),
        "content": content,
        "repository": repository,
        "path": name,
        "license": license_of_row(row.get("licenses")),
        "language": our_language(_text(row.get("language")), extension or name.rpartition(".")[2]),
        "commit": _text(row.get("commit")),
    }


def license_of_row(value: Any) -> str:
    """The licences of a row, a list or a text, as one expression.

    >>> license_of_row(["MIT", "Apache-2.0"]), license_of_row(None), license_of_row([])
    ('Apache-2.0 AND MIT', '', '')
    """
    if isinstance(value, list | tuple):
        return " AND ".join(sorted({_text(name) for name in value if _text(name)}))
    return _text(value)
