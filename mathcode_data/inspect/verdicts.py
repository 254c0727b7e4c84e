"""What each stage of a result said of a document: scores and bounds, the twin that was kept instead, what was cut out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from mathcode_data.core.manifest import Result
from mathcode_data.core.text import gram_hashes, ngram_hashes
from mathcode_data.inspect.find import Wanted, find_in_result, inputs_of
from mathcode_data.inspect.tables import changes_text

SHOWN = ("doc_id", "url", "repository", "path", "language", "license", "warc_file", "warc_offset", "source", "files")
BOUNDS = {"below_min": ("<", "min"), "above_max": (">", "max")}
SHINGLE_GRAMS = 5


def shown_columns(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that say which document it is, and its scores."""
    return {name: value for name, value in row.items() if (name in SHOWN or name.startswith("score_")) and value not in (None, "")}


def stage_labels(stages: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the stages of a manifest as they stand in its counters."""
    names = [str(stage["name"]) for stage in stages]
    return [name if names.count(name) == 1 else f"{name}#{position}" for position, name in enumerate(names)]


def details_of(row: dict[str, Any]) -> dict[str, Any]:
    """What was kept with a dropped row beside its address: scores, the twin."""
    text = row.get("details")
    if not isinstance(text, str):
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def steps_of(result: Result, document: dict[str, Any], dropped_by: str | None, reason: str) -> list[dict[str, str]]:
    """One entry per stage that saw the document: `{"stage", "verdict", "why"}`, in order, up to the one that dropped it."""
    steps = []
    for label, stage in zip(stage_labels(result.manifest.stages), result.manifest.stages, strict=True):
        is_end = label == dropped_by
        why = why_text(stage, document, reason if is_end else "")
        steps.append({"stage": label, "verdict": "dropped" if is_end else "kept", "why": why})
        if is_end:
            return steps
    if dropped_by is not None:  # a stage that the manifest does not name; better shown alone than not at all
        return [{"stage": dropped_by, "verdict": "dropped", "why": reason}]
    return steps


def why_text(stage: dict[str, Any], document: dict[str, Any], reason: str) -> str:
    """Scores and bounds of a stage that has them, else the reason of a drop, else where a reader found it.

    >>> why_text({"name": "select.threshold", "config": {"column": "score_math", "min": 0.5}}, {"score_math": 0.25}, "below_min")
    'below_min: score_math 0.2500 < min 0.5'
    """
    config = stage.get("config") or {}
    name = str(stage["name"])
    parts = []
    column = config.get("column")
    sign, bound = BOUNDS.get(reason, ("", ""))
    if isinstance(column, str) and column in document and isinstance(document[column], int | float):
        value = document[column]
        shown = f"{column} {value:.4f}" if isinstance(value, float) else f"{column} {value}"
        limits = ", ".join(f"{key} {config[key]:g}" for key in ("min", "max") if config.get(key) is not None)
        parts.append(f"{shown} {sign} {bound} {config[bound]:g}" if bound else f"{shown} ({limits})" if limits else shown)
    elif isinstance(column, str) and bound and config.get(bound) is not None:
        parts.append(f"{column} {sign} {bound} {config[bound]:g}")
    elif name.startswith("score."):
        parts += [f"{key} {value:.4f}" for key, value in document.items() if key.startswith("score_") and isinstance(value, float)]
    if "tokens" in config and name.startswith("select."):
        parts.append(f"budget {config['tokens']:,} tokens")
    if name.startswith("read.") and document.get("warc_file"):
        parts.append(f"{document['warc_file']} at byte {document.get('warc_offset') or 0:,}")
    if name.startswith("read.") and document.get("path"):
        parts.append("/".join(str(document[key]) for key in ("repository", "path") if document.get(key)))
    text = ", ".join(parts)
    return f"{reason}: {text}" if reason and text else reason or text


def twin_of(result: Result, document: dict[str, Any], stage: dict[str, Any]) -> dict[str, Any] | None:
    """The document that was kept in the place of a dropped one, and how alike they are where both texts are at hand.

    Returns:
        `{"doc_id", "url" or "path" ..., "similarity"}`; similarity is the Jaccard index of the sets of shingles, exactly.
    """
    twin = details_of(document).get("twin")
    if not isinstance(twin, str):
        return None
    kept = next(find_in_result(result, Wanted(doc_ids=(twin,)), with_long=True), None)
    found = {"doc_id": twin} | (shown_columns(kept) if kept else {})
    own = _text_before(result, str(document["doc_id"]))
    if kept is not None and own is not None and kept.get("text") is not None:
        size = (stage.get("config") or {}).get("shingle_grams", SHINGLE_GRAMS)
        found["similarity"] = jaccard(own, kept["text"], size)
    return found


def jaccard(one: str, other: str, size: int) -> float:
    """Similarity of two texts as near-duplicates are told: shared shingles of `size` grams over all of both.

    >>> jaccard("a b c d e f", "a b c d e f", 5), jaccard("a b c d e f", "a b c d e g", 5)
    (1.0, 0.3333333333333333)
    """
    left, right = (set(_shingles(text, size)) for text in (one, other))
    return len(left & right) / len(left | right) if left or right else 1.0


def _shingles(text: str, size: int) -> Iterable[int]:
    hashes = gram_hashes(text)
    return map(int, ngram_hashes(hashes, max(1, min(size, hashes.size))))


def _text_before(result: Result, doc_id: str) -> str | None:
    """Text of a document in the results that this one was made from; None where they are gone or hold no text."""
    for before in inputs_of(result):
        if before.manifest.kind == "documents":
            for row in find_in_result(before, Wanted(doc_ids=(doc_id,)), with_long=True):
                if row.get("text") is not None:
                    return str(row["text"])
    return None


def removed_from(result: Result, document: dict[str, Any]) -> dict[str, Any] | None:
    """What the decontamination of a result cut out of a document that it kept; None if no such stage cut anything.

    Returns:
        `{"stage", "changes", "parts", "characters"}`: `changes` is what the stage did to all documents, in words, `parts` the
        pieces cut out of this one, or None where the text before it is not at hand (the stage ran in one pass with others).
    """
    labels = stage_labels(result.manifest.stages)
    for counters in result.manifest.counters:
        changes = changes_text(dict(counters.facts))
        if counters.stage not in labels or not counters.stage.startswith("decontaminate.") or not changes:
            continue
        before = _text_before(result, str(document["doc_id"]))
        if before is None:
            return {"stage": counters.stage, "changes": changes, "parts": None, "characters": None}
        after = document.get("text") or ""
        if before == after:
            return None
        parts = removed_parts(before, after)
        return {"stage": counters.stage, "changes": changes, "parts": parts, "characters": len(before) - len(after)}
    return None


def removed_parts(before: str, after: str) -> list[str]:
    """Runs of lines of a text that are not in another one made from it by taking lines out.

    >>> removed_parts("a\\n\\nb\\nc\\n\\nd", "a\\n\\nd")
    ['b\\nc']
    """
    kept = [line for line in after.split("\n") if line.strip()]
    parts: list[str] = []
    position = 0
    is_open = False
    for line in before.split("\n"):
        if not line.strip():
            continue
        if position < len(kept) and line == kept[position]:
            position += 1
            is_open = False
        elif is_open:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
            is_open = True
    return parts
