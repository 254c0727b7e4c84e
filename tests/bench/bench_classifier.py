"""How well `learn.fasttext` tells mathematics from the rest: five-fold by source on the labelled pages of ../shared/data.

A source is a documentation set or, in the sets gathered from many sites, a registered domain; all pages of one are in the same
fold, so that no site is both learned from and asked about. Which variant is used is not chosen by the answers that are reported:
for each fold, all variants are judged inside the other four, each of which is asked in turn by a model of the other three, and the
one with the better mean of two ROC AUCs, of pages as they are and of pages whose formulas are cut out, answers for the fold. The
peer on the same folds is fastText on the raw words.

Rows: all pages; pages of mathematics in whose text no formula is marked; all pages of mathematics with every formula cut out,
against the same others. The second row is small, and its labels are weak: they come from a rule on the markup, and among its
pages are tables of contents, a weather page and a film story. The third is the sounder measure of the same thing.

ROC AUC over the answers of all folds together; recall at the lowest cut whose precision is at least 0.95. Hard negatives: the
same run without documentation of code among the negatives and with it at double weight; what is measured is the share of such
pages, from sources not learned from, that pass for mathematics.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from harness import ROOT, Bench, Options
from numpy.typing import NDArray

NUM_FOLDS = 5
MIN_PRECISION = 0.95
GATHERED = ("defuddle_fixtures", "llm_webkit_fixtures", "trafilatura_eval", "wcxb_dev")
CODE_DOCUMENTATION = ("git_doc", "postgresql_doc", "python311_doc")
FORMULA = re.compile(r"\\\[.*?\\\]|\\\(.*?\\\)", re.DOTALL)
MIN_CHARACTERS = 200
MAX_CHARACTERS = 3_000
"""What a page is about shows at its beginning; the paper's 10,000 and more cost three times the time."""
SMALL = {
    "text": "thinned", "dim": 8, "bucket": 1000, "word_ngrams": 1, "min_count": 2, "epochs": 6, "lr": 0.5, "max_characters": MAX_CHARACTERS,
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "whole pages": SMALL,
    "and a piece of each": SMALL | {"crops": 1, "crop_words": 60},
    "and five pieces of each": SMALL | {"crops": 5, "crop_words": 40},
}
RAW = {"dim": 8, "bucket": 1000, "wordNgrams": 1, "minCount": 2, "epoch": 6, "lr": 0.5, "thread": 12, "verbose": 0}
"""fastText's own names; fewer threads than eleven leave parts of the matrix unfilled (facebookresearch/fastText#935)."""
Answers = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Scores of some pages, and of the same without their formulas."""


@dataclass(frozen=True)
class Page:
    """A labelled page, extracted."""

    doc_id: str
    source: str
    group: str
    text: str
    is_math: bool


def read_pages(options: Options, most: int | None = None) -> list[Page]:
    """Extract the labelled pages with the shipped extractor; ambiguous and empty ones are left out. With `most`, a sample."""
    from real_input import pages, url_of

    from mathcode_data.core.counters import Ledger
    from mathcode_data.core.documents import PAGE_SCHEMA, document_id
    from mathcode_data.core.plugins import load_plugin
    from mathcode_data.stages.select.domains_address import parse_address, registered_domain

    plugin = load_plugin("extract.html")
    stage = plugin.build(plugin.config.model_validate({}))
    names = sorted(path.name.removesuffix(".tar.zst") for path in (options.shared() / "html").glob("*.tar.zst"))
    found: list[Page] = []
    for name in names:
        chosen = [(row, content) for row, content in pages(name) if row["label"] != "ambiguous"]
        if most is not None:
            chosen = chosen[:: max(1, len(chosen) * len(names) // most)]
        for part in batches(chosen):
            rows = {document_id(name, row["id"]): row for row, _ in part}
            columns = {
                "doc_id": list(rows), "source": [name] * len(part), "url": [url_of(row) for row, _ in part],
                "content": [content for _, content in part], "content_type": ["text/html"] * len(part),
            }  # fmt: skip
            table = pa.table({field.name: pa.array(columns.get(field.name, [None] * len(part)), field.type) for field in PAGE_SCHEMA})
            for document in stage(table, Ledger("extract.html")).to_pylist():
                address = parse_address(document["url"])
                source = registered_domain(address.host) if name in GATHERED and address else name
                if document["text"].strip():
                    label = rows[document["doc_id"]]["label"]
                    found.append(Page(document["doc_id"], source, name, document["text"], label == "math"))
    stage.close()
    return found


def batches(rows: list[Any], size: int = 100) -> list[list[Any]]:
    """Rows in parts."""
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def folds(pages: Sequence[Page]) -> NDArray[np.int64]:
    """A fold for each page: sources from the largest down, each to the fold that it leaves most even in both labels."""
    sizes: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    for page in pages:
        sizes[page.source][int(page.is_math)] += 1
    total = sum(sizes.values(), np.zeros(2)) + 1e-9
    load, fold = np.zeros((NUM_FOLDS, 2)), {}
    for source in sorted(sizes, key=lambda name: (-float((sizes[name] / total).max()), name)):
        grows = [float((((load[k] + sizes[source]) / total) ** 2 - (load[k] / total) ** 2).sum()) for k in range(NUM_FOLDS)]
        fold[source] = int(np.argmin(grows))
        load[fold[source]] += sizes[source]
    return np.array([fold[page.source] for page in pages])


def roc_auc(is_math: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Probability that a mathematical page scores above another; ties count half (Mann and Whitney 1947)."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    hits = int(is_math.sum())
    return float((ranks[is_math].sum() - hits * (hits + 1) / 2) / (hits * (len(scores) - hits)))


def recall_at(is_math: NDArray[np.bool_], scores: NDArray[np.float64], precision: float = MIN_PRECISION) -> float:
    """Largest recall of a cut whose precision is at least this; pages of equal score are on the same side."""
    order = np.argsort(-scores, kind="stable")
    hits, ends = np.cumsum(is_math[order]), np.append(np.diff(scores[order]) != 0, True)
    good = ends & (hits / np.arange(1, len(scores) + 1) >= precision)
    return float(hits[good].max() / is_math.sum()) if good.any() else 0.0


def learn(folder: Path, pages: Sequence[Page], settings: dict[str, Any], hard: Sequence[Page] = ()) -> Path:
    """Learn with the shipped stage; returns the folder of the model."""
    from support.classifier import as_result
    from support.stages import make_result, run_global

    def result(name: str, chosen: Sequence[Page]) -> str:
        columns = {"doc_id": [page.doc_id for page in chosen], "text": pa.array([page.text for page in chosen], pa.large_string())}
        return str(make_result(folder / name, [pa.table(columns)]).folder)

    names = {"positives": result("math", [page for page in pages if page.is_math])}
    names["negatives"] = result("other", [page for page in pages if not page.is_math])
    extra = {"hard_negatives": [{"result": result("hard", hard), "weight": 2}]} if hard else {}
    outcome = run_global("learn.fasttext", [], folder, 17, **names, **extra, **settings, holdout=0)
    return as_result(outcome, folder / "model", "model").folder


def score(model: Path, texts: Sequence[str], settings: dict[str, Any]) -> NDArray[np.float64]:
    """Score with the shipped stage."""
    from support.stages import documents, run_map

    keys = {name: settings[name] for name in ("text", "max_characters")}
    return np.array(run_map("score.fasttext", documents(texts), model=str(model), **keys)[0]["score_math"].to_pylist())


def both_ways(model: Path, texts: Sequence[str], settings: dict[str, Any]) -> Answers:
    """Scores of texts, and of the same without their formulas."""
    scores = score(model, [*texts, *(FORMULA.sub(" ", text) for text in texts)], settings)
    return scores[: len(texts)], scores[len(texts) :]


def ask_raw(folder: Path, pages: Sequence[Page], learned: NDArray[np.bool_], asked: NDArray[np.bool_], settings: dict[str, Any]) -> Answers:
    """The same with fastText on the words as they stand."""
    import fasttext

    fasttext.FastText.eprint = lambda *_: None

    def line(text: str) -> str:
        return " ".join(text[:MAX_CHARACTERS].encode("utf-8", "ignore").decode().split())

    folder.mkdir(parents=True)
    path = folder / "train.txt"
    rows = [pages[i] for i in np.flatnonzero(learned)]
    path.write_text("".join(f"__label__{'math' if page.is_math else 'other'} {line(page.text)}\n" for page in rows))
    model = fasttext.train_supervised(str(path), **settings)

    def answers(texts: Sequence[str]) -> NDArray[np.float64]:
        labels, shares = model.f.multilinePredict([f"{line(text)}\n" for text in texts], -1, 0.0, "strict")
        return np.array(
            [dict(zip(names, values, strict=True)).get("__label__math", 0.0) for names, values in zip(labels, shares, strict=True)]
        )

    texts = [pages[i].text for i in np.flatnonzero(asked)]
    return answers(texts), answers([FORMULA.sub(" ", text) for text in texts])


@dataclass(frozen=True)
class Folds:
    """The pages, the fold of each, and where models may lie."""

    pages: Sequence[Page]
    fold: NDArray[np.int64]
    is_math: NDArray[np.bool_]
    scratch: Path

    def ask_ours(self, variant: str, left_out: frozenset[int]) -> dict[int, Answers]:
        """Learn from all folds but these and ask about these."""
        name = f"{variant.replace(' ', '-')}-{'-'.join(map(str, sorted(left_out)))}"
        rows = [page for page, fold in zip(self.pages, self.fold, strict=True) if int(fold) not in left_out]
        model = learn(self.scratch / name, rows, VARIANTS[variant])
        return {fold: both_ways(model, self.texts(fold), VARIANTS[variant]) for fold in left_out}

    def texts(self, fold: int) -> list[str]:
        return [page.text for page, its in zip(self.pages, self.fold, strict=True) if its == fold]

    def judge(self, fold: int, answers: Answers) -> float:
        """Mean of the ROC AUCs of a fold's pages as they are, and with the formulas of mathematics cut out."""
        is_math, (whole, bare) = self.is_math[self.fold == fold], answers
        return (roc_auc(is_math, whole) + roc_auc(is_math, np.where(is_math, bare, whole))) / 2


def choose(folds: Folds) -> list[str]:
    """The variant of each fold, by what models of three of the other folds answer for the fourth.

    A model that knows neither of two folds serves both: for the one it judges the other.
    """
    inside: dict[str, NDArray[np.float64]] = {}
    for variant in VARIANTS:
        judged = np.full((NUM_FOLDS, NUM_FOLDS), np.nan)
        for one, other in itertools.combinations(range(NUM_FOLDS), 2):
            answers = folds.ask_ours(variant, frozenset([one, other]))
            judged[one, other], judged[other, one] = folds.judge(other, answers[other]), folds.judge(one, answers[one])
        inside[variant] = np.nanmean(judged, axis=1)
    return [max(VARIANTS, key=lambda variant: float(inside[variant][fold])) for fold in range(NUM_FOLDS)]


def rows_of(folds: Folds, answers: Sequence[Answers]) -> dict[str, Any]:
    """Rows of the table from the answers for each fold."""
    pages, fold_N, is_math_N = folds.pages, folds.fold, folds.is_math
    scores_N, bare_N = np.zeros(len(pages)), np.zeros(len(pages))
    for fold, (whole, bare) in enumerate(answers):
        scores_N[fold_N == fold], bare_N[fold_N == fold] = whole, bare
    unmarked_N = np.array([not FORMULA.search(page.text) for page in pages])
    long_N = np.array([len(FORMULA.sub(" ", page.text).strip()) >= MIN_CHARACTERS for page in pages])
    rows = {
        "all pages": (np.ones(len(pages), bool), scores_N),
        "mathematics without formula markup": (unmarked_N | ~is_math_N, scores_N),
        "mathematics with its formulas cut out": (long_N | ~is_math_N, np.where(is_math_N, bare_N, scores_N)),
    }
    table = {
        name: {
            "math": int(is_math_N[chosen].sum()), "other": int((~is_math_N[chosen]).sum()),
            "roc_auc": round(roc_auc(is_math_N[chosen], scores[chosen]), 5),
            "recall_at_precision_0.95": round(recall_at(is_math_N[chosen], scores[chosen]), 5),
        }
        for name, (chosen, scores) in rows.items()
    }  # fmt: skip
    by_fold = [round(roc_auc(is_math_N[fold_N == fold], scores_N[fold_N == fold]), 5) for fold in range(NUM_FOLDS)]
    return {"rows": table, "roc_auc_of_folds": by_fold}


def hard_negatives(folder: Path, pages: Sequence[Page], settings: dict[str, Any]) -> dict[str, Any]:
    """Each set of code documentation asked about in turn: how much of it passes, without and with the other sets as negatives."""
    found: dict[str, Any] = {}
    rest = [page for page in pages if page.group not in CODE_DOCUMENTATION]
    without = learn(folder / "without", rest, settings)
    for name in CODE_DOCUMENTATION:
        asked = [page.text for page in pages if page.group == name]
        hard = [page for page in pages if page.group in CODE_DOCUMENTATION and page.group != name]
        models = (without, learn(folder / name, rest, settings, hard))
        passed = [float((score(model, asked, settings) >= 0.5).mean()) for model in models]
        found[name] = {"pages": len(asked), "passed_without": round(passed[0], 4), "passed_with": round(passed[1], 4)}
    return found


def run(options: Options) -> Bench:
    """Ours, the peer, then the hard negatives."""
    import sys

    sys.path.insert(0, str(ROOT / "tests"))
    pages = read_pages(options, None if options.scale >= 1 else options.scaled(4500))
    pages.sort(key=lambda page: hashlib.md5(page.doc_id.encode(), usedforsecurity=False).digest())
    bench = Bench("classifier", {"pages": len(pages), "folds": NUM_FOLDS, "math": sum(page.is_math for page in pages)})
    parts = Folds(pages, folds(pages), np.array([page.is_math for page in pages]), options.scratch)
    every = range(NUM_FOLDS)
    start = time.perf_counter()
    answers = {variant: [parts.ask_ours(variant, frozenset([fold]))[fold] for fold in every] for variant in VARIANTS}
    chosen = choose(parts)
    bench.add("ours, all variants and the choice", [time.perf_counter() - start], "pages", len(pages))
    start = time.perf_counter()
    raw = [ask_raw(options.scratch / f"raw-{fold}", pages, parts.fold != fold, parts.fold == fold, RAW) for fold in every]
    bench.add("fastText on raw words", [time.perf_counter() - start], "pages", len(pages))
    bench.facts["ours"] = rows_of(parts, [answers[chosen[fold]][fold] for fold in every]) | {"chosen": chosen}
    for variant in VARIANTS:
        bench.facts[f"ours, {variant}"] = rows_of(parts, answers[variant])
    bench.facts["fastText on raw words"] = rows_of(parts, raw)
    bench.facts["settings"] = VARIANTS | {"fastText on raw words": RAW}
    bench.facts["hard negatives"] = hard_negatives(options.scratch / "hard", pages, VARIANTS["and five pieces of each"])
    return bench
