"""recall: rounds that learn from accepted domains, stop where they should, and are never made twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.interrupt import Interrupt
from mathcode_data.core.manifest import read_result
from mathcode_data.recall.config import load_recall
from mathcode_data.recall.rounds import Outcome, run_rounds
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.inline import InlineRunner
from mathcode_data.runtime.progress import Progress
from support.classifier import MATH, OTHER, texts
from support.engine import tree_hashes

NEW = ["lattice", "functor", "sheaf", "cohomology", "射", "群", "环"]
"""Words of mathematics that the seed does not hold."""

RECALL = """
name: toy-recall
seed: 3
output: out
stages:
  - id: seed
    read.parquet: {{paths: seed.parquet, url_column: url}}
  - id: random
    read.parquet: {{paths: random.parquet, url_column: url}}
  - id: pages
    read.parquet: {{paths: [pages-0.parquet, pages-1.parquet], url_column: url}}
recall:
  seed: {{stage: seed}}
  negatives: {{stage: random}}
  pages: {{stage: pages}}
  tokens: {tokens}
  labels: labels.jsonl
  learn: {{dim: 8, bucket: 1000, min_count: 1, epochs: 8, lr: 0.5, word_ngrams: 1, holdout: 10%}}
  domains: {{min_pages: 5, num_samples: 2{auto}}}
  max_rounds: {rounds}
"""


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    """Parquet as OpenWebMath publishes it: url, text, date, metadata."""
    columns = {
        "url": [url for url, _ in rows],
        "text": [text for _, text in rows],
        "date": ["2023"] * len(rows),
        "metadata": ["{}"] * len(rows),
    }
    pq.write_table(pa.table(columns), path)


def lay_out(folder: Path, *, tokens: str = "[900, 1500]", auto: str = "", rounds: int = 3) -> Path:
    """A seed, random pages, and a web in which one site holds mathematics that the seed's words only half cover."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "seed.parquet", [(f"https://seed.example/{i}", text) for i, text in enumerate(texts(MATH, 60, 1))])
    write(folder / "random.parquet", [(f"https://any{i}.example/", text) for i, text in enumerate(texts(OTHER, 60, 2))])
    known = [(f"https://forum.example/math/{i}", text) for i, text in enumerate(texts(MATH, 15, 3))]
    new = [(f"https://forum.example/math/new/{i}", text) for i, text in enumerate(texts([*NEW, "said", "went", "car"], 15, 4))]
    far = [(f"https://sheaves.example/{i}", text) for i, text in enumerate(texts(NEW, 10, 5))]
    other = [(f"https://news{i % 4}.example/{i}", text) for i, text in enumerate(texts(OTHER, 80, 6))]
    order = np.random.default_rng(0).permutation(120)
    pages = [[*known, *new, *far, *other][i] for i in order]
    write(folder / "pages-0.parquet", pages[:70])
    write(folder / "pages-1.parquet", pages[70:])
    labels = [{"url": url, "label": "math"} for url, _ in [*known, *new, *far]] + [{"url": url, "label": "other"} for url, _ in other]
    (folder / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    path = folder / "recall.yaml"
    path.write_text(RECALL.format(tokens=tokens, auto=auto, rounds=rounds))
    return path


def recall(path: Path, *, stop_after: int | None = None) -> Outcome:
    """Run; `stop_after` breaks the run off after so many rounds, as a kill would."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if stop_after is not None and len(lines) >= stop_after:
            raise KeyboardInterrupt

    return run_rounds(load_recall(path), RunSettings(InlineRunner(), Progress(), Interrupt()), say)


def decide(path: Path, number: int, *lines: dict[str, str]) -> Path:
    file = path.parent / "out" / "decisions" / f"round-{number:02d}.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def remade(outcome: Outcome) -> set[str]:
    return {report.node.id for report in outcome.reports if not report.was_fresh}


ACCEPT = {"decision": "accept", "domain": "forum.example", "note": "all of it"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rounds in one go, with a person's decision on the first and an automatic rest."""
    path = lay_out(tmp_path_factory.mktemp("whole"), auto=", auto_accept: 10%")
    recall(path)
    return path


def test_it_stops_for_review_and_goes_on_with_what_was_decided(tmp_path):
    path = lay_out(tmp_path)
    first = recall(path)
    assert (first.state, len(first.rounds)) == ("review", 1)
    assert first.domains == tmp_path / "out" / "round-1-domains"
    assert first.rounds[0].data["num_candidates"] >= 1
    assert first.decisions == decide(path, 1, ACCEPT)
    again = recall(path)
    assert again.state == "review"
    assert len(again.rounds) == 2
    assert not {name for name in remade(again) if name.startswith("round-1-") and name != "round-1-added"} | remade(again) & {
        "seed",
        "pages",
    }
    added = read_result(tmp_path / "out" / "round-1-added")
    assert added.manifest.num_rows > 0
    assert added.manifest.facts["accepted"] == ["forum.example"]
    urls = [url for shard in added.document_shards() for url in pq.read_table(shard)["url"].to_pylist()]
    assert all(url.startswith("https://forum.example/") for url in urls)
    one, two = (read_result(tmp_path / "out" / f"round-{number}-recalled") for number in (1, 2))
    assert two.manifest.num_rows > one.manifest.num_rows
    assert again.rounds[1].data["recall"]["share"] > again.rounds[0].data["recall"]["share"]


def test_a_decision_that_holds_for_no_page_is_named_in_the_report(tmp_path):
    path = lay_out(tmp_path)
    recall(path)
    decide(path, 1, ACCEPT, {"decision": "reject", "prefix": "forum.example/mth/"})
    lines: list[str] = []
    outcome = run_rounds(load_recall(path), RunSettings(InlineRunner(), Progress(), Interrupt()), lines.append)
    assert [line for line in lines if "warning" in line] == [
        "round 1: warning: 1 decision holds for no page, check its spelling: forum.example/mth/"
    ]
    assert outcome.rounds[0].data["decisions"] == {"accepted": 1, "rejected": 1, "unmatched": ["forum.example/mth/"]}
    report = tmp_path / "out" / "round-1"
    assert json.loads((report / "report.json").read_text())["decisions"]["unmatched"] == ["forum.example/mth/"]
    assert all("forum.example/mth/" in (report / name).read_text().replace("<wbr>", "") for name in ("report.md", "report.html"))
    assert json.loads((tmp_path / "out" / "round-2" / "report.json").read_text())["decisions"] is None


def test_what_is_finished_is_never_made_again(finished):
    before = tree_hashes(finished.parent / "out")
    again = recall(finished)
    assert remade(again) == set()
    assert tree_hashes(finished.parent / "out") == before


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_run_that_is_broken_off_and_goes_on_gives_the_same_bytes(finished, tmp_path, rounds):
    path = lay_out(tmp_path / "broken", auto=", auto_accept: 10%")
    with pytest.raises(KeyboardInterrupt):
        recall(path, stop_after=rounds)
    recall(path)
    assert tree_hashes(path.parent / "out") == tree_hashes(finished.parent / "out")


def test_a_changed_decision_remakes_what_comes_after_it_and_nothing_before(finished, tmp_path):
    shutil.copytree(finished.parent, tmp_path / "copy")
    path = tmp_path / "copy" / "recall.yaml"
    decide(path, 2, {"decision": "reject", "domain": "forum.example"})
    found = remade(recall(path))
    assert "round-2-added" in found
    assert not any(name.startswith("round-1-") or name in ("seed", "random", "pages", "round-2-model", "round-2-scored") for name in found)


def test_a_round_is_a_result_whose_fingerprint_holds_the_models_sha256(finished):
    out = finished.parent / "out"
    names = set()
    for number in (1, 2):
        result = read_result(out / f"round-{number}")
        names.add(result.fingerprint)
        sha256 = read_result(out / f"round-{number}-model").manifest.facts["sha256"]
        assert result.manifest.facts["model_sha256"] == sha256
        scored = read_result(out / f"round-{number}-scored").manifest
        assert scored.stages[0]["config"]["model"]["sha256"] == sha256
        assert {shard.name for shard in result.manifest.shards} == {"report.json", "report.md", "report.html"}
    assert len(names) == 2


def test_the_report_counts_what_the_results_hold(finished):
    out = finished.parent / "out"
    ids = []
    for number in (1, 2):
        data = json.loads((out / f"round-{number}" / "report.json").read_text())
        rows = [
            row for shard in read_result(out / f"round-{number}-recalled").document_shards() for row in pq.read_table(shard).to_pylist()
        ]
        ids.append({row["doc_id"] for row in rows})
        is_math = [not row["url"].startswith("https://news") for row in rows]
        assert (data["pages"], data["precision"]["hits"], data["precision"]["of"]) == (len(rows), sum(is_math), len(rows))
        assert sum(data["scores"]["all"]) == 120
        assert sum(data["scores"]["collected"]) == len(rows)
    assert data["overlap"] == len(ids[0] & ids[1])
    assert data["new_share"] == pytest.approx(1 - len(ids[0] & ids[1]) / len(ids[1]), abs=1e-6)


def test_rounds_end_when_little_is_new(tmp_path):
    outcome = recall(lay_out(tmp_path, tokens="900", auto=", auto_accept: 10%", rounds=5))
    assert outcome.state in ("converged", "nothing_new")
    assert len(outcome.rounds) < 5


def test_a_wrong_line_of_decisions_is_named_before_any_work(finished, tmp_path):
    shutil.copytree(finished.parent, tmp_path / "copy")
    path = tmp_path / "copy" / "recall.yaml"
    decide(path, 1, ACCEPT, {"decision": "accept", "domian": "x"})
    with pytest.raises(DataError, match=r"round-01\.jsonl:2: unknown key 'domian'"):
        recall(path)


def test_wrong_keys_are_named_with_their_place(tmp_path):
    path = lay_out(tmp_path)
    text = path.read_text()
    for wrong, message in (
        ("  tokens: 9\n  max_round: 2", r"recall\.yaml:\d+:3: unknown key 'max_round'; did you mean 'max_rounds'"),
        ("  tokens: 9\n  select: {column: x}", "column is filled in by the rounds"),
    ):
        path.write_text(text.replace("  tokens: [900, 1500]", wrong))
        with pytest.raises(ConfigError, match=message):
            load_recall(path)
    path.write_text(text.replace("min_pages: 5", "min_page: 5"))
    with pytest.raises(ConfigError, match=r"recall\.yaml:19:\d+: unknown key 'min_page'"):
        recall(path)


def test_pages_without_addresses_are_said_to_have_none(tmp_path: Path):
    path = lay_out(tmp_path, tokens="900", rounds=1)
    pages = "paths: [pages-0.parquet, pages-1.parquet], url_column: url"
    assert pages in path.read_text()
    for name in ("pages-0.parquet", "pages-1.parquet"):
        table = pq.read_table(tmp_path / name)
        pq.write_table(table.set_column(0, "url", pa.array([""] * table.num_rows)), tmp_path / name)
    found = recall(path).rounds[0]
    assert found.data["num_domains"] == 0
    assert "no page has a url, so there are no domains (read.jsonl: url_key" in found.line()
    assert "no page has a url" in (tmp_path / "out/round-1/report.md").read_text()
