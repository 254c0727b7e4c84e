"""Take pages under accepted domains and URL prefixes: `select.domains`, which brings them into the seed of the next round.

Decisions are the `decisions.jsonl` of a result of `learn.domains` (what its `auto_accept` decided) and files of people, in the
order of their names; a later line on the same place wins (see `domains_decisions`). Pages that were collected already are
left out (reason `collected`), as the paper adds only what the last round missed. A decision on a place that holds no page at
all, perhaps mistyped, is no error: it stands in the facts under `unmatched`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import InputPaths, ResultRef
from mathcode_data.core.documents import read_documents, read_schema, require_columns, write_documents
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, document_items
from mathcode_data.stages.ids import id_words
from mathcode_data.stages.select.domains_address import parse_address
from mathcode_data.stages.select.domains_decisions import Decided, decide_files
from mathcode_data.stages.select.domains_members import Members, gather_members

VERSION = "2"
LIBRARIES = ("publicsuffixlist",)

DECISIONS_NAME = "decisions.jsonl"


class Config(StageConfig):
    """Whose decisions, and which pages."""

    decisions: InputPaths = ()
    """Decisions files, written by hand or by `mathcode-data review`."""
    domains: tuple[ResultRef, ...] = ()
    """Results of `learn.domains`, whose automatic decisions come before those of the files."""
    collected: ResultRef | None = None
    """A result whose documents are left out; null: none."""
    take: Literal["accept", "reject"] = Field(default="accept")
    """Take the pages under accepted places, or those under rejected ones (as hard negatives)."""


def take_shard(task: Task) -> None:
    """Phase `take`: the pages of a shard under accepted places."""
    path, config = Path(task.item["path"]), task.config
    where = f"{task.ledger.counters.stage}: {path}"
    schema = read_schema(path)
    require_columns(schema, {"doc_id": pa.string(), "url": pa.string()}, where)
    decided = read_all(config)
    members = Members(Path(task.item["members"])) if task.item["members"] else None
    unmatched = set(decided.places)

    def kept() -> Iterator[pa.Table]:
        for table in read_documents(path):
            task.ledger.saw(table.num_rows)
            around = [list(decided.around(parse_address(url))) for url in table["url"].to_pylist()]
            unmatched.difference_update(*around)
            found = [decided.places[places[0]] if places else None for places in around]
            collected = members.hold(id_words(table["doc_id"], where)).tolist() if members is not None else [False] * table.num_rows
            reasons = [
                "not_decided" if answer is None else "decided_otherwise" if answer != config.take else "collected" if seen else ""
                for answer, seen in zip(found, collected, strict=True)
            ]
            for reason in ("not_decided", "decided_otherwise", "collected"):
                task.ledger.drop(table.filter(pa.array([given == reason for given in reasons])), reason)
            yield table.filter(pa.array([not given for given in reasons], pa.bool_()))

    name = f"documents-{task.index:05d}.parquet"
    rows = write_documents(task.folder / name, kept(), schema)
    task.ledger.counters.kept += rows
    task.declare(name, rows=rows)
    task.values["unmatched"] = sorted(map(str, unmatched))


def read_all(config: Config) -> Decided:
    """All decisions, the automatic ones first."""
    found = [Path(str(reference.path)) / DECISIONS_NAME for reference in config.domains]
    return decide_files([*found, *map(Path, config.decisions)])


class _SelectDomains:
    kind = "documents"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Find out what was collected, then go through the pages."""
        places = read_all(context.config).places
        members = gather_members(context, context.config.collected) if context.config.collected else None
        items = [item | {"members": str(members) if members else None} for item in document_items(context.inputs)]
        taken = context.map("take", take_shard, items)
        facts = {
            "accepted": sorted(str(place) for place, decision in places.items() if decision == "accept"),
            "rejected": sorted(str(place) for place, decision in places.items() if decision == "reject"),
            "unmatched": sorted(set.intersection(*(set(record.values["unmatched"]) for record in taken))) if taken else [],
            "num_documents": sum(shard.rows for record in taken for shard in record.shards),
        }
        return GlobalOutcome(taken, taken, facts)


def build(config: Config) -> _SelectDomains:
    """Make the stage; decisions are read here once, so that a wrong line ends the run before any work.

    Raises:
        ConfigError: no decisions are named.
        DataError: a line is wrong.
    """
    if not config.decisions and not config.domains:
        raise ConfigError("select.domains: no decisions; name files under decisions, results of learn.domains under domains, or both")
    decide_files([Path(path) for path in config.decisions])
    return _SelectDomains(config)
