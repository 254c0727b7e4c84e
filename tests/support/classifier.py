"""Documents that a small classifier can tell apart, and a classifier learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathcode_data.core.manifest import Manifest, Result, read_result, write_manifest
from mathcode_data.core.stage import GlobalOutcome
from support.stages import make_result, run_global

MATH = [
    r"\frac", r"\sqrt", "theorem", "lemma", "proof", "integral", "prime", "证", "明", r"\(", r"\)", "=", "+", "^", "{", "}", "12", "let",
    "hence",
]  # fmt: skip
OTHER = ["weather", "team", "goal", "price", "hotel", "music", "red", "blue", "fast", "天", "气", "car", "!", "?", ",", "7", "said", "went"]
SMALL = {"dim": 8, "bucket": 1000, "min_count": 1, "epochs": 5, "lr": 0.5}


def texts(words: Sequence[str], number: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(words, 20)) for _ in range(number)]


def table_of(words: Sequence[str], number: int, seed: int) -> pa.Table:
    ids = [f"{seed:016x}{i:016x}" for i in range(number)]
    return pa.table(
        {
            "doc_id": ids,
            "source": ["test"] * number,
            "url": [f"https://{seed}.org/{i}" for i in range(number)],
            "text": pa.array(texts(words, number, seed), pa.large_string()),
        }
    )


def split_table(table: pa.Table, num_shards: int) -> list[pa.Table]:
    return [table.take(pa.array(range(shard, table.num_rows, num_shards), pa.int64())) for shard in range(num_shards)]


def learn(folder: Path, num_shards: int = 1, number: int = 120, seed: int = 0, **values: Any) -> GlobalOutcome:
    """Learn from generated documents that lie in `num_shards` shards."""
    positives = make_result(folder / "positives", split_table(table_of(MATH, number, 1), num_shards))
    negatives = make_result(folder / "negatives", split_table(table_of(OTHER, number, 2), num_shards)[::-1])
    settings = SMALL | {"positives": str(positives.folder), "negatives": [str(negatives.folder)], "holdout": 0.2} | values
    return run_global("learn.fasttext", [], folder, seed, **settings)


def as_result(outcome: GlobalOutcome, folder: Path, kind: str) -> Result:
    """Publish the files of a global stage as a finished result, as the driver does."""
    folder.mkdir(parents=True)
    shards = []
    for record in outcome.records:
        for shard in record.shards:
            (folder / shard.name).write_bytes(record.path(shard.name).read_bytes())
            shards.append(shard)
    write_manifest(folder, Manifest(kind, [], "0" * 32, [], shards, [], facts=outcome.facts))
    return read_result(folder)
