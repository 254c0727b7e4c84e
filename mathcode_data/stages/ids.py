"""A `doc_id` as two 64-bit numbers, which sort as the ids do: how global stages carry ids in arrays."""

# N documents

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_data.core.documents import DOC_ID_BYTES
from mathcode_data.core.errors import DataError

Words = NDArray[np.uint64]

DIGITS = 2 * DOC_ID_BYTES


def id_words(doc_ids: pa.ChunkedArray | pa.Array, where: str) -> Words:
    """Read doc_ids of 32 lower-case hexadecimal digits as pairs of numbers.

    Upper case is refused: two spellings would be one document here and two for whoever compares texts.

    Returns:
        Shape (N, 2): the high and the low half; pairs sort as the ids do.

    Raises:
        DataError: an id is null or is not 32 lower-case hexadecimal digits; names the id.

    >>> id_words(pa.array(["0" * 31 + "a"]), "here").tolist()
    [[0, 10]]
    """
    valid = pc.fill_null(pc.match_substring_regex(doc_ids, rf"\A[0-9a-f]{{{DIGITS}}}\z"), False)
    if len(doc_ids) and not pc.all(valid).as_py():
        found = doc_ids[int(pc.index(valid, False).as_py())].as_py()  # its row would be that of a batch: no help
        raise DataError(f"{where}: doc_id {found!r} is not 32 hexadecimal digits in lower case; make ids with core.documents.document_id")
    raw = bytes.fromhex("".join(doc_ids.to_pylist()))
    return np.frombuffer(raw, ">u8").astype(np.uint64).reshape(-1, 2)


def hex_ids(ids_N2: Words) -> list[str]:
    """Undo `id_words`."""
    digits = ids_N2.astype(">u8").tobytes().hex()
    return [digits[i : i + DIGITS] for i in range(0, len(digits), DIGITS)]
