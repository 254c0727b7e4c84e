"""Why was a page dropped, or that it was kept: every result says where each of its documents went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.documents import read_documents, read_schema
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.inspect.kinds import identify, sub_results

SHOWN_COLUMNS = ("doc_id", "url", "path", "language", "warc_file", "warc_offset")


def explain(path: Path, *, url: str = "", doc_id: str = "") -> list[dict[str, Any]]:
    """Follow a document through a result, or through all results of a pipeline's output folder.

    Returns:
        One entry per result that met it: `{"result", "verdict": "kept" | "dropped", "stage", "reason", "document"}`.
        Empty when no result knows it (then it never became a document: see the counters of the source).
    """
    folders = [path] if identify(path) == "result" else sub_results(path)
    found = []
    for folder in folders:
        result = read_result(folder)
        if result.manifest.kind == "documents":
            found += _dropped(result, url, doc_id) + _kept(result, url, doc_id)
    return found


def _matches(row: dict[str, Any], url: str, doc_id: str) -> bool:
    return bool((url and row.get("url") == url) or (doc_id and row.get("doc_id") == doc_id))


def _dropped(result: Result, url: str, doc_id: str) -> list[dict[str, Any]]:
    return [
        {"result": result.folder.name, "verdict": "dropped", "stage": row["stage"], "reason": row["reason"], "document": row}
        for path in result.paths("dropped-", ".parquet")
        for batch in read_documents(path)
        for row in batch.to_pylist()
        if _matches(row, url, doc_id)
    ]


def _kept(result: Result, url: str, doc_id: str) -> list[dict[str, Any]]:
    found = []
    for path in result.document_shards():
        names = read_schema(path).names
        columns = [name for name in names if name in SHOWN_COLUMNS or name.startswith("score_")]
        for batch in read_documents(path, columns):
            for row in batch.to_pylist():
                if _matches(row, url, doc_id):
                    stage = result.manifest.stages[-1]["name"] if result.manifest.stages else ""
                    found.append({"result": result.folder.name, "verdict": "kept", "stage": stage, "reason": "", "document": row})
    return found
