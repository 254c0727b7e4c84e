"""Special tokens beside a text: the text cut where they stand, and their ids put between the ids of the pieces.

Pieces are encoded as texts of their own, by whatever back end, so that no token reaches over a special one.
"""

# N documents, P pieces, T tokens

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import Task
from mathcode_data.stages.arrange.marks import MARK_TYPE, SPECIAL_TOKENS, Mark
from mathcode_data.stages.tokenize.encoder import Lengths

NONE = -1


def has_marks(path: str) -> bool:
    """Whether a shard has the column; False for a damaged one, which `encode` reports."""
    try:
        return SPECIAL_TOKENS in read_schema(Path(path)).names
    except DataError:
        return False


def find_named(task: Task) -> None:
    """Phase `special`: the special tokens that the documents of a shard name."""
    path = Path(task.item["path"])
    require_columns(read_schema(path), {SPECIAL_TOKENS: MARK_TYPE}, f"{task.ledger.counters.stage}: {path}")
    named: set[str] = set()
    for table in read_documents(path, [SPECIAL_TOKENS]):
        for marks in table[SPECIAL_TOKENS].chunks:
            named.update(token or "" for token in marks.flatten().field("token").unique().to_pylist())
    task.values["named"] = sorted(named)


@dataclass(frozen=True)
class Pieces:
    """Texts cut at their special tokens: a document of m tokens is m + 1 pieces, some of them empty."""

    texts: list[str]
    owners: NDArray[np.int64]
    """(P,) Document of each piece, ascending."""
    before: NDArray[np.int64]
    """(P,) Id of the special token before each piece; NONE before the first one of a document."""

    def put_in(self, ids_T: NDArray[Any], lengths_P: Lengths) -> tuple[NDArray[Any], Lengths]:
        """Put the special ids between the ids of the pieces.

        Returns:
            Ids of all documents, and how many each has.

        >>> pieces = cut_at_marks(["ab"], [[{"at": 1, "token": "x"}]], {"x": 9}, ["1"], "here")
        >>> [found.tolist() for found in pieces.put_in(np.array([3, 4]), np.array([1, 1]))]
        [[3, 9, 4], [3]]
        """
        has_token = self.before != NONE
        sizes_P = lengths_P + has_token
        places = (np.cumsum(sizes_P) - sizes_P)[has_token]
        found = np.empty(int(sizes_P.sum()), dtype=ids_T.dtype)
        is_text = np.ones(found.size, dtype=bool)
        found[places], is_text[places] = self.before[has_token], False
        found[is_text] = ids_T
        return found, np.add.reduceat(sizes_P, np.flatnonzero(~has_token))


def cut_at_marks(
    texts: Sequence[str], marks: Sequence[Sequence[Mark] | None], ids: Mapping[str, int], doc_ids: Sequence[str], where: str
) -> Pieces:
    """Cut texts where special tokens stand.

    Args:
        texts: of the documents.
        marks: their special tokens, in order.
        ids: of the special tokens, by name.
        doc_ids: for messages.
        where: for messages.

    Raises:
        DataError: a token is not known, or stands outside of its text, inside a character, or before the one that precedes it.
    """
    pieces: list[str] = []
    owners: list[int] = []
    before: list[int] = []
    for number, (text, found) in enumerate(zip(texts, marks, strict=True)):
        content = text.encode() if found else b""
        edges = [0, *(mark["at"] for mark in found or ()), len(content)]
        tokens = [mark["token"] for mark in found or ()]
        unknown = [token for token in tokens if token not in ids]
        if None in edges or sorted(edges) != edges or unknown:
            wrong = f"{unknown[0]!r} is none of {', '.join(ids)}" if unknown else f"they stand at bytes {edges[1:-1]} of {len(content):,}"
            raise DataError(
                f"{where}: document {doc_ids[number]}: special_tokens: {wrong}; the stage that changed the text last must move them along"
            )
        try:
            cut = [content[low:high].decode() for low, high in pairwise(edges)] if found else [text]
        except UnicodeDecodeError as error:
            raise DataError(
                f"{where}: document {doc_ids[number]}: special_tokens: bytes {edges[1:-1]} cut a character; the stage that changed the "
                "text last must move them along"
            ) from error
        pieces += cut
        owners += [number] * len(cut)
        before += [NONE, *(ids[token] for token in tokens)]
    return Pieces(pieces, np.array(owners, np.int64), np.array(before, np.int64))
