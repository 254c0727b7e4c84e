"""datatrove readers as sources: one split per file, documents with our identity, every record counted.

datatrove names a document without an id by file and row, so that renaming a file renames its documents; here such a
document is named by its URL or its text, as in our own readers. Records that cannot be parsed, or hold no text, are only
logged there; here they are counted, and the first one of a file is reported.

`data_folder` is relative to the pipeline file, so `.` is the folder that holds it. Without a `glob_pattern` datatrove would
read every file there, the pipeline file too: where a folder holds files with an ending of the reader's kind, the others are
left out and counted as `other_kind`.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathcode_data.core.counters import Ledger
from mathcode_data.core.documents import TEXT_SCHEMA
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.stage import Split
from mathcode_data.interop.datatrove_config import ReaderConfig
from mathcode_data.interop.datatrove_documents import METADATA, metadata_json, naming_block, silence_log
from mathcode_data.stages.read.batches import RowBatch
from mathcode_data.stages.read.emptiness import require_records
from mathcode_data.stages.read.files import count_skipped, input_names, with_skipped
from mathcode_data.stages.read.identity import foreign_id
from mathcode_data.stages.read.text import clean_text

FILE_PATH = "file_path"
"""Key of the metadata under which datatrove keeps the name of the file; here relative to the input."""
ENDINGS = {
    "CSVReader": (".csv", ".tsv"),
    "IpcReader": (".arrow", ".feather", ".ipc"),
    "JsonlReader": (".json", ".jsonl", ".ndjson"),
    "ParquetReader": (".parquet",),
    "WarcReader": (".warc",),
}
"""Endings of the files that a reader is meant for, before that of a compression."""
COMPRESSIONS = (".bz2", ".gz", ".lz4", ".xz", ".zst", ".zstd")
RECORD_ID = "record_id"
"""Key of the metadata under which the id in the file is kept, from which `doc_id` is made."""


class ReaderSource:
    """A datatrove reader as a source; what it gives beside the text stands as JSON in the column `metadata`."""

    schema = TEXT_SCHEMA.append(pa.field(METADATA, pa.large_string()))

    def __init__(self, config: ReaderConfig) -> None:
        """Construct the reader once, so that a wrong argument is an error of the driver."""
        silence_log()
        self.config = config
        self.name = config.block.name
        self._reader(Path(config.data_folder[0]))

    def _reader(self, path: Path) -> Any:
        reader = self.config.make_block(data_folder=str(path if path.is_dir() else path.parent))
        reader.add_file_path = False  # absolute there: the same input elsewhere would give another result
        return reader

    def splits(self) -> list[Split]:
        """One split per file, in the order of their names; in folders, the files that datatrove would take, of the reader's kind.

        Raises:
            ConfigError: no file there, or all are empty.
        """
        skipped: Counter[str] = Counter()
        prefixes = input_names(self.config.data_folder)
        found: dict[str, str] = {}
        for text in self.config.data_folder:
            path = Path(text)
            prefix = prefixes[text] + "/" if prefixes[text] else ""
            for name in self._list(path, skipped) if path.is_dir() else [path.name]:
                file = str((path if path.is_dir() else path.parent) / name)
                found.setdefault(file, prefix + name)
        if not found:
            folders = ", ".join(self.config.data_folder)
            raise ConfigError(f"data_folder {folders}: {self.name} finds no file there; check the path and glob_pattern")
        splits = [Split((file,), (name,)) for file, name in sorted(found.items(), key=lambda item: (item[1], item[0]))]
        require_records(splits, lambda path: path.stat().st_size > 0, "byte")
        return with_skipped(splits, dict(skipped))

    def _list(self, folder: Path, skipped: Counter[str]) -> list[str]:
        reader = self._reader(folder)
        names: list[str] = reader.data_folder.list_files(recursive=reader.recursive, glob_pattern=reader.glob_pattern)
        names = [name for name in names if not any(part.startswith(".") for part in Path(name).parts)]
        endings = ENDINGS.get(type(reader).__name__, ())
        of_kind = [name for name in names if _bare(name).endswith(endings)] if reader.glob_pattern is None and endings else []
        if of_kind and len(of_kind) < len(names):
            skipped["other_kind"] += len(names) - len(of_kind)
        return of_kind or names

    def read(self, split: Split, ledger: Ledger) -> Iterator[pa.Table]:
        """Read one file.

        Raises:
            DataError: the reader fails on the file; names it.
        """
        path, name = Path(split.files[0]), split.names[0]
        count_skipped(split.options, ledger)
        reader = self._reader(path)
        batch = RowBatch(self.schema)
        with _noted(reader, ledger, name):
            documents = reader.read_file(path.name)
            while True:
                with naming_block(self.name, f"{name}, after {ledger.counters.read:,} records"):
                    document = next(documents, None)
                if document is None:
                    break
                row = self._row(document, name)
                batch.add(row, len(row["text"]) + len(row[METADATA]))
                yield from batch.full()
        yield from batch.rest()

    def _row(self, document: Any, name: str) -> dict[str, Any]:
        given = None if document.id in (None, "") else document.id
        metadata = {FILE_PATH: name} | ({} if given is None else {RECORD_ID: given}) | document.metadata
        text = clean_text(document.text)[0]
        url = metadata.get("url")
        url = clean_text(url)[0] if isinstance(url, str) else ""
        return {
            "doc_id": foreign_id(self.config.source, given, url, text),
            "source": self.config.source,
            "url": url,
            "text": text,
            METADATA: metadata_json(metadata, f"{self.name}: {name}: document {document.id}"),
        }


def _bare(name: str) -> str:
    """A name in small letters, without the ending of a compression."""
    lower = name.lower()
    return next((lower.removesuffix(ending) for ending in COMPRESSIONS if lower.endswith(ending)), lower)


@contextmanager
def _noted(reader: Any, ledger: Ledger, name: str) -> Iterator[None]:
    """Count each record that the reader meets, and what it otherwise only logs."""
    make = reader.get_document_from_dict

    def counted(data: dict[str, Any], source_file: str, id_in_file: Any) -> Any:
        document = make(data, source_file, id_in_file)
        ledger.saw()
        if document is None:
            ledger.drop_unread("no_text")
        elif document.id == f"{source_file}/{id_in_file}":
            document.id = ""
        return document

    module: Any = inspect.getmodule(type(reader).read_file)
    log = getattr(module, "logger", None)
    listener = _Listener(ledger)
    reader.get_document_from_dict = counted
    if log is not None:
        module.logger = listener
    try:
        yield
    finally:
        if log is not None:
            module.logger = log
    if listener.first:
        ledger.damaged(f"{name}: {listener.first} ({listener.number:,} such); mend the file")


class _Listener:
    """Stands where a reader's module looks for its logger: what cannot be read is told nowhere else."""

    def __init__(self, ledger: Ledger) -> None:
        self.first = ""
        self.number = 0
        self._ledger = ledger

    def warning(self, message: str, *_: Any) -> None:
        """Count a record, or the rest of a file, that could not be read."""
        self.first = self.first or f"after {self._ledger.counters.read:,} records: {' '.join(message.split())}"
        self.number += 1
        self._ledger.saw()
        self._ledger.drop_unread("unreadable")

    def info(self, message: str, *_: Any) -> None:
        """Pass over what only tells of progress."""

    error = exception = critical = warning
    debug = trace = success = info
