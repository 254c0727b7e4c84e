"""Token shards from a datatrove pipeline: `TokenizeToMegatron`, with the tokenizer, the checks and the files of `tokenize`.

Unlike datatrove's own writer: files appear when they are whole, a rank without documents leaves none, special tokens
written in a text stay text, and beside each shard stands the table of where its documents came from. Unlike the stage
`tokenize`: documents stand in the order in which they came, one shard per rank.
"""

# N documents, T tokens of all of them

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.typeshelper import StatHints

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.stage import Task
from mathcode_data.core.storage import write_bytes
from mathcode_data.interop.datatrove_config import check_config
from mathcode_data.interop.datatrove_documents import batches, to_table
from mathcode_data.shards.documents_table import DocumentsTableWriter
from mathcode_data.shards.format import documents_path, token_dtype
from mathcode_data.shards.writer import ShardWriter
from mathcode_data.stages.tokenize import prepare_tokenizer
from mathcode_data.stages.tokenize.backends import load_encoder
from mathcode_data.stages.tokenize.encoder import Ids, Lengths
from mathcode_data.stages.tokenize.tokenizer_file import FILE_NAME

STAGE = "tokenize"


class TokenizeToMegatron(PipelineStep):  # type: ignore[misc]  # datatrove has no types
    """Writes `NAME-RANK.bin/.idx/.documents.parquet` and `tokenizer.json`; documents pass through, with `token_count`."""

    type = "🧮 - MATHCODE"
    name = "TokenizeToMegatron"

    def __init__(self, output_folder: str | Path, tokenizer: str | Path, batch_size: int = 1000, **config: Any) -> None:
        """Take the keys of the stage `tokenize`.

        Args:
            output_folder: where the shards go; of one tokenizer, one pipeline.
            tokenizer: a `tokenizer.json`, plain or `.gz`, or a result of `learn.tokenizer`.
            batch_size: documents that are encoded at a time.
            config: `name`, `eos_token`, `append_eos`, `prepend_bos`, `bos_token`, `backend`.

        Raises:
            ConfigError: an unknown key, with the nearest.
        """
        super().__init__()
        self.output_folder = Path(output_folder).absolute()
        self.config = check_config(STAGE, {"tokenizer": str(tokenizer)} | config).model_dump(mode="json")
        self.batch_size = batch_size

    def run(self, data: Iterable[Document] | None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Write this rank's shard; it stands when the last document has passed.

        Raises:
            ConfigError: the output folder holds shards of another tokenizer, or the end token is not clear.
            DataError: the tokenizer makes a special id from a text.
        """
        del world_size
        facts, encoder, config = self._prepare(rank)
        begin, end = facts["bos_id"] if config.prepend_bos else None, facts["eos_id"] if config.append_eos else None
        output = _Output(self.output_folder / f"{config.name}-{rank:05d}", token_dtype(facts["max_id"]))
        with output:
            for batch in batches(data or (), self.batch_size):
                with self.track_time("batch"):
                    ids, lengths = encoder.encode([document.text for document in batch])
                    _refuse_special(ids, lengths, facts["special_ids"], batch)
                    ids, lengths = wrap(ids, lengths, begin, end)
                    output.add(batch, ids, lengths)
                for document, size in zip(batch, lengths.tolist(), strict=True):
                    self.stat_update(StatHints.total)
                    self.stat_update("tokens", value=size)
                    document.metadata["token_count"] = size
                    yield document

    def _prepare(self, rank: int) -> tuple[dict[str, Any], Any, Any]:
        """The tokenizer's facts, its encoder and the configuration; the tokenizer's file stands in the output folder."""
        config: Any = check_config(STAGE, self.config)
        with tempfile.TemporaryDirectory() as folder:
            task = Task(
                index=rank, item={"learned": None, "first": []}, folder=Path(folder), config=config, inputs=(), seed=0, stage=self.name
            )
            prepare_tokenizer(task)
            content = (Path(folder) / FILE_NAME).read_bytes()
        path = self.output_folder / FILE_NAME
        if path.exists() and path.read_bytes() != content:
            raise ConfigError(f"{path}: another tokenizer than {config.tokenizer.path}; give each tokenizer its own output folder")
        write_bytes(path, content)
        facts: dict[str, Any] = task.values["facts"]
        return facts, load_encoder(path, facts["backend"], tuple(task.values["tokens"]["control_tokens"]))[1], config


class _Output(ExitStack):
    """A shard and its table of documents, begun with the first token: a rank without one leaves no file."""

    def __init__(self, prefix: Path, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self._prefix, self._dtype = prefix, dtype
        self._writers: tuple[ShardWriter, DocumentsTableWriter] | None = None

    def add(self, batch: list[Document], ids_T: Ids, lengths_N: Lengths) -> None:
        """Write the documents that have a token."""
        if not ids_T.size:
            return
        if self._writers is None:
            shard = self.enter_context(ShardWriter(self._prefix, self._dtype))
            self._writers = shard, self.enter_context(DocumentsTableWriter(documents_path(self._prefix)))
        shard, table = self._writers
        written = lengths_N > 0
        shard.add_many(ids_T, lengths_N[written])
        table.add(to_table(list(itertools.compress(batch, written))), lengths_N[written])


def wrap(ids_T: Ids, lengths_N: Lengths, begin: int | None, end: int | None) -> tuple[Ids, Lengths]:
    """Put a begin and an end token around every document that has a token.

    >>> wrap(np.array([5, 6, 7], np.uint32), np.array([2, 0, 1]), 1, 0)[0].tolist()
    [1, 5, 6, 0, 1, 7, 0]
    """
    has_tokens = lengths_N > 0
    sizes = lengths_N[has_tokens]
    if end is not None:
        ids_T, sizes = np.insert(ids_T, np.cumsum(sizes), end), sizes + 1
    if begin is not None:
        ids_T, sizes = np.insert(ids_T, np.cumsum(sizes) - sizes, begin), sizes + 1
    wrapped_N = np.zeros_like(lengths_N)
    wrapped_N[has_tokens] = sizes
    return ids_T, wrapped_N


def _refuse_special(ids_T: Ids, lengths_N: Lengths, special: list[int], batch: list[Document]) -> None:
    """Raise a DataError if a text became a control token."""
    hits = np.flatnonzero(np.isin(ids_T, special))
    if hits.size:
        document = batch[int(np.searchsorted(np.cumsum(lengths_N), hits[0], side="right"))]
        found = f"special id {int(ids_T[hits[0]])} from its text"
        raise DataError(f"TokenizeToMegatron: document {document.id}: {found}; use a tokenizer whose special tokens are marked as such")
