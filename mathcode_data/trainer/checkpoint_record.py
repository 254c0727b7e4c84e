"""The shape of a checkpoint's record: where each tensor lies, in which files of its own folder, and that the parts fill the whole."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from mathcode_data.core.errors import DataError
from mathcode_data.core.manifest import check_file_name
from mathcode_data.core.record_shape import Count, Sha256, check_record

ADVICE = "not what a save writes"
Sizes = Annotated[list[Count], Field(max_length=16)]


class _Chunk(TypedDict):
    offset: Sizes
    shape: Sizes
    file: str
    key: str


class _Tensor(TypedDict):
    dtype: Literal["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"]
    shape: Sizes
    chunks: Annotated[list[_Chunk], Field(min_length=1)]


class _File(TypedDict):
    bytes: Count
    sha256: Sha256


class _Record(TypedDict):
    step: Count
    files: dict[str, _File]
    tensors: dict[str, _Tensor]


def check_tensors(record: dict[str, Any], where: object) -> None:
    """Refuse a record that no save writes.

    Raises:
        DataError: names the place in the record.
    """
    check_record(record, _Record, where, ADVICE)
    for name in record["files"]:
        check_file_name(name, str(where))
    for fqn, tensor in record["tensors"].items():
        shape, sizes = tensor["shape"], 0
        for chunk in tensor["chunks"]:
            box = (chunk["offset"], chunk["shape"], shape)
            inside = len({len(part) for part in box}) == 1 and all(low + size <= most for low, size, most in zip(*box, strict=True))
            if not inside or chunk["file"] not in record["files"]:
                part = f"a part at {chunk['offset']} of {chunk['shape']} in {chunk['file'][:80]!r}"
                raise DataError(f"{where}: {fqn[:80]!r}: {part}; {ADVICE}")
            sizes += math.prod(chunk["shape"])
        if sizes != math.prod(shape):
            raise DataError(f"{where}: the parts of {fqn[:80]!r} do not fill its shape {shape}; {ADVICE}")
