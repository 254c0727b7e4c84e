"""Remove documents whose text is equal to another's, but for spacing, line ends and how Unicode writes a character.

Case, signs and indentation count: `X + x` is not `x + X`, and Python with another indentation is another program. Copies in other
markup or type are near-duplicates and `dedup.minhash`'s.

Phases: `hash` (per shard: BLAKE2b-128 of each normalised text, and its length), `group` (per range of hashes: who is not
its group's survivor), `filter` (per shard: write the survivors). Texts with nothing to compare are never duplicates.

With `against` (results of earlier runs) a dump is compared with all before it, and nothing of those is written again. Texts
that are equal to a text are equal to each other, so the dumps' survivors together are those of one run over all of them, if
that run prefers the older dumps as this one must (`sources: [dump-1, dump-2, ...]`). With `texts` and `urls` both on it may
keep more: a text whose only copy lost its place to another document of its URL is not in the earlier result.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import model_validator

from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, Task
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.dedup import rows
from mathcode_data.stages.dedup.urls import canonical_url
from mathcode_data.stages.ids import id_words

VERSION = "4"
LIBRARIES = ("unicodedata",)

INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Characters that no page shows: soft hyphen, zero-width spaces, byte order mark; joiners are letters' business and stay."""

REASONS = {"text": "exact_duplicate", "url": "duplicate_url"}


class Config(rows.SurvivorConfig):
    """What makes two documents equal, and which of them stays."""

    texts: bool = True
    """Compare normalised texts."""
    urls: bool = False
    """Compare canonical URLs as well. A document is dropped if it is not the survivor of its text or not that of its URL."""

    @model_validator(mode="after")
    def _compares_something(self) -> Config:
        if not (self.texts or self.urls):
            raise ValueError("texts and urls are both off, so nothing would be compared; switch one on")
        return self


def build(config: Config) -> ExactDedup:
    """Make the stage."""
    return ExactDedup(config)


class ExactDedup:
    """Drops exact duplicates."""

    kind = "documents"

    def __init__(self, config: Config) -> None:
        self._kinds = [kind for kind, is_on in (("text", config.texts), ("url", config.urls)) if is_on]

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Hash, group, filter."""
        items = rows.numbered_items(context.inputs, rows.earlier_results(context.config))
        hashed = context.map("hash", hash_shard, items)
        items = [items[record.index] for record in hashed]  # without shards that were set aside
        own = [item for item in items if not item["earlier"]]
        if not own:
            return GlobalOutcome([], [])
        places = {"folders": [str(record.folder) for record in hashed], "first": [item["first"] for item in items]}
        listing = str(map_one(context, "list", list_shards, places).path(rows.LISTING))
        parts = rows.num_parts(items)
        keys = [{"kind": kind, "part": part, "parts": parts, "listing": listing} for kind in self._kinds for part in range(parts)]
        grouped = map_all(context, "group", find_duplicates, keys)
        dropped: dict[str, list[str]] = {REASONS[kind]: [] for kind in reversed(self._kinds)}  # a text's reason goes before a URL's
        for key, record in zip(keys, grouped, strict=True):
            dropped[REASONS[str(key["kind"])]].append(str(record.path(rows.DROPPED)))
        drops = str(map_one(context, "list_dropped", list_dropped, dropped).path(rows.LISTING))
        filtered = context.map("filter", filter_shard, [{**item, "dropped": drops} for item in own])
        groups = sum(record.values["groups"] for record in grouped)
        return GlobalOutcome(filtered, filtered, {"duplicate_groups": groups, **rows.token_facts(filtered)})


def hash_shard(task: Task) -> None:
    """Phase 1: keys, ids and preferences of the rows of one shard."""
    config: Config = task.config
    path = Path(task.item["path"])
    earlier = task.item["earlier"]
    columns = rows.survivor_columns(config, path, earlier=earlier)
    kinds: dict[str, tuple[str, Callable[[str], str]]] = {}
    if config.texts:
        kinds["text"] = ("text", normalised)
    if config.urls:
        kinds["url"] = ("url", canonical_url)
        require_columns(read_schema(path), {"url": pa.string()}, str(path))
        columns.append("url")
    ids, preferences = [np.empty((0, 2), np.uint64)], [np.empty((0, 2))]
    keys: dict[str, list[NDArray[np.uint64]]] = {kind: [np.empty((0, 3), np.uint64)] for kind in kinds}
    for table in read_documents(path, columns):
        ids.append(id_words(table["doc_id"], str(path)))
        preferences.append(rows.preference(table, config, earlier=earlier))
        for kind, (column, normal_form) in kinds.items():
            keys[kind].append(hash_texts([normal_form(value or "") for value in table[column].to_pylist()]))
    np.save(task.folder / "ids.npy", np.concatenate(ids))
    np.save(task.folder / "preferences.npy", np.concatenate(preferences))
    for kind, found in keys.items():
        np.save(task.folder / f"{kind}.npy", np.concatenate(found))


def normalised(text: str) -> str:
    r"""Bring a text to the form in which two copies of it are equal: NFC, one space between words, no blank lines, indentation as it is.

    >>> normalised("\ufeffif  x:\r\n\treturn  X \n\n")
    'if x:\n\treturn X'
    """
    lines = unicodedata.normalize("NFC", text).translate(INVISIBLE).splitlines()
    return "\n".join(line[: len(line) - len(line.lstrip())] + " ".join(line.split()) for line in lines if not line.isspace() and line)


def hash_texts(texts: list[str]) -> NDArray[np.uint64]:
    """BLAKE2b-128 in two numbers, and the length in bytes: shape (texts, 3). Length 0 marks a text with nothing to compare."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    digests = b"".join(hashlib.blake2b(content, digest_size=16).digest() for content in encoded)
    lengths = np.array([len(content) for content in encoded], np.uint64)
    return np.column_stack([np.frombuffer(digests, "<u8").reshape(-1, 2).astype(np.uint64), lengths])


def list_shards(task: Task) -> None:
    """Write the folders of phase 1 into one file."""
    rows.write_listing(task)


def list_dropped(task: Task) -> None:
    """Write the paths of phase 2 into one file."""
    rows.write_listing(task)


def find_duplicates(task: Task) -> None:
    """Phase 2: all rows whose key lies in one range; the ones that do not survive are dropped."""
    files = rows.ShardFiles(task.item["listing"])
    numbers, keys = [np.empty(0, np.uint64)], [np.empty((0, 3), np.uint64)]
    for first, found in files.arrays(f"{task.item['kind']}.npy"):
        local = np.flatnonzero(rows.in_part(found[:, 0], task.item["part"], task.item["parts"]) & (found[:, 2] > 0))
        numbers.append(local.astype(np.uint64) + first)
        keys.append(found[local])
    number, key = np.concatenate(numbers), np.concatenate(keys)
    # most rows are alone with their hash: only the others are worth ids and a full sort
    twice = np.flatnonzero(_stands_twice(key[:, 0]))
    number, key = number[twice], key[twice]
    ids, preferences = files.take("ids.npy", number), files.take("preferences.npy", number)
    groups = (key[:, 0], key[:, 1], key[:, 2])
    order = rows.survivors_first(preferences, ids, number, *groups)
    starts = rows.starts_group(*(column[order] for column in groups))
    lost = order[~starts]
    survivors = order[np.flatnonzero(starts)][np.cumsum(starts) - 1][~starts]
    rows.write_dropped(task.folder, number[lost], ids[lost], ids[survivors])
    task.values["groups"] = int(np.sum(starts & ~np.append(starts[1:], True)))


def _stands_twice(values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    order = np.argsort(values)
    starts = rows.starts_group(values[order])
    twice = np.empty(values.size, bool)
    twice[order] = ~(starts & np.append(starts[1:], True)) if values.size else False
    return twice


def filter_shard(task: Task) -> None:
    """Phase 3: write one shard's survivors."""
    rows.write_survivors(task)
