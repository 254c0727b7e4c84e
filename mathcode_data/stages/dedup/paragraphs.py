r"""Remove lines or paragraphs that stand, word for word, in more than `max_documents` documents: menus, notices, footers.

Equal means equal after `normalise` of core/text.py (case, white space, look-alikes, markup). Nothing is ever taken out of a
formula or of code: a segment that touches one stays (`formula_places.py` says what is one). A document of which nothing is left
is dropped.

Two passes over the texts, and files between: `hash` (per shard: the distinct segments of each document, added up), `count` (per
range of hashes: those in too many documents), `filter` (per shard: write the documents without them; `changed-NNNNN.parquet`
says how much each changed document lost). A task's memory is linear in its share. How often a segment occurs is counted in
documents, so order, sharding and the number of tasks change nothing; a document that was read twice counts twice.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from mathcode_data.core import text as core_text
from mathcode_data.core.documents import read_documents, read_schema, require_columns, write_documents
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, TaskRecord
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.formula_places import protected_places

VERSION = f"2.{core_text.VERSION}"
LIBRARIES = ("unicodedata",)

EMPTIED = "only_repeated_text"
NUM_EXAMPLES = 20
MAX_EXAMPLE_CHARACTERS = 300


class Config(StageConfig):
    """What is compared, and how often it may occur."""

    unit: Literal["line", "paragraph"] = "paragraph"
    """Lines, or paragraphs (lines between empty lines)."""
    max_documents: int = Field(default=10, ge=1)
    """A segment may stand in this many documents; in more, it is removed from all."""
    min_characters: int = Field(default=20, ge=1)
    """Segments with fewer characters after normalisation stay: headings, "Proof.", numbers."""


def build(config: Config) -> ParagraphDedup:
    """Make the stage."""
    return ParagraphDedup(config)


def segments(text: str, unit: str) -> Iterator[tuple[int, int]]:
    """Where the segments that may be removed begin and end, line ends included.

    >>> list(segments("a\\n\\nb \\\\(x\\\\)\\n\\nc", "paragraph"))
    [(0, 3), (12, 13)]
    """
    protected = protected_places(text)
    place = 0
    for start, end in _segments(text, unit):
        while place < len(protected) and protected[place][1] <= start:
            place += 1
        if place == len(protected) or protected[place][0] >= end:
            yield start, end


def _segments(text: str, unit: str) -> Iterator[tuple[int, int]]:
    start = 0
    if unit == "line":
        for line in text.split("\n"):
            end = min(start + len(line) + 1, len(text))
            yield start, end
            start = end
        return
    for match in re.finditer(r"\n[ \t]*(?:\n[ \t]*)*\n", text):
        yield start, match.end()
        start = match.end()
    yield start, len(text)


def segment_keys(text: str, config: Config) -> tuple[list[tuple[int, int]], NDArray[np.uint64]]:
    """Places of the segments of a text that are long enough, and the 128-bit hash of each; shape (segments, 2)."""
    places = list(segments(text, config.unit))
    normal = [core_text.normalise(text[start:end]) for start, end in places]
    long_enough = [k for k, part in enumerate(normal) if len(part) >= config.min_characters]
    digests = b"".join(xxhash.xxh3_128_digest(normal[k].encode("utf-8", "surrogatepass")) for k in long_enough)
    return [places[k] for k in long_enough], np.frombuffer(digests, ">u8").astype(np.uint64).reshape(-1, 2)


class ParagraphDedup:
    """Removes repeated lines or paragraphs."""

    kind = "documents"

    def __init__(self, config: Config) -> None:
        self._config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Hash, count, filter."""
        items = rows.numbered_items(context.inputs)
        hashed = context.map("hash", hash_shard, items)
        items = [items[record.index] for record in hashed]
        if not items:
            return GlobalOutcome([], [])
        listing = str(map_one(context, "list", list_files, {"listed": [str(r.path("counts.npy")) for r in hashed]}).path(rows.LISTING))
        parts = max(1, -(-sum(record.values["segments"] for record in hashed) // rows.MAX_ROWS_PER_TASK))
        counted = map_all(context, "count", count_segments, [{"listing": listing, "part": part, "parts": parts} for part in range(parts)])
        repeated = {"listed": [str(record.path("repeated.npy")) for record in counted]}
        repeated_listing = str(map_one(context, "list_repeated", list_files, repeated).path(rows.LISTING))
        filtered = context.map("filter", filter_shard, [{**item, "repeated": repeated_listing} for item in items])
        facts = {"repeated_segments": sum(record.values["repeated"] for record in counted), "most_repeated": most_repeated(filtered)}
        return GlobalOutcome(filtered, filtered, facts)


def list_files(task: Task) -> None:
    """Write the paths of a phase into one file."""
    write_json(task.folder / rows.LISTING, task.item["listed"])


def hash_shard(task: Task) -> None:
    """Distinct segments of one shard and the number of documents that each is in."""
    path = Path(task.item["path"])
    require_columns(read_schema(path), {"doc_id": pa.string(), "text": pa.large_string()}, str(path))
    total = np.empty((0, 3), np.uint64)
    for table in read_documents(path, ["text"]):
        found = [np.unique(segment_keys(text or "", task.config)[1], axis=0) for text in table["text"].to_pylist()]
        keys = np.concatenate([np.empty((0, 2), np.uint64), *found])
        total = add_up(np.concatenate([total, np.column_stack([keys, np.ones(len(keys), np.uint64)])]))
    np.save(task.folder / "counts.npy", total)
    task.values["segments"] = len(total)


def add_up(counts: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One row per key, sorted: the two halves of the key and the sum of its counts."""
    counts = counts[np.lexsort((counts[:, 1], counts[:, 0]))]
    starts = np.flatnonzero(rows.starts_group(counts[:, 0], counts[:, 1]))
    if not starts.size:
        return counts
    return np.column_stack([counts[starts, :2], np.add.reduceat(counts[:, 2], starts)])


def count_segments(task: Task) -> None:
    """The segments of one range of hashes that stand in too many documents."""
    found = [np.empty((0, 3), np.uint64)]
    for path in read_json(Path(task.item["listing"])):
        counts = np.load(path, mmap_mode="r")
        found.append(counts[rows.in_part(counts[:, 0], task.item["part"], task.item["parts"])])
    total = add_up(np.concatenate(found))
    repeated = total[total[:, 2] > task.config.max_documents]
    np.save(task.folder / "repeated.npy", repeated)
    task.values["repeated"] = len(repeated)


class Repeated:
    """Looks segments up among the repeated ones: 24 bytes each, and there are at most all segments / max_documents."""

    def __init__(self, listing: str) -> None:
        """Open the files."""
        files = [np.load(path) for path in read_json(Path(listing))]
        self._columns = [tuple(np.ascontiguousarray(found[:, column]) for column in range(3)) for found in files if len(found)]

    def documents(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """In how many documents each segment stands, 0 for those that stand in few."""
        counts = np.zeros(len(keys), np.uint64)
        for high, low, documents in self._columns:
            place = np.searchsorted(high, keys[:, 0])
            while True:  # keys that share their first half are some in 2**64
                here = np.flatnonzero(place < high.size)
                here = here[high[place[here]] == keys[here, 0]]
                if not here.size:
                    break
                same = here[low[place[here]] == keys[here, 1]]
                counts[same] = documents[place[same]]
                place[here] += 1
        return counts


def filter_shard(task: Task) -> None:
    """Write one shard without repeated segments."""
    path, config = Path(task.item["path"]), task.config
    schema, repeated = read_schema(path), Repeated(task.item["repeated"])
    changed: dict[str, list[Any]] = {"doc_id": [], "segments": [], "characters": []}
    examples: dict[str, list[Any]] = {}

    def survivors() -> Iterator[pa.Table]:
        for table in read_documents(path):
            task.ledger.saw(table.num_rows)
            is_empty = np.zeros(table.num_rows, bool)
            texts = table["text"].to_pylist()
            found = [segment_keys(text or "", config) for text in texts]
            counts = repeated.documents(np.concatenate([np.empty((0, 2), np.uint64), *(keys for _, keys in found)]))
            first = 0
            for row, (places, keys) in enumerate(found):
                here = counts[first : first + len(places)]
                first += len(places)
                if not here.any():
                    continue
                lost = [(*places[k], int(here[k]), keys[k].tobytes().hex()) for k in np.flatnonzero(here).tolist()]
                _note(examples, texts[row], lost)
                texts[row] = without(texts[row], [(start, end) for start, end, _, _ in lost])
                is_empty[row] = not texts[row].strip()
                changed["doc_id"].append(table["doc_id"][row].as_py())
                changed["segments"].append(len(lost))
                changed["characters"].append(sum(end - start for start, end, _, _ in lost))
            task.ledger.drop(table.filter(pa.array(is_empty)), EMPTIED)
            place = table.column_names.index("text")
            yield table.set_column(place, schema.field("text"), pa.array(texts, pa.large_string())).filter(pa.array(~is_empty))

    name = f"documents-{task.index:05d}.parquet"
    kept = write_documents(task.folder / name, survivors(), schema)
    task.declare(name, rows=kept)
    kinds = {"doc_id": pa.string(), "segments": pa.int64(), "characters": pa.int64()}
    table = pa.table({column: pa.array(changed[column], kind) for column, kind in kinds.items()})
    pq.write_table(table, task.folder / f"changed-{task.index:05d}.parquet", compression="zstd")
    task.ledger.counters.kept += kept
    task.ledger.count("documents_changed", len(changed["doc_id"]))
    task.ledger.count("segments_removed", sum(changed["segments"]))
    task.ledger.count("characters_removed", sum(changed["characters"]))
    task.values["examples"] = dict(_first(examples))


def _note(examples: dict[str, list[Any]], text: str, lost: list[tuple[int, int, int, str]]) -> None:
    for start, end, count, key in lost:
        if key not in examples or examples[key][1] > text[start:end]:
            examples[key] = [count, text[start:end].strip()[:MAX_EXAMPLE_CHARACTERS]]
    if len(examples) > 50 * NUM_EXAMPLES:
        kept = _first(examples)
        examples.clear()
        examples.update(kept)


def _first(examples: dict[str, list[Any]]) -> list[tuple[str, list[Any]]]:
    """Those in the most documents."""
    return sorted(examples.items(), key=lambda item: (-item[1][0], item[0]))[:NUM_EXAMPLES]


def most_repeated(filtered: list[TaskRecord]) -> list[dict[str, Any]]:
    """The segments removed from the most documents, with one spelling each."""
    best: dict[str, list[Any]] = {}
    for key, value in itertools.chain.from_iterable(record.values["examples"].items() for record in filtered):
        best[key] = min(best.get(key, value), value, key=lambda found: found[1])
    return [{"documents": count, "text": text} for _, (count, text) in _first(best)]


def without(text: str, places: list[tuple[int, int]]) -> str:
    """The text without these places; the empty lines between paragraphs stay one."""
    bounds = [0, *itertools.chain.from_iterable(places), len(text)]
    return "".join(text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True))
