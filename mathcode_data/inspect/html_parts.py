"""Parts that the reports of documents, shards and mixtures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mathcode_data.inspect.decoded import Decoded
from mathcode_data.inspect.markup import Percent, Raw, bullets, escape, link, section, table
from mathcode_data.inspect.svg import bar, histogram_chart

GROUP_TITLES = {"source": "Sources", "domain": "Domains", "repository": "Repositories", "language": "Languages", "license": "Licences"}


def chart(drawing: str, caption: str) -> str:
    """A chart with its caption."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>" if drawing else ""


def histogram(found: dict[str, Any], counted: str, caption: str) -> str:
    """A histogram with its caption."""
    missing = f" {found['missing']:,} without a value." if found.get("missing") else ""
    return chart(histogram_chart(found, counted, caption), caption + missing)


def group_tables(groups: dict[str, Any], weight: str) -> str:
    """A table for each group of documents, side by side where there is room."""
    parts: list[str] = []
    single: list[str] = []
    for name, group in groups.items():
        has_weight = weight in group
        total = group[weight] if has_weight else group["documents"]
        if group["distinct"] == 1 and not group["without"]:
            alone = group["top"][0]["name"]
            single.append(f"<p>{escape(GROUP_TITLES.get(name, name))}: {escape(alone)}, all {group['documents']:,} documents.</p>")
            continue
        rows: list[list[Any]] = []
        for row in group["top"]:
            share = row[weight if has_weight else "documents"] / total if total else 0.0
            cells: list[Any] = [row["name"], row["documents"], *([row[weight]] if has_weight else [])]
            rows.append([*cells, Percent(share), Raw(bar(share))])
        others = group["documents"] - group["without"] - sum(row["documents"] for row in group["top"])
        if others:
            rows.append([f"{group['distinct'] - len(group['top']):,} more", others, *([None] if has_weight else []), None, ""])
        if group["without"]:
            rows.append(["none given", group["without"], *([None] if has_weight else []), None, ""])
        heads = [GROUP_TITLES.get(name, name), "documents", *([weight] if has_weight else []), "", ""]
        parts.append(f"<div>{table(heads, rows)}</div>")
    tables = f'<div class="groups">{"".join(parts)}</div>' if parts else ""
    return "".join(single) + tables


def drop_tables(counters: Sequence[dict[str, Any]]) -> str:
    """What each stage read, kept and dropped, by reason, with bars of the share that was read."""
    rows: list[list[Any]] = []
    for stage in counters:
        read = stage["read"]
        kept = stage["kept"] / read if read else 0.0
        rows.append([Raw(f"<strong>{escape(stage['stage'])}</strong>"), "read", read, None, ""])
        rows.append(["", "kept", stage["kept"], Percent(kept), Raw(bar(kept))])
        for reason, number in sorted(stage["dropped"].items(), key=lambda item: -item[1]):
            share = number / read if read else 0.0
            rows.append(["", f"dropped: {reason}", number, Percent(share), Raw(bar(share))])
        rows += [["", name.replace("_", " "), number, None, ""] for name, number in sorted(stage.get("facts", {}).items())]
    return table(["stage", "", "count", "of read", ""], rows) if rows else ""


def decoded_text(decoded: Decoded, anchor: str) -> str:
    """Decoded tokens: documents on changing grounds, a rule where one begins, special ids as marks."""
    parts = []
    for number, part in enumerate(decoded.segments):
        if part.begins:
            parts.append(f'<span class="border" id="{anchor}-{number}">document begins</span>')
        else:
            parts.append(f'<span class="border before" id="{anchor}-{number}">… goes on from before</span>')
        pieces = "".join(
            escape(piece.text)
            if piece.special is None
            else f'<span class="special" title="special id {piece.special}">{escape(piece.text)} {piece.special}</span>'
            for piece in part.pieces
        )
        parts.append(f'<span class="{"odd" if number % 2 else "even"}">{pieces}</span>')
    cut = "" if decoded.num_shown == decoded.num_tokens else f", the first {decoded.num_shown:,} shown"
    ids = "" if decoded.is_text else "; no tokenizer is known, so ids stand for text (name it with --tokenizer)"
    return (
        f'<div class="text" tabindex="0" role="region" aria-label="decoded tokens" dir="auto">{"".join(parts)}</div>'
        f'<p class="note">{decoded.num_tokens:,} tokens{cut}{ids}</p>'
    )


def origin_line(document: dict[str, Any]) -> str:
    """Where a document came from: its address as a link, its path, its place in a WARC file, its id."""
    parts = []
    if document.get("url"):
        parts.append(link(str(document["url"])))
    if document.get("repository") or document.get("path"):
        where = "/".join(str(document[key]) for key in ("repository", "path") if document.get(key))
        parts.append(f"<code>{escape(where)}</code>")
    if document.get("warc_file"):
        at = f" at byte {document['warc_offset']:,}" if document.get("warc_offset") is not None else ""
        parts.append(f"{escape(document['warc_file'])}{at}")
    if document.get("license"):
        parts.append(escape(document["license"]))
    if document.get("doc_id"):
        parts.append(f'<code class="soft">{escape(document["doc_id"])}</code>')
    return " · ".join(parts) or '<span class="soft">no table of documents beside the shard</span>'


def text_box(text: str, characters: int) -> str:
    """The beginning of a text."""
    cut = f'<p class="note">{characters:,} characters, the first {len(text):,} shown</p>' if len(text) < characters else ""
    return f'<div class="text" tabindex="0" role="region" aria-label="text" dir="auto">{escape(text)}</div>{cut}'


def unknown_section(lines: Sequence[str]) -> str:
    """What is not known."""
    return section("What is not known", bullets(lines))


def partial_warning(data: dict[str, Any]) -> str:
    """Said first where a result is not whole."""
    lines = [f"damaged input: {line}" for line in data.get("damage", [])] + [f"set aside: {line}" for line in data.get("quarantined", [])]
    return f'<section class="warning"><h2>This result is partial</h2>{bullets(lines)}</section>' if lines else ""
