"""Data cards tell the whole chain of manifests, and what is missing in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mathcode_data.core.counters import StageCounters
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import InputRecord, write_manifest
from mathcode_data.inspect.card import data_card
from mathcode_data.inspect.lineage import lineages
from mathcode_data.inspect.markdown import code, escaped
from mathcode_data.inspect.statistics import statistics
from support.stages import documents, make_result


def make(folder: Path, kind: str = "documents", **changes: Any) -> str:
    """A result with a manifest of its own; returns its fingerprint."""
    result = make_result(folder, [documents(["a", "b"], license=["MIT", "BSD|<b>"])])
    fingerprint = f"{folder.name:f<32}"
    write_manifest(folder, replace(result.manifest, kind=kind, fingerprint=fingerprint, **changes))
    return fingerprint


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """pages -> clean, with a model that was learned from seed."""
    raw = [InputRecord("3 files", "0" * 32)]
    seed = make(tmp_path / "seed", inputs=raw, counters=[StageCounters("read.warc", 4, 2, Counter(http_404=2))])
    model = make(tmp_path / "model", "model", inputs=[InputRecord("seed", seed)], counters=[StageCounters("learn.fasttext", 2, 2)])
    pages = make(tmp_path / "pages", inputs=[InputRecord("model", model), InputRecord("gone", "9" * 32)],
                 counters=[StageCounters("read.warc", 9, 7, Counter(empty_body=2))])  # fmt: skip
    counters = StageCounters("decontaminate.ngram", 7, 6, Counter(contaminated=1), Counter({"hits gsm8k.jsonl": 1, "segments_removed": 3}))
    stage = {"name": "decontaminate.ngram", "version": "1", "config": {"benchmarks": ["gsm8k.jsonl", "math.jsonl"], "ngram": 10}}
    make(tmp_path / "clean", inputs=[InputRecord("pages", pages)], counters=[counters], stages=[stage])
    return tmp_path / "clean"


def test_a_card_tells_filters_contamination_licences_and_gaps(chain: Path):
    card = data_card(chain, statistics(chain))
    assert "| clean | pages | read.warc | 9 | 7 | empty\\_body 2 |" in card
    learned = card.index("learned from")
    assert card.index("| clean | seed | read.warc | 4 | 2 | http\\_404 2 |") > learned > card.index("| clean | pages |")
    assert "| gsm8k.jsonl | 1 |" in card
    assert "| math.jsonl | 0 |" in card
    assert "segments removed: 3" in card
    assert "| MIT | 1 | 1 |" in card
    assert "BSD\\|\\<b\\>" in card
    assert "pages was made of gone" in card
    assert "seed read 3 files" in card
    assert "mathcode-data verify" in card
    for title in ("Sources", "Licences", "Filters", "Contamination", "How to rebuild", "What is not known"):
        assert f"\n## {title}\n" in card


def test_results_come_after_their_causes_and_what_was_made_again_is_missing(chain: Path):
    (found,) = lineages(chain, {"path": str(chain)})
    names = [result.folder.name for result in found.results]
    assert names == ["seed", "model", "pages", "clean"]
    assert {folder.name for folder in found.flow} == {"pages", "clean"}
    make(chain.parent / "pages", counters=[])
    manifest = lineages(chain, {"path": str(chain)})[0]
    assert [result.folder.name for result in manifest.results] == ["pages", "clean"], "same name and fingerprint: found, now without inputs"


def test_a_card_of_foreign_shards_and_of_a_mixture_says_what_is_not_known(foreign: Path, mixture: Path):
    card = data_card(foreign, statistics(foreign))
    assert "no manifest of ours" in card
    card = data_card(mixture, statistics(mixture))
    assert "| one | toy | 6 | 6 | 3 |" in card
    assert "shards from elsewhere" in card
    assert "build-mixture toy.yaml" in card


def test_kinds_without_a_card_are_refused(tmp_path: Path, make_checkpoint):
    folder = make_checkpoint(tmp_path / "c")
    with pytest.raises(ConfigError, match="no data card"):
        data_card(folder, statistics(folder))


def test_markdown_from_pages_means_nothing():
    assert escaped("a|b\n[x](javascript:1) <b> `c` https://e.example") == (
        "a\\|b \\[x\\](javascript:1) \\<b\\> \\`c\\` https:&#47;&#47;e.example"
    )
    assert code("a`b\nc") == "`a'b c`"
