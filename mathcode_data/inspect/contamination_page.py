"""The contamination report as one HTML page: for each benchmark item its text beside the documents that hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.storage import write_bytes
from mathcode_data.inspect.html_parts import drop_tables
from mathcode_data.inspect.markup import Raw, escape, figures, link, page, section, table

MAX_ITEMS, MAX_DOCUMENTS = 300, 10


def write_contamination_page(data: dict[str, Any], file: Path) -> None:
    """Write the page; it loads nothing and runs no script."""
    numbers = [
        (f"{len(data['items']):,}", "benchmark items found"),
        (f"{data['documents']:,}", "documents with one"),
        (f"{data['num_guarded']:,}", "matches that prove nothing"),
    ]
    shown = data["items"][:MAX_ITEMS]
    note = f"The first {MAX_ITEMS:,} of {len(data['items']):,}; --json has all." if len(data["items"]) > MAX_ITEMS else ""
    body = "".join(
        [
            figures(numbers),
            section("What was done", drop_tables(data["counters"])),
            section(
                "Benchmarks", table(["benchmark", "items found"], [[*row] for row in data["benchmarks"].items()]) if data["items"] else ""
            ),
            section("Items", *(_item(item) for item in shown), note=note),
            section(
                "Guarded matches",
                _side_by_side(data["guarded"]) if data["guarded"] else "",
                note="Examples of runs in common that are no evidence; guards: false counts them.",
            ),
        ]
    )
    footer = [f"mathcode-data contamination {data['result']} --json", f"mathcode-data inspect {data['result']}"]
    write_bytes(file, page("contamination", data["result"], "benchmark texts in documents", body, footer).encode("utf-8", "replace"))


def _item(item: dict[str, Any]) -> str:
    documents = item["documents"]
    more = f'<p class="note">{len(documents) - MAX_DOCUMENTS:,} more matches</p>' if len(documents) > MAX_DOCUMENTS else ""
    title = f"{item['benchmark']}, record {item['record']}"
    return f"<h3>{escape(title)}</h3>{_side_by_side(documents[:MAX_DOCUMENTS])}{more}"


def _side_by_side(found: list[dict[str, Any]]) -> str:
    rows = [[Raw(_about(one)), Raw(f'<div dir="auto">{escape(one["item"])}</div>'), Raw(_marked(one))] for one in found]
    return table(["match", "benchmark", "document"], rows)


def _about(one: dict[str, Any]) -> str:
    address = link(one["url"]) if one.get("url") else escape(one.get("path") or one.get("doc_id") or "")
    bits = f", {one['bits']:g} bits" if "bits" in one else ""
    guard = f" ({one['guard'].replace('_', ' ')})" if one.get("guard") else ""
    said = f"{one['verdict']}{guard}: {one['score']:.0%} of the {one['kind']}{bits}; document {one.get('fate', 'kept')}"
    return f"{escape(said)}<br>{escape(one['benchmark'])} {one['record']:d}<br>{address}"


def _marked(one: dict[str, Any]) -> str:
    """The document's text with what matched marked."""
    text, start, parts, at = one["document"], one["document_start"], [], 0
    for low, high in sorted(one["spans"]):
        low, high = max(at, low - start), min(len(text), high - start)
        if low < high:
            parts += [escape(text[at:low]), f"<mark>{escape(text[low:high])}</mark>"]
            at = high
    return f'<div dir="auto">{"".join(parts)}{escape(text[at:])}</div>'
