"""Join the files of a repository into documents, each file behind those that it imports (DeepSeek-Coder's repository order).

Imports, includes and uses are found by regular expressions for Python, C and C++, Java and Kotlin, JavaScript and TypeScript, Go, and
Rust (`imports_*.py`), and for Java and Go the names that files of one package share (`packages.py`). Each disconnected part of the
graph is one document; in it, the file with the fewest needed files left is taken again and again, so that circles work, and never before
a circle that it needs (`order.py`); ties go by path. A comment at the head of each file names its path.

    read.code -> dedup.exact -> arrange.repository -> dedup.minhash -> decontaminate.ngram -> arrange.fim -> tokenize

stands for the paper's order: near-duplicates are searched among joined repositories, not among files. Scores by file and
`select.*` come before, for a joined document has other scores than its files.

A joined document has an id made of its files' ids, `repository`, and in `files` the id, path, language, licence and bytes
[start, end) of each file, without its comment. `path` is the path of a single file, else `first/path.py (+11)`; `language` is
the one with most bytes; `license` holds all licences of its files joined by AND (`NOASSERTION` for a file without one beside
others), so whoever asks for a list of licences judges by the strictest. Any other column keeps a value that all files share, and
else is null.

Every file is in one document. A document counts as kept, and each further file of it as dropped under `joined`, with the
document as its `twin`, so read == kept + dropped and `explain` shows where a file went. Documents without a repository pass as they
are. Documents depend neither on how rows lay in shards nor on their order; memory is one document and the paths of a part.

Phases: `scan` (per shard: imports; rows sorted by repository), `list`, `join` (per part of the repositories).
Facts: `repositories`, `joined_files`, `imports_followed`, `documents_split`, `circles` (files taken though something they
need came later).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from mathcode_data.core.config import ByteCount
from mathcode_data.core.documents import document_id, write_documents
from mathcode_data.core.stage import GlobalContext, GlobalOutcome, StageConfig, Task, document_items
from mathcode_data.core.storage import read_json, write_json
from mathcode_data.stages.arrange import repository_rows as rows
from mathcode_data.stages.arrange.comments import path_comment
from mathcode_data.stages.arrange.imports import family_of, needed_files
from mathcode_data.stages.arrange.marks import FILE_TYPE, FILES, MARK_TYPE, SPECIAL_TOKENS
from mathcode_data.stages.arrange.order import ordered_parts
from mathcode_data.stages.complete import map_one

VERSION = "4"

LISTING, SCHEMA = "listing.json", "schema.arrow"
WRITE_BYTES = 8 << 20
OWN = ("doc_id", "text", "path", "language", "license")
"""Columns that a joined document does not simply take over from its files."""

Row = dict[str, Any]


class Config(StageConfig):
    """What becomes one document."""

    join: Literal["connected", "repository"] = "connected"
    """One document for each connected part of the import graph, or one for the whole repository (its parts one behind the other)."""
    max_document_bytes: ByteCount = Field(default=1_000_000, ge=1, le=1 << 30)
    """A longer document is split between files; a single file that is longer stays whole. Before `arrange.fim` take about what a
    training sample holds (16KB for 4,096 tokens): sentinels that lie farther apart are never seen together."""
    unparsed: Literal["separate", "together", "drop"] = "separate"
    """Files in languages whose imports are not known: each a document of its own, all of a repository in one, or dropped as `no_parser`.
    With `join: repository` they stand in the document unless they are dropped."""
    path_comments: bool = True
    """Begin each file with a comment that names its path, in its language's syntax (JSON has none)."""
    file_token: str | None = Field(default=None, min_length=1)
    """A special token before each file, as StarCoder2's `<file_sep>`; `tokenize` puts it in. null: none."""
    shard_bytes: ByteCount = Field(default=128_000_000, ge=1)
    """Text of a shard that is written, about."""


def build(config: Config) -> JoinRepositories:
    """Make the stage."""
    return JoinRepositories(config)


class JoinRepositories:
    """Joins files to documents."""

    kind = "documents"

    def __init__(self, config: Config) -> None:
        self._config = config

    def run(self, context: GlobalContext) -> GlobalOutcome:
        """Scan, list, join."""
        scanned = context.map("scan", rows.scan_shard, document_items(context.inputs))
        if not scanned:
            return GlobalOutcome([], [])
        listed = map_one(context, "list", list_shards, {"folders": [str(record.folder) for record in scanned]})
        num_buckets = max(1, -(-rows.total_bytes(scanned) // self._config.shard_bytes))
        item = {"listing": str(listed.path(LISTING)), "schema": str(listed.path(SCHEMA)), "num_buckets": num_buckets}
        joined = context.map("join", join_bucket, [item | {"bucket": bucket} for bucket in range(num_buckets)])
        return GlobalOutcome(joined, joined)


def list_shards(task: Task) -> None:
    """Phase `list`: the folders of the scanned shards, and the columns of what will be written."""
    folders = task.item["folders"]
    write_json(task.folder / LISTING, folders)
    schema = rows.joint_schema(folders).append(pa.field(FILES, FILE_TYPE))
    if task.config.file_token is not None:
        schema = schema.append(pa.field(SPECIAL_TOKENS, MARK_TYPE))
    with pa.ipc.new_file(task.folder / SCHEMA, schema):
        pass  # a file of no rows, which holds the columns


def join_bucket(task: Task) -> None:
    """Phase `join`: write the documents of one part of the repositories."""
    with pa.memory_map(task.item["schema"]) as file:
        schema = pa.ipc.open_file(file).schema
    reader = rows.RowReader(read_json(Path(task.item["listing"])))
    found = list(reader.select(task.item["bucket"], task.item["num_buckets"]))
    task.ledger.saw(len(found))
    found.sort(key=_group_key)
    name = f"documents-{task.index:05d}.parquet"
    kept = write_documents(task.folder / name, _tables(_documents(task, reader, found), schema), schema)
    task.declare(name, rows=kept)
    task.ledger.counters.kept += kept


def _repository_of(row: Row) -> tuple[str, str, str]:
    """What a row is joined with: source and repository, or itself alone."""
    repository = row["repository"] or ""
    return row.get("source") or "", repository, "" if repository else row["doc_id"]


def _group_key(row: Row) -> tuple[Any, ...]:
    """The order of rows, total but for rows that are equal in all that counts."""
    return *_repository_of(row), row["path"] or "", row["doc_id"], row[rows.DIGEST], repr(sorted(_other(row).items()))


def _other(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("place", rows.IMPORTS)}


def _tables(documents: Iterator[Row], schema: pa.Schema) -> Iterator[pa.Table]:
    waiting: list[Row] = []
    size = 0
    for document in documents:
        waiting.append(document)
        size += len(document["text"])
        if size >= WRITE_BYTES:
            yield pa.Table.from_pylist(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_pylist(waiting, schema)


def _documents(task: Task, reader: rows.RowReader, found: Sequence[Row]) -> Iterator[Row]:
    for (source, repository, _), group in itertools.groupby(found, _repository_of):
        files = list(group)
        if not repository:
            yield from (_unjoined(row, reader.text(row["place"])) for row in files)
            continue
        task.ledger.count("repositories")
        joined: list[tuple[Row, str]] = []
        for part in _parts(task, files):
            document = _join(part, source, repository, reader, task.config)
            joined += [(row, document["doc_id"]) for row in part[1:]]
            yield document
        _account(task, joined, "joined")
        task.ledger.count("joined_files", len(joined))


def _account(task: Task, lost: Sequence[tuple[Row, str]], reason: str) -> None:
    """Hand over files that are no documents of their own, with the document that holds them."""
    if lost:
        columns = {name: [row.get(name) for row, _ in lost] for name in ("doc_id", "url", "path", "repository")}
        task.ledger.drop(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()} | {
            "twin": pa.array([twin or None for _, twin in lost], pa.string())}), reason)  # fmt: skip


def _parts(task: Task, files: list[Row]) -> Iterator[list[Row]]:
    """The files of each document of a repository, in order."""
    config: Config = task.config
    unparsed = [row for row in files if family_of(row["language"], row["path"] or "") is None]
    if config.unparsed == "drop":
        _account(task, [(row, "") for row in unparsed], "no_parser")
    if config.unparsed == "drop" or config.join == "connected":
        files = [row for row in files if family_of(row["language"], row["path"] or "") is not None]
    needed = needed_files([row["path"] or "" for row in files], [row["language"] for row in files], [row[rows.IMPORTS] for row in files])
    task.ledger.count("imports_followed", sum(map(len, needed)))
    parts = ordered_parts(needed)
    for part in parts:
        place = {number: position for position, number in enumerate(part)}
        task.ledger.count("circles", sum(any(place[other] > place[number] for other in needed[number]) for number in part))
    groups = [[files[number] for number in part] for part in parts]
    if config.join == "repository":
        groups = [list(itertools.chain.from_iterable(groups))] if groups else []
    elif config.unparsed == "separate":
        groups += [[row] for row in unparsed]
    elif config.unparsed == "together" and unparsed:
        groups.append(unparsed)
    for group in groups:
        pieces = list(_split(group, config))
        task.ledger.count("documents_split", len(pieces) - 1)
        yield from pieces


def _split(group: Sequence[Row], config: Config) -> Iterator[list[Row]]:
    """Cut a document between files where it would become too long."""
    part: list[Row] = []
    size = 0
    for row in group:
        own = row[rows.BYTES] + len(_head(row, config).encode()) + 1
        if part and size + own > config.max_document_bytes:
            yield part
            part, size = [], 0
        part.append(row)
        size += own
    if part:
        yield part


def _head(row: Row, config: Config) -> str:
    return path_comment(row["path"] or "", row["language"]) if config.path_comments else ""


def _join(part: Sequence[Row], source: str, repository: str, reader: rows.RowReader, config: Config) -> Row:
    """One document of some files."""
    pieces: list[str] = []
    spans: list[Row] = []
    marks: list[Row] = []
    position = 0
    for row in part:
        if config.file_token is not None:
            marks.append({"at": position, "token": config.file_token})
        head, text = _head(row, config), reader.text(row["place"])
        end = "" if text.endswith("\n") or row is part[-1] else "\n"
        start = position + len(head.encode())
        spans.append(_span(row, start))
        pieces += [head, text, end]
        position = start + row[rows.BYTES] + len(end)
    identity = "\n".join([repository, *(row["doc_id"] for row in part)])
    document = {name: value for name, value in part[0].items() if all(row.get(name) == value for row in part[1:])}
    sizes: dict[str, int] = {}
    for row in part:
        sizes[row["language"] or ""] = sizes.get(row["language"] or "", 0) + row[rows.BYTES]
    path = part[0]["path"] or ""
    return document | {
        "doc_id": document_id(source, identity), "text": "".join(pieces), FILES: spans, SPECIAL_TOKENS: marks,
        "path": path if len(part) == 1 else f"{path} (+{len(part) - 1})",
        "language": min(sizes, key=lambda name: (-sizes[name], name)),
    } | _license_column(part)  # fmt: skip


def _span(row: Row, start: int) -> Row:
    known = {name: row.get(name) for name in ("doc_id", "path", "language", "license")}
    known |= {} if isinstance(known["license"], str) else {"license": None}
    return known | {"start": start, "end": start + row[rows.BYTES]}


def _license_column(part: Sequence[Row]) -> Row:
    """The licences of some files, where they are texts; a column of another type is a column as any other."""
    names = [row.get("license") or "" for row in part]
    return {"license": _license(names)} if all(isinstance(name, str) for name in names) else {}


def _license(names: Sequence[str]) -> str:
    """All licences of some files.

    >>> _license(["MIT", "", "Apache-2.0 OR MIT"]), _license(["", ""])
    ('(Apache-2.0 OR MIT) AND MIT AND NOASSERTION', '')
    """
    if not any(names):
        return ""
    found = {part for name in names for part in (name.split(" AND ") if " OR " not in name else [f"({name})"])}
    return " AND ".join(sorted(name or "NOASSERTION" for name in found))


def _unjoined(row: Row, text: str) -> Row:
    """A document without a repository as it came."""
    return row | {"text": text, FILES: [_span(row, 0)], SPECIAL_TOKENS: []}
