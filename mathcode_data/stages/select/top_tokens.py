"""Keep the best documents up to a budget of tokens: `select.top_tokens` (DeepSeekMath: rank by score, keep the top 40B tokens).

Documents are ranked by score, equal scores by `doc_id`. Kept is the longest beginning of the ranking that holds no more
than `tokens`; the first document that would go over ends it, also if a smaller one behind it would fit. So a larger budget
keeps a superset. The choice is exact and does not depend on how the documents lie in shards.

Phases: `rank` (one task per shard: scores and tokens), `cut` (one task), `keep` (one task per shard).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from mathcode_data.core.config import TokenCount
from mathcode_data.core.documents import read_documents, read_schema, require_columns, write_documents
from mathcode_data.core.errors import DataError
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, document_items
from mathcode_data.stages.complete import map_one
from mathcode_data.stages.ids import id_words
from mathcode_data.stages.select.rank import Cut, descending_keys, find_cut, save_part
from mathcode_data.stages.select.threshold import numbers

VERSION = "2"


class Config(StageConfig):
    """Which score ranks, how many tokens are kept, and how tokens are counted."""

    column: str
    """Score to rank by, the highest first."""
    tokens: TokenCount
    """Budget: never more than this many tokens are kept."""
    token_column: str | None = None
    """Whole-number column that holds each document's tokens; null: estimate them from the text's bytes."""
    bytes_per_token: float = Field(default=3.3, ge=0.5, le=32)
    """UTF-8 bytes a token stands for, when there is no `token_column`; each document's estimate is rounded up.

    Measured with the DeepSeek-LLM tokenizer: 3.6 on Python source, 3.2 on Markdown with formulas.
    """


def _tokens(table: pa.Table, config: Config, where: str) -> NDArray[np.int64]:
    if config.token_column is None:
        require_columns(table.schema, {"text": pa.large_string()}, where)
        lengths = pc.fill_null(pc.binary_length(table["text"]), 0).to_numpy().astype(np.int64)
        thousandths = round(config.bytes_per_token * 1000)  # whole numbers: the same sum on every machine
        return np.asarray((lengths * 1000 + thousandths - 1) // thousandths)
    values = numbers(table, config.token_column, where)
    tokens: NDArray[np.int64] = values.to_numpy().astype(np.int64)
    if not pa.types.is_integer(table[config.token_column].type) or (tokens.size and tokens.min() < 0):
        raise DataError(f"{where}: {config.token_column} holds fractions or negative numbers; a number of tokens is whole, 0 or more")
    return tokens


def _columns(config: Config, extra: list[str]) -> list[str]:
    return [*extra, config.column, *([] if config.token_column is None else [config.token_column])]


def rank_shard(task: Task) -> None:
    """Phase `rank`: write the key, the id and the tokens of every document of a shard."""
    path, config = Path(task.item["path"]), task.config
    where = f"{task.ledger.counters.stage}: {path}"
    wanted = _columns(config, ["doc_id"] + (["text"] if config.token_column is None else []))
    schema = read_schema(path)
    present = [name for name in wanted if name in schema.names]  # an absent one is named by `numbers`
    keys, ids, tokens = [], [], []
    for table in [schema.empty_table().select(present), *read_documents(path, present)]:
        keys.append(descending_keys(numbers(table, config.column, where).to_numpy().astype(np.float64)))
        ids.append(id_words(table["doc_id"], where))
        tokens.append(_tokens(table, config, where))
    save_part(task.folder / "rank.npy", np.concatenate(keys), np.concatenate(ids), np.concatenate(tokens))


def cut_ranking(task: Task) -> None:
    """Phase `cut`: find the last document that is kept."""
    cut = find_cut([Path(part) for part in task.item["parts"]], task.config.tokens)
    task.values["cut"] = cut.to_json()


def keep_shard(task: Task) -> None:
    """Phase `keep`: write the documents of a shard that stand before the cut."""
    path, cut = Path(task.item["path"]), Cut.from_json(task.item["cut"])
    where = f"{task.ledger.counters.stage}: {path}"
    task.values["tokens"] = 0

    def kept() -> Iterator[pa.Table]:
        for table in read_documents(path):
            task.ledger.saw(table.num_rows)
            keys = descending_keys(numbers(table, task.config.column, where).to_numpy().astype(np.float64))
            mask = pa.array(cut.keeps(keys, id_words(table["doc_id"], where)))
            task.ledger.drop(table.filter(pc.invert(mask)), "beyond_budget")
            table = table.filter(mask)
            task.values["tokens"] += int(_tokens(table, task.config, where).sum())
            yield table

    name = f"documents-{task.index:05d}.parquet"
    rows = write_documents(task.folder / name, kept(), read_schema(path))
    task.ledger.counters.kept += rows
    task.declare(name, rows=rows)


class _TopTokens:
    kind = "documents"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Rank every shard, find the cut, keep what stands before it; a shard that could not be ranked is left out."""
        items = document_items(context.inputs)
        ranked = context.map("rank", rank_shard, items)
        cut = map_one(context, "cut", cut_ranking, {"parts": [str(record.path("rank.npy")) for record in ranked]})
        found = cut.values["cut"]
        kept = context.map("keep", keep_shard, [items[record.index] | {"cut": found} for record in ranked])
        unit = "tokens" if self.config.token_column else f"bytes / {self.config.bytes_per_token}, rounded up"
        facts = {
            "tokens_asked": self.config.tokens,
            "tokens": sum(record.values["tokens"] for record in kept),
            "tokens_counted_as": unit,
            "num_documents": sum(shard.rows for record in kept for shard in record.shards),
            "has_dropped": found["end"] is not None,
        }
        return GlobalOutcome(kept, kept, facts)


def build(config: Config) -> _TopTokens:
    """Make the stage."""
    return _TopTokens(config)
