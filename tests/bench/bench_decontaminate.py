"""Decontamination: speed of `decontaminate.ngram` beside a plain set of n-grams, recall of planted items, and false positives.

Peers: words by a regular expression, every run of ten looked up in a Python set, on the same pages; and datatrove's NGramsDecontFilter
with ten grams, on a part of them, because it splits words with spaCy (its indexer needs lighteval, which does not run with numpy 2,
so the filter's own normalisation and hashes make the index, of the canaries). Canaries are questions of the benchmarks, planted
in clean pages verbatim and in disguise; besides, every question of every benchmark is planted, as a paragraph and inside a line, and those
missed are listed. False positives are counted on extracted pages of documentation, textbooks, blogs and news; those
that match are listed with what matched, for a person to judge.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
PEER_BYTES = 400_000
NUM_PEER_CANARIES = 100
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


WORDS_APART = r"(?<![\w\\&.{^-])[a-zA-Z]{5,}(?![\w;.}-])"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wrapped(text: str) -> str:
    """A line of a few words each, but no line that begins or ends with an operator."""
    return re.sub(r"((?:\S+[ ]){6}\S*\w[.,]?)[ ](?=[A-Za-z])", r"\1\n", text)


DISGUISES: dict[str, Callable[[str], str]] = {
    "verbatim": lambda text: text,
    "white space": lambda text: re.sub(r" ", "\n  ", text),
    "case": str.upper,
    "LaTeX spacing": lambda text: re.sub(r"([+=<>])", r"\\; \1 \\, ", text.replace("\\frac", "\\dfrac")),
    "punctuation": lambda text: re.sub(r"(?<=[^\W\d])[.,;:](?=\s)", " !", text).replace("'", "\u2019").replace("?", "?!"),
    "em dashes": lambda text: re.sub(r"(?<=\w)[.,;:](?=\s)", " \u2014", text),
    "no punctuation": lambda text: re.sub(r"(?<=\w)[.,;:?](?=\s|$)|(?<=[^\W\d_]{2})!(?=\s|$)", "", text),  # a factorial is none
    "code fence": lambda text: f"```text\n{text}\n```",
    "quoted lines": lambda text: re.sub("^", "> ", _wrapped(text), flags=re.MULTILINE),
    "quoted twice": lambda text: re.sub("^", ">> ", _wrapped(text), flags=re.MULTILINE),
    "list of lines": lambda text: re.sub(r"^(?=.)", "- ", _wrapped(text), flags=re.MULTILINE),
    "HTML tags": lambda text: re.sub(WORDS_APART, '<b>\\g<0></b><span class="x y">', f"<p>{_escaped(text)}</p>"),
    "HTML breaks": lambda text: _escaped(text).replace(" ", "<br/> "),
    "HTML entities": lambda text: _escaped(text).replace(" ", "&nbsp;").replace("+", "&#43;").replace("=", "&equals;"),
    "bold words": lambda text: re.sub(WORDS_APART, r"**\g<0>**", text),
    "links": lambda text: re.sub(WORDS_APART, r"[\g<0>](https://example.org/a_(b)?c=1)", text),
    "spaced indexes": lambda text: re.sub(r"(?<=\w)[_^](?=\w)", r" \g<0> ", text),
}
MAX_LISTED = 20
PLACES = {
    "paragraph": "The bakers of the old town met on Sunday to talk about flour.\n\n{}\n\nThe end of it.",
    "inside a line": "The bakers of the old town met on Sunday. Then somebody asked: {} Nobody there knew that.",
}


class Datatrove:
    """datatrove's filter with an index of the items."""

    def __init__(self, items: list[str], folder: Path) -> None:
        import xxhash
        from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
        from datatrove.utils.text import ngrams, simplify_text
        from loguru import logger

        logger.disable("datatrove")
        config = NGramsDecontConfig(n_grams=MIN_GRAMS)
        self.filter = NGramsDecontFilter(str(folder), config)
        self.filter.hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 takes no str, which datatrove hands it
        words = (self.filter.tokenizer.word_tokenize(simplify_text(item, config.norm_config)) for item in items)
        hashes = {self.filter.hash_func(" ".join(run)) for found in words for run in ngrams(found, MIN_GRAMS)}
        folder.mkdir(parents=True, exist_ok=True)
        np.array(sorted(hashes), np.uint64).tofile(folder / "canaries.index.hashes")

    def is_found(self, text: str) -> bool:
        """Whether a text has a run of ten words of an item."""
        from datatrove.data import Document

        return self.filter.filter(Document(text=text, id="")) is not True

    def recall(self, items: list[str], clean: list[str]) -> dict[str, float]:
        """Share of the planted items that are found, for each disguise."""
        planted = {
            name: [f"{clean[i % len(clean)][:500]}\n\n{disguise(item)}" for i, item in enumerate(items)]
            for name, disguise in DISGUISES.items()
        }
        return {name: round(sum(map(self.is_found, texts)) / len(texts), 4) for name, texts in planted.items()}


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
        missed = [item[:120] for i, item in enumerate(items) if left.get(f"{i:032x}") == planted[i]]
        found[name] = {
            "planted": len(items), "recall": round(1 - len(missed) / len(items), 4), "missed": len(missed),
            "first_missed": missed[:MAX_LISTED],
        }  # fmt: skip
    return found


def every_question(config: Any, share: float) -> dict[str, Any]:
    """Plant every question of every benchmark, each text once; planted and missed by size, place and benchmark."""
    from mathcode_data.core.counters import Ledger
    from mathcode_data.stages.decontaminate.ngram import build, load_index
    from support.stages import documents

    index = load_index(config)
    texts, stage, found = index.texts, build(config), {}
    numbers = {texts.text(number): number for number in np.flatnonzero(texts.is_question)[:: max(1, round(1 / share))].tolist()}
    for is_long in (True, False):
        items = [text for text, number in numbers.items() if (texts.size(number) >= MIN_GRAMS) == is_long]
        for place, frame in PLACES.items():
            planted, ledger = [frame.format(item) for item in items], Ledger("questions")
            out = stage(documents(planted), ledger)
            left = dict(zip(out["doc_id"].to_pylist(), out["text"].to_pylist(), strict=True))
            missed = [item for i, item in enumerate(items) if left.get(f"{i:032x}") == planted[i]]
            by_file = Counter(index.names[texts.file[numbers[item]]] for item in missed)
            found[f"{'10 grams or more' if is_long else '3 to 9 grams'}, {place}"] = {
                "planted": len(items), "missed": len(missed), "recall": round(1 - len(missed) / max(1, len(items)), 5),
                "missed_by_benchmark": dict(by_file.most_common()), "first_missed": [item[:120] for item in missed[:MAX_LISTED]],
            }  # fmt: skip
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
    found = bench.race(contenders, "byte", num_bytes, repeats=options.repeats)
    stage = contenders["decontaminate.ngram"]
    start = time.process_time()
    for _ in range(options.repeats):
        stage()
    cpu_seconds = (time.process_time() - start) / options.repeats
    clean, planted = [text for _, text in named if len(text) > 500], canaries(benchmarks, options.scaled(NUM_CANARIES))
    bench.facts = {
        "found": found,
        "megabytes_per_cpu_second": round(num_bytes / cpu_seconds / 1e6, 1),
        "canaries": recall(config, planted, clean),
        "every_question": every_question(config, options.scale),
        "false_positives": false_positives(config, named),
    }
    if importlib.util.find_spec("datatrove") is None or importlib.util.find_spec("spacy") is None:
        return bench
    peer = Datatrove(planted, options.scratch / "datatrove")
    part = [text[:4000] for text in texts[:: max(1, len(texts) * 4000 // PEER_BYTES)]]
    part_bytes = sum(len(text.encode()) for text in part)
    pair = {
        "decontaminate.ngram, part": Ours(config, documents(part)),
        "datatrove NGramsDecontFilter, part": lambda: sum(map(peer.is_found, part)),
    }
    bench.facts["found"] |= bench.race(pair, "byte", part_bytes, repeats=min(3, options.repeats))
    bench.facts["datatrove_recall"] = peer.recall(planted[:: max(1, len(planted) // NUM_PEER_CANARIES)], clean)
    return bench
