"""The HTML report of a result, of token shards, a pipeline's output or a mixture: one file that loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import read_result
from mathcode_data.core.storage import write_bytes
from mathcode_data.inspect.decoded import decode_segments
from mathcode_data.inspect.document_statistics import dropped_examples, example_documents
from mathcode_data.inspect.html_mixture import mixture_page
from mathcode_data.inspect.html_parts import (
    decoded_text,
    drop_tables,
    group_tables,
    histogram,
    origin_line,
    partial_warning,
    text_box,
    unknown_section,
)
from mathcode_data.inspect.markup import Percent, Raw, bullets, escape, figures, page, section, table
from mathcode_data.inspect.sampling import Look, scope_text, short_count
from mathcode_data.inspect.statistics_text import token_lines
from mathcode_data.inspect.svg import bar
from mathcode_data.inspect.tables import human_bytes
from mathcode_data.inspect.vocabulary import Vocabulary, find_tokenizer
from mathcode_data.shards.documents_table import read_documents_table
from mathcode_data.shards.format import documents_path
from mathcode_data.shards.reader import TokenShard
from mathcode_data.shards.resolve import resolve_shards

MAX_SHARD_ROWS = 40
SHOWN_DOCUMENTS = 4


def write_report(path: Path, data: dict[str, Any], look: Look, file: Path) -> None:
    """Write the report of what `statistics` found at a path.

    Raises:
        ConfigError: there is no report of this kind of path, or `file` is a folder.
    """
    if file.is_dir():
        raise ConfigError(f"{file}: is a folder; --html takes the name of a file, such as {file / 'report.html'}")
    write_bytes(file, render(path, data, look).encode("utf-8", "replace"))


def render(path: Path, data: dict[str, Any], look: Look) -> str:
    """The report as one string of HTML."""
    kind = data["kind"]
    if kind == "mixture":
        return mixture_page(path, data, look)
    if kind == "output":
        return _output_page(path, data)
    if "token_shards" in data:
        return _shards_page(path, data, look)
    if "text_read" in data:
        return _documents_page(path, data)
    raise ConfigError(
        f"{path}: no report of a {data.get('result', kind)}; documents, token shards, outputs of pipelines and mixtures have one"
    )


def _result_subtitle(data: dict[str, Any]) -> str:
    return (
        f"{', '.join(data['stages'])} · fingerprint {data['fingerprint']}" if "fingerprint" in data else "shards without a manifest of ours"
    )


def _documents_page(path: Path, data: dict[str, Any]) -> str:
    result = read_result(path)
    paths = result.document_shards()
    read = data["text_read"]
    pairs = [(short_count(data["documents"]), "documents"), (f"{data['shards']:,}", "shards"), (human_bytes(data["bytes"]), "on disk")]
    if data["characters"]:
        pairs.insert(1, (short_count(data["characters"]["mean"]), "characters per document, mean"))
    lengths = histogram(
        data["length_histogram"], "documents", f"Characters per document; {scope_text(read)}. Each bin is twice as wide as the one before."
    )
    scores = "".join(
        f"<h3>{escape(name)}</h3>" + histogram(found, "documents", f"{scope_text(data['columns_read'])}.")
        for name, found in data["scores"].items()
    )
    dropped = "".join(_example(f"{row['stage']}: {row['reason']}", row) for row in dropped_examples(result))
    titles = ("title", "path", "url", "doc_id")
    shown = "".join(_example(str(next(row[key] for key in titles if row.get(key))), row) for row in example_documents(paths))
    columns = f"{scope_text(data['columns_read'])}."
    body = "".join(
        [
            figures(pairs), partial_warning(data),
            section("Kept and dropped", drop_tables(data["counters"]), note="Each stage's own counts: read = kept + dropped."),
            section("Length", lengths), section("Scores", scores),
            section("Where the documents come from", group_tables(data["groups"], "characters"), note=columns),
            section("Examples of documents", shown),
            section("Examples of dropped documents", f"<details><summary>Show them</summary>{dropped}</details>" if dropped else ""),
        ]
    )  # fmt: skip
    return page(
        "documents",
        path.name or str(path),
        _result_subtitle(data),
        body,
        [f"mathcode-data inspect {path} --full", f"mathcode-data explain {path} --url URL"],
    )


def _example(title: str, row: dict[str, Any]) -> str:
    return f'<h3>{escape(title)}</h3><p class="note">{origin_line(row)}{_scores(row)}</p>{text_box(row["text"], row["characters"])}'


def _scores(row: dict[str, Any]) -> str:
    found = [f"{name} {value:.3f}" for name, value in row.items() if name.startswith("score_") and isinstance(value, float)]
    return escape(" · " + ", ".join(found)) if found else ""


def _shards_page(path: Path, data: dict[str, Any], look: Look) -> str:
    vocabulary, fertility = data["vocabulary"], data["fertility"]
    least = "≥ " if data["tokens_read"]["is_sample"] else ""
    coverage = f"{least}{vocabulary['coverage']:.1%}" if vocabulary["coverage"] is not None else "not known"
    per_token = f"{fertility['bytes_per_token']:.2f}" if fertility["bytes_per_token"] is not None else "not known"
    pairs = [
        (short_count(data["tokens"]), "tokens"), (short_count(data["documents"]), "documents"),
        (f"{len(data['token_shards']):,}", "shards"), (coverage, "of the vocabulary used"), (per_token, "bytes of text per token"),
    ]  # fmt: skip
    rows = [[row["name"], row["documents"], row["tokens"], row["dtype"], human_bytes(row["bytes"])] for row in data["token_shards"]]
    more = f'<p class="note">{len(rows) - MAX_SHARD_ROWS:,} more shards are not listed.</p>' if len(rows) > MAX_SHARD_ROWS else ""
    shards = table(["shard", "documents", "tokens", "dtype", "size"], rows[:MAX_SHARD_ROWS]) + more
    lengths = histogram(
        data["length_histogram"], "documents",
        f"Tokens per document; {scope_text(data['lengths_read'])}. Each bin is twice as wide as the one before.",
    )  # fmt: skip
    body = "".join(
        [
            figures(pairs), partial_warning(data), section("Length", lengths),
            section("Ids", _ids(data), bullets(token_lines(data)), note=f"{scope_text(data['tokens_read'])}."),
            section("Where the documents come from", group_tables(data["groups"], "tokens"), note=f"{scope_text(data['groups_read'])}."),
            section("First documents", _first_documents(path, look), note="Special ids are marked; a rule stands where a document begins."),
            section("Shards", shards), section("Kept and dropped", drop_tables(data.get("counters", []))), unknown_section(data["unknown"]),
        ]
    )  # fmt: skip
    return page(
        "token shards",
        path.name or str(path),
        _result_subtitle(data),
        body,
        [f"mathcode-data decode {path} --document 0", f"mathcode-data verify {path} --full"],
    )


def _ids(data: dict[str, Any]) -> str:
    found = data["vocabulary"]
    total = found["tokens_read"] or 1
    rows = [
        [row["id"], Raw(f"<code>{escape(_token(row['text']))}</code>") if row["text"] is not None else None, row["count"],
         Percent(row["count"] / total), Raw(bar(row["count"] / total * 5))]
        for row in found["most_frequent"]
    ]  # fmt: skip
    special = [[row["id"], row["name"], row["at_start"], row["at_end"], row["inside"]] for row in data["special_ids"]["ids"]]
    parts = [table(["id", "text", "count", "of tokens", ""], rows, "Most frequent ids")] if rows else []
    if special:
        parts.append(table(["id", "special", "first in a document", "last", "inside"], special, "Special ids"))
    return f'<div class="groups">{"".join(f"<div>{part}</div>" for part in parts)}</div>' if parts else ""


def _token(text: str) -> str:
    """White space as marks.

    >>> _token(" a\\n")
    '␣a⏎'
    """
    return text.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")


def _first_documents(path: Path, look: Look) -> str:
    """The first documents of the first shard that has some."""
    for prefix in resolve_shards(path):
        with TokenShard(prefix) as shard:
            count = min(SHOWN_DOCUMENTS, shard.num_documents)
            if not count:
                continue
            vocabulary = Vocabulary({}, find_tokenizer(prefix.parent, look.tokenizer))
            known = read_documents_table(documents_path(prefix), 0, count) if documents_path(prefix).is_file() else [{}] * count
            parts = []
            for number in range(count):
                decoded = decode_segments(shard.document(number), [0], vocabulary)
                head = f'<h3>document {number} of {escape(prefix.name)}</h3><p class="note">{origin_line(known[number])}</p>'
                parts.append(f'<div class="sample">{head}{decoded_text(decoded, f"d{number}")}</div>')
            return "".join(parts)
    return ""


def _output_page(path: Path, data: dict[str, Any]) -> str:
    rows = [
        [row["id"], row["result"], row["documents"], row["tokens"] or None, human_bytes(row["bytes"]), ", ".join(row["stages"])]
        for row in data["results"]
    ]
    parts = "".join(f"<h3>{escape(row['id'])}</h3>{drop_tables(row['counters'])}" for row in data["results"] if row["counters"])
    body = "".join(
        [
            figures([(f"{len(rows):,}", "results"), (human_bytes(sum(row["bytes"] for row in data["results"])), "on disk")]),
            partial_warning({"quarantined": [f"{name}: not finished" for name in data.get("unfinished") or []]}),
            section("Results", table(["result", "kind", "documents", "tokens", "size", "stages"], rows)),
            section("Kept and dropped", parts, note="Each stage's own counts: read = kept + dropped."),
        ]
    )
    return page(
        "output of a pipeline", path.name or str(path), str(path), body, [f"mathcode-data inspect {path}/RESULT --html result.html"]
    )
