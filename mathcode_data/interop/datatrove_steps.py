"""Stages of ours as steps of a datatrove pipeline.

    from datatrove.executor import LocalPipelineExecutor
    from mathcode_data.interop.datatrove_steps import ExtractHtml, MathcodeStage, ScoreFastText, TokenizeToMegatron

    LocalPipelineExecutor(pipeline=[
        WarcReader("crawl"),
        ExtractHtml(),
        ScoreFastText(model={"path": "math.bin", "sha256": "..."}),
        MathcodeStage("select.threshold", {"column": "score_math", "min": 0.5}),
        TokenizeToMegatron("shards", "tokenizer.json", name="math"),
    ]).run()

Any map stage works: documents are gathered into a table, run through the stage, and those that it gives back are passed
on in order, with its text and its columns in their metadata. Importing this module imports datatrove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.typeshelper import StatHints

from mathcode_data.core.counters import Ledger
from mathcode_data.core.errors import ConfigError, MathcodeError
from mathcode_data.core.plugins import load_plugin
from mathcode_data.core.stage import MapStage
from mathcode_data.interop.datatrove_config import check_config
from mathcode_data.interop.datatrove_documents import ROW, batches, to_table
from mathcode_data.interop.datatrove_tokenize import TokenizeToMegatron

__all__ = ["ExtractHtml", "MathcodeStage", "ScoreFastText", "TokenizeToMegatron"]


class MathcodeStage(PipelineStep):  # type: ignore[misc]  # datatrove has no types
    """Any of our map stages by name, as a step."""

    type = "🧮 - MATHCODE"
    name = "mathcode-data"

    def __init__(self, stage: str, config: dict[str, Any] | None = None, batch_size: int = 1000) -> None:
        """Check the configuration; the stage itself is built in the worker.

        Raises:
            ConfigError: no such stage, or a wrong configuration.
        """
        self.name = stage
        super().__init__()
        if batch_size < 1:
            raise ConfigError(f"{stage}: batch_size {batch_size}; at least 1 document goes through at a time")
        self.stage = stage
        self.config = check_config(stage, config or {}).model_dump(mode="json")
        self.batch_size = batch_size

    def run(self, data: Iterable[Document] | None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Pass on the documents that the stage gives back.

        Raises:
            DataError: the stage needs a column that no document's metadata holds.
        """
        del rank, world_size  # a map stage treats every document alike
        built = load_plugin(self.stage).build(check_config(self.stage, self.config))
        if not isinstance(built, MapStage):
            raise ConfigError(f"{self.stage} is no map stage, so it cannot take documents one after the other; run it in a pipeline file")
        try:
            for batch in batches(data or (), self.batch_size):
                with self.track_time("batch"):
                    kept = self._pass(built, batch)
                for document in kept:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document
        finally:
            if hasattr(built, "close"):
                built.close()  # extract.html holds a child process

    def _pass(self, built: MapStage, batch: list[Document]) -> list[Document]:
        ledger = Ledger(self.stage)
        table = self.to_table(batch)
        out = built(table, ledger)
        ledger.counters.read, ledger.counters.kept = table.num_rows, out.num_rows
        ledger.counters.check()
        self.stat_update(StatHints.total, value=len(batch), unit="batch")
        for reason, number in sorted(ledger.counters.dropped.items()):
            self.stat_update(StatHints.dropped, f"dropped_{reason}", value=number, unit="batch")
        for fact, number in sorted(ledger.counters.facts.items()):
            self.stat_update(fact, value=number, unit="batch")
        return _updated(batch, table, out, self.stage)

    def to_table(self, batch: list[Document]) -> pa.Table:
        """Documents as the table that the stage is given."""
        return to_table(batch)


def _updated(batch: list[Document], table: pa.Table, out: pa.Table, stage: str) -> list[Document]:
    """The documents that came back, with their new text and the columns that are new or changed."""
    if ROW not in out.column_names:
        raise MathcodeError(f"{stage} gives back no column {ROW!r}, which tells rows apart; a map stage must keep columns it does not know")
    rows = out[ROW].to_pylist()
    new = {}
    for name in out.column_names:
        is_same = name in table.column_names and out[name].equals(table[name].take(out[ROW]))
        if name not in ("doc_id", ROW) and not is_same:
            new[name] = out[name].to_pylist()
    documents = []
    for position, row in enumerate(rows):
        document = batch[row]
        changes = {name: values[position] for name, values in new.items()}
        document.text = changes.pop("text", document.text) or ""
        document.metadata.update(changes)
        documents.append(document)
    return documents


class ExtractHtml(MathcodeStage):
    """HTML to text with every formula: `extract.html` on documents whose text is the page, as datatrove's WarcReader gives."""

    def __init__(self, batch_size: int = 64, **config: Any) -> None:
        """Take the keys of `extract.html`.

        Raises:
            ConfigError: see `MathcodeStage`.
        """
        super().__init__("extract.html", config, batch_size)

    def to_table(self, batch: list[Document]) -> pa.Table:
        """The text as the bytes of a page."""
        table = super().to_table(batch).drop_columns(["text"])
        pages = [document.text.encode("utf-8", "replace") for document in batch]
        for name, column in (
            ("content", pa.array(pages, pa.large_binary())),
            ("content_type", pa.array(["text/html; charset=utf-8"] * len(batch), pa.string())),
        ):
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, column)
        return table


class ScoreFastText(MathcodeStage):
    """`score.fasttext`: the probability of a label as metadata; `select.threshold` drops by it."""

    def __init__(self, batch_size: int = 1000, **config: Any) -> None:
        """Take the keys of `score.fasttext`.

        Raises:
            ConfigError: see `MathcodeStage`.
        """
        super().__init__("score.fasttext", config, batch_size)
