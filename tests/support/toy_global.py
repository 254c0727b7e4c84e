"""A global stage for tests of the engine: redistributes documents over shards by id, in order of id."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa

from mathcode_data.core.documents import read_documents, read_schema, write_documents
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, document_items

VERSION = "1"


class Config(StageConfig):
    num_shards: int = 2
    wait_s: float = 0.0


def build(config: Config) -> ToyGlobal:
    return ToyGlobal(config)


def scatter(task: Task) -> None:
    time.sleep(task.config.wait_s)
    path = Path(task.item["path"])
    table = pa.concat_tables(read_documents(path)) if task.item["rows"] else read_schema(path).empty_table()
    task.ledger.saw(table.num_rows)
    task.ledger.counters.kept = table.num_rows
    parts = [int(doc_id[:8], 16) % task.config.num_shards for doc_id in table["doc_id"].to_pylist()]
    for part in range(task.config.num_shards):
        write_documents(
            task.folder / f"part-{part}.parquet", iter([table.filter(pa.array([p == part for p in parts], pa.bool_()))]), table.schema
        )
    task.values["rows"] = table.num_rows


def gather(task: Task) -> None:
    time.sleep(task.config.wait_s)
    tables = [table for path in task.item["paths"] for table in read_documents(Path(path))]
    schema = read_schema(Path(task.item["paths"][0]))
    table = (pa.concat_tables(tables) if tables else schema.empty_table()).sort_by("doc_id")
    name = f"documents-{task.index:05d}.parquet"
    task.declare(name, rows=write_documents(task.folder / name, iter([table]), schema))


class ToyGlobal:
    kind = "documents"

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        scattered = context.map("scatter", scatter, document_items(context.inputs))
        items = [{"paths": [str(record.path(f"part-{part}.parquet")) for record in scattered]} for part in range(self.config.num_shards)]
        gathered = context.map("gather", gather, items)
        return GlobalOutcome(gathered, scattered, {"rows": sum(record.values["rows"] for record in scattered)})
