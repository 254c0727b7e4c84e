"""What of which benchmark stands in which document: the findings of `decontaminate.ngram`, gathered by benchmark item."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.manifest import read_result
from mathcode_data.inspect.kinds import identify, ordered_results

COLUMN = "contamination"
ADDRESS = ("doc_id", "url", "path")
MAX_GUARDED_EXAMPLES = 20


def contamination(folder: Path) -> dict[str, Any]:
    """Gather the findings of a result, of documents kept and dropped.

    Returns:
        `items`, one per benchmark item that was found (`benchmark`, `record`, `documents`: each with address, verdict, spans, texts),
        most documents first; `guarded`, examples of matches that were no evidence; `benchmarks` and `verdicts`, counts; and
        `counters` of the stages that looked for contamination.

    Raises:
        ConfigError: nothing in the result was looked through by decontaminate.ngram.
    """
    counters: list[dict[str, Any]] = []
    by_document: dict[tuple[str, str], dict[str, Any]] = {}  # a later result of the same output still has the column
    for result in ordered_results(folder) if identify(folder) == "output" else [read_result(folder)]:
        stages = [stage.to_json() for stage in result.manifest.counters if stage.stage.startswith("decontaminate.")]
        counters += stages
        found = [row for path in result.document_shards() for row in _kept(path)]
        found += [row for path in result.paths("dropped-", ".parquet") for row in _dropped(path)]
        by_document |= {(row["doc_id"], row["fate"]): row for row in found}
    rows = list(by_document.values())
    if not counters and not rows:
        raise ConfigError(
            f"{folder}: no stage of this result is decontaminate.ngram, so nothing is known of its contamination; "
            "name the result whose pipeline has that stage"
        )
    items: dict[tuple[str, int], dict[str, Any]] = {}
    guarded: list[dict[str, Any]] = []
    verdicts, benchmarks = Counter[str](), Counter[str]()
    for row in rows:
        for finding in row["findings"]:
            verdicts[finding["verdict"]] += 1
            placed = {name: row[name] for name in (*ADDRESS, "fate") if row.get(name)} | finding
            if finding["verdict"] == "guarded":
                guarded.append(placed)
                continue
            key = (finding["benchmark"], finding["record"])
            item = items.setdefault(key, {"benchmark": key[0], "record": key[1], "documents": []})
            item["documents"].append(placed)
    for benchmark, _ in items:
        benchmarks[benchmark] += 1
    ordered = sorted(
        items.values(), key=lambda item: (-len({found.get("doc_id") for found in item["documents"]}), item["benchmark"], item["record"])
    )
    return {
        "result": folder.resolve().name,
        "counters": counters,
        "documents": len({row["doc_id"] for row in rows if any(found["verdict"] != "guarded" for found in row["findings"])}),
        "benchmarks": dict(sorted(benchmarks.items())),
        "verdicts": dict(sorted(verdicts.items())),
        "items": ordered,
        "num_guarded": sum(row["guarded"] for row in rows),
        "guarded": _examples(guarded),
    }


def _examples(guarded: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A few guarded matches of each kind, different ones first."""
    seen: set[str] = set()
    kinds = Counter[str]()
    chosen = []
    for found in guarded:
        start, end = found["spans"][0]
        words = found["document"][start - found["document_start"] : end - found["document_start"]]
        if words not in seen and kinds[found["guard"]] < MAX_GUARDED_EXAMPLES:
            seen.add(words)
            kinds[found["guard"]] += 1
            chosen.append(found)
    return sorted(chosen, key=lambda found: found["guard"])


def _kept(path: Path) -> list[dict[str, Any]]:
    names = pq.read_schema(path).names
    if COLUMN not in names:
        return []
    rows: list[dict[str, Any]] = []
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=[name for name in (*ADDRESS, COLUMN) if name in names]):
            found = batch.filter(batch[COLUMN].is_valid())
            rows += [row | _parsed(path, row[COLUMN]) | {"fate": "kept"} for row in found.to_pylist()]
    return rows


def _dropped(path: Path) -> list[dict[str, Any]]:
    rows = []
    for row in pq.read_table(path).to_pylist():
        details = orjson.loads(row["details"]) if row.get("details") else {}
        if COLUMN in details:
            rows.append(row | _parsed(path, details[COLUMN]) | {"fate": f"dropped: {row['reason']}"})
    return rows


def _parsed(path: Path, content: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{path}: column {COLUMN} is not JSON ({error}); it was not written by decontaminate.ngram, make the result again"
        ) from error
    return parsed


def contamination_text(data: dict[str, Any]) -> str:
    """A few lines for people."""
    found = f"{len(data['items']):,} benchmark items in {data['documents']:,} documents"
    lines = [f"{data['result']}: {found}; {data['num_guarded']:,} guarded matches"]
    lines += [f"  {name}: {number:,} items" for name, number in data["benchmarks"].items()]
    for item in data["items"][:20]:
        first = item["documents"][0]
        where = first.get("url") or first.get("path") or first.get("doc_id")
        lines.append(
            f"  {item['benchmark']} record {item['record']}: {len(item['documents'])} matches, first in {where} ({first['verdict']})"
        )
    return "\n".join(lines)
