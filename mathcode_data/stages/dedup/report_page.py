"""The report of a deduplication as one HTML page: clusters by size, and dropped texts beside those kept, differences marked.

The page loads nothing and runs no script; texts are escaped, whatever they hold.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import html
import re
from collections.abc import Sequence
from typing import Any

from mathcode_data.core.terminal import visible

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts without spaces between words, and Hangul
)
PIECE = re.compile(rf"\s+|[{_UNSPACED}]|[^\s\w]|[^\W{_UNSPACED}]+")
MAX_SHOWN = 20

STYLE = """
:root { color-scheme: light dark; } body { font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { border: 1px solid #8886; padding: .3rem .6rem; text-align: left }
td.n { text-align: right } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }
.pair div { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow: auto; border: 1px solid #8886; padding: .5rem }
del { background: #f9a8; text-decoration: none } ins { background: #8d88; text-decoration: none } .note { opacity: .7 }
"""


def report_page(facts: dict[str, Any], found: dict[str, Any], examples: Sequence[dict[str, Any]]) -> str:
    """Write the page.

    Args:
        facts: of the clusters and tokens, as in the manifest.
        found: the estimates of precision and recall.
        examples: pairs by similarity: `doc_id`, `text`, `kept_doc_id`, `kept_text`, `similarity`.
    """
    sampled, uniform = found["sampled"], found["uniform"]
    dropped = facts.get("near_duplicate_repositories")
    numbers = [
        ("documents dropped", facts["near_duplicates"]) if dropped is None else ("repositories dropped", dropped),
        ("clusters", facts["clusters"]), ("largest cluster", facts["largest_cluster"]),
        *((f"tokens {what} (estimated)", facts[f"tokens_{what}_estimated"]) for what in ("kept", "dropped")),
    ]  # fmt: skip
    estimates = [(f"{sampled['pairs']:,} sampled pairs", sampled), ("uniform prior", uniform)]
    picked = [row * (len(examples) - 1) // max(1, MAX_SHOWN - 1) for row in range(MAX_SHOWN)] if len(examples) > MAX_SHOWN else None
    shown = examples if picked is None else [examples[row] for row in picked]
    parts = [
        "<h1>Near-duplicates</h1>",
        _table(["", ""], numbers),
        "<h2>Clusters by size</h2>",
        _table(["members", "clusters"], facts["cluster_sizes"]),
        f"<h2>Precision and recall at Jaccard {found['similarity']:g}</h2>",
        _table(["estimated from", "precision", "recall"], [(name, row["precision"], row["recall"]) for name, row in estimates]),
        '<p class="note">Precision: how many dropped documents are at least so similar to the one kept in their place; '
        "min_similarity makes that exact. Recall: how many such pairs the preset finds.</p>",
        f"<h2>Examples</h2><p>{len(shown):,} of {len(examples):,} compared pairs, the least similar first; the beginning of each text.</p>",
        *map(_pair, shown),
    ]
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    head += f"<title>Near-duplicates</title><style>{STYLE}</style>"
    return head + "\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return html.escape(visible(text))


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    def cell(value: Any) -> str:
        if value is None:
            return '<td class="n">unknown</td>'
        return f'<td class="n">{value:,}</td>' if isinstance(value, int | float) else f"<td>{_escape(str(value))}</td>"

    head = "".join(f"<th>{_escape(name)}</th>" for name in names) if any(names) else ""
    lines = [head, *("".join(map(cell, row)) for row in rows)]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines if line)}</table>"


def _pair(row: dict[str, Any]) -> str:
    dropped, kept = _marked(row["text"], row["kept_text"])
    title = f"{row['similarity']:.3f}: {row['doc_id']} dropped, {row['kept_doc_id']} kept"
    return f'<h3>{_escape(title)}</h3><div class="pair"><div dir="auto">{dropped}</div><div dir="auto">{kept}</div></div>'


def _marked(dropped: str, kept: str) -> tuple[str, str]:
    """Both texts, what stands in one alone marked."""
    one, other = PIECE.findall(dropped), PIECE.findall(kept)
    left, right = "", ""
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        mine, theirs = _escape("".join(one[a:b])), _escape("".join(other[c:d]))
        is_same = tag == "equal"
        left += mine if is_same or not mine else f"<del>{mine}</del>"
        right += theirs if is_same or not theirs else f"<ins>{theirs}</ins>"
    return left, right
