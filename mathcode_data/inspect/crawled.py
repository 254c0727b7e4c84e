"""What a crawl decided on an address: the metadata records in its WARC files, for pages that never became a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from mathcode_data.core.manifest import Result
from mathcode_data.inspect.tables import dropped_text

SUFFIX = ".warc.gz"
STORED = "stored"
REFUSED = "links_refused_"
SHOWN = ("status", "location", "signals", "robots", "problem", "truncated", "notes", "score", "depth", "until")


def crawl_verdicts(result: Result, urls: tuple[str, ...]) -> list[dict[str, Any]]:
    """One entry per address that a crawl asked for or refused, as `explain` gives them; a file is read from front to back."""
    if result.manifest.kind != "warc" or not urls:
        return []
    wanted = {form for url in urls for form in (url, url.partition("#")[0], f"{url}/")}
    return [_entry(result, url, decision) for path in result.paths("", SUFFIX) for url, decision in _decisions(path, wanted)]


def refused_links_text(result: Result) -> str:
    """How many links the rules on addresses left alone, by rule: they are counted, and no page is asked for them."""
    found = {
        name.removeprefix(REFUSED): number
        for counters in result.manifest.counters
        for name, number in counters.facts.items()
        if name.startswith(REFUSED)
    }
    return f"{result.folder.name}: {dropped_text(found)}" if found else ""


def _decisions(path: Path, wanted: set[str]) -> list[tuple[str, dict[str, Any]]]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    found = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.metadata, parse_http=False):
            url = record.headers.get("WARC-Target-URI") or ""
            if url in wanted:
                decision = orjson.loads(record.reader.read())
                if isinstance(decision, dict) and "outcome" in decision:
                    found.append((url, decision))
    return found


def _entry(result: Result, url: str, decision: dict[str, Any]) -> dict[str, Any]:
    stage = result.manifest.stages[-1]["name"] if result.manifest.stages else "crawl"
    is_stored = decision["outcome"] == STORED
    said = {name: decision[name] for name in SHOWN if decision.get(name) not in (None, "", {}, [])}
    why = ", ".join(f"{name} {_text(value)}" for name, value in said.items())
    verdict = "kept" if is_stored else "dropped"
    return {
        "result": result.folder.name, "verdict": verdict, "stage": stage, "reason": "" if is_stored else decision["outcome"],
        "document": {"doc_id": "", "url": url}, "decision": decision,
        "steps": [{"stage": stage, "verdict": verdict, "why": why if is_stored else f"{decision['outcome']}: {why}".rstrip(": ")}],
    }  # fmt: skip


def _text(value: Any) -> str:
    return ", ".join(f"{name}: {said}" for name, said in value.items()) if isinstance(value, dict) else str(value)
