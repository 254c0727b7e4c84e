"""Find the domains that hold mathematics: `learn.domains` (DeepSeekMath section 2.1, the 10 % rule).

Reads all pages of a round and knows which of them were collected. A domain of which more than `min_share` was collected is a
candidate; within it the path prefixes are named whose own share is high, with samples, for people to accept or reject.
Domains are registered ones, by the Public Suffix List (`unit: host` takes hosts as they are). Each share has its Wilson
interval, because 2 of 10 pages say little.

Phases: `ids` and `sort` (who was collected), `count` (one task per shard of pages), `merge` (one task per part of the domains).

Result, of kind `domains`: `domains-NNNNN.parquet`, a row per domain (domain, pages, collected, share, low, high, is_candidate);
`candidates-NNNNN.jsonl`, a line per candidate with its prefixes and samples; `decisions.jsonl`, what `auto_accept` decides.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from mathcode_data.core.config import ResultRef, Share
from mathcode_data.core.documents import read_documents, read_schema, require_columns
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, document_items
from mathcode_data.stages.complete import map_all, map_one
from mathcode_data.stages.ids import Words, hex_ids, id_words
from mathcode_data.stages.learn.domains_tree import Sample, Tree
from mathcode_data.stages.learn.texts import texts_of
from mathcode_data.stages.select.domains_address import parse_address, registered_domain
from mathcode_data.stages.select.domains_members import Members, gather_members
from mathcode_data.stages.select.rank import keyed_hashes

VERSION = "1"
LIBRARIES = ("publicsuffixlist",)

SHARDS_PER_PART = 64
SNIPPET_CHARACTERS = 400
TITLE_CHARACTERS = 200
COUNTS = "counts.jsonl"
DECISIONS_NAME = "decisions.jsonl"
DOMAINS_SCHEMA = pa.schema(
    [("domain", pa.string()), ("pages", pa.int64()), ("collected", pa.int64()), ("share", pa.float64()), ("low", pa.float64()),
     ("high", pa.float64()), ("is_candidate", pa.bool_())]
)  # fmt: skip


class Config(StageConfig):
    """Which pages were collected, and what makes a candidate."""

    collected: ResultRef
    """The result whose documents are the collected ones, as of `select.top_tokens`; they are among the stage's input."""
    unit: Literal["domain", "host"] = "domain"
    """What is counted as one site: the registered domain, or each host."""
    min_share: Share = 0.1
    """A candidate has a larger share of its pages collected."""
    min_pages: int = Field(default=10, ge=1)
    """A candidate has at least so many pages."""
    rule: Literal["share", "low"] = "share"
    """What is compared with `min_share`: the share, or the lower end of its Wilson interval."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Of the Wilson intervals."""
    prefix_min_share: Share = 0.5
    """A prefix is suggested if the share of its own pages is at least this; the shortest such prefix is taken."""
    prefix_min_pages: int = Field(default=5, ge=1)
    """A suggested prefix has at least so many pages."""
    max_depth: int = Field(default=4, ge=0, le=16)
    """Folders of a prefix."""
    max_prefixes: int = Field(default=20, ge=1, le=1000)
    """Prefixes of a candidate, those with the most pages first."""
    num_samples: int = Field(default=5, ge=0, le=100)
    """Pages shown for each domain and prefix: so many collected ones and so many others, drawn by a keyed hash."""
    score_column: str | None = "score_math"
    """Score to show with a sample, if the pages have it."""
    auto_accept: Share | None = None
    """Accept a suggestion without a person if the lower end of its Wilson interval is at least this."""


def count_shard(task: Task) -> None:
    """Phase `count`: pages and collected pages by host and folders, with samples of each."""
    path, config = Path(task.item["path"]), task.config
    where = f"{task.ledger.counters.stage}: {path}"
    schema = read_schema(path)
    require_columns(schema, {"doc_id": pa.string(), "url": pa.string(), "text": pa.large_string()}, where)
    optional = [name for name in ("title", config.score_column) if name and name in schema.names]
    members, tree = Members(Path(task.item["members"])), Tree(config.num_samples)
    for table in read_documents(path, ["doc_id", "url", "text", *optional]):
        task.ledger.saw(table.num_rows)
        ids_N2 = id_words(table["doc_id"], where)
        keys = keyed_hashes(ids_N2, task.seed, "samples of domains").tolist()
        collected = members.hold(ids_N2).tolist()
        rows = table.select(["url", *optional])
        for row, url in enumerate(table["url"].to_pylist()):
            address = parse_address(url)
            if address is None:
                task.ledger.drop_unread("no_web_address")
                continue
            task.ledger.counters.kept += 1
            place = (address.host, *address.folders[: config.max_depth])
            if tree.add(place, collected[row], keys[row]):
                tree.keep(place, _sample(rows, table["text"], row, keys[row], ids_N2, collected[row], config.score_column))
    with (task.folder / COUNTS).open("wb") as file:
        for entry in tree.leaves():
            file.write(orjson.dumps(entry) + b"\n")


def _sample(rows: pa.Table, texts: pa.ChunkedArray, row: int, key: int, ids_N2: Words, collected: bool, score: str | None) -> Sample:
    values = rows.slice(row, 1).to_pylist()[0]
    number = values.get(score) if score else None
    return {
        "key": key, "doc_id": hex_ids(ids_N2[row : row + 1])[0], "url": values["url"], "is_collected": collected,
        "title": (values.get("title") or "")[:TITLE_CHARACTERS], "text": texts_of(texts.slice(row, 1))[0][:SNIPPET_CHARACTERS],
        "score": None if number is None else round(float(number), 6),
    }  # fmt: skip


def merge_part(task: Task) -> None:
    """Phase `merge`: add up the counts of the domains of one part, find candidates and prefixes."""
    config, part, num_parts = task.config, task.item["part"], task.item["num_parts"]
    trees: dict[str, Tree] = {}
    for entry in _entries(task.item["counts"]):
        host = entry["place"][0]
        domain = host if config.unit == "host" else registered_domain(host)
        if zlib.crc32(domain.encode()) % num_parts == part:
            trees.setdefault(domain, Tree(config.num_samples)).join(entry)
    rows, candidates = [], []
    for domain in sorted(trees):
        found = trees[domain].candidate(domain, config)
        rows.append({name: found[name] for name in DOMAINS_SCHEMA.names})
        if found["is_candidate"]:
            candidates.append(found)
    name = f"domains-{part:05d}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, DOMAINS_SCHEMA), task.folder / name, compression="zstd")
    task.declare(name, rows=len(rows))
    name = f"candidates-{part:05d}.jsonl"
    (task.folder / name).write_bytes(b"".join(orjson.dumps(found) + b"\n" for found in candidates))
    task.declare(name, rows=len(candidates))
    places = [place for found in candidates for place in suggestions(found)]
    task.values |= {
        "num_domains": len(rows), "num_candidates": len(candidates), "num_suggestions": len(places),
        "pages": sum(row["pages"] for row in rows), "collected": sum(row["collected"] for row in rows),
        "uncollected_of_candidates": sum(found["pages"] - found["collected"] for found in candidates),
    }  # fmt: skip


def _entries(paths: list[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with Path(path).open("rb") as file:
            yield from map(orjson.loads, file)


def suggestions(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """What a person decides on: the domain as a whole where its own share is high, else its prefixes."""
    whole = {"kind": "domain", "name": candidate["domain"]} | {
        key: candidate[key] for key in ("pages", "collected", "share", "low", "high")
    }
    return [whole] if candidate["is_whole"] else [{"kind": "prefix", **prefix} for prefix in candidate["prefixes"]]


def decide_alone(task: Task) -> None:
    """Phase `decide`: the suggestions that `auto_accept` accepts, as a decisions file."""
    bound, lines = task.config.auto_accept, []
    for path in task.item["candidates"]:
        for found in map(orjson.loads, Path(path).read_bytes().splitlines()):
            lines += [
                {
                    "decision": "accept",
                    place["kind"]: place["name"],
                    "by": "auto_accept",
                    "note": f"Wilson interval from {place['low']:.4f}",
                }
                for place in suggestions(found)
                if bound is not None and place["low"] >= bound
            ]
    (task.folder / DECISIONS_NAME).write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    task.values["auto_accepted"] = len(lines)


class _Domains:
    kind = "domains"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Count by shard, merge by domain."""
        members = str(gather_members(context, context.config.collected))
        counted = context.map("count", count_shard, [item | {"members": members} for item in document_items(context.inputs)])
        counts = [str(record.path(COUNTS)) for record in counted]
        num_parts = -(-len(counts) // SHARDS_PER_PART) or 1
        items = [{"part": part, "num_parts": num_parts, "counts": counts} for part in range(num_parts)]
        merged = map_all(context, "merge", merge_part, items)
        files = [str(record.path(f"candidates-{part:05d}.jsonl")) for part, record in enumerate(merged)]
        decided = map_one(context, "decide", decide_alone, {"candidates": files})
        totals = {name: sum(record.values[name] for record in merged) for name in merged[0].values}
        return GlobalOutcome([*merged, decided], counted, totals | decided.values)


def build(config: Config) -> _Domains:
    """Make the stage."""
    return _Domains(config)
