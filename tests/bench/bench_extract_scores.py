"""Language and quality of the real pages, measured before thresholds are set: what pipelines/math.yaml keeps and drops.

The pages are extracted first, which is not timed; then score.language and score.quality run over the texts, each by itself.

Quality: for each threshold of pipelines/math.yaml, and for looser and stricter ones, the share of the known pages of mathematics
and of the other pages that pass, and the share of junk that is dropped. Junk is of two kinds: real menus, footers and sidebars,
cut out of the same pages by their HTML elements; and real pages spoilt in one way each (read with a wrong encoding, lines or
phrases said again and again, signs between the words), which is what broken extraction and spam look like.

Language: agreement with the index of the data on whole pages, and on short pieces of prose of 20 to 160 characters (6 to 48 in
Chinese), beside py3langid and resiliparse on the same pieces.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness import ROOT, Bench, Options
from real_input import pages

QUANTILES = (0.0, 0.005, 0.01, 0.05, 0.5, 0.95, 0.99, 0.995, 1.0)
OTHER_THRESHOLDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "score_length": ("min", (50, 80, 120, 200, 400)),
    "score_symbols": ("max", (0.1, 0.15, 0.2, 0.25, 0.35, 0.5)),
    "score_word_length": ("max", (8, 10, 12, 15)),
    "score_stop_words": ("min", (0.005, 0.01, 0.02, 0.05)),
    "score_duplicate_lines": ("max", (0.2, 0.3, 0.4, 0.5, 0.6, 0.8)),
    "score_duplicate_ngrams": ("max", (0.3, 0.4, 0.5, 0.6, 0.75, 0.9)),
}
PIECES = (20, 40, 80, 160)
PIECES_EAST_ASIAN = (6, 12, 24, 48)
MAX_PIECES = 100
MIN_JUNK = 50
ELEMENTS = {"menus": "nav", "footers": "footer", "sidebars": "aside"}
Row = tuple[str, str, str, str]
"""Set, label, language of the index, text."""


@dataclass(frozen=True)
class Threshold:
    """A column and the smallest and largest value that is kept."""

    column: str
    low: float | None
    high: float | None

    def keeps(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def thresholds() -> list[Threshold]:
    """Those of pipelines/math.yaml, in its order."""
    from mathcode_data.core.yaml_file import load_yaml

    items = [item["select.threshold"] for item in load_yaml(ROOT / "pipelines/math.yaml").data["stages"] if "select.threshold" in item]
    return [Threshold(item["column"], item.get("min"), item.get("max")) for item in items]


def texts(options: Options) -> tuple[list[Row], dict[str, list[str]]]:
    """The pages that can be used, and the menus, footers and sidebars of theirs."""
    from mathcode_data.stages.extract.page import extract_page

    options.shared()
    names = sorted(path.name.removesuffix(".tar.zst") for path in (options.data / "html").glob("*.tar.zst"))
    found: list[Row] = []
    junk: dict[str, list[str]] = defaultdict(list)
    for name in names:
        rows = list(pages(name))
        for row, content in rows[:: max(1, round(len(rows) / options.scaled(len(rows))))]:
            page = extract_page(content)
            if not page.error and len(page.text) >= MIN_JUNK:
                found.append((name, row["label"], (row.get("lang") or "")[:2].lower(), page.text))
            for kind, text in frames(content):
                junk[kind].append(text)
    return found, dict(junk)


def frames(content: bytes) -> Iterator[tuple[str, str]]:
    """Text of the first menu, footer and sidebar of a page."""
    from selectolax.lexbor import LexborHTMLParser

    if len(content) > 500_000:
        return
    tree = LexborHTMLParser(content.decode("utf-8", "replace"))
    for kind, element in ELEMENTS.items():
        node = tree.css_first(element)
        lines = [line.strip() for line in node.text(separator="\n").split("\n")] if node is not None else []
        text = "\n".join(line for line in lines if line)
        if len(text) >= MIN_JUNK:
            yield kind, text


def spoilt(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Every tenth page spoilt in one way each."""
    found: dict[str, list[str]] = defaultdict(list)
    for *_, text in rows[::10]:
        part = text[:3000]
        words = part.split()[:400]
        if len(words) < 30:
            continue
        found["phrases said again"].append(" ".join([*words[:60], *words[:12] * 60]))
        found["lines said again"].append("\n".join([*part.split("\n")[:3], *[" ".join(words[:8])] * 40]))
        found["signs between words"].append(
            " ".join(f"{word} {'|#*<>•~^'[number % 8] * (1 + number % 4)}" for number, word in enumerate(words))
        )
        if not part.isascii() and sum(map(str.isascii, part)) < 0.7 * len(part):
            found["wrong encoding"].append(part.encode().decode("cp1252", "replace"))
    return dict(found)


def quantiles(values: list[float]) -> list[float]:
    """The values at QUANTILES."""
    ordered = sorted(values)
    return [round(ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))], 4) for share in QUANTILES]


def table_of(found: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.table({"text": pa.array(found, pa.large_string())})


def run(options: Options) -> list[Bench]:
    """Both stages on all pages."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.core.plugins import load_plugin

    rows, junk = texts(options)
    table = table_of([row[3] for row in rows])
    megabytes = sum(len(row[3].encode("utf-8", "replace")) for row in rows) / 1e6
    benches = []
    for name in ("score.language", "score.quality"):
        plugin = load_plugin(name)
        stage = plugin.build(plugin.config.model_validate({}))

        def score(given: Any, name: str = name, stage: Any = stage) -> Any:
            return stage(given, Ledger(name))

        bench = Bench(name.replace(".", "_"), {"pages": len(rows), "megabytes": round(megabytes, 2)})
        given = bench.race({name: lambda score=score: score(table)}, "MB", megabytes, repeats=min(options.repeats, 3))[name]
        bench.facts = languages(given, rows) if name == "score.language" else quality(given, rows, junk | spoilt(rows), score)
        benches.append(bench)
    return benches


def languages(table: Any, rows: list[Row]) -> dict[str, Any]:
    """How often the detected language is the one in the index of the data, on whole pages and on pieces."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]
    from resiliparse.parse.lang import detect_fast

    from mathcode_data.stages.score.language import detect

    found = table["language"].to_pylist()
    whole: dict[str, Any] = {}
    for name in sorted({row[0] for row in rows}):
        pairs = [(row[2], code) for row, code in zip(rows, found, strict=True) if row[0] == name and row[2]]
        if pairs:
            whole[name] = {"pages": len(pairs), "agree": round(sum(wanted == code for wanted, code in pairs) / len(pairs), 4)}
    peer = LanguageIdentifier.from_model_file(MODEL_FILE)
    detectors: dict[str, Callable[[str], str]] = {
        "ours": lambda text: detect(text)[0],
        "py3langid": lambda text: str(peer.classify(text)[0]),
        "resiliparse": lambda text: str(detect_fast(text)[0]),
    }
    short: dict[str, Any] = {}
    for code in ("en", "de", "fr", "es", "pl", "zh"):
        prose = [row[3] for row in rows if row[2] == code][:: max(1, sum(row[2] == code for row in rows) // MAX_PIECES)]
        for size in PIECES_EAST_ASIAN if code == "zh" else PIECES:
            cut = [text for text in (piece(text, size) for text in prose) if text]
            if cut:
                right = {name: round(sum(ask(text) == code for text in cut) / len(cut), 4) for name, ask in detectors.items()}
                short[f"{code}, {size} characters"] = {"pieces": len(cut)} | right
    return {"whole pages": whole, "short pieces": short}


def piece(text: str, size: int) -> str:
    """The first so many characters of a page's longest paragraph of sentences, without formulas and code; "" if there is none."""
    from mathcode_data.stages.score.prose import prose_of

    parts = [" ".join(part.split()) for part in prose_of(text[:20_000]).split("\n\n")]
    longest = max((part for part in parts if part.count(". ") + part.count("。") + part.count("，") >= 2), key=len, default="")
    return longest[:size] if len(longest) >= size else ""


def quality(table: Any, rows: list[Row], junk: dict[str, list[str]], score: Callable[[Any], Any]) -> dict[str, Any]:
    """Quantiles per set and column, and what each threshold lets pass and drops."""
    names = [name for name in table.column_names if name.startswith("score_")]
    columns = {name: table[name].to_pylist() for name in names}
    of_label = {label: [index for index, row in enumerate(rows) if row[1] == label] for label in ("math", "nonmath")}
    groups = {label: {name: [columns[name][i] for i in chosen] for name in names} for label, chosen in of_label.items()}
    for kind, found in junk.items():
        scored = score(table_of(found))
        groups[kind] = {name: scored[name].to_pylist() for name in names}
    set_ones = thresholds()
    facts: dict[str, Any] = {"sizes": {group: len(values[names[0]]) for group, values in groups.items()}, "quantiles_at": list(QUANTILES)}
    facts["quantiles"] = {group: {name: quantiles(values[name]) for name in names} for group, values in groups.items()}
    facts["math.yaml"] = [
        {
            "column": one.column,
            "min": one.low,
            "max": one.high,
            "passed": {group: passed(values, [one]) for group, values in groups.items()},
        }
        for one in set_ones
    ]
    facts["all of math.yaml"] = {group: passed(values, set_ones) for group, values in groups.items()}
    facts["other thresholds"] = {
        f"{column} {side} {value:g}": {
            group: passed(values, [Threshold(column, value if side == "min" else None, value if side == "max" else None)])
            for group, values in groups.items()
        }
        for column, (side, tried) in OTHER_THRESHOLDS.items()
        for value in tried
    }
    facts["mean_formula_density"] = {label: round(statistics.fmean(groups[label]["score_formula_density"]), 4) for label in of_label}
    return facts


def passed(values: dict[str, list[float]], wanted: Sequence[Threshold]) -> float:
    """The share of a group that all of these keep."""
    number = len(next(iter(values.values())))
    kept = sum(all(one.keeps(values[one.column][i]) for one in wanted) for i in range(number))
    return round(kept / number, 4) if number else 0.0
