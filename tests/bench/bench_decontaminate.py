"""Decontamination: speed of `decontaminate.ngram` beside a plain set of n-grams, recall of planted items, and false positives.

The peer is what most pipelines do: words by a regular expression, every run of ten looked up in a Python set. datatrove's filter
does the same behind spaCy and needs lighteval, which does not run with numpy 2, so it is no contender. Canaries are questions of
the benchmarks, planted in clean pages verbatim and in disguise. False positives are counted on extracted pages of
documentation, textbooks, blogs and news; the few that match are listed with what matched, for a person to judge.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard
from harness import ROOT, Bench, Options

NUM_CANARIES = 400
PAGE_SETS = (
    "cp_algorithms",
    "discrete_math_pretext",
    "scipy_doc",
    "python311_doc",
    "git_doc",
    "oi_wiki_zh",
    "trafilatura_eval",
    "wcxb_dev",
)
SPEED_BYTES = 8_000_000
MIN_GRAMS = 10
SEED = 17


def pages(options: Options) -> list[tuple[str, str]]:
    """(name, text) of extracted pages."""
    folder = options.scratch / "decontaminate"
    found = []
    for name in PAGE_SETS:
        target, lines = folder / name, folder / f"{name}.jsonl"
        if not lines.exists():
            target.mkdir(parents=True, exist_ok=True)
            with (options.shared() / "html" / f"{name}.tar.zst").open("rb") as raw:
                stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)
                with tarfile.open(fileobj=stream, mode="r|") as archive:
                    archive.extractall(target, filter="data")
            command = [sys.executable, "-m", "mathcode_data.cli", "extract", str(target), "--json"]
            lines.write_bytes(subprocess.run(command, capture_output=True, check=False).stdout)
        rows = [json.loads(line) for line in lines.read_bytes().splitlines()]
        found += [(row["path"].split("/decontaminate/")[-1], row["text"]) for row in rows if row.get("text")]
    return found[:: max(1, round(1 / options.scale))]


class Ours:
    """The stage on a table of documents."""

    def __init__(self, config: Any, table: Any) -> None:
        from mathcode_data.stages.decontaminate.ngram import build

        self.stage, self.table = build(config), table

    def __call__(self) -> dict[str, int]:
        """Facts."""
        from mathcode_data.core.counters import Ledger

        ledger = Ledger("decontaminate.ngram")
        self.stage(self.table, ledger)
        return dict(ledger.counters.facts) | dict(ledger.counters.dropped)


class Peer:
    """Words and a set."""

    WORD = re.compile(r"\w+")

    def __init__(self, items: list[str], texts: list[str]) -> None:
        self.texts = texts
        self.known = {run for item in items for run in self.runs(item)}

    def runs(self, text: str) -> list[tuple[str, ...]]:
        """All runs of ten words."""
        words = self.WORD.findall(text.lower())
        return list(zip(*(words[i:] for i in range(MIN_GRAMS)), strict=False))

    def __call__(self) -> int:
        """Documents with a match."""
        return sum(not self.known.isdisjoint(self.runs(text)) for text in self.texts)


DISGUISES: dict[str, Callable[[str], str]] = {
    "verbatim": lambda text: text,
    "white space": lambda text: re.sub(r" ", "\n  ", text),
    "case": str.upper,
    "LaTeX spacing": lambda text: re.sub(r"([+=<>])", r"\\; \1 \\, ", text.replace("\\frac", "\\dfrac")),
    "punctuation": lambda text: re.sub(r"(?<=[^\W\d])[.,;:](?=\s)", " !", text).replace("'", "\u2019").replace("?", "?!"),
    "em dashes": lambda text: re.sub(r"(?<=\w)[.,;:](?=\s)", " \u2014", text),  # core/text.py takes a dash between spaces for a minus
    "code fence": lambda text: f"```text\n{text}\n```",
}


def canaries(folder: Path, number: int) -> list[str]:
    """Questions of ten grams or more from every benchmark, the same number of each."""
    from mathcode_data.core.text import grams
    from mathcode_data.stages.decontaminate.benchmarks import Fields, benchmark_files, read_benchmark

    draw, chosen = random.Random(SEED), []
    files = benchmark_files([str(folder)])
    for path in files:
        questions = sorted(
            {text.text for text in read_benchmark(path, Fields()) if text.is_question and len(grams(text.text)) >= MIN_GRAMS}
        )
        chosen += draw.sample(questions, min(len(questions), -(-number // len(files))))
    return chosen


def recall(config: Any, items: list[str], clean: list[str]) -> dict[str, dict[str, Any]]:
    """Share of the planted items that change or drop their page, for each disguise."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.stages.decontaminate.ngram import build
    from support.stages import documents

    stage, found = build(config), {}
    for name, disguise in DISGUISES.items():
        planted = [f"{clean[i % len(clean)][:2000]}\n\n{disguise(item)}\n\nThe end." for i, item in enumerate(items)]
        out = stage(documents(planted), Ledger("canaries"))
        left = dict(zip(out["doc_id"].to_pylist(), out["text"].to_pylist(), strict=True))
        missed = [item[:200] for i, item in enumerate(items) if left.get(f"{i:032x}") == planted[i]]
        found[name] = {"planted": len(items), "recall": round(1 - len(missed) / len(items), 4), "missed": len(missed)}
    return found


def false_positives(config: Any, named: list[tuple[str, str]]) -> dict[str, Any]:
    """Pages with a match that counts, and what matched."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.stages.decontaminate.ngram import build
    from support.stages import documents

    ledger = Ledger("pages")
    out = build(config)(documents([text for _, text in named]), ledger)
    found = dict(zip(out["doc_id"].to_pylist(), out["contamination"].to_pylist(), strict=True))
    for _, rows in ledger.dropped_rows:
        details = (json.loads(row)["contamination"] for row in rows["details"].to_pylist())
        found |= dict(zip(rows["doc_id"].to_pylist(), details, strict=True))
    hits = []
    for i, (name, _) in enumerate(named):
        findings = [one for one in json.loads(found[f"{i:032x}"] or '{"findings": []}')["findings"] if one["verdict"] == "removed"]
        if findings:
            first = findings[0]
            hits.append(
                {
                    "page": name,
                    "benchmark": first["benchmark"],
                    "record": first["record"],
                    "bits": first["bits"],
                }
            )
    guarded = {name: number for name, number in sorted(ledger.counters.facts.items()) if name.startswith("guarded")}
    return {
        "pages": len(named),
        "pages_with_a_match": len(hits),
        "share": round(len(hits) / len(named), 6),
        "matches": hits,
        "guarded": guarded,
    }


def run(options: Options) -> Bench:
    """Measure all three."""
    sys.path.insert(0, str(ROOT / "tests"))
    from mathcode_data.stages.decontaminate.ngram import load_index
    from support.stages import documents, make_config

    benchmarks = options.shared() / "benchmarks"
    named = pages(options)
    draw = random.Random(SEED)
    texts: list[str] = []
    for _, text in draw.sample(named, len(named)):
        if sum(map(len, texts)) < options.scaled(SPEED_BYTES):
            texts.append(text)
    num_bytes = sum(len(text.encode()) for text in texts)
    config = make_config("decontaminate.ngram", benchmarks=str(benchmarks))
    index = load_index(config)
    items = [index.texts.text(number) for number in range(index.texts.file.size)]
    bench = Bench(
        "decontaminate",
        {"documents": len(texts), "text_bytes": num_bytes, "benchmark_texts": len(items), "runs": int(index.runs.keys.size), "ngram": 10},
    )
    contenders = {"decontaminate.ngram": Ours(config, documents(texts)), "set of word 10-grams": Peer(items, texts)}
    bench.facts = {
        "found": bench.race(contenders, "byte", num_bytes, repeats=options.repeats),
        "canaries": recall(config, canaries(benchmarks, options.scaled(NUM_CANARIES)), [text for _, text in named if len(text) > 500]),
        "false_positives": false_positives(config, named),
    }
    return bench
