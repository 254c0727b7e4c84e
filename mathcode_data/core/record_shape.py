"""The shape of the records that are read back: a hash shows that nobody changed one by accident, not that we wrote it.

A shape is a TypedDict (of typing_extensions, which pydantic brings along and asks for before Python 3.12); keys it does not name
are let through, for later versions add some.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from mathcode_data.core.errors import DataError

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A number of bytes, rows, tokens or samples."""
Sha256 = Annotated[str, Field(max_length=64)]


@functools.cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def check_record(data: Any, shape: Any, where: object, advice: str) -> None:
    """Compare a record with its shape; nothing is converted.

    Args:
        data: plain data out of a JSON file.
        shape: a TypedDict, or another type that pydantic knows.
        where: the file, for the message.
        advice: what to do about it.

    Raises:
        DataError: a key is missing, or a value is of another type; names both.
    """
    try:
        _adapter(shape).validate_python(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))[:200].encode("utf-8", "replace").decode()
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:60]!r}"
        raise DataError(f"{where}: {place or 'the record'}: {first['msg']}{found}; {advice}") from error
