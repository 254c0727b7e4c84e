"""Whether a document is one of a result's: the ids of the result in one sorted file, looked up by memory map.

Two phases that any global stage can run: `ids` (one task per shard of the result) and `sort` (one task). 16 bytes an id.
"""

# N documents, M members

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_data.core.config import ResultRef
from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import read_result
from mathcode_data.core.stage import GlobalContext, Task, document_items
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.ids import Words, id_words

FILE = "members.npy"


def gather_members(context: GlobalContext, reference: ResultRef) -> Path:
    """Run both phases; returns the file of sorted ids."""
    if reference.path is None:
        raise ConfigError(f"{context.stage}: {reference.model_dump(exclude_none=True)} is not resolved; run the stage through a pipeline")
    items = document_items([read_result(Path(reference.path))])
    parts = map_all(context, "ids", write_ids, items)
    return map_one(context, "sort", sort_ids, {"parts": [str(record.path(FILE)) for record in parts]}).path(FILE)


def write_ids(task: Task) -> None:
    """Phase `ids`: the ids of a shard."""
    path = Path(task.item["path"])
    where = f"{task.ledger.counters.stage}: {path}"
    require_columns(read_schema(path), {"doc_id": pa.string()}, where)
    found = [np.empty((0, 2), np.uint64), *(id_words(table["doc_id"], where) for table in read_documents(path, ["doc_id"]))]
    np.save(task.folder / FILE, np.concatenate(found))


def sort_ids(task: Task) -> None:
    """Phase `sort`: all ids, in order."""
    np.save(task.folder / FILE, sort_words([np.load(part) for part in task.item["parts"]]))


def sort_words(parts: Sequence[Words]) -> Words:
    """Ids of several tables as one, in order."""
    ids_M2 = np.concatenate([np.empty((0, 2), np.uint64), *parts])
    return np.asarray(ids_M2[np.lexsort((ids_M2[:, 1], ids_M2[:, 0]))])


class Members:
    """Looks ids up."""

    def __init__(self, ids: Path | Words) -> None:
        """Map the file of sorted ids, or take them."""
        self._ids_M2: Words = np.load(ids, mmap_mode="r") if isinstance(ids, Path) else ids

    def hold(self, ids_N2: Words) -> NDArray[np.bool_]:
        """Which of the ids are members."""
        high_M = self._ids_M2[:, 0]
        first_N = np.searchsorted(high_M, ids_N2[:, 0], "left")
        last_N = np.searchsorted(high_M, ids_N2[:, 0], "right")
        found: NDArray[np.bool_] = np.zeros(len(ids_N2), np.bool_)
        for row in np.flatnonzero(last_N > first_N):
            found[row] = bool((self._ids_M2[first_N[row] : last_N[row], 1] == ids_N2[row, 1]).any())
        return found
