"""A page is followed from its line to the samples that hold it: scores and bounds, twins, what was cut out, tokens, samples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathcode_data.core.counters import StageCounters
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.manifest import Manifest, read_result, write_manifest
from mathcode_data.inspect.crawled import refused_links_text
from mathcode_data.inspect.explain import explain, explain_text, why_unknown
from mathcode_data.inspect.samples import windows_of
from mathcode_data.inspect.verdicts import removed_parts
from mathcode_data.mixture.dataset import MixtureDataset
from mathcode_data.shards.reader import TokenShard

PAGE = "https://www.example.org/{}.html"


def follow(folder: Path, name: str) -> list[tuple[str, str, str, str]]:
    found = explain(folder / "out", url=PAGE.format(name))
    return [(row["result"], row["verdict"], row["stage"], row["reason"]) for row in found]


def test_results_come_in_the_order_of_the_pipeline(pipeline_folder: Path):
    """They came in alphabetical order: clean before distinct before math before scored."""
    through = next(name for name in ("kept", "copy", "near") if follow(pipeline_folder, name)[-1][0] == "math")
    assert follow(pipeline_folder, through)[-2:] == [("clean", "kept", "decontaminate.ngram", ""), ("math", "kept", "tokenize", "")]
    assert [row[0] for row in follow(pipeline_folder, "cut")] == ["scored", "distinct", "unlike", "clean", "math"]


def test_a_score_stands_beside_the_bound_that_it_missed_or_met(pipeline_folder: Path):
    (low,) = explain(pipeline_folder / "out", url=PAGE.format("low"))
    assert [(step["stage"], step["verdict"]) for step in low["steps"]] == [
        ("read.jsonl", "kept"), ("support.toy_score", "kept"), ("select.threshold", "dropped")
    ]  # fmt: skip
    assert low["steps"][2]["why"] == "below_min: score_math 0.2500 < min 0.5"
    kept = explain(pipeline_folder / "out" / "scored", url=PAGE.format("kept"))
    assert kept[0]["steps"][2]["why"] == "score_math 0.9000 (min 0.5)"
    assert "score_math 0.2500 < min 0.5" in explain_text([low])


@pytest.mark.parametrize(("reason", "result"), [("exact_duplicate", "distinct"), ("near_duplicate", "unlike")])
def test_a_duplicate_names_the_document_that_was_kept_in_its_place(pipeline_folder: Path, reason: str, result: str):
    rows = {name: explain(pipeline_folder / "out", url=PAGE.format(name)) for name in ("kept", "copy", "near")}
    ids = {found[0]["document"]["doc_id"]: name for name, found in rows.items()}
    dropped = [found[-1] for found in rows.values() if found[-1]["reason"] == reason]
    assert dropped, "one of the three is a duplicate of this kind"
    for entry in dropped:
        assert entry["result"] == result
        twin = entry["twin"]
        assert twin["doc_id"] in ids
        assert twin["doc_id"] != entry["document"]["doc_id"]
        assert twin["url"] == PAGE.format(ids[twin["doc_id"]])
        assert twin["similarity"] == 1.0 if reason == "exact_duplicate" else 0.5 < twin["similarity"] < 1.0
        text = explain_text([entry])
        assert f"{reason} of {twin['doc_id']}" in text
        assert f"similarity {twin['similarity']:.3f}" in text


def test_what_decontamination_cut_out_is_shown(pipeline_folder: Path):
    entry = next(row for row in explain(pipeline_folder / "out", url=PAGE.format("cut")) if row["result"] == "clean")
    assert entry["removed"]["changes"].startswith("1 document changed, 1 segment removed")
    (part,) = entry["removed"]["parts"]
    assert part.startswith("A farmer has seventeen sheep")
    text = explain_text([entry])
    assert "1 segment removed" in text
    assert "A farmer has seventeen sheep" in text
    other = next(row for row in explain(pipeline_folder / "out", url=follow_kept(pipeline_folder)) if row["result"] == "clean")
    assert "removed" not in other


def follow_kept(folder: Path) -> str:
    """The URL of the one of the three like pages that came through."""
    return next(PAGE.format(name) for name in ("kept", "copy", "near") if follow(folder, name)[-1][0] == "math")


def test_without_the_text_before_the_counts_alone_are_said(pipeline_folder: Path, tmp_path: Path):
    import shutil

    shutil.copytree(pipeline_folder / "out" / "clean", tmp_path / "clean")
    (entry,) = explain(tmp_path / "clean", url=PAGE.format("cut"))
    assert entry["removed"]["parts"] is None
    assert re.search(r"1 segment removed.* in all; whether in this document is not known", explain_text([entry]))


@pytest.mark.parametrize("by", ["url", "doc_id"])
def test_the_tokens_of_a_document_and_the_samples_that_hold_them(pipeline_folder: Path, pipeline_mixture: Path, by: str):
    url = PAGE.format("cut")
    doc_id = explain(pipeline_folder / "out", url=url)[0]["document"]["doc_id"]
    found = explain(pipeline_mixture, **({"url": url} if by == "url" else {"doc_id": doc_id}))
    assert [row["result"] for row in found] == ["scored", "distinct", "unlike", "clean", "math", "math"]
    entry = found[-1]
    shard, (start, stop) = entry["tokens"]["shard"], entry["tokens"]["span"]
    with TokenShard(pipeline_folder / "out" / "math" / shard) as opened:
        assert opened.document(entry["tokens"]["document"]).tolist() == opened.tokens(start, stop).tolist()
    with MixtureDataset(pipeline_mixture) as mixture:
        holding = [i for i in range(len(mixture)) if (s := mixture.sample(i)).token_start < stop and s.token_start + 129 > start]
    assert entry["samples"] == holding
    assert entry["num_samples"] == len(holding) == sum(entry["stages"].values())
    assert entry["verdict"] == "drawn"
    assert f"in sample {', '.join(map(str, holding[:12]))}" in explain_text(found)


@pytest.mark.parametrize(
    "changes",
    [{}, {"blend": "megatron"}, {"index": "virtual"}, {"across_stages": "repeat"},
     {"stages": [{"name": "a", "tokens": 400, "weights": {"code": 1}}, {"name": "b", "tokens": 400, "weights": {"math": 1},
                                                                       "replay": {"stage": "a", "share": "20%"}}]}],
    ids=["lattice", "megatron", "virtual", "repeat", "replay"],
)  # fmt: skip
def test_samples_are_found_in_every_order(build_two_sources, changes: dict[str, Any]):
    mixture, wanted = build_two_sources(changes)
    for doc_id in wanted:
        entries = [row for row in explain(mixture, doc_id=doc_id) if "samples" in row]
        assert entries
        with MixtureDataset(mixture) as opened:
            for entry in entries:
                start, stop = entry["tokens"]["span"]
                name = entry["result"]
                holding = []
                for position in range(len(opened)):
                    sample = opened.sample(position)
                    if opened.source_names[sample.source] == name and sample.token_start < stop and sample.token_start + 9 > start:
                        holding.append(position)
                assert entry["samples"] == holding
                assert (entry["verdict"] == "drawn") == bool(holding)


@pytest.fixture
def build_two_sources(tmp_path: Path):
    import pyarrow as pa

    from mathcode_data.mixture.build import build_mixture
    from mathcode_data.mixture.recipe import Recipe
    from mathcode_data.mixture.sources import source_from_path
    from mathcode_data.shards.documents_table import write_documents_table
    from mathcode_data.shards.format import documents_path
    from mathcode_data.shards.writer import ShardWriter

    rng = np.random.default_rng(1)
    for name in ("code", "math"):
        (tmp_path / name).mkdir()
        prefix = tmp_path / name / name
        sizes = rng.integers(1, 40, 30)
        with ShardWriter(prefix, np.uint16) as writer:
            for size in sizes:
                writer.add(rng.integers(0, 99, size))
        ids = [f"{name.encode().hex():>08}{number:024x}" for number in range(30)]
        write_documents_table(documents_path(prefix), [(pa.table({"doc_id": ids}), sizes)])

    def make(changes: dict[str, Any]) -> tuple[Path, list[str]]:
        values = {
            "name": "t", "sequence_length": 8, "stages": [
                {"name": "a", "tokens": {"code": 400, "math": 160}}, {"name": "b", "tokens": {"code": 80, "math": 400}}],
            "sources": {name: {"shards": str(tmp_path / name), "max_epochs": 3, "holdout": "5%"} for name in ("code", "math")},
        } | changes  # fmt: skip
        sources = [source_from_path(name, tmp_path / name) for name in ("code", "math")]
        build_mixture(Recipe.model_validate(values), sources, tmp_path / "mixture")
        return tmp_path / "mixture", [f"{name.encode().hex():>08}{number:024x}" for name in ("code", "math") for number in (0, 7, 29)]

    return make


@given(st.integers(0, 60), st.integers(0, 40), st.integers(1, 9), st.integers(0, 12))
def test_windows_of_a_span_are_those_that_share_a_token_with_it(start: int, size: int, length: int, num_windows: int):
    span = (start, start + size)
    expected = [w for w in range(num_windows) if size and w * length < span[1] and w * length + length + 1 > span[0]]
    assert windows_of(span, num_windows, length).tolist() == expected


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12), st.data())
def test_what_was_cut_out_of_a_text_and_what_is_left_are_all_of_it(lines: list[str], data):
    kept = [line for line in lines if data.draw(st.booleans())]
    parts = removed_parts("\n".join(lines), "\n".join(kept))
    assert sorted("\n".join(parts).split("\n") if parts else []) == sorted(line for line in _without(lines, kept) if line), (
        "the same lines, whichever of equal ones is taken for the one that went"
    )


def _without(lines: list[str], kept: list[str]) -> list[str]:
    left = list(lines)
    for line in kept:
        left.remove(line)
    return left


def test_a_page_that_is_not_there_is_answered_with_like_ones_and_counters(pipeline_folder: Path):
    text = why_unknown(pipeline_folder / "out", url="http://example.org/cut.html#top")
    assert "no document of URL http://example.org/cut.html#top in scored, distinct, unlike, clean, math" in text
    assert "like it: https://www.example.org/cut.html" in text
    assert re.search(r"scored: read\.jsonl of 7 \S+ 1", text), text
    assert "below_min" not in text, "that one is a document, and was found by its address"
    assert explain(pipeline_folder / "out", url="http://example.org/cut.html") == []


def test_an_address_that_a_crawl_never_asked_for_is_answered_with_the_links_it_left_alone(tmp_path: Path):
    counters = StageCounters("crawl.focused", facts={"links_refused_repeated_segment": 2, "links_found": 9})
    (tmp_path / "web").mkdir()
    write_manifest(tmp_path / "web", Manifest("warc", [], "f" * 32, [], [], [counters]))
    result = read_result(tmp_path / "web")
    assert refused_links_text(result) == "web: repeated_segment 2"
    assert "left alone, by rule, not named one by one: web: repeated_segment 2" in why_unknown(result.folder, url="http://a.org/a/a/a")


def test_a_source_file_is_found_by_its_path_with_or_without_its_repository(tmp_path: Path):
    from support.stages import documents, make_result

    table = documents(["x", "y"], repository=["one", "two"], path=["a/b.py", "a/b.py"])
    folder = make_result(tmp_path / "r", [table]).folder
    assert [row["document"]["repository"] for row in explain(folder, code_path="a/b.py")] == ["one", "two"]
    assert [row["document"]["repository"] for row in explain(folder, code_path="two/a/b.py")] == ["two"]
    assert explain(folder, code_path="b.py") == []
    assert "like it: a/b.py" in why_unknown(folder, code_path="b.py")


def test_what_no_document_goes_through_is_refused(tmp_path: Path, foreign: Path):
    with pytest.raises(ConfigError, match="explain follows a document through"):
        explain(foreign, url="x")
