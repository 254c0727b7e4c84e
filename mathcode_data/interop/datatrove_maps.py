"""datatrove filters and formatters as map stages.

Blocks keep state between documents (replacement addresses in turn, random draws), so each task begins with a new one:
what comes out of a shard never depends on which worker did what before. The models they share are cached by datatrove.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import pyarrow as pa

from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import require_columns
from mathcode_data.core.errors import DataError
from mathcode_data.interop.datatrove_config import BlockConfig
from mathcode_data.interop.datatrove_documents import naming_block, silence_log, to_documents

NEEDED = {"doc_id": pa.string(), "text": pa.large_string()}


class _BlockPerTask:
    """Hands out the block of a task; a task is known by its ledger."""

    def __init__(self, config: BlockConfig) -> None:
        silence_log()
        self.config = config
        self._block = config.make_block()
        self._task: weakref.ref[Ledger] | None = None

    def get(self, ledger: Ledger) -> Any:
        """The block of the task that the ledger belongs to."""
        if self._task is None or self._task() is not ledger:
            self._block = self.config.make_block()
            self._task = weakref.ref(ledger)
        return self._block


class FilterMap:
    """Keeps the documents that a filter keeps, with all their columns; a filter that edits texts (C4) edits them here.

    What a filter writes into a document's metadata is not kept: a column must be known before the first row.
    """

    def __init__(self, config: BlockConfig) -> None:
        """Construct the filter once, so that a wrong argument is an error of the driver."""
        self.name = config.block.name
        self._blocks = _BlockPerTask(config)

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Drop rows under the filter's reason, or its class name where it gives none.

        Raises:
            DataError: the filter cannot take a document; names it.
        """
        require_columns(table.schema, NEEDED, self.name)
        if table.num_rows == 0:
            return table
        block = self._blocks.get(ledger)
        documents = to_documents(table, self.name)
        reasons = self._judge(block, documents)
        for reason in dict.fromkeys(reason for reason in reasons if reason is not None):
            ledger.drop(table.filter(pa.array([found == reason for found in reasons])), reason)
        kept = [row for row, reason in enumerate(reasons) if reason is None]
        out = table.take(pa.array(kept, pa.int64()))
        texts = [documents[row].text for row in kept]
        if texts != out["text"].to_pylist():
            out = out.set_column(out.column_names.index("text"), out.schema.field("text"), pa.array(texts, pa.large_string()))
        return out

    def _judge(self, block: Any, documents: list[Any]) -> list[str | None]:
        """Why each document is dropped; None for those that are kept."""
        reasons: list[str | None] = []
        size = max(1, block.batch_size)
        for first in range(0, len(documents), size):
            batch = documents[first : first + size]
            place = f"document {batch[0].id}" + (f" or one of the {len(batch) - 1} after it" if len(batch) > 1 else "")
            with naming_block(self.name, place):
                answers = list(block.filter_batch(batch))
            if len(answers) != len(batch):
                raise DataError(f"{self.name}: {place}: {len(answers)} answers for {len(batch)} documents; filter_batch must answer each")
            reasons += [self._reason(answer) for answer in answers]
        return reasons

    def _reason(self, answer: Any) -> str | None:
        keep, reason = answer if isinstance(answer, tuple) else (answer, None)
        return None if keep else str(reason or self.name.rsplit(".", 1)[-1])


class FormatterMap:
    """Lets a formatter change every text; counts how many it changed."""

    def __init__(self, config: BlockConfig) -> None:
        """Construct the formatter once, so that a wrong argument is an error of the driver."""
        self.name = config.block.name
        self._blocks = _BlockPerTask(config)

    def __call__(self, table: pa.Table, ledger: Ledger) -> pa.Table:
        """Give all rows back.

        Raises:
            DataError: the formatter cannot take a document; names it.
        """
        require_columns(table.schema, NEEDED, self.name)
        if table.num_rows == 0:
            return table
        block = self._blocks.get(ledger)
        old = [text or "" for text in table["text"].to_pylist()]
        new = []
        for doc_id, text in zip(table["doc_id"].to_pylist(), old, strict=True):
            with naming_block(self.name, f"document {doc_id}"):
                new.append(block.format(text))
        ledger.count("texts_changed", sum(itertools.starmap(lambda a, b: a != b, zip(old, new, strict=True))))
        return table.set_column(table.column_names.index("text"), table.schema.field("text"), pa.array(new, pa.large_string()))
