"""Language and quality of the real pages: quantiles of every measure per set, and what each threshold of math.yaml drops.

The pages are extracted first, which is not timed; then score.language and score.quality run over the texts, each by itself.
"""

from __future__ import annotations

import statistics
from typing import Any

from harness import Bench, Options
from real_input import pages

QUANTILES = (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0)
# As in pipelines/math.yaml: column, smallest and largest value that is kept.
THRESHOLDS: tuple[tuple[str, float | None, float | None], ...] = (
    ("score_length", 120, None),
    ("score_symbols", None, 0.35),
    ("score_word_length", 1.5, 12.0),
    ("score_duplicate_lines", None, 0.6),
    ("score_duplicate_ngrams", None, 0.75),
)


def texts(options: Options) -> list[tuple[str, str, str, str]]:
    """(set, label, language of the index, text) of the pages that can be used."""
    from mathcode_data.stages.extract.page import extract_page

    options.shared()
    names = sorted(path.name.removesuffix(".tar.zst") for path in (options.data / "html").glob("*.tar.zst"))
    found = []
    for name in names:
        rows = list(pages(name))
        for row, content in rows[:: max(1, round(len(rows) / options.scaled(len(rows))))]:
            page = extract_page(content)
            if not page.error and len(page.text) >= 50:
                found.append((name, row["label"], (row.get("lang") or "")[:2], page.text))
    return found


def quantiles(values: list[float]) -> list[float]:
    """The values at QUANTILES."""
    ordered = sorted(values)
    return [round(ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))], 4) for share in QUANTILES]


def run(options: Options) -> list[Bench]:
    """Both stages on all pages."""
    import pyarrow as pa

    from mathcode_data.core.counters import Ledger
    from mathcode_data.core.plugins import load_plugin

    rows = texts(options)
    table = pa.table({"text": pa.array([row[3] for row in rows], pa.large_string())})
    megabytes = sum(len(row[3].encode("utf-8", "replace")) for row in rows) / 1e6
    benches = []
    for name in ("score.language", "score.quality"):
        plugin = load_plugin(name)
        stage = plugin.build(plugin.config.model_validate({}))
        bench = Bench(name.replace(".", "_"), {"pages": len(rows), "megabytes": round(megabytes, 2)})
        given = bench.race({name: lambda stage=stage, name=name: stage(table, Ledger(name))}, "MB", megabytes, repeats=options.repeats)[
            name
        ]
        facts = languages(given, rows) if name == "score.language" else measures(given, rows)
        bench.facts = facts
        benches.append(bench)
    return benches


def languages(table: Any, rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    """How often the detected language is the one in the index of the data."""
    found = table["language"].to_pylist()
    facts: dict[str, Any] = {}
    for name in sorted({row[0] for row in rows}):
        pairs = [(row[2], code) for row, code in zip(rows, found, strict=True) if row[0] == name and row[2]]
        if pairs:
            facts[name] = {"pages": len(pairs), "agree": round(sum(wanted == code for wanted, code in pairs) / len(pairs), 4)}
    return facts


def measures(table: Any, rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    """Quantiles per set and column, and the share of mathematical and of other pages outside each threshold."""
    columns = {name: table[name].to_pylist() for name in table.column_names if name.startswith("score_")}
    facts: dict[str, Any] = {"quantiles_at": list(QUANTILES), "quantiles": {}, "dropped": {}}
    for name in sorted({row[0] for row in rows}):
        inside = [index for index, row in enumerate(rows) if row[0] == name]
        facts["quantiles"][name] = {column: quantiles([values[index] for index in inside]) for column, values in columns.items()}
    any_dropped: set[int] = set()
    for column, low, high in THRESHOLDS:
        outside = {i for i, value in enumerate(columns[column]) if (low is not None and value < low) or (high is not None and value > high)}
        any_dropped |= outside
        facts["dropped"][column] = {"min": low, "max": high} | shares(outside, rows)
    facts["dropped"]["any"] = shares(any_dropped, rows)
    facts["mean_formula_density"] = {
        label: round(
            statistics.fmean(value for value, row in zip(columns["score_formula_density"], rows, strict=True) if row[1] == label), 4
        )
        for label in ("math", "nonmath")
    }
    return facts


def shares(outside: set[int], rows: list[tuple[str, str, str, str]]) -> dict[str, float]:
    """The share of the pages of each label that is dropped."""
    given = {}
    for label in ("math", "nonmath"):
        of_label = [index for index, row in enumerate(rows) if row[1] == label]
        given[label] = round(sum(index in outside for index in of_label) / len(of_label), 5) if of_label else 0.0
    return given
