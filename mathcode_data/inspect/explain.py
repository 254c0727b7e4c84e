"""Why was a page dropped, or that it was kept: every result says where each of its documents went, in the order of the pipeline."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.inspect.crawled import crawl_verdicts, refused_links_text
from mathcode_data.inspect.find import Wanted, find_rows, near_addresses
from mathcode_data.inspect.kinds import identify, ordered_results, sub_results
from mathcode_data.inspect.samples import drawn_samples
from mathcode_data.inspect.tables import dropped_text, table
from mathcode_data.inspect.verdicts import details_of, removed_from, shown_columns, stage_labels, steps_of, twin_of
from mathcode_data.mixture.opened import read_mixture, shard_prefix

DROPPED, DOCUMENTS_TABLE = "dropped-", ".documents.parquet"
MAX_REMOVED_CHARACTERS = 400
"""Of a piece that was cut out of a text, for people; --json has all of it."""
MAX_SHOWN_SAMPLES = 12
MAX_ASIDE = 3


def explain(path: Path, *, url: str = "", doc_id: str = "", code_path: str = "") -> list[dict[str, Any]]:
    """Follow a document through a result, all results of a pipeline's output folder, or a mixture and what it was made from.

    Args:
        path: of a result, an output folder or a mixture.
        url: of the page.
        doc_id: of the document.
        code_path: of a source file, with or without its repository before it.

    Returns:
        One entry per result that met it: `{"result", "verdict", "stage", "reason", "document", "steps"}`. The verdict is kept or
        dropped; `steps` says of each stage what it saw. A near-duplicate has `twin`, a text that was cut `removed`, a result of
        tokens `tokens` (shard, document, span), a mixture `samples`, `num_samples` and the verdict drawn, held out or not drawn.
        Of an address that never became a document, what a crawl decided: `decision`, from the records in its WARC files.
        Empty when no result knows it, see `why_unknown`.
    """
    wanted = Wanted(tuple(filter(None, [doc_id])), tuple(filter(None, [url])), tuple(filter(None, [code_path])))
    found: list[dict[str, Any]] = []
    for result in results_at(path):
        if result.manifest.kind == "documents":
            found += _dropped(result, wanted) + _kept(result, wanted)
        elif result.manifest.kind == "tokens":
            found += _tokens(result, wanted)
    if identify(path) == "mixture":
        found += drawn_samples(path, wanted)
    if not found:  # it never became a document; a crawl's files are read only then, for there are many
        found = [entry for result in results_at(path) for entry in crawl_verdicts(result, wanted.urls)]
    return found


def results_at(path: Path) -> list[Result]:
    """The results that a path means, in the order of their pipeline.

    Raises:
        ConfigError: the path is something that no document goes through.
    """
    kind = identify(path)
    if kind == "result":
        return [read_result(path)]
    if kind == "output":
        return ordered_results(path)
    if kind != "mixture":
        raise ConfigError(f"{path}: {kind}; explain follows a document through a result, a pipeline's output or a mixture")
    outputs: dict[Path, None] = {}
    for source in read_mixture(path)["sources"]:
        for shard in source["shards"]:
            folder = shard_prefix(path, shard).resolve().parent
            if folder.parent.is_dir() and folder in sub_results(folder.parent):
                outputs[folder.parent] = None
    return [result for output in outputs for result in ordered_results(output)]


def _dropped(result: Result, wanted: Wanted) -> list[dict[str, Any]]:
    found = []
    for path in result.paths(DROPPED, ".parquet"):
        for _, row in find_rows(path, wanted, with_long=True):
            stages = dict(zip(stage_labels(result.manifest.stages), result.manifest.stages, strict=True))
            document = row | details_of(row)
            entry = {
                "result": result.folder.name, "verdict": "dropped", "stage": row["stage"], "reason": row["reason"], "document": row,
                "steps": steps_of(result, document, row["stage"], row["reason"]),
            }  # fmt: skip
            twin = twin_of(result, row, stages.get(row["stage"], {}))
            found.append(entry if twin is None else entry | {"twin": twin})
    return found


def _kept(result: Result, wanted: Wanted) -> list[dict[str, Any]]:
    found = []
    for path in result.document_shards():
        for _, row in find_rows(path, wanted, with_long=True):
            stage = result.manifest.stages[-1]["name"] if result.manifest.stages else ""
            entry = {
                "result": result.folder.name, "verdict": "kept", "stage": stage, "reason": "", "document": shown_columns(row),
                "steps": steps_of(result, row, None, ""),
            }  # fmt: skip
            removed = removed_from(result, row)
            found.append(entry if removed is None else entry | {"removed": removed})
    return found


def _tokens(result: Result, wanted: Wanted) -> list[dict[str, Any]]:
    found = []
    for path in result.paths("", DOCUMENTS_TABLE):
        for number, row in find_rows(path, wanted):
            start = int(row["token_start"])
            place = {"shard": path.name.removesuffix(DOCUMENTS_TABLE), "document": number, "span": [start, start + int(row["num_tokens"])]}
            stage = stage_labels(result.manifest.stages)[-1] if result.manifest.stages else ""
            found.append(
                {"result": result.folder.name, "verdict": "kept", "stage": stage, "reason": "", "document": shown_columns(row),
                 "steps": [{"stage": stage, "verdict": "kept", "why": _span_text(place)}], "tokens": place}
            )  # fmt: skip
    return found


def _span_text(place: dict[str, Any]) -> str:
    start, stop = place["span"]
    return f"{stop - start:,} tokens, {start:,} to {stop:,} of {place['shard']}, document {place['document']:,}"


def why_unknown(path: Path, *, url: str = "", doc_id: str = "", code_path: str = "") -> str:
    """One line for a document that no result knows: addresses like it, and what the readers set aside before it had one."""
    address = url or code_path
    results = results_at(path)
    files = [file for result in results for file in result.paths("", ".parquet") if file.name != "clusters.parquet"]
    near = near_addresses(files, address) if address else []
    hint = f"; like it: {', '.join(near)}" if near else ""
    unread = [text for result in results if result.manifest.kind == "documents" and (text := _unread_text(result))]
    counted = f"; set aside before they became documents: {'; '.join(unread)}" if unread else ""
    refused = [text for result in results if result.manifest.kind == "warc" and (text := refused_links_text(result))]
    counted += f"; links that a crawl left alone, by rule, not named one by one: {'; '.join(refused)}" if refused else ""
    aside = [f"{result.folder.name}: {line}" for result in results for line in result.manifest.quarantined]
    more = f" and {len(aside) - MAX_ASIDE} more" if len(aside) > MAX_ASIDE else ""
    counted += f"; not looked into, for these tasks were set aside: {'; '.join(aside[:MAX_ASIDE])}{more}" if aside else ""
    names = ", ".join(result.folder.name for result in results if result.manifest.kind in ("documents", "tokens"))
    wanted = Wanted(tuple(filter(None, [doc_id])), tuple(filter(None, [url])), tuple(filter(None, [code_path])))
    return f"{path}: no document of {wanted} in {names or 'its shards'}: it was never read, or never became a document{hint}{counted}"


def _unread_text(result: Result) -> str:
    """Records that the stages of a result counted as dropped and that never were a row: `read.warc read 735: http_404 1`."""
    rows: Counter[tuple[str, str]] = Counter()
    for path in result.paths(DROPPED, ".parquet"):
        for _, row in find_rows(path, _Every()):
            rows[row["stage"], row["reason"]] += 1
    parts = []
    for counters in result.manifest.counters:
        left = {reason: number - rows[counters.stage, reason] for reason, number in counters.dropped.items()}
        left = {reason: number for reason, number in left.items() if number > 0}
        if left:
            parts.append(f"{result.folder.name}: {counters.stage} of {counters.read:,} {dropped_text(left)}")
    return ", ".join(parts)


class _Every(Wanted):
    """All rows."""

    def mask(self, table: Any) -> Any:
        """Every row is meant."""
        import pyarrow as pa

        return pa.array([True] * table.num_rows)


def explain_text(entries: list[dict[str, Any]]) -> str:
    """The same for people: one line per stage, then the twin, what was cut out, and the samples."""
    rows = []
    notes = []
    for entry in entries:
        steps = entry.get("steps") or [{"stage": entry["stage"], "verdict": entry["verdict"], "why": entry["reason"]}]
        for position, step in enumerate(steps):
            rows.append([entry["result"] if position == 0 else "", step["stage"], step["verdict"], step["why"]])
        if "samples" in entry:
            rows[-1][3] = _samples_text(entry)
        notes += [line for line in (_twin_text(entry), _removed_text(entry)) if line]
    documents = {entry["document"]["doc_id"] or _address_of(entry["document"]): entry["document"] for entry in reversed(entries)}
    heads = [_document_text(document) for document in documents.values()]
    return "\n\n".join(["\n".join(heads), table(["result", "stage", "verdict", "why"], rows), *notes])


def _address_of(document: dict[str, Any]) -> str:
    known = document | details_of(document)
    return known.get("url") or "/".join(str(known[key]) for key in ("repository", "path") if known.get(key))


def _document_text(document: dict[str, Any]) -> str:
    return f"{document['doc_id'] or 'never a document:'}  {_address_of(document)}".rstrip()


def _samples_text(entry: dict[str, Any]) -> str:
    span = _span_text(entry["tokens"])
    if not entry["num_samples"]:
        return span
    shown = ", ".join(map(str, entry["samples"][:MAX_SHOWN_SAMPLES]))
    more = f" and {entry['num_samples'] - MAX_SHOWN_SAMPLES:,} more" if entry["num_samples"] > MAX_SHOWN_SAMPLES else ""
    return f"in sample {shown}{more}; {span}"


def _twin_text(entry: dict[str, Any]) -> str:
    twin = entry.get("twin")
    if twin is None:
        return ""
    alike = f", similarity {twin['similarity']:.3f}" if "similarity" in twin else ""
    return f"{entry['result']}: {entry['reason']} of {_document_text(twin)}{alike}"


def _removed_text(entry: dict[str, Any]) -> str:
    removed = entry.get("removed")
    if removed is None:
        return ""
    head = f"{entry['result']}: {removed['stage']}: {removed['changes']} in all"
    if removed["parts"] is None:
        return f"{head}; whether in this document is not known: its text before that stage is not kept"
    parts = [part if len(part) <= MAX_REMOVED_CHARACTERS else f"{part[:MAX_REMOVED_CHARACTERS]} ..." for part in removed["parts"]]
    shown = "\n".join("  - " + part.replace("\n", "\n    ") for part in parts)
    return f"{head}; of this one {removed['characters']:,} characters in {len(parts)} places:\n{shown}"
