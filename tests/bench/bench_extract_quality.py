"""Quality and speed of the extractor: own fixtures, main content beside resiliparse and trafilatura, formulas, documentation pages.

Four results: `extract_fixtures` (pages of tests/golden/extract that come out as written by hand, by group), `extract_content`
(F1 on the pages with gold), `extract_formulas` (recall and duplicates against `formula_truth`) and `extract_speed`.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from statistics import fmean
from typing import Any

import main_content
from formula_truth import RULES, normal, true_formulas
from harness import ROOT, Bench, Options, SkipError
from real_input import pages

GOLDEN = ROOT / "tests" / "golden" / "extract"
SPEED_SETS = ("postgresql_doc", "python311_doc", "git_doc", "scipy_doc", "sagemath_doc")
SPEED_PAGES = 60
SPEED_BYTES = (15_000, 40_000)
_FORMULA = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]")

Extract = Callable[[bytes], str]


def extractors() -> dict[str, Extract]:
    """Ours and the peers, each with comments and tables.

    Raises:
        SkipError: a peer is not installed.
    """
    from mathcode_data.stages.extract.page import extract_page

    try:
        import resiliparse.extract.html2text as html2text
        import trafilatura
        from resiliparse.parse.encoding import detect_encoding
        from resiliparse.parse.html import HTMLTree
    except ImportError as error:
        raise SkipError(f"the peers need {error.name}; pip install resiliparse trafilatura lxml_html_clean") from error
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

    def by_resiliparse(content: bytes) -> str:
        tree = HTMLTree.parse_from_bytes(content, detect_encoding(content))
        return str(html2text.extract_plain_text(tree, main_content=True))

    return {
        "ours": lambda content: extract_page(content).text,
        "trafilatura": lambda content: trafilatura.extract(content, deduplicate=False) or "",
        "resiliparse": by_resiliparse,
    }


def fixtures() -> Bench:
    """Which share of the own fixtures comes out as written by hand."""
    from mathcode_data.stages.extract.page import extract_page

    def squeeze(text: str) -> str:
        return _FORMULA.sub(lambda match: re.sub(r"\s+", "", match[0]), text.strip())

    clean: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path in sorted(GOLDEN.glob("*/*.html")):
        side = path.with_suffix(".json")
        notes = json.loads(side.read_text(encoding="utf-8")) if side.exists() else {}
        content = path.read_bytes()
        if "repeat" in notes:
            piece, times = notes["repeat"]
            content = content.replace(b"@@", piece.encode() * times, 1)
        page = extract_page(content, **notes.get("options", {}))
        group = path.parent.name
        total[group] += 1
        clean[group] += squeeze(page.text) == squeeze(path.with_suffix(".md").read_text(encoding="utf-8"))
    bench = Bench("extract_fixtures", {"fixtures": total.total(), "groups": len(total)})
    bench.facts = {group: {"pages": total[group], "clean": round(clean[group] / total[group], 4)} for group in sorted(total)}
    bench.facts["all"] = {"pages": total.total(), "clean": round(clean.total() / total.total(), 4)}
    return bench


def content(options: Options, contenders: dict[str, Extract]) -> Bench:
    """F1 per set: of tokens, averaged over pages, or of snippets where these are the gold."""
    bench = Bench("extract_content", {"sets": list(main_content.SETS), "scale": options.scale})
    for name in main_content.SETS:
        gold = main_content.read_gold(options.data / "html", name)
        rows = [(row, page) for row, page in pages(name) if row["id"] in gold]
        rows = rows[: options.scaled(len(rows))]
        is_snippets = name == "trafilatura_eval"
        if not is_snippets:
            rows = [
                pair
                for pair in rows
                if main_content.tokens(main_content.gold_text(name, gold[pair[0]["id"]])).total() >= main_content.MIN_TOKENS
            ]
        given: dict[str, Any] = {"pages": len(rows), "measure": "snippets" if is_snippets else "tokens"}
        for label, extract in contenders.items():
            if is_snippets:
                counts = [main_content.snippet_counts(extract(page), gold[row["id"]]) for row, page in rows]
                found, missing, wrong = (sum(column) for column in zip(*counts, strict=True))
                given[label] = round(2 * found / (2 * found + missing + wrong), 4)
            else:
                given[label] = round(
                    fmean(main_content.token_f1(extract(page), main_content.gold_text(name, gold[row["id"]])) for row, page in rows), 4
                )
        bench.facts[name] = given
    return bench


def formulas(options: Options, contenders: dict[str, Extract]) -> Bench:
    """Recall and duplicates; `formula_truth` expands the macros of a page as the extractor must, so formulas are compared exactly.

    Of a peer, which marks no formulas, one counts as found where its LaTeX stands anywhere in the text, white space aside: too many by
    single letters, too few where a page has macros of its own.
    """
    from mathcode_data.stages.extract.page import extract_page

    bench = Bench("extract_formulas", {"sets": list(RULES), "scale": options.scale})
    for name, rule in RULES.items():
        counts: dict[str, int] = defaultdict(int)
        rows = [(row, page) for row, page in pages(name) if row["label"] == "math"]
        for _, page in rows[: options.scaled(len(rows))]:
            html = page.decode("utf-8", "replace")
            truth = true_formulas(html, rule)
            ours = Counter(normal(formula.latex) for formula in extract_page(page).formulas)
            over = ours - truth
            counts["formulas"] += truth.total()
            counts["found"] += (truth & ours).total()
            counts["repeated"] += sum(n for latex, n in over.items() if latex in truth)
            for label, extract in contenders.items():
                if label != "ours":
                    counts[label] += _num_in_text(truth, extract(page))
        bench.facts[name] = {
            "pages": len(rows), "formulas": counts["formulas"], "recall": round(counts["found"] / counts["formulas"], 5),
            "duplicates": round(counts["repeated"] / counts["formulas"], 5),
            **{label: round(counts[label] / counts["formulas"], 5) for label in contenders if label != "ours"},
        }  # fmt: skip
    return bench


def _num_in_text(truth: Counter[str], text: str) -> int:
    squeezed = "".join(text.split())
    return sum(min(number, squeezed.count("".join(latex.split()))) for latex, number in truth.items())


def speed(options: Options, contenders: dict[str, Extract]) -> Bench:
    """Documentation pages of about 25 KB, one core."""
    low, high = SPEED_BYTES
    chosen = [
        page
        for name in SPEED_SETS
        for page in itertools.islice((page for _, page in pages(name) if low <= len(page) <= high), options.scaled(SPEED_PAGES))
    ]
    bench = Bench("extract_speed", {"sets": list(SPEED_SETS), "pages": len(chosen), "mean_bytes": round(fmean(map(len, chosen)))})
    runs = {label: (lambda extract=extract: sum(len(extract(page)) for page in chosen)) for label, extract in contenders.items()}
    bench.facts = {"characters": bench.race(runs, "page", len(chosen), repeats=options.repeats)}
    return bench


def run(options: Options) -> list[Bench]:
    """All four results."""
    options.shared()
    contenders = extractors()
    return [fixtures(), formulas(options, contenders), content(options, contenders), speed(options, contenders)]
