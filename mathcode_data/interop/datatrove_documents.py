"""Rows of our tables as datatrove documents and back, and what makes datatrove's calls quiet and its errors ours."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa

from mathcode_data.core.documents import document_id
from mathcode_data.core.errors import ConfigError, DataError, MathcodeError, is_out_of_resource

METADATA = "metadata"
"""Column with the JSON of what a foreign reader gave beside text and id."""
ROW = "_row"
"""Column that leads from a row back to its document."""
SOURCE = "datatrove"
COLUMN_TYPES: dict[type, pa.DataType] = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64(), bytes: pa.large_binary()}
"""Metadata of these types become columns."""
JSON_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
MAX_BATCH_CHARACTERS = 8 << 20


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore the warnings of datatrove and of what it imports (numpy statistics of nothing, deprecations in spaCy)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def silence_log() -> None:
    """Turn datatrove's own log off in this process: it prints to standard error, and its facts stand in our counters."""
    from loguru import logger

    logger.disable("datatrove")


@contextmanager
def naming_block(block: str, place: str) -> Iterator[None]:
    """Turn whatever a block raises into an error that names the block and the document or file.

    Raises:
        ConfigError: a package is missing.
        DataError: anything else; the next attempt would end the same way. A full disk, no memory and errors of the
            system come through as they are: the driver knows what to do about them.
    """
    try:
        with quiet():
            yield
    except MathcodeError:
        raise
    except ImportError as error:
        raise ConfigError(f"{block}: {error}") from error
    except Exception as error:  # a block may raise anything; all of it means that it cannot take this document
        if is_out_of_resource(error) or (isinstance(error, OSError) and error.errno is not None):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{block}: {place}: {reason}; the block cannot take it, leave it or the block out") from error


def metadata_json(metadata: Mapping[str, Any], place: str) -> str:
    """Metadata of a foreign document as JSON with sorted keys.

    Raises:
        DataError: a value has no JSON form.

    >>> metadata_json({"b": 1, "a": None}, "here")
    '{"a":null,"b":1}'
    """
    try:
        return orjson.dumps(dict(metadata), option=JSON_OPTIONS).decode()
    except TypeError as error:
        raise DataError(f"{place}: metadata has no JSON form ({error}); remove that key before reading") from error


def to_documents(table: pa.Table, where: str, *, expand: bool = True) -> list[Any]:
    """Rows as `datatrove.data.Document`: text, id, and the other columns as metadata.

    Nulls and binary columns are left out. With `expand`, what stands in the JSON column `metadata` is laid out first;
    typed columns of the same name win.

    Raises:
        DataError: the metadata column holds no JSON object.
    """
    from datatrove.data import Document

    columns = {
        field.name: table[field.name].to_pylist()
        for field in table.schema
        if not (pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))
    }
    ids, texts = columns.pop("doc_id"), columns.pop("text")
    packed = columns.pop(METADATA, None) if expand else None
    documents = []
    for row in range(table.num_rows):
        metadata = {} if packed is None or packed[row] is None else _unpack(packed[row], f"{where}: document {ids[row]}")
        metadata |= {name: values[row] for name, values in columns.items() if values[row] is not None}
        documents.append(Document(text=texts[row] or "", id=ids[row], metadata=metadata))
    return documents


def _unpack(text: str, place: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{place}: column {METADATA!r} is no JSON ({error}); rename the column") from error
    if not isinstance(value, dict):
        raise DataError(f"{place}: column {METADATA!r} holds a JSON {type(value).__name__}, not an object; rename the column")
    return value


def batches(documents: Iterable[Any], max_documents: int) -> Iterator[list[Any]]:
    """Gather documents into lists of at most `max_documents`, fewer where they are long."""
    batch: list[Any] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) >= max_documents or characters >= MAX_BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def to_table(documents: Sequence[Any]) -> pa.Table:
    """datatrove documents as a table: id, source, url, text, the number of the row, and what of the metadata can be columns.

    Metadata whose values are of several types, or of none that a stage could use, stay out.
    """
    columns: dict[str, Any] = {
        "doc_id": pa.array([document_id(SOURCE, str(document.id)) for document in documents], pa.string()),
        "source": pa.array([SOURCE] * len(documents), pa.string()),
        "url": pa.array([_text(document.metadata.get("url")) for document in documents], pa.string()),
        "text": pa.array([document.text for document in documents], pa.large_string()),
        ROW: pa.array(range(len(documents)), pa.int64()),
    }
    for key in dict.fromkeys(key for document in documents for key in document.metadata):
        if key not in columns:
            column = _column([document.metadata.get(key) for document in documents])
            if column is not None:
                columns[key] = column
    return pa.table(columns)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _column(values: list[Any]) -> pa.Array | None:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        kinds = {float}
    if len(kinds) != 1 or (kind := COLUMN_TYPES.get(kinds.pop())) is None:
        return None
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError):
        return None  # an integer beyond 64 bits
