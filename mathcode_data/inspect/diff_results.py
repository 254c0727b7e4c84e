"""Two results side by side: configuration, counters, and the documents that only one of them holds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from mathcode_data.core.documents import read_documents, read_schema
from mathcode_data.core.manifest import Manifest, Result
from mathcode_data.inspect.tables import dropped_text, table

MAX_EXAMPLES = 5
MAX_ROWS = 20
MAX_TEXTS = 5_000_000
"""Documents whose texts are compared (a dictionary of this size takes a gigabyte)."""
DOCUMENTS_TABLE = ".documents.parquet"
ADDRESS = ("url", "path")

Rows = list[dict[str, Any]]


def document_effects(a: Result, b: Result) -> Rows:
    """Documents of only one side, and those of both whose text differs; rows as `diff` gives them."""
    hashes = [{(shard.name, shard.sha256) for shard in result.manifest.shards} for result in (a, b)]
    if hashes[0] == hashes[1] or a.manifest.kind != b.manifest.kind or a.manifest.kind not in ("documents", "tokens"):
        return []
    tables = [_addresses(result) for result in (a, b)]
    only = [_only(tables[0], tables[1]), _only(tables[1], tables[0])]
    rows: Rows = []
    if only[0]["count"] or only[1]["count"]:
        rows.append({"key": "documents.only_here", "a": only[0], "b": only[1]})
    if a.manifest.kind == "documents" and max(found.num_rows for found in tables) <= MAX_TEXTS:
        changed = _other_texts(a, b)
        if changed["count"]:
            rows.append({"key": "documents.other_text", "a": changed, "b": changed})
    return rows


def _addresses(result: Result) -> pa.Table:
    """doc_id, url and path of all documents."""
    paths = result.document_shards() if result.manifest.kind == "documents" else result.paths("", DOCUMENTS_TABLE)
    parts = []
    for path in paths:
        names = [name for name in ("doc_id", *ADDRESS) if name in read_schema(path).names]
        for batch in read_documents(path, names):
            nulls = pa.nulls(batch.num_rows, pa.string())
            columns = [batch[name].cast(pa.string()) if name in names else nulls for name in ("doc_id", *ADDRESS)]
            parts.append(pa.table(columns, names=["doc_id", *ADDRESS]))
    schema = pa.schema([(name, pa.string()) for name in ("doc_id", *ADDRESS)])
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _only(one: pa.Table, other: pa.Table) -> dict[str, Any]:
    there = pc.is_in(one["doc_id"], value_set=other["doc_id"].combine_chunks())
    found = one.filter(pc.invert(there))
    return {"count": found.num_rows, "examples": [_example(row) for row in found.slice(0, MAX_EXAMPLES).to_pylist()]}


def _example(row: dict[str, Any]) -> str:
    return " ".join([str(row["doc_id"]), *(str(row[name]) for name in ADDRESS if row.get(name))])


def _other_texts(a: Result, b: Result) -> dict[str, Any]:
    before = dict(_text_hashes(a))
    changed = [doc_id for doc_id, digest in _text_hashes(b) if before.get(doc_id, digest) != digest]
    return {"count": len(changed), "examples": changed[:MAX_EXAMPLES]}


def _text_hashes(result: Result) -> Any:
    for path in result.document_shards():
        if "text" in read_schema(path).names:
            for batch in read_documents(path, ["doc_id", "text"]):
                for doc_id, text in zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True):
                    yield doc_id, xxhash.xxh3_128_intdigest((text or "").encode("utf-8", "surrogatepass"))


def results_text(a: Manifest, b: Manifest, names: tuple[str, str], rows: Rows) -> str:
    """Two results for people."""
    parts = [f"a: {names[0]}  {a.fingerprint}\nb: {names[1]}  {b.fingerprint}"]
    causes = [row for row in rows if row["key"].startswith(("stages.", "inputs.", "kind"))]
    if causes:
        more = f"\n... and {len(causes) - MAX_ROWS} more" if len(causes) > MAX_ROWS else ""
        parts.append(table(["cause", "a", "b"], [[row["key"], row["a"], row["b"]] for row in causes[:MAX_ROWS]]) + more)
    parts.append(_counters(a, b))
    found = {row["key"]: row for row in rows}
    if "documents.only_here" in found:
        parts += [_only_text(side, found["documents.only_here"][side]) for side in ("a", "b")]
    if "documents.other_text" in found:
        changed = found["documents.other_text"]["a"]
        parts.append(f"{changed['count']:,} documents of both have another text: {', '.join(changed['examples'])}{_more(changed)}")
    parts.append(f"{len(rows)} values differ; --json has all of them")
    return "\n\n".join(part for part in parts if part)


def _counters(a: Manifest, b: Manifest) -> str:
    """What each stage read, kept and dropped, where that differs."""
    known = [{counters.stage: counters for counters in manifest.counters} for manifest in (a, b)]
    rows = []
    for stage in dict.fromkeys([*known[0], *known[1]]):
        pair = [side.get(stage) for side in known]
        values = [(counters.read, counters.kept, dict(counters.dropped)) if counters else None for counters in pair]
        if values[0] != values[1]:
            numbers = [[value[i] if value else None for value in values] for i in (0, 1)]
            rows.append([stage, *numbers[0], *numbers[1], *(dropped_text(value[2]) if value else None for value in values)])
    return table(["stage", "in a", "in b", "kept a", "kept b", "dropped a", "dropped b"], rows) if rows else "the counters are equal"


def _only_text(side: str, found: dict[str, Any]) -> str:
    if not found["count"]:
        return f"no document is only in {side}"
    lines = "\n".join(f"  {example}" for example in found["examples"])
    return f"{found['count']:,} documents are only in {side}:\n{lines}{_more(found, newline=True)}"


def _more(found: dict[str, Any], *, newline: bool = False) -> str:
    left = found["count"] - len(found["examples"])
    if left <= 0:
        return ""
    return f"\n  ... and {left:,} more" if newline else f" and {left:,} more"
