"""Run one stage alone, without the engine: what its own tests need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathcode_data.core.counters import Ledger, add_up
from mathcode_data.core.documents import write_documents
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import Manifest, Result, Shard, read_result, write_manifest
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.stage import GlobalOutcome, Task, TaskRecord
from mathcode_data.core.storage import sha256_file


def make_config(name: str, folder: Path = Path(), /, **values: Any) -> Any:
    """Validate a stage's configuration as if it stood in a YAML file in `folder`."""
    return load_plugin(name).config.model_validate(values, context={"folder": str(folder)})


def documents(texts: Sequence[str], *, source: str = "test", **columns: Sequence[Any]) -> pa.Table:
    """A table of documents with ids by position, and further columns as given."""
    ids = [f"{i:032x}" for i in range(len(texts))]
    urls = [f"https://example.org/{i}" for i in range(len(texts))]
    table = pa.table(
        {
            "doc_id": pa.array(ids, pa.string()),
            "source": pa.array([source] * len(texts), pa.string()),
            "url": pa.array(urls, pa.string()),
            "text": pa.array(texts, pa.large_string()),
        }
    )
    for name, values in columns.items():
        table = (
            table.append_column(name, pa.array(values))
            if name not in table.column_names
            else table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))
        )
    return table


def run_map(name: str, table: pa.Table, folder: Path = Path(), **values: Any) -> tuple[pa.Table, Ledger]:
    """Run a map stage on one table and check read == kept + dropped."""
    stage = load_plugin(name).build(make_config(name, folder, **values))
    ledger = Ledger(name)
    out = stage(table, ledger)
    ledger.counters.read, ledger.counters.kept = table.num_rows, out.num_rows
    ledger.counters.check()
    return out, ledger


def run_source(name: str, folder: Path = Path(), **values: Any) -> tuple[pa.Table, Ledger]:
    """Run a source over all its splits and check its counts."""
    stage = load_plugin(name).build(make_config(name, folder, **values))
    ledger = Ledger(name)
    tables = [table for split in stage.splits() for table in stage.read(split, ledger)]
    out = pa.concat_tables(tables) if tables else stage.schema.empty_table()
    ledger.counters.kept = out.num_rows
    ledger.counters.check()
    return out, ledger


def make_result(folder: Path, tables: Sequence[pa.Table], kind: str = "documents") -> Result:
    """Write tables as the shards of a finished result."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for index, table in enumerate(tables):
        path = folder / f"documents-{index:05d}.parquet"
        write_documents(path, iter([table]), table.schema)
        shards.append(Shard(path.name, path.stat().st_size, sha256_file(path), rows=table.num_rows))
    name = fingerprint([shard.sha256 for shard in shards])
    write_manifest(folder, Manifest(kind, [], name, [], shards, []))
    return read_result(folder)


class InlineContext:
    """A GlobalContext that runs every task at once, in order, in this process."""

    def __init__(self, name: str, config: Any, inputs: Sequence[Result], folder: Path, seed: int = 0) -> None:
        self.config, self.inputs, self.seed, self.stage = config, inputs, seed, name
        self._folder = folder

    def map(self, phase: str, function: Callable[[Task], None], items: Sequence[dict[str, Any]]) -> list[TaskRecord]:
        records = []
        for index, item in enumerate(items):
            folder = self._folder / phase / f"{index:05d}"
            folder.mkdir(parents=True)
            task = Task(
                index=index,
                item=item,
                folder=folder,
                config=self.config,
                inputs=[r.folder for r in self.inputs],
                seed=self.seed,
                stage=self.stage,
            )
            function(task)
            shards = tuple(
                Shard(path.name, path.stat().st_size, sha256_file(path), *task.sizes.get(path.name, (0, 0)))
                for path in sorted(folder.iterdir())
            )
            counters = task.ledger.counters
            records.append(TaskRecord(index, folder, shards, task.values, [counters], tuple(task.ledger.damage)))
        return records


def run_global(name: str, inputs: Sequence[Result], folder: Path, seed: int = 0, /, **values: Any) -> GlobalOutcome:
    """Run a global stage on finished results; checks the counts that it declares as its own."""
    config = make_config(name, folder, **values)
    outcome = load_plugin(name).build(config).run(InlineContext(name, config, inputs, folder / "phases", seed))
    for counters in add_up(record.counters for record in outcome.counted):
        counters.check()
    return outcome
