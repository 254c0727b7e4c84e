"""What a round found, as a result of its own: `report.json`, `report.md` and `report.html` in `round-N`.

Pages and tokens collected, domains, overlap with the round before, precision on hand-checked pages, a histogram of scores.
The fingerprint of the result covers the results of the round and the model's sha256.
"""

# N documents

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from mathcode_data.core.documents import read_documents
from mathcode_data.core.errors import DataError, MathcodeError
from mathcode_data.core.fingerprint import fingerprint
from mathcode_data.core.manifest import InputRecord, Manifest, Result, Shard, made_by, read_result, write_manifest
from mathcode_data.core.storage import fsync_folder, remove_tree, sha256_file, to_json, write_bytes
from mathcode_data.inspect.markdown import markdown_table
from mathcode_data.inspect.markup import Percent, figures, page, section, table
from mathcode_data.inspect.svg import histogram_chart
from mathcode_data.recall.config import Recall
from mathcode_data.stages.ids import Words, id_words
from mathcode_data.stages.learn.domains_tree import wilson
from mathcode_data.stages.select.domains_members import Members, sort_words

NUM_BINS = 20
CONFIDENCE = 0.95
MAX_NAMED = 20
NO_URLS = "no page has a url, so there are no domains (read.jsonl: url_key, read.parquet: url_column)"
BINS = {"unit": "score", "scale": "linear"}
PARTS = ("model", "scored", "recalled", "domains")


@dataclass(frozen=True)
class Round:
    """One round, measured."""

    number: int
    data: dict[str, Any]
    fingerprint: str
    collected: Words
    """Sorted ids of the collected documents."""

    def line(self) -> str:
        """One line for people."""
        data = self.data
        new = "" if data["new_share"] is None else f", {data['new_share']:.1%} new"
        return (
            f"round {self.number}: {data['pages']:,} of {data['pages_scored']:,} pages, {data['tokens']:,} tokens{new}; "
            f"{_domains_text(data)}"
        )

    def warning(self) -> str:
        """One line on the decisions that no page obeys."""
        return f"round {self.number}: warning: {_unmatched_text(self.data['decisions']['unmatched'])}"


def result_of(recall: Recall, number: int, what: str) -> Result:
    """A finished result of a round."""
    return read_result(recall.output / f"round-{number}-{what}")


def measure(recall: Recall, number: int, before: Round | None) -> Round:
    """Read the results of a round and count."""
    results = {name: result_of(recall, number, name) for name in PARTS}
    ids_N2 = sort_words([id_words(part["doc_id"], "recalled") for part in _tables(results["recalled"], ["doc_id"])])
    common = 0 if before is None else int(Members(before.collected).hold(ids_N2).sum())
    pages = len(ids_N2)
    recalled, domains = results["recalled"].manifest.facts, results["domains"].manifest.facts
    data = {
        "round": number,
        "model_sha256": results["model"].manifest.facts["sha256"],
        "model_holdout": results["model"].manifest.facts["holdout"],
        "examples": results["model"].manifest.facts["examples"],
        "pages_scored": results["scored"].manifest.num_rows,
        "pages": pages,
        "tokens": recalled["tokens"],
        "tokens_asked": recalled["tokens_asked"],
        **{
            name: domains[name]
            for name in ("num_domains", "num_candidates", "num_suggestions", "uncollected_of_candidates", "auto_accepted")
        },
        "overlap": None if before is None else common,
        "overlap_share": None if before is None or not pages else round(common / pages, 6),
        "new_share": None if before is None else round(1 - common / pages, 6) if pages else 0.0,
        **_scores_and_labels(recall, results["scored"], ids_N2),
        "decisions": None,
    }
    causes = {name: result.fingerprint for name, result in results.items()}
    labels = [sha256_file(Path(path)) for path in recall.config.labels]
    earlier = before.fingerprint if before else None
    name = fingerprint({"round": number, "model": data["model_sha256"], "results": causes, "labels": labels, "before": earlier})
    return Round(number, data, name, ids_N2)


def with_decisions(recall: Recall, found: Round) -> Round:
    """The round with what was decided after it: how many places, and those that hold no page, which may be mistyped."""
    added = result_of(recall, found.number, "added")
    facts = added.manifest.facts
    decisions = {"accepted": len(facts["accepted"]), "rejected": len(facts["rejected"]), "unmatched": facts["unmatched"]}
    name = fingerprint({"round": found.fingerprint, "added": added.fingerprint})
    return replace(found, data=found.data | {"decisions": decisions}, fingerprint=name)


def _unmatched_text(places: list[str]) -> str:
    named = ", ".join(places[:MAX_NAMED]) + (f" and {len(places) - MAX_NAMED:,} more" if len(places) > MAX_NAMED else "")
    one = len(places) == 1
    return (
        f"{len(places):,} {'decision holds' if one else 'decisions hold'} for no page, check {'its' if one else 'their'} spelling: {named}"
    )


def _tables(result: Result, columns: list[str]) -> Iterator[pa.Table]:
    for path in result.document_shards():
        yield from read_documents(path, columns)


def _scores_and_labels(recall: Recall, scored: Result, ids_N2: Words) -> dict[str, Any]:
    """Histograms of the scores of all and of the collected pages; precision and recall on the labelled ones."""
    labels = read_labels(recall.config.labels)
    members = Members(ids_N2)
    counts = np.zeros((2, NUM_BINS), np.int64)
    right = {"collected": [0, 0], "math": [0, 0]}
    for part in _tables(scored, ["doc_id", "url", recall.column]):
        collected = members.hold(id_words(part["doc_id"], "scored"))
        scores = part[recall.column].to_numpy()
        bins = np.minimum((scores * NUM_BINS).astype(np.int64), NUM_BINS - 1)
        counts += np.stack([np.bincount(chosen, minlength=NUM_BINS) for chosen in (bins, bins[collected])])
        if not labels:
            continue
        for url, is_collected in zip(part["url"].to_pylist(), collected.tolist(), strict=True):
            label = labels.get(url)
            if label is None:
                continue
            is_math = label == recall.positive_label
            right["collected"] = [right["collected"][0] + (is_math and is_collected), right["collected"][1] + is_collected]
            right["math"] = [right["math"][0] + (is_math and is_collected), right["math"][1] + is_math]
    histogram = {"edges": [i / NUM_BINS for i in range(NUM_BINS + 1)], "all": counts[0].tolist(), "collected": counts[1].tolist()}
    return {"scores": histogram, "precision": _share(*right["collected"]), "recall": _share(*right["math"])}


def _share(hits: int, total: int) -> dict[str, Any] | None:
    if not total:
        return None
    low, high = wilson(hits, total, CONFIDENCE)
    return {"hits": hits, "of": total, "share": round(hits / total, 6), "low": low, "high": high}


def read_labels(paths: tuple[str, ...]) -> dict[str, str]:
    """Labels of hand-checked pages by URL; a URL that was given two labels is left out.

    Raises:
        DataError: a line is no object with `url` and `label`; names file and line.
    """
    found: dict[str, str] = {}
    twice: set[str] = set()
    for path in paths:
        for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
            if not line.strip():
                continue
            try:
                data = orjson.loads(line)
                url, label = data["url"], data["label"]
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f'{path}:{number}: no label ({error}); write {{"url": "https://...", "label": "math"}}') from error
            if found.setdefault(url, label) != label:
                twice.add(url)
    return {url: label for url, label in found.items() if url not in twice}


def has_report(recall: Recall, number: int) -> bool:
    """Whether a report of the round was written, perhaps of an earlier run."""
    return (recall.output / f"round-{number}" / "manifest.json").exists()


def write_round(recall: Recall, found: Round) -> Path:
    """Write the round as a result, unless it stands there already."""
    folder = recall.output / f"round-{found.number}"
    if (folder / "manifest.json").exists() and _fingerprint(folder) == found.fingerprint:
        return folder
    made = recall.output / f".round-{found.number}"
    remove_tree(made)
    made.mkdir()
    files = {"report.json": to_json(found.data), "report.md": markdown(found.data).encode(), "report.html": html(recall, found).encode()}
    for name, content in files.items():
        write_bytes(made / name, content)
    shards = [Shard(name, (made / name).stat().st_size, sha256_file(made / name)) for name in sorted(files)]
    inputs = [InputRecord(f"round-{found.number}-{name}", result_of(recall, found.number, name).fingerprint) for name in PARTS]
    write_manifest(made, Manifest("round", [], found.fingerprint, inputs, shards, [], facts=found.data, made_by=made_by()))
    remove_tree(folder)
    made.rename(folder)
    fsync_folder(folder.parent)
    return folder


def _fingerprint(folder: Path) -> str:
    try:
        return read_result(folder).fingerprint
    except MathcodeError:
        return ""  # damaged: written again


def _has_no_urls(data: dict[str, Any]) -> bool:
    """Whether pages were scored, none of which has an address."""
    return bool(data["pages_scored"]) and not data["num_domains"]


def _domains_text(data: dict[str, Any]) -> str:
    return NO_URLS if _has_no_urls(data) else f"{data['num_candidates']:,} candidate domains"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def summary(data: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of a round in words, for every form of the report."""

    def measured(share: dict[str, Any] | None) -> str:
        if share is None:
            return "no labelled page"
        return f"{share['share']:.1%} ({share['hits']:,} of {share['of']:,}; {share['low']:.1%} to {share['high']:.1%})"

    decisions = data["decisions"]
    decided = []
    if decisions is not None:
        decided.append(("decisions", f"accepted {decisions['accepted']:,}, rejected {decisions['rejected']:,}"))
    if decisions is not None and decisions["unmatched"]:
        decided.append(("warning", _unmatched_text(decisions["unmatched"])))
    overlap = "first round" if data["overlap"] is None else f"{data['overlap']:,} pages, {_percent(data['overlap_share'])}"
    return [
        ("pages collected", f"{data['pages']:,} of {data['pages_scored']:,}"),
        ("tokens", f"{data['tokens']:,} of {data['tokens_asked']:,} asked"),
        ("overlap with the round before", overlap),
        ("share of new pages", _percent(data["new_share"])),
        (
            "domains",
            NO_URLS
            if _has_no_urls(data)
            else f"{data['num_domains']:,}, of which {data['num_candidates']:,} candidates with {data['num_suggestions']:,} suggestions",
        ),
        *decided,
        ("precision on labelled pages", measured(data["precision"])),
        ("recall on labelled pages", measured(data["recall"])),
        ("model", str(data["model_sha256"])),
    ]


def markdown(data: dict[str, Any]) -> str:
    """The report for a terminal or a repository."""
    scores = data["scores"]
    bins = [
        [f"{low:.2f} to {high:.2f}", every, chosen]
        for low, high, every, chosen in zip(scores["edges"], scores["edges"][1:], scores["all"], scores["collected"], strict=False)
    ]
    head = f"# Round {data['round']}\n\n{markdown_table(['', ''], [list(row) for row in summary(data)])}\n\n## Scores\n\n"
    return head + markdown_table(["score", "pages", "collected"], bins) + "\n"


def html(recall: Recall, found: Round) -> str:
    """The report as a page of the same make as `inspect --html`."""
    data = found.data
    numbers = [
        (f"{data['pages']:,}", "pages collected"),
        (f"{data['tokens']:,}", "tokens"),
        (f"{data['num_candidates']:,}", "candidate domains"),
    ]
    if data["precision"]:
        numbers.append((f"{data['precision']['share']:.1%}", "precision on labelled pages"))
    charts = [
        histogram_chart({"edges": data["scores"]["edges"], "counts": data["scores"][kind], **BINS}, words, f"Scores of {words}")
        for kind, words in (("all", "all pages"), ("collected", "collected pages"))
    ]
    rows = [
        [f"{low:.2f} to {high:.2f}", every, chosen, Percent(chosen / every) if every else None]
        for low, high, every, chosen in zip(
            data["scores"]["edges"], data["scores"]["edges"][1:], data["scores"]["all"], data["scores"]["collected"], strict=False
        )
    ]
    body = figures(numbers) + section("What was found", table(["", ""], [list(row) for row in summary(data)]))
    body += section("Scores", *charts, table(["score", "pages", "collected", "share"], rows))
    name = str(recall.file.data.get("name", ""))
    return page("round of recall", f"{name}, round {found.number}", found.fingerprint, body, [f"mathcode-data review {name}"])
