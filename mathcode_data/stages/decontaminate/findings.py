"""What was found in one document, as JSON in the column `contamination`: benchmark texts beside the document's own.

A finding has `verdict` (removed, guarded, or the report mode), `benchmark`, `record` (from 0), `kind`, `score` (share of the benchmark
text that matched), `bits`, `spans` (characters of the document before anything was removed), `item` and `document` (the two texts).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mathcode_data.stages.decontaminate.index import BenchmarkIndex
from mathcode_data.stages.decontaminate.matching import Match
from mathcode_data.stages.decontaminate.overlap import Overlap
from mathcode_data.stages.decontaminate.segments import Characters

COLUMN = "contamination"
MAX_FINDINGS, MAX_GUARDED = 50, 3
"""So many of a document are written down; all are counted."""
MAX_CHARACTERS = 2000
CONTEXT = 100


def findings_of(
    index: BenchmarkIndex, text: str, places: NDArray[np.int64], matches: Iterable[Match], overlaps: Iterable[Overlap]
) -> tuple[str, list[tuple[int, int]]]:
    """Describe what was found in a document; also the spans of the text that are evidence.

    Args:
        index: the benchmarks.
        text: the document.
        places: where its grams stand, as bytes.
        matches: what was found by the rule.
        overlaps: what was found by report modes.
    """
    characters = Characters(text)

    def span_of(first: int, end: int) -> tuple[int, int]:
        return characters.span(int(places[first]), int(places[end - 1]))

    counts = {True: 0, False: 0}
    guarded: list[dict[str, Any]] = []
    evidence: list[tuple[int, int]] = []
    rows: list[dict[str, Any]] = []
    for match in matches:
        is_evidence = not match.guard
        counts[is_evidence] += 1
        if not is_evidence and counts[False] > MAX_GUARDED:
            continue
        spans = [span_of(start, end) for start, end in match.spans[: MAX_FINDINGS if match.guard else None]]
        evidence += spans if is_evidence else []
        if not is_evidence or counts[True] <= MAX_FINDINGS:
            row = _row(index, text, match.text, spans, match.coverage) | {
                "verdict": "removed" if is_evidence else "guarded", "bits": round(match.bits, 1), "is_short": match.is_short,
            }  # fmt: skip
            (rows if is_evidence else guarded).append(row | ({} if is_evidence else {"guard": match.guard}))
    rows += [_row(index, text, overlap.text, [span_of(*overlap.span)], overlap.score) | {"verdict": overlap.mode} for overlap in overlaps]
    content = {"findings": [*rows, *guarded], "matches": counts[True], "guarded": counts[False]}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode(), evidence


def _row(index: BenchmarkIndex, text: str, number: int, spans: list[tuple[int, int]], score: float) -> dict[str, Any]:
    texts = index.texts
    low, high = max(0, spans[0][0] - CONTEXT), min(len(text), spans[-1][1] + CONTEXT)
    return {
        "benchmark": index.names[texts.file[number]],
        "record": int(texts.record[number]),
        "kind": "question" if texts.is_question[number] else "answer",
        "score": round(score, 3),
        "spans": [list(span) for span in spans[:MAX_FINDINGS]],
        "item": texts.text(number)[:MAX_CHARACTERS],
        "document": text[low : min(high, low + MAX_CHARACTERS)],
        "document_start": low,
    }
